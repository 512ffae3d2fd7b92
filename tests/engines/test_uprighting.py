"""Turning a page moves its pixels and changes none; levelling it fills the corners with paper."""

import numpy as np
import pytest
from PIL import Image

from pdfocr_watcher.engines.uprighting import Uprighting, straighten


def page(mode="RGB", paper="white"):
    """A black corner at the top left of a page that is higher than wide."""
    image = Image.new("RGB", (200, 300), paper)
    image.paste("black", (0, 0, 50, 20))
    return image.convert(mode)


def test_nothing_to_do_is_nothing_done():
    image = page()
    assert straighten(image, Uprighting()) is image
    assert not Uprighting()
    assert Uprighting(90)
    assert Uprighting(0, 0.5)


@pytest.mark.parametrize(
    ("degrees", "size", "corner"),
    [(90, (300, 200), (299, 0)), (180, (200, 300), (199, 299)), (270, (300, 200), (0, 199))],
)
def test_turns_are_clockwise_and_exact(degrees, size, corner):
    image = page()
    turned = straighten(image, Uprighting(degrees))
    assert turned.size == size
    assert turned.getpixel(corner) == (0, 0, 0)
    assert turned.histogram() == image.histogram()
    assert np.array_equal(straighten(turned, Uprighting(360 - degrees)), image)


@pytest.mark.parametrize("degrees", [-90, 45, 360])
def test_other_turns_are_refused(degrees):
    with pytest.raises(ValueError, match=str(degrees)):
        Uprighting(degrees)


def test_skew_is_clockwise_too():
    image = Image.new("L", (400, 400), 255)
    image.paste(0, (0, 198, 400, 202))
    levelled = np.asarray(straighten(image, Uprighting(0, 5.0)))
    assert levelled[:, 10].argmin() < 195
    assert levelled[:, 390].argmin() > 205
    assert levelled.shape == (400, 400)


@pytest.mark.parametrize("paper", [(255, 255, 255), (250, 240, 210), (20, 30, 90)])
def test_the_corners_that_come_in_have_the_colour_of_the_paper(paper):
    levelled = straighten(page(paper=paper), Uprighting(0, 8.0))
    assert all(levelled.getpixel(corner) == paper for corner in [(199, 0), (0, 299), (199, 299)])


def test_paper_with_grain_is_filled_with_its_usual_colour():
    grain = np.random.default_rng(5).normal(228, 4, (300, 200)).clip(0, 255).astype(np.uint8)
    filled = straighten(Image.fromarray(grain), Uprighting(0, 8.0)).getpixel((0, 299))
    assert filled == pytest.approx(228, abs=5)


@pytest.mark.parametrize("mode", ["1", "L", "P", "RGBA", "CMYK"])
def test_every_mode_can_be_levelled(mode):
    assert straighten(page(mode), Uprighting(0, 2.0)).size == (200, 300)


def test_the_page_itself_is_not_changed():
    image = page()
    before = image.tobytes()
    straighten(image, Uprighting(180, 3.0))
    assert image.tobytes() == before
