"""A page's picture is of the size that the model takes as it is, and boxes find their way back to the page."""

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageChops, ImageDraw

from pdfocr_watcher.document.model import Box
from pdfocr_watcher.engines.preparing import Fit, fit, prepare, tile_grid
from pdfocr_watcher.engines.profiles import Picture, PictureFormat, builtin_profiles

GUNDAM = Picture(tile=640, min_tiles=2, max_tiles=6)
SQUARE = Picture(tile=640, min_tiles=2, max_tiles=6, square=True)
SIDES = st.integers(1, 6000)
PICTURES = st.builds(
    Picture,
    max_side=st.integers(64, 4000),
    max_pixels=st.integers(4096, 8_000_000),
    step=st.sampled_from([1, 14, 28, 32]),
    square=st.booleans(),
)


def decoded(image: Image.Image, picture: Picture) -> Image.Image:
    return Image.open(io.BytesIO(prepare(image, picture)))


@pytest.mark.parametrize(
    ("raster", "picture", "expected"),
    [
        # A4 at 200 dpi: two tiles wide and three high are 1280 x 1920, which it just covers
        ((1654, 2339), GUNDAM, (1358, 1920)),
        # at 144 dpi it is smaller than its tiles, and stays
        ((1191, 1684), GUNDAM, (1191, 1684)),
        ((2339, 1654), GUNDAM, (1920, 1358)),
        # four tiles, gray beside the page
        ((1654, 2339), SQUARE, (1280, 1280)),
        ((1654, 2339), Picture(max_side=640), (453, 640)),
        # no more than a tile: not cut, so there is nothing to cover
        ((600, 640), GUNDAM, (600, 640)),
        ((1654, 2339), Picture(step=28), (1652, 2352)),
        ((1654, 2339), Picture(max_side=1540, step=28), (1092, 1540)),
        ((1654, 2339), Picture(max_side=1288, step=28), (924, 1288)),
        ((1654, 2339), Picture(max_pixels=2_822_400, step=28), (1400, 1988)),
        ((5, 3), Picture(step=28), (32, 32)),
        # a thread is padded until a processor takes it
        ((20, 4000), Picture(), (40, 4000)),
    ],
)
def test_a_picture_is_as_large_as_the_model_can_use(raster, picture, expected):
    place = fit(*raster, picture)
    assert (place.width, place.height) == expected
    assert decoded(Image.new("L", raster, 200), picture).size == expected


@pytest.mark.parametrize("name", builtin_profiles())
def test_every_mode_of_every_profile_makes_a_picture_of_an_ordinary_page(name):
    for picture in builtin_profiles()[name].modes.values():
        page = decoded(Image.new("RGB", (1241, 1754), "white"), picture)
        assert page.mode == "RGB"
        assert 400 < page.width <= page.height <= 1800


@given(SIDES, SIDES, PICTURES)
def test_a_page_keeps_its_shape_but_for_a_step_and_is_no_larger_than_it_may_be(width, height, picture):
    place = fit(width, height, picture)
    step = picture.step
    scale = min(1, picture.max_side / max(width, height), (picture.max_pixels / (width * height)) ** 0.5)
    for side, before in ((place.page_width, width), (place.page_height, height)):
        assert side % step == 0
        assert abs(side - before * scale) <= step
    if min(width, height) * scale >= step:
        assert place.page_width * place.page_height <= picture.max_pixels
        assert max(place.page_width, place.page_height) <= picture.max_side
    assert max(place.width, place.height) <= 100 * min(place.width, place.height)
    assert not picture.square or place.width == place.height


@given(st.integers(200, 6000), st.integers(200, 6000), st.sampled_from([28, 32]), st.integers(400_000, 8_000_000))
def test_what_rounds_to_steps_finds_nothing_to_round(width, height, step, max_pixels):
    """The rule of the Qwen family's processors, which nearly all models took over."""
    place = fit(width, height, Picture(max_side=16384, max_pixels=max_pixels, step=step))
    sides = (place.page_width, place.page_height)
    assert [round(side / step) * step for side in sides] == list(sides)
    assert sides[0] * sides[1] <= max_pixels


@pytest.mark.parametrize(
    ("size", "grid"),
    [
        ((640, 640), (1, 1)),
        ((641, 640), (2, 2)),
        ((1191, 1684), (2, 3)),
        ((1684, 1191), (3, 2)),
        ((700, 1400), (1, 2)),
        ((1000, 1000), (2, 2)),
        ((500, 3000), (1, 6)),
        ((9000, 500), (6, 1)),
        ((2000, 800), (3, 1)),
        ((1200, 480), (2, 1)),
    ],
)
def test_the_tiles_are_those_of_the_models_processor(size, grid):
    assert tile_grid(*size, GUNDAM) == grid


@given(st.integers(700, 6000), st.integers(700, 6000))
def test_a_page_covers_its_tiles_and_is_no_larger_than_that_takes(width, height):
    place = fit(width, height, GUNDAM.model_copy(update={"max_side": 16384}))
    columns, rows = tile_grid(width, height, GUNDAM)
    wide, high = place.page_width - columns * 640, place.page_height - rows * 640
    if width >= columns * 640 and height >= rows * 640:
        assert min(wide, high) == 0
    else:
        assert (place.width, place.height) == (width, height)


@pytest.mark.parametrize(
    ("raster", "place"),
    [((1654, 2339), Fit(1280, 1280, 187, 0, 905, 1280)), ((2339, 1654), Fit(1280, 1280, 0, 187, 1280, 905))],
)
def test_a_box_of_a_padded_picture_is_found_on_the_page(raster, place):
    assert fit(*raster, SQUARE) == place
    page = Box(100, 200, 500, 900)
    inside = Box.from_pixels(
        place.left + page.x1 / 999 * place.page_width,
        place.top + page.y1 / 999 * place.page_height,
        place.left + page.x2 / 999 * place.page_width,
        place.top + page.y2 / 999 * place.page_height,
        place.width,
        place.height,
    )
    found = place.on_page(inside)
    assert found.as_list() == pytest.approx(page.as_list(), abs=2)
    assert place.on_page(Box(0, 0, 999, 999)) == Box(0, 0, 999, 999), "what lies in the padding is clipped"


def test_a_box_stays_where_nothing_is_padded():
    place = fit(1654, 2339, GUNDAM)
    assert not place.padded
    assert place.on_page(Box(1, 2, 3, 4)) == Box(1, 2, 3, 4)


def test_what_is_beside_the_page_is_gray_and_the_page_stands_in_the_middle():
    picture = decoded(Image.new("L", (1000, 2000), 255), SQUARE.model_copy(update={"format": PictureFormat.PNG}))
    assert picture.getpixel((0, 640)) == (127, 127, 127)
    assert picture.getpixel((640, 640)) == (255, 255, 255)
    assert picture.getpixel((1279, 640)) == (127, 127, 127)


@pytest.mark.parametrize("mode", ["RGB", "L", "1", "P", "CMYK", "RGBA", "LA", "I;16"])
def test_a_page_of_any_mode_becomes_the_same_picture(mode):
    page = Image.new("RGB", (900, 1200), "white")
    ImageDraw.Draw(page).rectangle((200, 300, 700, 800), fill="black")
    given_page = Image.new("I;16", page.size, 65535) if mode == "I;16" else page.convert(mode)
    if mode == "I;16":
        page = Image.new("RGB", page.size, "white")
    before = given_page.tobytes()
    png = Picture(max_side=600, format=PictureFormat.PNG)
    difference = ImageChops.difference(decoded(given_page, png), decoded(page, png))
    assert max(high for _, high in difference.getextrema()) <= 3
    assert given_page.tobytes() == before


def test_what_is_transparent_is_white():
    page = Image.new("RGBA", (100, 100), (0, 0, 0, 0))
    assert decoded(page, Picture(format=PictureFormat.PNG)).getextrema() == ((255, 255),) * 3


def test_the_picture_is_encoded_as_the_profile_says():
    page = Image.new("RGB", (100, 100), "white")
    assert decoded(page, Picture(format=PictureFormat.PNG)).format == "PNG"
    assert decoded(page, Picture()).format == "JPEG"
    noise = Image.effect_noise((400, 400), 60)
    assert len(prepare(noise, Picture(quality=30))) < len(prepare(noise, Picture(quality=95))) / 2


def test_coloured_print_keeps_its_colour_in_a_jpeg():
    page = Image.new("RGB", (64, 64), "white")
    ImageDraw.Draw(page).line((31, 0, 31, 63), fill=(255, 0, 0), width=1)
    red = decoded(page, Picture()).getpixel((31, 32))
    assert red[0] > 200
    assert max(red[1:]) < 60
