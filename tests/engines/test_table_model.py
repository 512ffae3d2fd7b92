"""The table model's tags become cells in rows and columns, and the real one reads the structure of a drawn table."""

import numpy as np
import pytest
from PIL import Image

from pdfocr_watcher.analysis.regions import Region
from pdfocr_watcher.analysis.table_structure import structure_from_tags
from pdfocr_watcher.engines.table_model import SIDE, TableModel, picture_of, vocabulary
from tests.engines import drawn


def cells(*tags):
    """Row, column, rows and columns of each cell."""
    places = [Region(number, 0, number + 1, 1) for number in range(len(tags))]
    structure = structure_from_tags(tags, [1.0] * len(tags), places)
    return structure and [(cell.row, cell.column, cell.rows, cell.columns) for cell in structure.cells]


def test_cells_stand_in_the_order_of_their_tags():
    assert cells("<thead>", "<tr>", "<td></td>", "<td></td>", "</tr>", "</thead>", "<tr>", "<td></td>", "</tr>") == [
        (0, 0, 1, 1), (0, 1, 1, 1), (1, 0, 1, 1),
    ]  # fmt: skip


def test_a_cell_over_two_rows_pushes_the_next_row_aside():
    tags = ("<tr>", "<td", ' rowspan="2"', ">", "</td>", "<td></td>", "</tr>", "<tr>", "<td></td>", "</tr>")
    assert cells(*tags) == [(0, 0, 2, 1), (0, 1, 1, 1), (1, 1, 1, 1)]


def test_a_cell_over_rows_and_columns():
    assert cells("<tr>", "<td", ' colspan="3"', ' rowspan="2"', ">", "</td>", "<td></td>") == [
        (0, 0, 2, 3),
        (0, 3, 1, 1),
    ]


def test_tags_that_mean_nothing_are_no_cells():
    assert cells() is None
    assert cells("<thead>", "<tr>", "</tr>", ">", ' colspan="2"') is None
    assert cells("<td></td>") == [(0, 0, 1, 1)], "a cell before any row is in the first"


def test_a_cell_stands_where_its_first_tag_does():
    structure = structure_from_tags(
        ["<tr>", "<td", ' colspan="2"', ">"], [1, 1, 0.5, 1], [Region(n, n, 9, 9) for n in range(4)]
    )
    assert structure is not None
    assert structure.cells[0].region.left == 1
    assert structure.confidence == pytest.approx(0.875)


def test_the_vocabulary_has_a_start_and_an_end():
    assert vocabulary("<tr>\n<td>\n</tr>\n<td\n>") == ["", "<tr>", "</tr>", "<td", ">", "<td></td>", ""]


def test_the_picture_keeps_the_tables_shape():
    picture = picture_of(Image.new("RGB", (200, 100), "white"))
    assert picture.shape == (1, 3, SIDE, SIDE)
    used = np.abs(picture[0]).sum(axis=0) > 0
    assert used.sum() == SIDE * SIDE // 2
    assert used[: SIDE // 2].all()


@pytest.mark.parametrize("ruled", [True, False])
def test_the_real_one_counts_rows_and_columns(weights, ruled):
    page, draw = drawn.blank()
    left, top, right, bottom = drawn.tabulate(draw, drawn.FRUIT, 360, ruled=ruled)
    structure = TableModel(weights / "slanet-1m.onnx").read(page.crop((left - 6, top - 6, right + 6, bottom + 6)))
    assert structure is not None
    assert (structure.rows, structure.columns, len(structure.cells)) == (5, 4, 20)
    assert structure.confidence > 0.97
    middles = [(cell.region.left + cell.region.right) / 2 for cell in structure.cells[:4]]
    assert middles == sorted(middles)


@pytest.mark.parametrize("size", [(1, 1), (900, 4), (4, 900), (40, 40)])
def test_what_is_no_table_does_no_harm(weights, size):
    structure = TableModel(weights / "slanet-1m.onnx").read(Image.new("L", size, 255))
    assert structure is None or structure.cells
