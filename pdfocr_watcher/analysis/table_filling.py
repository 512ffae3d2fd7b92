"""The lines of a table get into its cells, and the cells become HTML."""

import html
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby, pairwise

from pdfocr_watcher.analysis.joining import join
from pdfocr_watcher.analysis.lines import Line
from pdfocr_watcher.analysis.rows import CELL_GAP, rows_from_lines
from pdfocr_watcher.analysis.ruling import Rule
from pdfocr_watcher.analysis.splitting import split_at
from pdfocr_watcher.analysis.table_structure import Cell, TableStructure

#: A line stands in one cell if no more than this share of its width is outside, or so little, in line heights.
OUTSIDE = 0.1
OVERHANG = 0.35
#: Headings over several columns stand in the first rows, their ruled lines no further below them than so many heights
#: of the text; a ruled line goes over a column if it covers this share of what stands in it.
MAX_HEAD = 2
REACH = 0.8
MOST = 0.5


@dataclass(frozen=True, slots=True)
class FilledCell:
    """A cell with the lines that stand in it, in any order."""

    cell: Cell
    lines: tuple[Line, ...]

    @property
    def text(self) -> str:
        """What it says."""
        return join(row.text for row in rows_from_lines(self.lines))


def filled(structure: TableStructure, lines: Sequence[Line]) -> list[FilledCell]:
    """Put lines into the cells in which they stand.

    Args:
        structure: its cells have exact places, which leave no gaps.
        lines: those of the table; one that runs over several cells is split between its words, if something else
            stands in the others, and else reaches over them.

    Returns:
        All cells, row by row; a cell with a line that reaches over empty neighbours to its right has taken them in.
    """
    inside: dict[Cell, list[Line]] = {cell: [] for cell in structure.cells}
    wide: list[tuple[Line, list[Cell]]] = []
    for line in lines:
        beside = _beside(structure, line)
        if len(beside) == 1:
            inside[beside[0]].append(line)
        else:
            wide.append((line, beside))
    owner: dict[Cell, Cell] = {}
    grown: dict[Cell, Cell] = {}
    for line, beside in sorted(wide, key=lambda one: one[0].left):
        first, others = beside[0], beside[1:]
        free = not _is_gapped(line) and not any(inside[cell] or cell in owner for cell in others) and first not in owner
        if free and all((cell.row, cell.rows) == (first.row, first.rows) for cell in others):
            owner.update(dict.fromkeys(others, first))
            inside[first].append(line)
            before = grown.get(first, first)
            end = max(cell.column + cell.columns for cell in beside)
            region = before.region
            for cell in others:
                region = replace(region, right=max(region.right, cell.region.right))
            grown[first] = replace(before, columns=max(before.columns, end - first.column), region=region)
        else:
            for part, cell in _parts(line, beside):
                inside[owner.get(cell, cell)].append(part)
    return [FilledCell(grown.get(cell, cell), tuple(inside[cell])) for cell in structure.cells if cell not in owner]


def spanned_by_rules(cells: Sequence[FilledCell], rules: Sequence[Rule], em: float) -> list[FilledCell]:
    """The cells, those with a ruled line below that reaches over empty neighbours grown to its ends.

    So are headings over several columns set: "Year ended" above a line above three years.

    Args:
        cells: of a table without spans, row by row.
        rules: its horizontal ruled lines.
        em: the height of its text in pixels.
    """
    lines: dict[int, list[Line]] = {}
    for one in cells:
        lines.setdefault(one.cell.column, []).extend(one.lines)
    extents = {
        column: (min(line.left for line in own), max(line.right for line in own))
        for column, own in lines.items()
        if own
    }
    kept: list[FilledCell] = []
    for row, group in groupby(sorted(cells, key=lambda one: (one.cell.row, one.cell.column)), lambda one: one.cell.row):
        own = list(group)
        lower = [rule for rule in rules if own and abs(rule.at - own[0].cell.region.bottom) <= REACH * em]
        gone: set[int] = set()
        for index, one in enumerate(own):
            if index in gone or not one.lines or row > MAX_HEAD:
                kept.extend([one] if index not in gone else [])
                continue
            free = [not other.lines and at not in gone for at, other in enumerate(own)]
            first, last = _under(own, index, lower, extents, free)
            gone.update(range(first, last + 1))
            kept = [other for other in kept if other not in own[first:index]]
            kept.append(_grown(one, own[first], own[last]))
    return kept


def _under(
    row: Sequence[FilledCell],
    index: int,
    rules: Sequence[Rule],
    extents: Mapping[int, tuple[float, float]],
    free: Sequence[bool],
) -> tuple[int, int]:
    """The first and the last cell of a row, all but it free, over which a cell reaches by the ruled line below it."""

    def covered(at: int, rule: Rule) -> bool:
        cell = row[at].cell
        left, right = extents.get(cell.column, (cell.region.left, cell.region.right))
        return free[at] and min(rule.end, right) - max(rule.start, left) >= MOST * (right - left)

    middle = (row[index].lines[0].left + row[index].lines[0].right) / 2
    rule = next((rule for rule in rules if rule.start < middle < rule.end), None)
    first = last = index
    if rule is not None:
        while first > 0 and covered(first - 1, rule):
            first -= 1
        while last + 1 < len(row) and covered(last + 1, rule):
            last += 1
    return first, last


def _grown(one: FilledCell, first: FilledCell, last: FilledCell) -> FilledCell:
    columns = last.cell.column + last.cell.columns - first.cell.column
    region = first.cell.region.joined(last.cell.region)
    return FilledCell(replace(one.cell, column=first.cell.column, columns=columns, region=region), one.lines)


def table_html(cells: Sequence[FilledCell]) -> str:
    """The table as HTML, one line, without a head: which rows are one is not known."""
    rows: list[str] = []
    for row in range(max(filled.cell.row + filled.cell.rows for filled in cells)):
        own = sorted((filled for filled in cells if filled.cell.row == row), key=lambda filled: filled.cell.column)
        rows.append(f"<tr>{''.join(map(_cell_html, own))}</tr>")
    return f"<table>{''.join(rows)}</table>"


def _cell_html(filled: FilledCell) -> str:
    down = f' rowspan="{filled.cell.rows}"' if filled.cell.rows > 1 else ""
    across = f' colspan="{filled.cell.columns}"' if filled.cell.columns > 1 else ""
    return f"<td{down}{across}>{html.escape(filled.text, quote=False)}</td>"


def _beside(structure: TableStructure, line: Line) -> list[Cell]:
    """The cells, at least one, from left to right, over which a line reaches at its height."""
    level = [cell for cell in structure.cells if cell.region.top <= line.middle < cell.region.bottom]
    if not level:
        nearest = min(abs(cell.region.top + cell.region.bottom - 2 * line.middle) for cell in structure.cells)
        level = [
            cell for cell in structure.cells if abs(cell.region.top + cell.region.bottom - 2 * line.middle) == nearest
        ]
    slack = max(OVERHANG * line.height, OUTSIDE * line.width)
    shared = {
        cell: min(line.right, cell.region.right) - max(line.left, cell.region.left)
        for cell in sorted(level, key=lambda cell: cell.region.left)
    }
    reached = [cell for cell, width in shared.items() if width > slack]
    return reached or [max(shared, key=lambda cell: shared[cell])]


def _is_gapped(line: Line) -> bool:
    """Whether there is a gap in a line as between cells."""
    return any(after.left - before.right > CELL_GAP * line.height for before, after in pairwise(line.words))


def _parts(line: Line, cells: Sequence[Cell]) -> list[tuple[Line, Cell]]:
    """The pieces of a line, each with the cell in which most of it stands."""

    def cell_at(place: float) -> int:
        return min(range(len(cells)), key=lambda number: _distance(place, cells[number]))

    if len(line.words) < len(cells):
        return [(line, cells[cell_at((line.left + line.right) / 2)])]
    places = [cell_at((word.left + word.right) / 2) for word in line.words]
    parts: list[tuple[Line, Cell]] = []
    rest, done = line, 0
    for number, group in groupby(places):
        count = len(list(group))
        done += count
        if done < len(places):
            part, rest = split_at(rest, count)
        else:
            part = rest
        parts.append((part, cells[number]))
    return parts


def _distance(place: float, cell: Cell) -> float:
    return max(0.0, cell.region.left - place, place - cell.region.right)
