"""A turned page is turned back, a skewed one is levelled, and a page that is upright stays as it is."""

import io
import subprocess
import sys
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont, ImageOps

from pdfocr_watcher.engines import line_networks
from pdfocr_watcher.engines.orientation import Turn, find_skew, find_turn, find_uprighting
from pdfocr_watcher.engines.uprighting import Uprighting, straighten
from pdfocr_watcher.errors import ErrorCode, PdfocrError
from tests.pdfs import PARAGRAPH

#: A4 at 144 dpi.
SIZE = (1190, 1684)
TURNS = (0, 90, 180, 270)
WORDS = PARAGRAPH.split()
#: The beginning of the Universal Declaration of Human Rights.
CHINESE = "鉴于对人类家庭所有成员的固有尊严及其平等的和不移的权利的承认乃是世界自由"


def paper(size=SIZE):
    image = Image.new("RGB", size, "white")
    return image, ImageDraw.Draw(image)


def prose(draw, left, top, width, lines, em=22, lead=34):
    """Lines of running text."""
    font = ImageFont.load_default(em)
    word = 0
    for line in range(lines):
        text = ""
        while draw.textlength(f"{text} {WORDS[word % len(WORDS)]}", font=font) < width:
            text = f"{text} {WORDS[word % len(WORDS)]}".strip()
            word += 1
        draw.text((left, top + line * lead), text, fill="black", font=font)


@cache
def letter():
    image, draw = paper()
    draw.text((700, 120), "Old Harbour, 3 May 2024", fill="black", font=ImageFont.load_default(22))
    prose(draw, 120, 300, 900, lines=14)
    draw.text((120, 900), "Yours faithfully", fill="black", font=ImageFont.load_default(22))
    return image


@cache
def two_columns():
    image, draw = paper()
    prose(draw, 100, 150, 470, lines=38)
    prose(draw, 620, 150, 470, lines=38)
    return image


@cache
def table():
    """Ruled, and mostly figures."""
    image, draw = paper()
    font = ImageFont.load_default(20)
    for row in range(26):
        for column in range(6):
            left, top = 100 + column * 165, 150 + row * 44
            draw.rectangle((left, top, left + 165, top + 44), outline="black")
            text = WORDS[row] if column == 0 else f"{(row + 3) * (column + 7) * 1471 % 100000 / 100:.2f}"
            draw.text((left + 10, top + 10), text, fill="black", font=font)
    return image


@cache
def form():
    """Labels, and boxes for what nobody has written yet."""
    image, draw = paper()
    font = ImageFont.load_default(20)
    for row, label in enumerate(["First name", "Family name", "Street and number", "Postal code", "Telephone", "Date"]):
        draw.text((120, 200 + row * 110), label, fill="black", font=font)
        draw.rectangle((420, 190 + row * 110, 1050, 240 + row * 110), outline="black", width=2)
    return image


@cache
def capitals():
    image, draw = paper()
    for row in range(12):
        text = " ".join(WORDS[row : row + 7]).upper()
        draw.text((120, 200 + row * 40), text, fill="black", font=ImageFont.load_default(22))
    return image


@cache
def heading():
    """One big heading and nothing else."""
    image, draw = paper()
    draw.text((120, 400), "Annual", fill="black", font=ImageFont.load_default(270))
    draw.text((120, 750), "Report", fill="black", font=ImageFont.load_default(270))
    return image


@cache
def sparse():
    image, draw = paper()
    draw.text((420, 700), "This page is left blank", fill="black", font=ImageFont.load_default(24))
    return image


@cache
def dark_slide():
    image, draw = paper((1440, 810))
    prose(draw, 120, 150, 1150, lines=8, em=40, lead=64)
    return ImageOps.invert(image)


@cache
def blank():
    return paper()[0]


@cache
def picture():
    """A photograph's worth of shapes without a letter."""
    seed = np.random.default_rng(7).integers(0, 256, (28, 20, 3), dtype=np.uint8)
    return Image.fromarray(seed).resize(SIZE, Image.Resampling.BICUBIC)


@cache
def grain():
    """A halftone: more specks than letters ever are."""
    return Image.fromarray(np.tile(np.array([[0, 255], [255, 255]], dtype=np.uint8), (800, 600)))


@cache
def both_ways():
    """Figures that are figures as well when they are upside down."""
    image, draw = paper()
    for row in range(20):
        text = " ".join(f"{'0689'[(row + n) % 4]}{'6908'[n % 4]}{'8960'[(row * n) % 4]}" for n in range(12))
        draw.text((120, 200 + row * 40), text, fill="black", font=ImageFont.load_default(22))
    return image


@cache
def credited_picture():
    """A drawing with a line of text up its side."""
    image, draw = paper()
    for number in range(12):
        left, top = 150 + number % 3 * 300, 150 + number // 3 * 350
        draw.ellipse((left, top, left + 250, top + 280), outline="black", width=14)
    credit = Image.new("RGB", (700, 40), "white")
    font = ImageFont.load_default(22)
    ImageDraw.Draw(credit).text((10, 6), "Drawn by the harbour board, all rights reserved", "black", font)
    image.paste(credit.transpose(Image.Transpose.ROTATE_90), (1120, 500))
    return image


def cjk_font(em):
    """A font with Chinese characters; the test is skipped where there is none."""
    for folder in (Path("/usr/share/fonts"), Path.home() / ".local/share/fonts"):
        for path in sorted([*folder.rglob("*CJK*-Regular.*"), *folder.rglob("wqy-microhei.*")]):
            return ImageFont.truetype(path, em)
    pytest.skip("no font with Chinese characters; apt-get install fonts-wqy-microhei")


def turned(page, degrees):
    """The page as somebody put it into the scanner: turned clockwise."""
    return straighten(page, Uprighting(degrees))


@pytest.mark.parametrize("degrees", TURNS)
@pytest.mark.parametrize(
    "make", [letter, two_columns, table, form, capitals, heading, sparse, dark_slide], ids=lambda make: make.__name__
)
def test_text_is_turned_upright(make, degrees):
    turn = find_turn(turned(make(), degrees))
    assert turn.degrees == (360 - degrees) % 360
    assert 0 < turn.surety <= 1


@pytest.mark.parametrize("degrees", TURNS)
@pytest.mark.parametrize("make", [blank, picture, grain, both_ways], ids=lambda make: make.__name__)
def test_what_tells_nothing_is_left_as_it_is(make, degrees):
    assert find_turn(turned(make(), degrees)).degrees == 0


@pytest.mark.parametrize("degrees", [0, 180])
def test_a_line_up_the_side_of_a_picture_does_not_turn_it(degrees):
    assert find_turn(turned(credited_picture(), degrees)).degrees == 0


@pytest.mark.parametrize("degrees", TURNS)
def test_chinese_lines_are_turned_upright(degrees):
    font = cjk_font(24)
    image, draw = paper()
    for line in range(30):
        draw.text((120, 150 + line * 44), CHINESE[line % 10 :] + CHINESE[: line % 10], fill="black", font=font)
    assert find_turn(turned(image, degrees)).degrees == (360 - degrees) % 360


@pytest.mark.parametrize("degrees", [0, 90, 180])
def test_columns_that_are_written_downwards_are_no_turned_lines(degrees):
    font = cjk_font(26)
    image, draw = paper()
    for column in range(18):
        for row, character in enumerate(CHINESE[column % 10 :] + CHINESE[: column % 10]):
            draw.text((1020 - column * 50, 150 + row * 29), character, fill="black", font=font)
    assert find_turn(turned(image, degrees)).degrees == (360 - degrees) % 360


@pytest.mark.parametrize("size", [(1, 1), (3, 900), (900, 3), (16, 16), (17, 2000), (40, 40)])
def test_tiny_and_thread_like_images_are_left_as_they_are(size):
    for colour in ("white", "black"):
        assert find_uprighting(Image.new("RGB", size, colour)) == Uprighting()
    dirt = np.random.default_rng(3).integers(0, 256, (size[1], size[0]), dtype=np.uint8)
    assert find_turn(Image.fromarray(dirt)) == Turn(0, 0.0)


@pytest.mark.parametrize("mode", ["1", "L", "RGBA", "CMYK", "P"])
def test_every_mode_is_looked_at_and_left_unchanged(mode):
    page = turned(letter(), 180).convert(mode)
    before = page.tobytes()
    assert find_turn(page).degrees == 180
    assert page.tobytes() == before


@pytest.mark.parametrize(("dpi", "degrees"), [(100, 90), (100, 180), (200, 0), (200, 270), (300, 0), (300, 180)])
def test_the_resolution_does_not_matter(dpi, degrees):
    page = letter()
    scaled = page.resize((page.width * dpi // 144, page.height * dpi // 144), Image.Resampling.BILINEAR)
    assert find_turn(turned(scaled, degrees)).degrees == (360 - degrees) % 360


@pytest.mark.parametrize(
    ("skew", "degrees"), [(-9.0, 0), (-2.5, 90), (-0.4, 0), (0.6, 180), (4.0, 270), (8.5, 90), (9.0, 180)]
)
def test_a_skewed_page_is_levelled_whichever_way_up_it_is(skew, degrees):
    page = turned(straighten(letter(), Uprighting(0, skew)), degrees)
    found = find_uprighting(page)
    assert found.turn == (360 - degrees) % 360
    assert found.skew == pytest.approx(-skew, abs=0.15)
    assert find_skew(page) == pytest.approx(-skew, abs=0.15)


@pytest.mark.parametrize("skew", [0.0, 0.15, -0.2])
def test_a_level_page_is_not_moved(skew):
    page = straighten(letter(), Uprighting(0, skew))
    assert find_skew(page) == 0.0
    assert find_uprighting(page) == Uprighting()


@pytest.mark.parametrize("make", [blank, picture, grain], ids=lambda make: make.__name__)
def test_what_has_no_lines_has_no_skew(make):
    page = straighten(make(), Uprighting(0, 3.0))
    assert find_skew(page) == 0.0
    assert find_uprighting(page) == Uprighting()


def test_lines_that_are_skewed_beyond_ten_degrees_are_not_touched():
    assert find_skew(straighten(letter(), Uprighting(0, 10.4))) == 0.0
    assert find_skew(straighten(letter(), Uprighting(0, 14.0))) == 0.0


def test_what_was_found_makes_the_page_as_it_was():
    page = turned(straighten(letter(), Uprighting(0, 3.0)), 90)
    again = straighten(page, find_uprighting(page))
    assert again.size == SIZE
    assert find_uprighting(again) == Uprighting()


def test_a_clear_page_loads_no_network():
    # In a process of its own: others here have loaded them.
    program = (
        "import sys; from PIL import Image; from pdfocr_watcher.engines.orientation import find_uprighting;"
        "print(find_uprighting(Image.open(sys.argv[1])), 'onnxruntime' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", program, "/dev/stdin"], input=_png(two_columns()),
                          capture_output=True, check=True)  # fmt: skip
    assert done.stdout.decode().split() == ["Uprighting(turn=0,", "skew=0.0)", "False"]
    assert done.stderr == b""


def test_missing_weights_are_named(monkeypatch, request):
    monkeypatch.setattr(line_networks, "CLASSIFIER_WEIGHTS", "missing.onnx")
    request.addfinalizer(line_networks._classifier.cache_clear)
    line_networks._classifier.cache_clear()
    with pytest.raises(PdfocrError, match=r"missing\.onnx") as raised:
        find_turn(turned(letter(), 180))
    assert raised.value.code is ErrorCode.ENGINE_UNAVAILABLE


def _png(image):
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()
