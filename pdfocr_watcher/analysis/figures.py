"""Where figures stand on a page, told by rules alone: large ink that is neither text nor a table nor the scanner's.

Geometry on a coarse mask of the page's ink. The mask is made by the engine's base, which has the pixels; how a figure
comes into the reading order stands in `blocks`. This module loads OpenCV, so an engine without lines must not load it.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import TypeVar

import cv2
import numpy as np
from numpy.typing import NDArray

from pdfocr_watcher.analysis.lines import Line
from pdfocr_watcher.analysis.regions import Region

#: A page's ink, rows by columns, uint8: 1 where something in the cell differs from the paper, 0 elsewhere.
InkMask = NDArray[np.uint8]
_Number = TypeVar("_Number", np.uint8, np.int32)

#: Both sides of a figure are at least this share of the page's shorter side (19 mm of A4) ...
MIN_SIDE = 0.09
#: ... and its box at least this share of the page; ...
MIN_AREA = 0.015
#: ... no side is longer than so many times the other: what is longer is a banner, a rule or a flourish.
MAX_ASPECT = 4.5
#: A box that fills so much of the page both ways is the page itself: a frame, a coloured or scanned background.
WHOLE_PAGE = 0.88
#: A line's box is grown by this share of its height before its ink is taken for text.
GROWN = 0.3
#: White space, as a share of the page's shorter side, that does not part the pieces of one figure.
GAP = 0.012
#: A figure has a piece of ink this large, as a share of the page's shorter side, both ways; letters are smaller ...
MIN_PIECE = 0.04
#: ... and such pieces reach over this share of its width and of its height.
MIN_REACH = 0.4
#: More of the box than this under lines of text, and it is text with a picture's frame.
MAX_TEXT = 0.3
#: A line as wide as this share of the box is one of running text; ...
WIDE_LINE = 0.6
#: ... so many of them are a paragraph.
MIN_WIDE_LINES = 3
#: Straight ink is a ruled line from this share of the page's shorter side on.
MIN_RULE = 0.03
#: A ruled line is at most so many cells thick.
RULE_CELLS = 2
#: What is left of a figure without its ruled lines is at least this share of its ink (forms: 0.2, charts: 0.55) ...
MIN_UNRULED = 0.3
#: ... in pieces which are this large as a share of the page's shorter side: cells leave crumbs, and unread letters ...
MIN_STROKE = 0.025
#: ... and which extend over this share of its width and of its height.
MIN_SPREAD = 0.4
#: A frame is the figure's own where the figure fills this share of it.
MIN_FRAMED = 0.35
#: Rows and columns of cells with more ink than this, from the page's edge on, are the scanner's margin ...
MARGIN_INK = 0.5
#: ... unless they reach further than this share of the page: then they are a picture.
MAX_MARGIN = 0.12
#: Ink within this share of the page's shorter side of an edge touches it ...
EDGE = 0.012
#: ... and is a picture where it fills its box so much; the rest are shadows and the edges of other sheets.
MIN_EDGE_FILL = 0.5


@dataclass(frozen=True, slots=True)
class _Cells:
    """A rectangle of the mask, in cells; right and bottom are exclusive."""

    left: int
    top: int
    right: int
    bottom: int

    @property
    def width(self) -> int:
        return self.right - self.left

    @property
    def height(self) -> int:
        return self.bottom - self.top

    @classmethod
    def of(cls, stats: NDArray[np.int32]) -> "_Cells":
        """The rectangle of a component, as OpenCV gives it."""
        left, top, width, height = (int(value) for value in stats[:4])
        return cls(left, top, left + width, top + height)

    def cut(self, mask: NDArray[_Number]) -> NDArray[_Number]:
        """The part of a mask, or of OpenCV's numbering of its pieces, inside."""
        return mask[self.top : self.bottom, self.left : self.right]

    def joined(self, other: "_Cells") -> "_Cells":
        """The rectangle around both."""
        return _Cells(
            min(self.left, other.left),
            min(self.top, other.top),
            max(self.right, other.right),
            max(self.bottom, other.bottom),
        )

    def overlaps(self, other: "_Cells") -> bool:
        """Whether a cell is in both."""
        return (
            min(self.right, other.right) > max(self.left, other.left)
            and min(self.bottom, other.bottom) > max(self.top, other.top)
        )  # fmt: skip


def find_figures(mask: InkMask, lines: Sequence[Line], width: int, height: int) -> list[Region]:
    """Find the figures of a page.

    Args:
        mask: the page's ink on a coarse grid of square cells that covers the page; it is not changed.
        lines: the page's lines of text, in any order.
        width: of the raster, in pixels.
        height: of the raster, in pixels.

    Returns:
        The figures from top to bottom, none overlapping another. Only what is sure: tables, ruled lines, frames,
        backgrounds of the whole page and the margins of a scan are none, nor is text that could not be read.
    """
    scale_x, scale_y = width / mask.shape[1], height / mask.shape[0]
    ink = _without_text(mask, lines, scale_x, scale_y)
    sheet = _clear_margins(ink, mask)
    found: list[_Cells] = []
    frames: list[_Cells] = []
    for cells, reach, piece in _pieces(ink):
        if _whole_page(cells, mask.shape) or not _large(cells, mask.shape):
            continue
        if not is_solid(piece, min(mask.shape)):
            frames.append(cells)
        elif reach and not _marginal(cells, piece, sheet, min(mask.shape)):
            found.append(cells)

    def region(cells: _Cells) -> Region:
        right, bottom = min(width, cells.right * scale_x), min(height, cells.bottom * scale_y)
        return Region(cells.left * scale_x, cells.top * scale_y, right, bottom)

    own = [frame for frame in frames if not _textual(region(frame), lines)]
    drawn = [_framed(cells, own) for cells in found if not _textual(region(cells), lines)]
    figures = [region(cells) for cells in _merged(drawn) if not _whole_page(cells, mask.shape)]
    figures = [figure for figure in figures if not _textual(figure, lines)]
    return sorted(figures, key=lambda figure: (figure.top, figure.left))


def _without_text(mask: InkMask, lines: Iterable[Line], scale_x: float, scale_y: float) -> InkMask:
    """The ink that no line of text covers."""
    ink = mask.copy()
    for line in lines:
        grown = GROWN * min(line.height, line.width)
        left, right = int((line.left - grown) / scale_x), int((line.right + grown) / scale_x) + 1
        top, bottom = int((line.top - grown) / scale_y), int((line.bottom + grown) / scale_y) + 1
        ink[max(0, top) : bottom, max(0, left) : right] = 0
    return ink


def _clear_margins(ink: InkMask, mask: InkMask) -> _Cells:
    """Take the dark edges of a scan, which `mask` tells, out of `ink`; returns the sheet between them."""
    kept: list[int] = []
    for axis, rows in ((0, ink.T), (1, ink)):
        dark = mask.mean(axis=axis) > MARGIN_INK
        for along, edge_first in ((dark, rows), (dark[::-1], rows[::-1])):
            depth = int(along.argmin())
            depth = depth if depth <= MAX_MARGIN * along.size else 0
            edge_first[:depth] = 0
            kept.append(depth)
    left, right, top, bottom = kept
    return _Cells(left, top, ink.shape[1] - right, ink.shape[0] - bottom)


def _pieces(ink: InkMask) -> Iterator[tuple[_Cells, bool, InkMask]]:
    """What stands close together and has a large piece: its rectangle, whether those reach over it, its own ink."""
    side = min(ink.shape)
    # An even kernel has no middle, and the closed ink would be shifted against the open.
    gap = 2 * round(GAP * side / 2) + 1
    # White around it: closing takes what is beyond the edge for ink.
    closed = _filtered(cv2.MORPH_CLOSE, np.pad(ink, gap), gap, gap)
    groups, around = _numbered(closed)
    groups = groups[gap:-gap, gap:-gap]
    single, stats = _numbered(ink)
    large: dict[int, _Cells] = {}
    for number in range(1, len(stats)):
        cells = _Cells.of(stats[number])
        if min(cells.width, cells.height) >= MIN_PIECE * side:
            inside = cells.cut(groups)[cells.cut(single) == number]
            group = int(inside[0])
            large[group] = large[group].joined(cells) if group in large else cells
    for group, reached in large.items():
        padded = _Cells.of(around[group])
        cells = _Cells(padded.left - gap, padded.top - gap, padded.right - gap, padded.bottom - gap)
        reach = reached.width >= MIN_REACH * cells.width and reached.height >= MIN_REACH * cells.height
        yield cells, reach, cells.cut(ink) * (cells.cut(groups) == group).astype(np.uint8)


def _filtered(operation: int, mask: InkMask, across: int, down: int) -> InkMask:
    """OpenCV's morphology with a rectangle of so many cells."""
    return np.asarray(cv2.morphologyEx(mask, operation, np.ones((down, across), dtype=np.uint8)), dtype=np.uint8)


def _numbered(mask: InkMask) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """The number of the piece that each cell belongs to, 0 for none, and the pieces' statistics in that order."""
    _, numbers, stats, _ = cv2.connectedComponentsWithStats(mask, connectivity=8)
    return np.asarray(numbers, dtype=np.int32), np.asarray(stats, dtype=np.int32)


def _large(cells: _Cells, shape: tuple[int, ...]) -> bool:
    """Whether a rectangle is large enough for a figure and has the shape of one."""
    least, most = sorted((cells.width, cells.height))
    return (
        least >= MIN_SIDE * min(shape)
        and cells.width * cells.height >= MIN_AREA * shape[0] * shape[1]
        and most <= MAX_ASPECT * least
    )


def is_solid(piece: InkMask, side: int) -> bool:
    """Whether there is more than ruled lines: frames, tables and forms have nothing else.

    Args:
        piece: a part of the mask of a page's ink, without that of its text.
        side: the shorter side of the whole mask, in cells.
    """
    length = max(RULE_CELLS + 1, round(MIN_RULE * side))
    thick = _filtered(cv2.MORPH_OPEN, piece, RULE_CELLS + 1, RULE_CELLS + 1)
    thin = piece * (1 - thick)
    rules = _filtered(cv2.MORPH_OPEN, thin, length, 1) | _filtered(cv2.MORPH_OPEN, thin, 1, length)
    rest = piece * (1 - _filtered(cv2.MORPH_DILATE, rules, 3, 3))
    if np.count_nonzero(rest) < MIN_UNRULED * np.count_nonzero(piece):
        return False
    _, stats = _numbered(rest)
    drawn = [
        cells
        for cells in map(_Cells.of, stats[1:])
        if min(cells.width, cells.height) >= MIN_STROKE * side and max(cells.width, cells.height) >= MIN_PIECE * side
    ]
    if not drawn:
        return False
    around = reduce(_Cells.joined, drawn)
    rows, columns = piece.shape
    return bool(around.height >= MIN_SPREAD * rows and around.width >= MIN_SPREAD * columns)


def _marginal(cells: _Cells, piece: InkMask, sheet: _Cells, side: int) -> bool:
    """Whether ink at the sheet's edge is a shadow or a fold rather than a picture that reaches to the edge."""
    nearest = min(
        cells.left - sheet.left, cells.top - sheet.top, sheet.right - cells.right, sheet.bottom - cells.bottom
    )
    return nearest <= EDGE * side and float(piece.mean()) < MIN_EDGE_FILL


def _whole_page(cells: _Cells, shape: tuple[int, ...]) -> bool:
    """Whether a rectangle is as large as the page."""
    return cells.width >= WHOLE_PAGE * shape[1] and cells.height >= WHOLE_PAGE * shape[0]


def _merged(found: Sequence[_Cells]) -> list[_Cells]:
    """The rectangles, those that overlap put together until none do."""
    merged: list[_Cells] = []
    for cells in found:
        grown = cells
        while others := [other for other in merged if other.overlaps(grown)]:
            merged = [other for other in merged if other not in others]
            for other in others:
                grown = grown.joined(other)
        merged.append(grown)
    return merged


def _framed(cells: _Cells, frames: Sequence[_Cells]) -> _Cells:
    """The figure with the frame around it, where it has one of its own."""
    for frame in frames:
        if frame.joined(cells) == frame and cells.width * cells.height >= MIN_FRAMED * frame.width * frame.height:
            return frame
    return cells


def _textual(region: Region, lines: Sequence[Line]) -> bool:
    """Whether a rectangle holds running text, or text more than anything else."""
    inside = [line for line in lines if 2 * region.shared(line) > line.width * line.height]
    covered = sum(region.shared(line) for line in inside)
    wide = sum(line.width > WIDE_LINE * (region.right - region.left) for line in inside)
    return covered > MAX_TEXT * region.area or wide >= MIN_WIDE_LINES
