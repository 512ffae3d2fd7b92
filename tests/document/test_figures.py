"""Figures: which rectangles are cut out, how they are numbered, and that the cut is the raster's."""

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from pdfocr_watcher.document.figures import FigureCrop, figure_crops, save_crop
from pdfocr_watcher.document.model import Block, Box, Label, Page


def test_each_box_of_each_image_is_a_figure_numbered_over_the_page() -> None:
    page = Page(
        4,
        1000,
        2000,
        200.0,
        (
            Block(Label.IMAGE, (Box(0, 0, 999, 999),), ""),
            Block(Label.TABLE, (Box(1, 1, 9, 9),), ""),
            Block(Label.IMAGE, (Box(100, 200, 300, 400), Box(5, 5, 5, 90), Box(500, 500, 600, 600)), ""),
            Block(Label.IMAGE, (), "no box"),
        ),
    )
    assert figure_crops(page) == [
        FigureCrop(page=4, number=0, block=0, rectangle=(0, 0, 1000, 2000)),
        FigureCrop(page=4, number=1, block=2, rectangle=(100, 400, 300, 800)),
        FigureCrop(page=4, number=2, block=2, rectangle=(500, 1001, 600, 1201)),
    ]
    assert [crop.filename for crop in figure_crops(page)] == ["4_0.jpg", "4_1.jpg", "4_2.jpg"]
    assert figure_crops(page)[1].link == "images/4_1.jpg"


@given(st.tuples(*[st.integers(0, 999)] * 4), st.integers(1, 3000), st.integers(1, 3000))
def test_a_figure_is_on_the_raster_and_never_empty(corners: tuple[int, int, int, int], width: int, height: int) -> None:
    box = Box(min(corners[0], corners[2]), min(corners[1:4:2]), max(corners[0], corners[2]), max(corners[1:4:2]))
    crops = figure_crops(Page(0, width, height, 72.0, (Block(Label.IMAGE, (box,), ""),)))
    assert len(crops) == (box.x1 < box.x2 and box.y1 < box.y2)
    for crop in crops:
        left, top, right, bottom = crop.rectangle
        assert 0 <= left < right <= width
        assert 0 <= top < bottom <= height


@pytest.mark.parametrize("mode", ["RGB", "L", "RGBA", "1"])
def test_the_cut_shows_its_part_of_the_raster_in_its_own_size(mode: str) -> None:
    raster = Image.new("RGB", (200, 100), "white")
    raster.paste("black", (50, 20, 90, 60))
    raster = raster.convert(mode)
    before = raster.tobytes()
    jpeg = save_crop(raster, FigureCrop(0, 0, 0, (50, 20, 90, 60)), 85)
    cut = Image.open(io.BytesIO(jpeg))
    assert (cut.format, cut.size) == ("JPEG", (40, 40))
    assert max(cut.convert("L").tobytes()) < 16
    assert raster.tobytes() == before


def test_a_cut_longer_than_a_jpeg_can_be_is_made_smaller() -> None:
    raster = Image.new("L", (70_000, 4))
    assert Image.open(io.BytesIO(save_crop(raster, FigureCrop(0, 0, 0, (0, 0, 70_000, 4)), 85))).size == (35_000, 2)
