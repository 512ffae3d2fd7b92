"""Whether a page has nothing on it to read, so that an empty answer is the right one.

Dirt is not writing: specks, punch holes, the black rim that a scanner leaves, the shadow of a book's fold.
"""

from itertools import pairwise
from typing import TYPE_CHECKING, Any

from PIL import Image

if TYPE_CHECKING:  # who only prepares pictures must not load NumPy and OpenCV
    import numpy as np
    from numpy.typing import NDArray

#: The page is looked at with about so many pixels along its longer side: A4 at 100 dpi.
_SIDE = 1170
#: Pixels darker than the paper around them by so many levels of 255 are ink, or by so many times the paper's noise.
_CONTRAST = 20
_NOISE_FACTOR = 6
#: Levels; what is more is print that fills the page.
_MAX_NOISE = 8
#: Ink this many times darker than the paper is ink even where the paper around it is dark too.
_BLACK = 0.4
#: The paper's brightness is looked up on a copy smaller by so much, in a window of so many of its pixels: 2 cm.
_PAPER_STEP = 8
_PAPER_WINDOW = 9
#: Ink smaller than this, in pixels of A4 at 100 dpi, is a speck: 1.5 mm.
_SPECK = 6
#: What stands this near to an edge is dirt unless it is a row of writing: a share of the page's side.
_EDGE = 0.08
#: More marks than this inside of the page are writing.
_FEW = 2
#: So many marks beside one another are writing wherever they stand.
_ROW = 4
#: Marks that cover more than this share of the page are a picture.
_PICTURE = 0.005
#: A dark rim that covers more than this share is none.
_RIM = 0.25


def blank(image: Image.Image) -> bool:
    """Whether a page has nothing on it but dirt.

    A single faint line of writing is enough for a page not to be blank; a lone mark in the margin is not.

    Args:
        image: the page's raster, any mode and size; it is not changed.
    """
    import cv2  # noqa: PLC0415 - see above
    import numpy as np  # noqa: PLC0415 - see above

    gray = image if image.mode == "L" else image.convert("L")
    gray = gray.reduce(max(1, round(max(gray.size) / _SIDE)))
    page = np.array(gray)
    if min(page.shape) < 2 * _SPECK:
        return bool(page.max() - page.min() <= _CONTRAST)
    if np.median(page) < _BLACK * 255:
        page = 255 - page  # white on black: the ground is the paper
    _, _, boxes, _ = cv2.connectedComponentsWithStats(_ink(page), connectivity=8)
    return not _writing(boxes[1:], *page.shape)


def _ink(page: "NDArray[np.uint8]") -> "NDArray[np.uint8]":
    """1 where a page is darker than its paper."""
    import cv2  # noqa: PLC0415 - see above
    import numpy as np  # noqa: PLC0415 - see above

    height, width = page.shape
    small = cv2.resize(
        page, (max(1, width // _PAPER_STEP), max(1, height // _PAPER_STEP)), interpolation=cv2.INTER_AREA
    )
    window = min(_PAPER_WINDOW, max(1, min(small.shape) // 2 * 2 - 1))
    closed = cv2.morphologyEx(small, cv2.MORPH_CLOSE, np.ones((window, window), np.uint8))
    paper = cv2.resize(cv2.medianBlur(closed, window), (width, height), interpolation=cv2.INTER_LINEAR)
    darker = cv2.subtract(paper, page)
    noise = min(_MAX_NOISE, 1.48 * float(np.median(cv2.absdiff(paper, page))))
    black = page < _BLACK * np.median(page)
    return ((darker > max(_CONTRAST, _NOISE_FACTOR * noise)) | black).astype(np.uint8)


def _writing(boxes: Any, height: int, width: int) -> bool:
    """Whether pieces of ink (left, top, width, height, area, in pixels) are writing or pictures, not dirt."""
    marks, rim = [], 0
    speck = _SPECK * max(1.0, max(height, width) / _SIDE)
    for x, y, wide, high, area in boxes.tolist():
        if x == 0 or y == 0 or x + wide == width or y + high == height:
            rim += area
        elif max(wide, high) >= speck:
            marks.append((x, y, wide, high))
    if rim > _RIM * width * height or sum(wide * high for _, _, wide, high in marks) > _PICTURE * width * height:
        return True
    inside = [
        mark
        for mark in marks
        if _EDGE * width < mark[0] + mark[2] / 2 < (1 - _EDGE) * width
        and _EDGE * height < mark[1] + mark[3] / 2 < (1 - _EDGE) * height
    ]
    return len(inside) > _FEW or _in_a_row(marks)


def _in_a_row(marks: list[tuple[int, int, int, int]]) -> bool:
    """Whether some of the marks stand beside one another like letters: at one height, with small gaps."""
    for _, top, _, high in marks:
        row = sorted(mark for mark in marks if top <= mark[1] + mark[3] / 2 <= top + high and mark[3] <= 2 * high)
        length = 1
        for before, after in pairwise(row):
            near = after[0] - (before[0] + before[2]) <= 3 * high
            length = length + 1 if near else 1
            if length >= _ROW:
                return True
    return False
