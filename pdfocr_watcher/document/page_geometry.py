"""Where a place on an upright picture of a page lies in the PDF: matrices, as PDF writes them. Values only.

A page is shown cropped to its crop box and turned by its /Rotate; its picture is then turned upright and levelled
(`engines.uprighting`), and what is read on that is to be found again in the page's own user space.
"""

import math
from dataclasses import dataclass

#: How far the two scales of a picture may differ, as a share, and by how many pixels: renderers round sides up.
_UNEQUAL = 0.02
_ROUNDED = 2


@dataclass(frozen=True, slots=True)
class Matrix:
    """An affine map: (x, y) goes to (a x + c y + e, b x + d y + f) (ISO 32000-1, 8.3.3)."""

    a: float = 1.0
    b: float = 0.0
    c: float = 0.0
    d: float = 1.0
    e: float = 0.0
    f: float = 0.0

    def at(self, x: float, y: float) -> tuple[float, float]:
        """Where a point goes."""
        return self.a * x + self.c * y + self.e, self.b * x + self.d * y + self.f

    def then(self, other: "Matrix") -> "Matrix":
        """The map that does this one first."""
        e, f = other.at(self.e, self.f)
        return Matrix(
            other.a * self.a + other.c * self.b,
            other.b * self.a + other.d * self.b,
            other.a * self.c + other.c * self.d,
            other.b * self.c + other.d * self.d,
            e,
            f,
        )


@dataclass(frozen=True, slots=True)
class PageView:
    """What of a page is shown, and how.

    Attributes:
        box: left, bottom, right, top of its visible part, in user space.
        rotate: its /Rotate: 0, 90, 180 or 270 degrees clockwise.
    """

    box: tuple[float, float, float, float]
    rotate: int = 0


def upright_to_page(width: int, height: int, turn: int, skew: float, view: PageView) -> Matrix | None:
    """The map from pixels of an upright picture of a page, from its top left corner, to the page's user space.

    The scale is that of the sides, so the resolution need not be known, nor whether a renderer minds a /UserUnit.

    Args:
        width: of the picture.
        height: of the picture.
        turn: degrees clockwise by which it was turned to be upright.
        skew: degrees clockwise by which it was then levelled.
        view: the page.

    Returns:
        The map; None where the picture has not the page's shape, and so is another view of it.
    """
    left, bottom, right, top = view.box
    across, down = right - left, top - bottom
    if view.rotate % 180:
        across, down = down, across
    columns, rows = (height, width) if turn % 180 else (width, height)
    if min(across, down, columns, rows) <= 0:
        return None
    scale, other = across / columns, down / rows
    if abs(scale / other - 1) > _UNEQUAL + _ROUNDED / min(columns, rows):
        return None
    shown = Matrix(scale, 0, 0, other)
    return _levelled(width, height, skew).then(_turned_back(width, height, turn)).then(shown).then(_placed(view))


def _levelled(width: int, height: int, skew: float) -> Matrix:
    """From the level picture to the skewed one: back by `skew` degrees about its middle."""
    cos, sin = math.cos(math.radians(skew)), math.sin(math.radians(skew))
    x, y = width / 2, height / 2
    return Matrix(cos, -sin, sin, cos, x - cos * x - sin * y, y + sin * x - cos * y)


def _turned_back(width: int, height: int, turn: int) -> Matrix:
    """From the picture that was turned clockwise, of this size, to the one before."""
    return {
        0: Matrix(),
        90: Matrix(0, -1, 1, 0, 0, width),
        180: Matrix(-1, 0, 0, -1, width, height),
        270: Matrix(0, 1, -1, 0, height, 0),
    }[turn]


def _placed(view: PageView) -> Matrix:
    """From units of user space, to the right and down from the corner that is shown top left, to user space."""
    left, bottom, right, top = view.box
    return {
        0: Matrix(1, 0, 0, -1, left, top),
        90: Matrix(0, 1, 1, 0, left, bottom),
        180: Matrix(-1, 0, 0, 1, right, bottom),
        270: Matrix(0, -1, -1, 0, right, top),
    }[view.rotate]
