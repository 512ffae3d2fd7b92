"""The structure of a table, told by the white space between its lines, and by those of its ruled lines that there are.

For tables of which no model has told the structure. Spans are not told here: a line that reaches over several columns
shows them when the cells are filled.
"""

from collections.abc import Iterator, Sequence
from itertools import pairwise
from statistics import median

from pdfocr_watcher.analysis.lines import Line
from pdfocr_watcher.analysis.regions import Region
from pdfocr_watcher.analysis.rows import Row, rows_from_lines
from pdfocr_watcher.analysis.ruling import Rules, positions
from pdfocr_watcher.analysis.table_cuts import Coverage, Stretch
from pdfocr_watcher.analysis.table_structure import Cell, TableStructure

#: Between two columns there is a gap this wide, in text heights, ...
MIN_GAP = 0.4
#: ... into which lines of this share of the rows may reach: headings over several columns.
MAX_THROUGH = 0.15
#: A line's box is wider than its letters by so many text heights on either side.
EDGE = 0.15
#: More lines may reach into a gap, up to this share of the rows, where as many rows witness it, at least so many: they
#: have a cell that ends so near before it, in text heights, and one that begins so near after it; boxes may reach over.
MAX_WITNESSED = 0.45
MIN_WITNESSES = 3
NEAR_CUT = 4.0
OVER_CUT = 0.3
#: Words that are closer together than this, in text heights, are one stretch.
WORD_GAP = 0.9
_CURRENCIES = frozenset({"$", "US$", "€", "£", "¥", "Fr.", "S"})
_PERCENT = frozenset({"%"})
#: A table has at least so many rows and columns.
MIN_ROWS = 2
MIN_COLUMNS = 2
#: Ruled lines across part the rows where they part this share of them.
RULED_ROWS = 0.6
#: A ruled line across the table is at least this share of its width.
RULE_WIDTH = 0.5
#: A row is the rest of the one above where it is nearer than this share of the usual distance ...
NEAR = 0.8
#: ... and has this share of its cells at most.
FEW = 0.67


def whitespace_structure(lines: Sequence[Line], rules: Rules, region: Region, em: float) -> TableStructure | None:
    """The grid of a table.

    Args:
        lines: those of the table, at least one.
        rules: its ruled lines.
        region: the table.
        em: the height of its text in pixels.

    Returns:
        The structure, without spans; None where there is but one column or row.
    """
    rows = rows_from_lines(lines)
    columns = _column_cuts(rows, rules, region, em)
    if len(columns) + 1 < MIN_COLUMNS:
        return None
    downs = _row_cuts(rows, columns, rules, region, em)
    if len(downs) + 1 < MIN_ROWS:
        return None
    return grid((region.top, *downs, region.bottom), (region.left, *columns, region.right))


def grid(downs: Sequence[float], acrosses: Sequence[float]) -> TableStructure:
    """A structure without spans from the edges of its rows and columns."""
    cells = [
        Cell(row, column, 1, 1, Region(left, top, right, bottom))
        for row, (top, bottom) in enumerate(pairwise(downs))
        for column, (left, right) in enumerate(pairwise(acrosses))
    ]
    return TableStructure(tuple(cells), 1.0)


def stretches_across(line: Line, em: float) -> Iterator[Stretch]:
    """What a line covers from left to right: its words, those near each other together."""
    edge = EDGE * em if line.width > 4 * EDGE * em else 0.0
    if not line.words:
        yield Stretch(line.left + edge, line.right - edge)
        return
    start, end = line.words[0].left + edge, line.words[0].right
    for word in line.words[1:]:
        if word.left - end > WORD_GAP * em:
            yield Stretch(start, end)
            start = word.left
        end = max(end, word.right)
    yield Stretch(start, max(start, end - edge))


def _column_cuts(rows: Sequence[Row], rules: Rules, region: Region, em: float) -> list[float]:
    """Where the columns are parted, in ascending order."""
    several = [row for row in rows if len(row.lines) > 1] or list(rows)
    stretches = [stretch for row in several for line in row.lines for stretch in stretches_across(line, em)]
    coverage = Coverage(stretches, em)
    cuts = [gap.middle for gap in coverage.gaps(MAX_THROUGH * len(several)) if gap.high - gap.low >= MIN_GAP * em]
    for gap in coverage.gaps(MAX_WITNESSED * len(several)):
        # Headings over several columns may be many, if as many rows have a cell on either side.
        white = coverage.emptiest(gap)
        enough = max(MIN_WITNESSES, coverage.at(white.middle))
        new = white.high - white.low >= MIN_GAP * em and all(abs(white.middle - cut) > em for cut in cuts)
        if new and _witnesses(several, white.middle, em) >= enough:
            cuts.append(white.middle)
    long = [rule for rule in rules.vertical if rule.end - rule.start >= RULE_WIDTH * region.height]
    for at in positions(long, em):
        if region.left + em < at < region.right - em:
            # No line stands between a ruled line and the middle of the gap in which it runs.
            cuts = [cut for cut in cuts if any(min(at, cut) < place.middle < max(at, cut) for place in stretches)]
            cuts.append(at)
    return _with_currencies(sorted(cuts), rows)


def _witnesses(rows: Sequence[Row], at: float, em: float) -> int:
    """The rows in which a line ends close before a place and another one begins close after it."""
    reach, slack = NEAR_CUT * em, OVER_CUT * em
    return sum(
        any(at - reach < line.right <= at + slack for line in row.lines)
        and any(at - slack <= line.left < at + reach for line in row.lines)
        for row in rows
    )


def _with_currencies(cuts: Sequence[float], rows: Sequence[Row]) -> list[float]:
    """The cuts but for those that would part the marks of a currency, or a percentage, from its numbers."""
    lines = [line for row in rows for line in row.lines]
    kept: list[float] = []
    for index, cut in enumerate(cuts):
        before = kept[-1] if kept else float("-inf")
        after = cuts[index + 1] if index + 1 < len(cuts) else float("inf")
        left = {line.text for line in lines if before < (line.left + line.right) / 2 < cut}
        right = {line.text for line in lines if cut < (line.left + line.right) / 2 < after}
        if not (left and left <= _CURRENCIES) and not (right and right <= _PERCENT):
            kept.append(cut)
    return kept


def _row_cuts(rows: Sequence[Row], columns: Sequence[float], rules: Rules, region: Region, em: float) -> list[float]:
    """Where the rows are parted, in ascending order."""
    wide = [rule for rule in rules.horizontal if rule.end - rule.start >= RULE_WIDTH * region.width]
    lines = [at for at in positions(wide, em) if rows[0].middle < at < rows[-1].middle]
    parted = [next((at for at in lines if above.middle < at < below.middle), None) for above, below in pairwise(rows)]
    if sum(at is not None for at in parted) >= RULED_ROWS * len(parted):
        return lines
    distances = [below.middle - above.middle for above, below in pairwise(rows)]
    usual = median(distances) if distances else 0.0
    cuts: list[float] = []
    for above, below, rule, distance in zip(rows, rows[1:], parted, distances, strict=False):
        if rule is not None:
            cuts.append(rule)
        elif not (distance < NEAR * usual and _continues(above, below, columns)):
            cuts.append((above.middle + below.middle) / 2)
    return cuts


def _continues(above: Row, below: Row, columns: Sequence[float]) -> bool:
    """Whether a row has the rest of some cells of the row above it."""
    upper, lower = _columns_of(above, columns), _columns_of(below, columns)
    return lower < upper and len(lower) <= FEW * len(upper) and 0 not in lower


def _columns_of(row: Row, columns: Sequence[float]) -> set[int]:
    """The columns in which a row's lines have their middles."""
    return {sum(cut < (line.left + line.right) / 2 for cut in columns) for line in row.lines}
