"""A model's structure of a table is laid over its lines: rows and columns as it has them, their edges in the gaps.

A model counts rows and columns better than it places them, the more so the more there are.
"""

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from statistics import median

from pdfocr_watcher.analysis.lines import Line
from pdfocr_watcher.analysis.regions import Region
from pdfocr_watcher.analysis.ruling import Rules, positions
from pdfocr_watcher.analysis.table_cuts import Cuts, Stretch, snapped
from pdfocr_watcher.analysis.table_structure import TableStructure
from pdfocr_watcher.analysis.table_whitespace import stretches_across

#: A line's box is higher than its letters: this share of it, above and below, counts for nothing.
SHRUNK = 0.22
#: A model that is less sure than this of its tags has lost its way.
MIN_MODEL = 0.97
#: In a structure that is borne out at most this share of the lines beside each other goes through a cut, ...
MAX_THROUGH = 0.25
#: ... and at most this share of the rows and columns is empty.
MAX_EMPTY = 0.12


def is_sure(model: TableStructure) -> bool:
    """Whether a model was sure of the structure that it gave."""
    return model.confidence >= MIN_MODEL


def aligned_structure(
    model: TableStructure, region: Region, lines: Sequence[Line], rules: Rules, em: float
) -> TableStructure | None:
    """The model's cells with exact places.

    Args:
        model: the structure as the model has it, its cells about where they stand on the page.
        region: the table.
        lines: those of the table, at least one.
        rules: its ruled lines.
        em: the height of its text in pixels.

    Returns:
        The structure; None where the lines do not bear it out, or it is no grid.
    """
    if not is_sure(model) or min(model.rows, model.columns) < 2:  # noqa: PLR2004 - a grid
        return None
    downs = _downs(model, lines, rules, em)
    if downs is None:
        return None
    across = _acrosses(model, lines, rules, em, downs)
    if across is None:
        return None
    if downs.through > MAX_THROUGH * model.columns or across.through > MAX_THROUGH * model.rows:
        return None
    if downs.empty > MAX_EMPTY * model.rows or across.empty > MAX_EMPTY * model.columns:
        return None
    rows = (region.top, *downs.places, region.bottom)
    columns = (region.left, *across.places, region.right)
    cells = [
        replace(
            cell,
            region=Region(
                columns[cell.column], rows[cell.row], columns[cell.column + cell.columns], rows[cell.row + cell.rows]
            ),
        )
        for cell in model.cells
    ]
    return TableStructure(tuple(cells), model.confidence)


def _downs(model: TableStructure, lines: Sequence[Line], rules: Rules, em: float) -> Cuts | None:
    """Where the model's rows are parted."""
    stretches = [Stretch(line.top + SHRUNK * line.height, line.bottom - SHRUNK * line.height) for line in lines]
    bands = [
        [Stretch(cell.region.top, cell.region.bottom) for cell in model.cells if (cell.row, cell.rows) == (row, 1)]
        for row in range(model.rows)
    ]
    return snapped(_expected(bands), stretches, positions(rules.horizontal, em), em, model.columns)


def _acrosses(model: TableStructure, lines: Sequence[Line], rules: Rules, em: float, downs: Cuts) -> Cuts | None:
    """Where the model's columns are parted: by the lines of the rows without cells over several of them."""
    spanned = {cell.row for cell in model.cells if cell.columns > 1}
    plain = [line for line in lines if sum(cut < line.middle for cut in downs.places) not in spanned]
    stretches = [stretch for line in plain or lines for stretch in stretches_across(line, em)]
    bands = [
        [
            Stretch(cell.region.left, cell.region.right)
            for cell in model.cells
            if (cell.column, cell.columns) == (column, 1)
        ]
        for column in range(model.columns)
    ]
    return snapped(_expected(bands), stretches, positions(rules.vertical, em), em, model.rows - len(spanned))


def _expected(bands: Sequence[Sequence[Stretch]]) -> list[float]:
    """Where the parts end and begin for which a model gives these stretches; a part without any lies between others."""
    ends = [
        (median(stretch.low for stretch in band), median(stretch.high for stretch in band)) if band else None
        for band in bands
    ]
    expected: list[float] = []
    for before, after in pairwise(ends):
        if before and after:
            place = (before[1] + after[0]) / 2
        elif before or after:
            place = before[1] if before else after[0] if after else 0.0
        else:
            place = expected[-1] if expected else 0.0
        expected.append(max(place, expected[-1]) if expected else place)
    return expected
