"""Where tables may stand on a page: what a layout model takes for one, and lines that stand in rows and columns.

Whether there is one, and what it says, is told by `tables`.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from pdfocr_watcher.analysis.lines import Line
from pdfocr_watcher.analysis.prose import reads_as_caption, reads_as_prose
from pdfocr_watcher.analysis.reading_order import is_turned, regions_in_order
from pdfocr_watcher.analysis.regions import Detection, Kind, Region
from pdfocr_watcher.analysis.rows import Row, rows_from_lines

#: A model must be so sure of a table.
MIN_CONFIDENCE = 0.5
#: What it takes for a figure is looked at as a table where so many rows have cells, and this share of the rows.
MIN_TABULAR = 4
TABULAR = 0.7
#: Of two claims that share this part of the smaller one the surer one counts.
SAME = 0.5
#: A row across a table that reads as prose and is as wide as this share of it is a note or the text around it.
WIDE = 0.5
#: A row of so many lines has cells, however near they are.
MIN_CELLS = 3
#: At most so many rows above a table are headings over some of its columns, no further from it than this share of
#: their height.
MAX_HEADS = 2
NEAR = 0.8
#: Rows with cells, without a model, are a claim from this number on; so many rows without may stand between them.
MIN_ROWS = 3
BETWEEN = 1


@dataclass(frozen=True, slots=True)
class TableClaim:
    """A part of a page that may be a table.

    Attributes:
        region: around its lines, in pixels of the page's raster.
        lines: those that would be in it; at least one.
        sure: whether a model takes it for a table; else there are only rows with cells.
    """

    region: Region
    lines: tuple[Line, ...]
    sure: bool


def table_claims(detections: Sequence[Detection], lines: Sequence[Line]) -> list[TableClaim]:
    """Where a model sees tables, the surest first; none shares much with another."""
    claims: list[TableClaim] = []
    for detection in sorted(detections, key=lambda one: (one.kind is not Kind.TABLE, -one.confidence)):
        if detection.kind not in {Kind.TABLE, Kind.FIGURE} or detection.confidence < MIN_CONFIDENCE:
            continue
        inside = [line for line in lines if detection.region.holds(line) and not is_turned(line)]
        if detection.kind is Kind.FIGURE and not _is_tabular(inside):
            continue
        sure = detection.kind is Kind.TABLE
        claim = _claim(inside, detection.region if sure else None, sure=sure)
        if claim is not None and not any(_same(claim.region, other.region) for other in claims):
            claims.append(claim)
    return claims


def tabular_claims(lines: Sequence[Line]) -> list[TableClaim]:
    """Where rows with cells follow each other, column by column of the page.

    Args:
        lines: those that are in no table yet and in no figure.
    """
    claims: list[TableClaim] = []
    for column in regions_in_order(lines):
        for run in _runs(rows_from_lines(column)):
            claim = _claim([line for row in run for line in row.lines], None, sure=False)
            if claim is not None:
                claims.append(claim)
    return claims


def _same(one: Region, other: Region) -> bool:
    return one.shared(other) > SAME * min(one.area, other.area)


def _is_tabular(lines: Sequence[Line]) -> bool:
    """Whether most rows have cells."""
    rows = [row for row in rows_from_lines(lines) if len(row.lines) > 1 or not reads_as_prose(row.text)]
    count = sum(_has_cells(row) for row in rows)
    return count >= MIN_TABULAR and count >= TABULAR * len(rows)


def _claim(lines: Sequence[Line], box: Region | None, *, sure: bool) -> TableClaim | None:
    """A claim of the lines that are left when captions and notes are taken away; None where none are."""
    rows = rows_from_lines(lines)
    first, end = 0, len(rows)
    while first < end and _is_above(rows[first]):
        first += 1
    width = max((row.right for row in rows), default=0.0) - min((row.left for row in rows), default=0.0)
    while end > first and _is_note(rows[end - 1], width):
        end -= 1
    kept = [line for row in rows[first:end] for line in row.lines]
    if not kept:
        return None
    region = Region(kept[0].left, kept[0].top, kept[0].right, kept[0].bottom)
    for line in kept:
        region = region.joined(line)
    if box is not None:
        # What was taken away stays outside; to the sides the model may know of empty cells.
        top = region.top if first else min(region.top, box.top)
        bottom = region.bottom if end < len(rows) else max(region.bottom, box.bottom)
        region = Region(min(region.left, box.left), top, max(region.right, box.right), bottom)
    return TableClaim(region, tuple(kept), sure)


def _is_above(row: Row) -> bool:
    """Whether a row at the head of a table is a caption, or goes on with one."""
    return len(row.lines) == 1 and (reads_as_caption(row.text) or reads_as_prose(row.text))


def _is_note(row: Row, width: float) -> bool:
    """Whether a row at the end of a table is a note below it."""
    return len(row.lines) == 1 and row.right - row.left >= WIDE * width and reads_as_prose(row.text)


def _runs(rows: Sequence[Row]) -> Iterator[list[Row]]:
    """Rows with cells that follow each other, with the few between them that have none."""
    run: list[Row] = []
    gap: list[Row] = []
    for row in (*rows, None):
        if row is not None and _has_cells(row):
            run += [*gap, row] if run else [*_heads(gap, row), row]
            gap = []
        elif row is not None and (not run or len(gap) < BETWEEN):
            gap = [*gap[-MAX_HEADS:], row]
        else:
            if sum(_has_cells(one) for one in run) >= MIN_ROWS:
                yield run
            run, gap = [], [] if row is None else [row]


def _heads(rows: Sequence[Row], first: Row) -> list[Row]:
    """The rows right above the first one with cells that are headings over some of its columns."""
    heads: list[Row] = []
    below = first
    for row in reversed(rows):
        near = below.top - row.bottom <= NEAR * row.height
        over = first.left < row.left and row.right <= first.right + row.height
        if not near or not over or reads_as_prose(row.text) or reads_as_caption(row.text):
            break
        heads.insert(0, row)
        below = row
    return heads


def _has_cells(row: Row) -> bool:
    """Whether a row has cells rather than words."""
    return row.tabular or len(row.lines) >= MIN_CELLS
