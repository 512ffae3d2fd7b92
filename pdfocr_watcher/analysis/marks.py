"""What a layout model says of rows of text: this one is a title, that one a caption. Hints, which rows may refute."""

from collections.abc import Sequence

from pdfocr_watcher.analysis.lines import Line
from pdfocr_watcher.analysis.regions import Detection, Kind, Region
from pdfocr_watcher.analysis.rows import Row

#: A row has the mark of a rectangle that covers this share of it; boxes of lines are higher than their letters.
COVERED = 0.45
#: Below this confidence a mark is none.
MIN_CONFIDENCE = 0.5
#: A line is in a title as a whole if this share of its width is.
WHOLE = 0.9
#: The kinds of rectangle that mark rows; tables, figures and equations are no rows.
_MARKING = frozenset({Kind.TEXT, Kind.TITLE, Kind.FIGURE_CAPTION, Kind.TABLE_CAPTION, Kind.REFERENCE})
#: Rows of which only one is in such a rectangle, or which are in two of them, are two paragraphs.
_CAPTIONS = frozenset({Kind.FIGURE_CAPTION, Kind.TABLE_CAPTION})
PARTING = frozenset({Kind.TITLE, *_CAPTIONS})

#: The mark of each row: the rectangle that it stands in, if any.
Marks = Sequence[Detection | None]


def marks_of(rows: Sequence[Row], detections: Sequence[Detection]) -> list[Detection | None]:
    """The mark of each row: of the rectangles that cover enough of it, the one that covers most."""
    marking = [one for one in detections if one.kind in _MARKING and one.confidence >= MIN_CONFIDENCE]
    return [_mark(row, marking) for row in rows]


def part(one: Detection | None, other: Detection | None) -> bool:
    """Whether the marks of two rows that follow each other say that they are not one paragraph."""
    if one is other:
        return False
    if other is None and one is not None and one.kind in _CAPTIONS:
        return False  # a model's box may end before the caption does
    return any(mark is not None and mark.kind in PARTING for mark in (one, other))


def join(one: Detection | None, other: Detection | None) -> bool:
    """Whether the marks of two rows that follow each other say that they are one paragraph, however they are set."""
    return one is other and one is not None and one.kind in PARTING


def _mark(row: Row, detections: Sequence[Detection]) -> Detection | None:
    box = Region(row.left, row.top, row.right, row.bottom)
    # The smaller one where several cover it all: a title inside of a box of text.
    covered = [(round(one.region.shared(box) / box.area, 1), -one.region.area, one) for one in detections if box.area]
    best = max(covered, key=lambda found: found[:2], default=None)
    return best[2] if best is not None and best[0] >= COVERED else None


def is_whole(line: Line, detections: Sequence[Detection]) -> bool:
    """Whether a line is a title or a caption from end to end, so that no gutter goes through it."""
    return any(
        one.kind in PARTING
        and one.confidence >= MIN_CONFIDENCE
        and one.region.top <= line.middle < one.region.bottom
        and min(line.right, one.region.right) - max(line.left, one.region.left) >= WHOLE * line.width
        for one in detections
    )
