"""Bullets get back before their lines; dirt, digits and the letters of words do not become any."""

import pytest
from PIL import Image, ImageDraw

from pdfocr_watcher.analysis.lines import Line
from pdfocr_watcher.engines.bullets import with_bullets
from tests.analysis.typeset import set_line

EM = 40.0
TEXTS = ("first entry", "second entry", "third entry")


def page(*dots, mode="RGB", ink="black", paper="white"):
    """A page with ink in boxes."""
    image = Image.new("RGB", (1000, 800), paper)
    for left, top, right, bottom in dots:
        ImageDraw.Draw(image).ellipse((left, top, right, bottom), fill=ink)
    return image.convert(mode)


def entries():
    """Lines whose middles are at 120, 180 and 240."""
    return [set_line(text, 200, 100 + 60 * number, em=EM) for number, text in enumerate(TEXTS)]


def dot(line, left=150, size=10):
    return left, line.middle - size / 2, left + size, line.middle + size / 2


def said(image, lines):
    return [line.text for line in sorted(with_bullets(image, lines), key=lambda line: line.middle)]


@pytest.mark.parametrize(("ink", "paper"), [("black", "white"), ("white", "navy")])
@pytest.mark.parametrize("mode", ["RGB", "L", "CMYK"])
def test_dots_before_lines_are_their_bullets(ink, paper, mode):
    lines = entries()
    image = page(*map(dot, lines), mode=mode, ink=ink, paper=paper)
    assert said(image, lines) == [f"\u2022 {text}" for text in TEXTS]
    (first, *_) = with_bullets(image, lines)
    assert first.left == pytest.approx(150, abs=3)
    assert [word.text for word in first.words] == ["\u2022", "first", "entry"]


@pytest.mark.parametrize(
    "dots",
    [
        pytest.param(lambda lines: [dot(lines[0])], id="one alone is dirt"),
        pytest.param(lambda lines: [dot(lines[0], 150), dot(lines[1], 120)], id="not below each other"),
        pytest.param(lambda lines: [dot(lines[0], size=6), dot(lines[1], size=16)], id="not of one size"),
        pytest.param(
            lambda lines: [(150, line.bottom - 6, 160, line.bottom + 4) for line in lines], id="dots of a leader"
        ),
        pytest.param(lambda lines: [dot(line, left) for line in lines for left in (120, 150)], id="several in a row"),
        pytest.param(lambda lines: [dot(line, 20) for line in lines], id="too far away"),
        pytest.param(lambda lines: [(150, line.middle - 3, 190, line.middle + 3) for line in lines], id="dashes"),
    ],
)
def test_what_is_no_bullet(dots):
    lines = entries()
    assert said(page(*dots(lines)), lines) == list(TEXTS)


def test_a_bullet_that_was_read_as_a_letter_is_one():
    lines = entries()
    lone = [Line(140, line.middle - 14, 172, line.middle + 14, "O", 0.6) for line in lines]
    assert said(page(), [*lines, *lone]) == [f"\u2022 {text}" for text in TEXTS]
    joined = [set_line(f"o {text.title()}", 150, line.top, em=EM) for text, line in zip(TEXTS, lines, strict=True)]
    assert said(page(), joined) == [f"\u2022 {text.title()}" for text in TEXTS]


def test_a_letter_that_stands_alone_stays():
    lines = [*entries(), Line(700, 600, 730, 640, "O", 0.9)]
    assert sorted(said(page(), lines)) == sorted([*TEXTS, "O"])
    assert said(page(), [set_line("O Captain! My Captain!", 200, 100, em=EM)]) == ["O Captain! My Captain!"]


def test_a_line_with_a_mark_of_its_own_keeps_it():
    lines = [set_line(f"{number}. {text}", 200, 100 + 60 * number, em=EM) for number, text in enumerate(TEXTS)]
    assert said(page(*map(dot, lines)), lines) == [line.text for line in lines]


@pytest.mark.parametrize("size", [(1, 1), (2, 900), (900, 2)])
def test_pages_of_any_shape(size):
    assert with_bullets(Image.new("L", size, 255), []) == []
    line = set_line("word", 0, 0)
    assert with_bullets(Image.new("L", size, 255), [line]) == [line]
