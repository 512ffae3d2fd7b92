"""Scans of empty sheets are blank, dirt and all; a single faint line of writing is not."""

import random

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFilter, ImageFont

from pdfocr_watcher.engines.blankness import blank

A4 = (1654, 2339)
LINE = "and so the matter rested until the spring"


def paper(level: int = 236, noise: float = 5.0, size: tuple[int, int] = A4, seed: int = 1) -> Image.Image:
    """A scan of an empty sheet: gray, grained, a little darker towards one side, where the book's fold is."""
    rng = np.random.default_rng(seed)
    width, height = size
    page = np.full((height, width), float(level))
    page -= 60 * np.exp(-np.arange(width) / (0.04 * width))
    page += rng.normal(0, noise, (height, width))
    return Image.fromarray(np.clip(page, 0, 255).astype(np.uint8))


def cloudy(level: int = 220, noise: float = 8.0) -> Image.Image:
    """Recycled paper: grain as coarse as print is."""
    rng = np.random.default_rng(5)
    grain = Image.fromarray(np.clip(rng.normal(128, 40, A4[::-1]), 0, 255).astype(np.uint8))
    grain = np.asarray(grain.filter(ImageFilter.GaussianBlur(2)), float) - 128
    return Image.fromarray(np.clip(level + grain * noise / grain.std(), 0, 255).astype(np.uint8))


def specks(page: Image.Image, count: int = 150, seed: int = 2) -> Image.Image:
    """Dust: dots of up to a millimetre anywhere."""
    rng, draw = random.Random(seed), ImageDraw.Draw(page)  # noqa: S311 - dust, no secrets
    for _ in range(count):
        x, y, size = rng.randrange(page.width), rng.randrange(page.height), rng.randint(1, 6)
        draw.ellipse((x, y, x + size, y + size), fill=rng.randint(60, 180))
    return page


def black_rim(page: Image.Image, widths: tuple[int, int, int, int] = (0, 40, 70, 25)) -> Image.Image:
    """What a scanner leaves around a sheet that lay askew, ragged at its inner side."""
    rng, draw = random.Random(3), ImageDraw.Draw(page)  # noqa: S311 - see above
    left, top, right, bottom = widths
    for y in range(page.height):
        draw.line((page.width - max(0, right + rng.randint(-4, 4)), y, page.width, y), fill=12)
        draw.line((0, y, left - 1, y), fill=12) if left else None
    draw.rectangle((0, 0, page.width, top), fill=15)
    draw.rectangle((0, page.height - bottom, page.width, page.height), fill=15)
    return page


def punch_holes(page: Image.Image) -> Image.Image:
    draw = ImageDraw.Draw(page)
    for y in (855, 1484):
        draw.ellipse((60, y - 24, 108, y + 24), fill=40)
    return page


def written(page: Image.Image, text: str, at: tuple[float, float], em: int = 34, fill: int = 190) -> Image.Image:
    """A line of writing, as unsharp as a scan."""
    layer = Image.new("L", page.size, 255)
    place = (at[0] * page.width, at[1] * page.height)
    ImageDraw.Draw(layer).text(place, text, fill=0, font=ImageFont.load_default(em))
    mask = layer.filter(ImageFilter.GaussianBlur(0.7)).point(lambda level: 255 - level)
    page.paste(Image.new("L", page.size, fill), mask=mask)
    return page


BLANK = {
    "white": Image.new("RGB", A4, "white"),
    "black": Image.new("L", A4, 0),
    "one bit": Image.new("1", A4, 1),
    "gray paper": paper(),
    "dark paper with much grain": paper(level=150, noise=12),
    "cloudy paper": cloudy(),
    "dust": specks(paper()),
    "a scanner's rim": black_rim(paper()),
    "a wide rim all around": black_rim(paper(), (80, 100, 90, 110)),
    "punch holes": punch_holes(paper()),
    "all of it": specks(punch_holes(black_rim(paper()))),
    "a lone mark": written(paper(), "x", (0.4, 0.4)),
    "small": paper(size=(120, 160)),
    "tiny": Image.new("L", (4, 4), 255),
}
NOT_BLANK = {
    "a faint line": written(paper(), LINE, (0.2, 0.5)),
    "a faint line at the head": written(paper(), LINE, (0.3, 0.02)),
    "a faint line at the foot": written(paper(), LINE, (0.1, 0.97)),
    "a faint line on dark paper": written(paper(level=170), LINE, (0.2, 0.5), fill=115),
    "a line on cloudy paper": written(cloudy(), LINE, (0.2, 0.5), fill=60),
    "a faint line among dirt": written(specks(punch_holes(black_rim(paper()))), LINE, (0.2, 0.5)),
    "small print": written(paper(), LINE, (0.2, 0.5), em=22, fill=120),
    "a word": written(paper(), "Appendix", (0.4, 0.45), fill=60),
    "white on black": Image.eval(
        written(Image.new("L", A4, 255), LINE, (0.2, 0.5), fill=60), lambda level: 255 - level
    ),
    "a small page full of text": written(Image.new("L", (420, 60), 250), LINE, (0.02, 0.1), em=20, fill=90),
}


@pytest.mark.parametrize("name", BLANK)
def test_an_empty_sheet_is_blank(name):
    assert blank(BLANK[name])


@pytest.mark.parametrize("name", NOT_BLANK)
def test_a_sheet_with_writing_is_not(name):
    assert not blank(NOT_BLANK[name])


def test_a_page_with_a_picture_is_not_blank():
    page = paper()
    page.paste(Image.effect_noise((600, 400), 80), (500, 900))
    assert not blank(page)


def test_a_page_that_is_one_picture_is_not_blank():
    photograph = Image.linear_gradient("L").resize(A4)
    ImageDraw.Draw(photograph).ellipse((200, 400, 1500, 1900), fill=20)
    assert not blank(photograph)


@pytest.mark.parametrize("dpi", [100, 144, 300])
def test_the_resolution_does_not_matter(dpi):
    for page, expected in ((BLANK["all of it"], True), (NOT_BLANK["a faint line"], False)):
        size = (round(page.width * dpi / 200), round(page.height * dpi / 200))
        assert blank(page.resize(size, Image.Resampling.BICUBIC)) is expected


def test_the_page_is_not_changed():
    page = paper()
    before = page.tobytes()
    blank(page)
    assert page.tobytes() == before
