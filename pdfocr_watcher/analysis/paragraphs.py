"""Where a paragraph ends: the rows of one column become groups of rows that belong together."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median

from pdfocr_watcher.analysis.lists import marker_of, names_entry
from pdfocr_watcher.analysis.marks import Marks, join, part
from pdfocr_watcher.analysis.rows import Row

#: A paragraph ends where the next row is further away than this many times the usual pitch ...
PITCH = 1.3
#: ... and than this many times its height; where a column is too short to have a usual pitch, ...
MIN_PITCH = 1.25
#: ... than this many.
LOOSE_PITCH = 1.8
#: Rows whose heights differ by more than this factor are of different sizes.
SIZE = 1.35
#: An indented row begins a paragraph, a row to the left of an indented one the next entry: in row heights.
INDENT = 0.5
#: A row was ended on purpose where the next one's first word, this much widened, would have found room in it ...
ROOM = 1.5
#: ... in a column of text, which is this many row heights wide. Narrower ones have ragged edges.
MIN_COLUMN = 12
#: A row is full where less than this share of the column is free behind it.
FREE = 0.2


@dataclass(frozen=True, slots=True)
class Column:
    """What is usual in a column of rows.

    Attributes:
        left, right: where its rows usually begin and the longest end, in pixels.
        pitch: the usual distance from row to row, in pixels; None in a column of less than three rows.
    """

    left: float
    right: float
    pitch: float | None

    @classmethod
    def of(cls, rows: Sequence[Row]) -> "Column":
        """Measure a column; `rows` is not empty and runs from top to bottom."""
        pitches = sorted(b.middle - a.middle for a, b in pairwise(rows) if b.middle > a.middle)
        # The smaller half: white space between paragraphs must not count for the usual pitch.
        usual = median(pitches[: len(pitches) // 2 + 1]) if len(pitches) > 1 else None
        lefts = sorted(row.left for row in rows)
        return cls(left=lefts[len(lefts) // 4], right=max(row.right for row in rows), pitch=usual)


def paragraphs_from_rows(rows: Sequence[Row], marks: Marks = ()) -> list[list[Row]]:
    """Group the rows of one column, from top to bottom; every row is in exactly one group, in its order.

    Args:
        rows: of one column.
        marks: what a layout model says of each of them; none where there is no model.
    """
    if not rows:
        return []
    column = Column.of(rows)
    groups = [[rows[0]]]
    for index, row in enumerate(rows[1:], start=1):
        before, own = (marks[index - 1], marks[index]) if marks else (None, None)
        if part(before, own) or _begins(row, groups[-1], column, joined=join(before, own)):
            groups.append([row])
        else:
            groups[-1].append(row)
    return groups


def _begins(row: Row, group: Sequence[Row], column: Column, *, joined: bool) -> bool:
    """Whether `row` does not belong to the paragraph that `group` is so far; `joined` if a model says that it does."""
    last = group[-1]
    distance = row.middle - last.middle
    height = min(row.height, last.height)
    limit = max(PITCH * column.pitch, MIN_PITCH * height) if column.pitch else LOOSE_PITCH * height
    if distance > limit or max(row.height, last.height) > SIZE * height:
        return True
    if joined:
        return False
    if row.tabular != last.tabular or marker_of(row.text) or (names_entry(row.text) and names_entry(group[0].text)):
        return True
    if row.tabular:
        return False
    return _indented(row, group, column) or _after_a_short_row(row, last, column)


def _indented(row: Row, group: Sequence[Row], column: Column) -> bool:
    """Whether the left edges say that a paragraph or an entry begins."""
    last = group[-1]
    step = row.left - last.left
    indent = INDENT * row.height
    if step > indent:
        # The second row of an entry whose other rows are indented goes on with it; it is not the first of its own.
        return len(group) > 1 or not _hangs(last, column)
    return -step > indent and len(group) > 1 and abs(row.left - group[0].left) <= indent


def _hangs(first: Row, column: Column) -> bool:
    """Whether an indented row below `first` is the second of an entry: `first` is named, or goes on to its end."""
    return names_entry(first.text) or (_fills(first, column) and not first.text.endswith((".", "!", "?", ":")))


def _fills(row: Row, column: Column) -> bool:
    return column.right - row.right <= FREE * (column.right - column.left)


def _after_a_short_row(row: Row, last: Row, column: Column) -> bool:
    """Whether the last row was ended before the right edge: the next one's first word had room there."""
    wide = column.right - column.left >= MIN_COLUMN * row.height
    step = row.left - last.left
    level = abs(step) <= INDENT * row.height
    # A full row to the left of a short one goes on with nothing: above it ends a list, or stands a line in the middle.
    below = level or (step < 0 and _fills(row, column))
    text = row.text
    begins = not text[0].islower()
    word = len(text.split(maxsplit=1)[0]) * (row.right - row.left) / len(text)
    return wide and below and begins and column.right - last.right > ROOM * word + row.height
