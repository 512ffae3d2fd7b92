"""A raster at whose pixels nobody looked is made smaller from its samples, to the very pixels that Pillow gives."""

import random

import pytest
from PIL import Image

from pdfocr_watcher.document.layouts import layout_picture
from pdfocr_watcher.document.model import Page
from pdfocr_watcher.pipeline.rendering.lazy import LazyRaster
from tests.processes import loaded_by


def samples(width: int, height: int) -> bytes:
    return random.Random(f"{width} x {height}").randbytes(3 * width * height)  # noqa: S311 - the same at every call


def lazy(width: int, height: int) -> LazyRaster:
    return LazyRaster((width, height), memoryview(samples(width, height)))


def plain(width: int, height: int) -> Image.Image:
    return Image.frombytes("RGB", (width, height), samples(width, height))


class NeverDecoded(LazyRaster):
    """Fails the test that asks for a pixel."""

    def load(self):
        raise AssertionError("decoded")


@pytest.mark.parametrize(
    "size", [(40, 60), (41, 60), (40, 61), (41, 61), (2, 2), (3, 2), (2, 3), (3, 3), (1, 1), (1, 9), (9, 1), (827, 33)]
)
@pytest.mark.parametrize("factor", [1, 2, 3, 4, (2, 3)])
def test_it_is_made_smaller_as_pillow_makes_it(size, factor):
    expected = plain(*size).reduce(factor)
    smaller = lazy(*size).reduce(factor)
    assert (smaller.mode, smaller.size, smaller.tobytes()) == ("RGB", expected.size, expected.tobytes())


def test_a_part_of_it_is_made_smaller_as_pillow_makes_it():
    box = (3, 5, 30, 40)
    assert lazy(40, 60).reduce(2, box).tobytes() == plain(40, 60).reduce(2, box).tobytes()


def test_its_size_and_mode_are_known_and_it_is_halved_without_decoding_it():
    raster = NeverDecoded((41, 61), memoryview(samples(41, 61)))
    assert (raster.mode, raster.size, raster.width, raster.height) == ("RGB", (41, 61), 41, 61)
    assert raster.reduce(2).size == (21, 31)


def test_the_layout_picture_is_the_same_whether_the_engine_looked_at_the_pixels_or_not():
    page = Page(0, 401, 601, 200.0)
    untouched, looked_at = lazy(401, 601), lazy(401, 601)
    looked_at.load()
    assert layout_picture(untouched, page, 100, 85) == layout_picture(looked_at, page, 100, 85)
    assert layout_picture(NeverDecoded(untouched.size, memoryview(samples(401, 601))), page, 100, 85)


@pytest.mark.parametrize(
    "use",
    [
        lambda image: image.tobytes(),
        lambda image: image.convert("L").tobytes(),
        lambda image: image.crop((3, 4, 20, 30)).tobytes(),
        lambda image: image.resize((20, 30)).tobytes(),
        lambda image: image.rotate(90, expand=True).tobytes(),
        lambda image: image.getpixel((7, 8)),
        lambda image: image.copy().tobytes(),
        lambda image: image.histogram(),
    ],
)
@pytest.mark.parametrize("halved_before", [False, True])
def test_whoever_asks_for_pixels_gets_them(use, halved_before):
    raster = lazy(40, 60)
    if halved_before:
        raster.reduce(2)
    assert use(raster) == use(plain(40, 60))


def test_what_is_drawn_on_it_is_seen_when_it_is_made_smaller_afterwards():
    raster, expected = lazy(40, 60), plain(40, 60)
    for image in (raster, expected):
        image.paste((255, 0, 0), (0, 0, 20, 20))
    assert raster.reduce(2).tobytes() == expected.reduce(2).tobytes()


def test_neither_the_daemon_nor_the_null_engines_worker_loads_a_library_of_arrays():
    modules = "pdfocr_watcher.daemon.app, pdfocr_watcher.pipeline.worker, pdfocr_watcher.engines.null"
    assert loaded_by(f"import {modules}", "cv2", "numpy") == set()
