"""Rasters are cut and scaled so that nothing is left out and nothing comes twice."""

import numpy as np
import pytest

from pdfocr_watcher.engines.raster import DETECTOR_STEP, crop, reduced, strips


def white(height, width):
    return np.full((height, width, 3), 255, dtype=np.uint8)


@pytest.mark.parametrize("shape", [(2339, 1654), (1000, 3000), (10, 10)])
def test_an_ordinary_raster_is_one_strip(shape):
    (strip,) = strips(white(*shape))
    assert (strip.left, strip.top, strip.raster.shape[:2]) == (0, 0, shape)


@pytest.mark.parametrize("shape", [(9000, 600), (600, 9000), (1801, 600), (40000, 9)])
def test_strips_make_up_the_whole(shape):
    raster = np.arange(shape[0] * shape[1] * 3, dtype=np.uint32).astype(np.uint8).reshape(*shape, 3)
    pieces = list(strips(raster))
    assert len(pieces) > 1
    whole = np.zeros_like(raster)
    for piece in pieces:
        height, width = piece.raster.shape[:2]
        assert height <= 2 * width
        assert width <= 2 * height
        whole[piece.top : piece.top + height, piece.left : piece.left + width] = piece.raster
    assert np.array_equal(whole, raster)
    assert sum(piece.raster.size for piece in pieces) == raster.size


def test_a_long_raster_is_cut_between_the_lines():
    receipt = white(6000, 500)
    for top in range(0, 6000, 60):
        receipt[top + 10 : top + 50, 20:480:4] = 0
    for strip in strips(receipt):
        assert strip.top % 60 < 10 or strip.top % 60 >= 50


def test_a_reduced_copy_fits_the_detector():
    small = reduced(white(2339, 1654), 960)
    assert small.shape[0] == 960
    assert all(side % DETECTOR_STEP == 0 for side in small.shape[:2])


def test_a_small_raster_is_not_enlarged_beyond_the_detectors_step():
    assert reduced(white(70, 200), 960).shape[:2] == (64, 192)


def test_a_crop_is_level():
    raster = white(200, 200)
    corners = np.array([[50, 40], [150, 60], [146, 80], [46, 60]], dtype=np.float32)
    raster[30:90, 40:160] = 7
    piece = crop(raster, corners)
    assert piece.shape == (20, 102, 3)
    assert (piece == 7).all()


def test_a_crop_has_a_pixel_at_least():
    assert crop(white(9, 9), np.full((4, 2), 3, dtype=np.float32)).shape == (1, 1, 3)
