"""The resolution of a page keeps its raster within the limits and wastes none of them."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pdfocr_watcher.pipeline.rendering import MAX_SIDE, PageSize, effective_dpi

A4 = PageSize(595.28, 841.89)
LENGTHS = st.floats(min_value=0.01, max_value=1e10)


def test_an_ordinary_page_keeps_the_resolution_asked_for():
    assert effective_dpi(A4, 200, 40_000_000) == 200
    assert A4.pixels(200) == (1654, 2339)


def test_a_raster_of_exactly_the_limit_keeps_the_resolution_asked_for():
    assert effective_dpi(PageSize(72, 72), 100, 10_000) == 100
    assert effective_dpi(PageSize(72, 72), 100, 9_999) < 100


@given(LENGTHS, LENGTHS, st.integers(36, 1200), st.integers(1, 200_000_000))
def test_no_page_gets_a_raster_beyond_the_limits(width, height, dpi, max_pixels):
    size = PageSize(width, height)
    chosen = effective_dpi(size, dpi, max_pixels)
    columns, rows = size.pixels(chosen)
    assert 0 < chosen <= dpi
    assert columns * rows <= max_pixels
    assert 1 <= max(columns, rows) <= MAX_SIDE


@given(LENGTHS, st.floats(min_value=0.1, max_value=10), st.integers(10_000, 40_000_000))
def test_a_lowered_resolution_uses_the_pixels_that_there_are(width, ratio, max_pixels):
    size = PageSize(width, width * ratio)
    if effective_dpi(size, 1200, max_pixels) < 1200:
        columns, rows = size.pixels(effective_dpi(size, 1200, max_pixels))
        assert columns * rows > 0.9 * max_pixels


def test_a_page_that_is_a_line_is_bounded_by_its_length():
    columns, rows = PageSize(1, 1_000_000).pixels(effective_dpi(PageSize(1, 1_000_000), 200, 40_000_000))
    assert columns == 1
    assert MAX_SIDE - 2 <= rows <= MAX_SIDE


@pytest.mark.parametrize("size", [PageSize(0, 0), PageSize(math.inf, 10), PageSize(math.nan, 10), PageSize(-5, 10)])
def test_a_page_of_unknown_size_keeps_the_resolution_asked_for(size):
    assert effective_dpi(size, 200, 40_000_000) == 200
