"""Rectangles of a page, and what a layout model says is in them. Values only."""

from dataclasses import dataclass
from enum import StrEnum


@dataclass(frozen=True, slots=True)
class Region:
    """An upright rectangle of a page: left, top, right, bottom in pixels of its raster."""

    left: float
    top: float
    right: float
    bottom: float

    @property
    def width(self) -> float:
        """In pixels."""
        return self.right - self.left

    @property
    def height(self) -> float:
        """In pixels."""
        return self.bottom - self.top

    @property
    def middle(self) -> float:
        """Vertical centre in pixels."""
        return (self.top + self.bottom) / 2

    @property
    def area(self) -> float:
        """In square pixels."""
        return self.width * self.height

    def shared(self, other: "Region") -> float:
        """The area that two rectangles have in common, in square pixels."""
        across = min(self.right, other.right) - max(self.left, other.left)
        down = min(self.bottom, other.bottom) - max(self.top, other.top)
        return max(0.0, across) * max(0.0, down)

    def joined(self, other: "Region") -> "Region":
        """The rectangle around both."""
        return Region(
            min(self.left, other.left),
            min(self.top, other.top),
            max(self.right, other.right),
            max(self.bottom, other.bottom),
        )

    def holds(self, other: "Region") -> bool:
        """Whether the middle of another one is inside."""
        centre = (other.left + other.right) / 2
        return self.left <= centre < self.right and self.top <= other.middle < self.bottom


class Kind(StrEnum):
    """What a layout model takes a rectangle for; the words are those of the CDLA data set."""

    TEXT = "text"
    TITLE = "title"
    FIGURE = "figure"
    FIGURE_CAPTION = "figure_caption"
    TABLE = "table"
    TABLE_CAPTION = "table_caption"
    HEADER = "header"
    FOOTER = "footer"
    REFERENCE = "reference"
    EQUATION = "equation"


@dataclass(frozen=True, slots=True)
class Detection:
    """A rectangle that a layout model has found.

    Attributes:
        kind: what it is taken for.
        confidence: 0..1, as the model judges it.
        region: where it is.
    """

    kind: Kind
    confidence: float
    region: Region
