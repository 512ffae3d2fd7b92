"""Whether lines that could stand in a table do: what tells a table from columns of text, listings and forms."""

from collections.abc import Sequence
from itertools import pairwise
from statistics import median

from pdfocr_watcher.analysis.lines import Line
from pdfocr_watcher.analysis.prose import reads_as_prose
from pdfocr_watcher.analysis.reading_order import regions_in_order
from pdfocr_watcher.analysis.regions import Region
from pdfocr_watcher.analysis.ruling import SAME_LINE, Rules, positions
from pdfocr_watcher.analysis.table_claims import TableClaim
from pdfocr_watcher.analysis.table_filling import FilledCell
from pdfocr_watcher.analysis.table_structure import TableStructure

#: A cell with so many lines is a stack: several rows that no ruled line parts, ...
STACK = 3
#: ... if its lines are narrower than this share of it; ...
NARROW = 0.6
#: ... a grid in which this share of the lines stands in stacks has more rows than it has lines ruled.
MAX_STACKED = 0.5
#: Lines that read as prose are at most this share of a table without a grid.
MAX_PROSE = 0.6
#: Lines whose middles are no further apart than this share of their height stand at one height; ...
LEVEL = 0.3
#: ... so many of a table's do, beside one of another column.
MIN_ALIGNED = 0.5
#: Numbers of lines are at least so many, and this share of what stands before the lines.
MIN_COUNTED = 5
COUNTED = 0.6
#: Lines are in columns of text where the second largest column has this share of them; only so few columns are told
#: from a table's in this way.
MIN_COLUMN = 0.25
MAX_READ = 3
#: Where no model sees a table and none reads one, so many ruled lines go over this share of its width.
MIN_RULES = 2
RULE_WIDTH = 0.3
#: Where no model sees a table, there are at least so many columns, if no ruled lines say that there is one, this share
#: of the cells is filled, and this share of the whole is under lines of text.
MIN_COLUMNS = 3
FULL = 0.6
MIN_TEXT = 0.09


def is_table(
    claim: TableClaim,
    structure: TableStructure,
    content: Sequence[FilledCell],
    rules: Rules,
    em: float,
    *,
    seen: bool,
) -> bool:
    """Whether what no ruled lines draw is a table: cells rather than sentences, and more of them if nobody said so.

    Args:
        claim: where it may stand.
        structure: its rows and columns, if it is one.
        content: its cells with their lines.
        rules: the ruled lines there.
        em: the height of its text in pixels.
        seen: whether the structure is that of a model.
    """
    prose = sum(reads_as_prose(line.text) for line in claim.lines)
    if prose > MAX_PROSE * len(claim.lines) or _is_numbered_text(structure, content):
        return False
    ruled = has_rules(rules, claim.region, em)
    # A network that is sure, and ruled lines, outweigh that the cells could be read as columns.
    columns = structure.columns <= MAX_READ and not (ruled and seen) and _in_columns(claim.lines)
    if columns or _aligned(content) < MIN_ALIGNED:
        return False
    enough = sum(bool(cell.lines) for cell in content) >= FULL * structure.rows * structure.columns
    many = structure.columns >= MIN_COLUMNS or ruled
    dense = sum(line.width * line.height for line in claim.lines) >= MIN_TEXT * claim.region.area
    return claim.sure or (enough and many and dense)


def is_stacked(content: Sequence[FilledCell]) -> bool:
    """Whether ruled lines have parted the columns, and not the rows, so that most lines stand in heaps."""
    count = sum(len(cell.lines) for cell in content)
    return sum(len(cell.lines) for cell in content if _is_stack(cell)) > MAX_STACKED * count


def has_rules(rules: Rules, region: Region, em: float) -> bool:
    """Whether several ruled lines, each in one piece or more, go over much of a table from left to right."""
    count = 0
    for at in positions(rules.horizontal, em):
        pieces = [rule for rule in rules.horizontal if abs(rule.at - at) <= SAME_LINE * em]
        count += sum(rule.end - rule.start for rule in pieces) >= RULE_WIDTH * region.width
    return count >= MIN_RULES


def _is_stack(cell: FilledCell) -> bool:
    wide = NARROW * cell.cell.region.width
    return len(cell.lines) >= STACK and median(line.width for line in cell.lines) < wide


def _is_numbered_text(structure: TableStructure, content: Sequence[FilledCell]) -> bool:
    """Whether the first of two columns counts the lines of the other: a listing, or a text with numbered lines."""
    first = [cell.text for cell in content if cell.cell.column == 0 and cell.lines]
    numbers = [int(text) for text in first if text.isdecimal()]
    counts = sum(after - before == 1 for before, after in pairwise(numbers))
    two = structure.columns == 2  # noqa: PLR2004 - numbers, and what they count
    return two and len(numbers) >= MIN_COUNTED and counts >= COUNTED * len(first)


def _aligned(content: Sequence[FilledCell]) -> float:
    """The share of the lines that stand at the height of one in another column.

    Columns of text have heights of their own. Lines in cells over several columns have nothing beside them, and do
    not count.
    """
    placed = [(cell.cell.column, line) for cell in content if cell.cell.columns == 1 for line in cell.lines]
    beside = [
        any(
            column != other and abs(line.middle - neighbour.middle) <= LEVEL * min(line.height, neighbour.height)
            for other, neighbour in placed
        )
        for column, line in placed
    ]
    return sum(beside) / len(beside) if beside else 0.0


def _in_columns(lines: Sequence[Line]) -> bool:
    """Whether lines would be read column by column: then they are text, at least in tables of few columns."""
    columns = sorted(map(len, regions_in_order(lines)))
    return len(columns) > 1 and columns[-2] >= MIN_COLUMN * len(lines)
