"""Ruled lines of a table: what they are, and the cells that they draw where they draw a whole grid. Pure geometry."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from pdfocr_watcher.analysis.regions import Region
from pdfocr_watcher.analysis.table_structure import Cell, TableStructure

#: Ruled lines closer together than this, in text heights, are one: a double line, or a slanted one in pieces.
SAME_LINE = 0.45
#: Between two cells there is a border where a ruled line covers this share of it.
BORDER = 0.6
#: What lies outside of the outermost ruled line is a row or column of its own if it is so wide, in text heights.
OPEN_SIDE = 0.8
#: A grid has at least so many cells, and so many of its places are shut in on all sides.
MIN_CELLS = 4
MIN_SHUT = 0.7


@dataclass(frozen=True, slots=True)
class Rule:
    """A straight ruled line, in pixels of the page's raster.

    Attributes:
        at: where it runs: y of a horizontal, x of a vertical one.
        start, end: from where to where, x of a horizontal, y of a vertical one.
    """

    at: float
    start: float
    end: float


@dataclass(frozen=True, slots=True)
class Rules:
    """The ruled lines of a table, in no particular order."""

    horizontal: tuple[Rule, ...] = ()
    vertical: tuple[Rule, ...] = ()


def ruled_structure(rules: Rules, region: Region, em: float) -> TableStructure | None:
    """The cells of a table that is ruled all over.

    Args:
        rules: found in the table.
        region: the table.
        em: the height of its text in pixels.

    Returns:
        The structure; None where the lines do not shut in most of the cells.
    """
    down = _cuts(rules.horizontal, region.top, region.bottom, em)
    across = _cuts(rules.vertical, region.left, region.right, em)
    if (len(down) - 1) * (len(across) - 1) < MIN_CELLS or min(len(down), len(across)) < 3:  # noqa: PLR2004 - two cells
        return None
    right_of = [
        [_covers(rules.vertical, across[column + 1], top, bottom, em) for column in range(len(across) - 2)]
        for top, bottom in pairwise(down)
    ]
    below = [
        [_covers(rules.horizontal, down[row + 1], left, right, em) for left, right in pairwise(across)]
        for row in range(len(down) - 2)
    ]
    shut = [border for borders in (*right_of, *below) for border in borders]
    if sum(shut) < MIN_SHUT * len(shut):
        return None
    cells = [
        Cell(row, column, rows, columns, Region(across[column], down[row], across[column + columns], down[row + rows]))
        for row, column, rows, columns in _merged(right_of, below)
    ]
    return TableStructure(tuple(cells), 1.0) if len(cells) >= MIN_CELLS else None


def positions(rules: Sequence[Rule], em: float) -> list[float]:
    """Where ruled lines run, those that are one taken together, in ascending order."""
    found: list[list[float]] = []
    for rule in sorted(rules, key=lambda rule: rule.at):
        if found and rule.at - found[-1][-1] <= SAME_LINE * em:
            found[-1].append(rule.at)
        else:
            found.append([rule.at])
    return [sum(group) / len(group) for group in found]


def _cuts(rules: Sequence[Rule], low: float, high: float, em: float) -> list[float]:
    """Where the rows (or columns) of a grid begin and end; a side of the table may be open."""
    cuts = positions(rules, em)
    if not cuts:
        return [low, high]
    if cuts[0] - low > OPEN_SIDE * em:
        cuts.insert(0, low)
    if high - cuts[-1] > OPEN_SIDE * em:
        cuts.append(high)
    return cuts


def _covers(rules: Sequence[Rule], at: float, start: float, end: float, em: float) -> bool:
    """Whether ruled lines at a place cover most of a stretch."""
    covered = 0.0
    reached = start
    for rule in sorted((rule for rule in rules if abs(rule.at - at) <= SAME_LINE * em), key=lambda rule: rule.start):
        covered += max(0.0, min(end, rule.end) - max(reached, rule.start))
        reached = max(reached, min(end, rule.end))
    return covered >= BORDER * (end - start)


def _merged(right_of: Sequence[Sequence[bool]], below: Sequence[Sequence[bool]]) -> list[tuple[int, int, int, int]]:
    """Row, column, rows and columns of each cell: places without a border between them are one, if in a rectangle."""
    rows, columns = len(right_of), len(right_of[0]) + 1
    taken: set[tuple[int, int]] = set()
    cells: list[tuple[int, int, int, int]] = []
    for row in range(rows):
        for column in range(columns):
            if (row, column) in taken:
                continue
            wide = 1
            while (
                column + wide < columns and not right_of[row][column + wide - 1] and (row, column + wide) not in taken
            ):
                wide += 1
            high = 1
            while row + high < rows and _one(right_of, below, row + high, column, wide):
                high += 1
            taken.update((row + y, column + x) for y in range(high) for x in range(wide))
            cells.append((row, column, high, wide))
    return cells


def _one(right_of: Sequence[Sequence[bool]], below: Sequence[Sequence[bool]], row: int, column: int, wide: int) -> bool:
    """Whether a row's places belong to the cell above them."""
    inside = not any(right_of[row][column : column + wide - 1])
    return inside and not any(below[row - 1][column : column + wide])
