"""The structure of a table: which cells it has, and over which rows and columns they reach. No text, no files."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from statistics import mean

from pdfocr_watcher.analysis.regions import Region

_SPAN = re.compile(r'\s*(row|col)span="(\d+)"')
#: More rows or columns than this at once are a slip.
MAX_SPAN = 64


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell of a table.

    Attributes:
        row, column: of its upper left corner, counted from 0.
        rows, columns: over how many it reaches, at least 1.
        region: about where it stands, in pixels; what stands in it, where a model tells that.
    """

    row: int
    column: int
    rows: int
    columns: int
    region: Region


@dataclass(frozen=True, slots=True)
class TableStructure:
    """The cells of a table, row by row; no two reach over the same place.

    Attributes:
        cells: at least one.
        confidence: 0..1, how sure the structure is.
    """

    cells: tuple[Cell, ...]
    confidence: float

    @property
    def rows(self) -> int:
        """How many rows there are."""
        return max(cell.row + cell.rows for cell in self.cells)

    @property
    def columns(self) -> int:
        """How many columns there are."""
        return max(cell.column + cell.columns for cell in self.cells)


def structure_from_tags(
    tags: Sequence[str], confidences: Sequence[float], places: Sequence[Region]
) -> TableStructure | None:
    """Put the cells of a table's tags in their rows and columns.

    Args:
        tags: of HTML, in order: `<tr>`, `<td></td>`, or `<td`, spans and `>`; all others mean nothing.
        confidences: of each tag, 0..1.
        places: of each tag; those of the tags that begin a cell count.

    Returns:
        The structure; None where there is no cell.
    """
    cells: list[Cell] = []
    taken: set[tuple[int, int]] = set()
    row, column = -1, 0
    pending: Region | None = None
    spans = {"row": 1, "col": 1}

    def add(region: Region) -> None:
        nonlocal column
        while (row, column) in taken:
            column += 1
        cell = Cell(row, column, spans["row"], spans["col"], region)
        taken.update((row + down, column + across) for down in range(cell.rows) for across in range(cell.columns))
        cells.append(cell)
        spans.update(row=1, col=1)

    for tag, place in zip(tags, places, strict=True):
        if tag == "<tr>" or (row < 0 and tag.startswith("<td")):
            row, column, pending = row + 1, 0, None
        if tag == "<td></td>":
            add(place)
        elif tag == "<td":
            pending = place
        elif tag == ">" and pending is not None:
            add(pending)
            pending = None
        elif (match := _SPAN.fullmatch(tag)) and pending is not None:
            spans[match[1]] = min(MAX_SPAN, max(1, int(match[2])))
    return TableStructure(tuple(cells), mean(confidences)) if cells else None


def moved(structure: TableStructure, left: float, top: float) -> TableStructure:
    """A structure whose cells were given in a part of the page that begins at a place, in pixels of the page."""
    cells: list[Cell] = []
    for cell in structure.cells:
        box = cell.region
        place = Region(box.left + left, box.top + top, box.right + left, box.bottom + top)
        cells.append(replace(cell, region=place))
    return TableStructure(tuple(cells), structure.confidence)
