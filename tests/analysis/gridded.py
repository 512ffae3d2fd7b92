"""Tables as an engine would give them: lines in cells, ruled lines, and what a model would say."""

from collections.abc import Sequence

from pdfocr_watcher.analysis.lines import Line
from pdfocr_watcher.analysis.regions import Region
from pdfocr_watcher.analysis.ruling import Rule, Rules
from pdfocr_watcher.analysis.table_claims import TableClaim
from pdfocr_watcher.analysis.table_structure import Cell, TableStructure
from tests.analysis.typeset import set_line

#: Where the columns begin and how far rows are apart, in pixels.
COLUMNS = (100.0, 500.0, 800.0, 1100.0)
TOP, PITCH = 300.0, 40.0


def cells(rows: Sequence[Sequence[str]], columns: Sequence[float] = COLUMNS, pitch: float = PITCH) -> list[Line]:
    """A line for each text that is not empty."""
    return [
        set_line(text, left, TOP + number * pitch)
        for number, row in enumerate(rows)
        for left, text in zip(columns, row, strict=False)
        if text
    ]


def claim(lines: Sequence[Line], *, sure: bool = True) -> TableClaim:
    """The claim around lines."""
    region = Region(lines[0].left, lines[0].top, lines[0].right, lines[0].bottom)
    for line in lines:
        region = region.joined(line)
    return TableClaim(region, tuple(lines), sure=sure)


def grid_rules(downs: Sequence[float], acrosses: Sequence[float]) -> Rules:
    """All the lines of a grid."""
    return Rules(
        tuple(Rule(at, acrosses[0], acrosses[-1]) for at in downs),
        tuple(Rule(at, downs[0], downs[-1]) for at in acrosses),
    )


def modelled(
    shape: Sequence[Sequence[tuple[int, int]]], region: Region, *, confidence: float = 0.99, shift: float = 0.0
) -> TableStructure:
    """A model's structure: for each row the rows and columns of its cells, of one size, moved down by `shift`."""
    taken: set[tuple[int, int]] = set()
    found: list[Cell] = []
    width = max(sum(across for _, across in row) for row in shape)
    high, wide = region.height / len(shape), region.width / width
    for number, row in enumerate(shape):
        column = 0
        for rows, columns in row:
            while (number, column) in taken:
                column += 1
            taken.update((number + y, column + x) for y in range(rows) for x in range(columns))
            left, top = region.left + column * wide, region.top + number * high + shift
            box = Region(left + 5, top + 5, left + columns * wide - 5, top + rows * high - 5)
            found.append(Cell(number, column, rows, columns, box))
    return TableStructure(tuple(found), confidence)
