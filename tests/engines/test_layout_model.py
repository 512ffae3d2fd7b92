"""The layout model's outputs mean rectangles on the page, and the real one sees what is drawn."""

import numpy as np
import pytest
from PIL import Image

from pdfocr_watcher.analysis.regions import Kind, Region
from pdfocr_watcher.engines.layout_model import HEIGHT, KINDS, STRIDES, WIDTH, LayoutModel, decoded, detections
from tests.engines import drawn


def outputs():
    """What the network gives for a page on which it sees nothing."""
    cells = [-(-HEIGHT // stride) * -(-WIDTH // stride) for stride in STRIDES]
    return [np.zeros((1, n, len(KINDS)), np.float32) for n in cells], [np.zeros((1, n, 32), np.float32) for n in cells]


def spread(edges, stride, cell, distances):
    """Have a cell's distribution say that its edges are so many strides away."""
    for edge, distance in enumerate(distances):
        edges[STRIDES.index(stride)][0, cell, 8 * edge + distance] = 50


def test_nothing_is_seen_in_nothing():
    scores, boxes = decoded(*outputs())
    assert detections(scores, boxes) == []


def test_a_cell_means_the_rectangle_around_its_middle():
    scores, edges = outputs()
    columns = -(-WIDTH // 32)
    cell = 5 * columns + 7
    scores[2][0, cell, KINDS.index(Kind.TABLE)] = 0.9
    spread(edges, 32, cell, (2, 1, 3, 4))
    (found,) = detections(*decoded(scores, edges))
    middle = (7.5 * 32, 5.5 * 32)
    assert (found.kind, round(found.confidence, 3)) == (Kind.TABLE, 0.9)
    box = (found.region.left, found.region.top, found.region.right, found.region.bottom)
    assert box == pytest.approx((middle[0] - 64, middle[1] - 32, middle[0] + 96, middle[1] + 128), abs=0.1)


def test_a_rectangle_ends_at_the_edge_of_the_page():
    scores, edges = outputs()
    scores[3][0, 0, 0] = 0.9
    spread(edges, 64, 0, (7, 7, 1, 1))
    (found,) = detections(*decoded(scores, edges))
    assert (found.region.left, found.region.top) == (0, 0)


def test_of_rectangles_over_each_other_the_surest_of_each_kind_is_kept():
    scores = np.zeros((4, len(KINDS)), np.float32)
    table, figure = KINDS.index(Kind.TABLE), KINDS.index(Kind.FIGURE)
    scores[0, table], scores[1, table], scores[2, figure], scores[3, table] = 0.6, 0.8, 0.7, 0.5
    boxes = np.array([[0, 0, 100, 100], [5, 5, 100, 100], [0, 0, 100, 100], [200, 0, 300, 100]], np.float32)
    found = detections(scores, boxes)
    assert [(one.kind, round(one.confidence, 1)) for one in found] == [
        (Kind.TABLE, 0.8),
        (Kind.FIGURE, 0.7),
        (Kind.TABLE, 0.5),
    ]


def near(region: Region, box, slack=40):
    return (region.left, region.top, region.right, region.bottom) == pytest.approx(box, abs=slack)


@pytest.mark.parametrize("mode", ["RGB", "L", "CMYK"])
def test_the_real_one_finds_a_table_and_a_chart(weights, mode):
    page, draw = drawn.blank()
    drawn.write(draw, drawn.PARAGRAPH, 120)
    table = drawn.tabulate(draw, drawn.FRUIT, 360, ruled=True)
    drawn.chart(draw, (250, 760, 1000, 1160))
    drawn.write(draw, drawn.PARAGRAPH, 1300)
    found = LayoutModel(weights / "layout_cdla.onnx").find(page.convert(mode))
    tables = [one.region for one in found if one.kind is Kind.TABLE and one.confidence > 0.5]
    figures = [one.region for one in found if one.kind is Kind.FIGURE and one.confidence > 0.5]
    assert len(tables) == 1
    assert near(tables[0], table)
    assert any(near(figure, (250, 760, 1000, 1160), 80) for figure in figures)


@pytest.mark.parametrize("size", [(1, 1), (3, 2000), (2000, 3), (50, 50)])
def test_pages_of_any_shape_are_looked_at(weights, size):
    for one in LayoutModel(weights / "layout_cdla.onnx").find(Image.new("RGB", size, "white")):
        assert 0 <= one.region.left <= one.region.right <= size[0]
        assert 0 <= one.region.top <= one.region.bottom <= size[1]
