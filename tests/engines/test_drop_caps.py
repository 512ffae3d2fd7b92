"""Initials over several lines are put before their words, and nothing else is taken for one."""

import pytest
from PIL import Image, ImageDraw, ImageFont

from pdfocr_watcher.analysis.lines import Line
from pdfocr_watcher.analysis.regions import Region
from pdfocr_watcher.engines.drop_caps import with_initials
from tests.analysis.typeset import prose, set_line

EM, PITCH, LEFT = 30.0, 40, 200
INDENTED = LEFT + 80


def paragraph(first="ver the past three decades", indented=2):
    """A paragraph whose first lines are pushed in."""
    texts = [first, *(f"a{text}" for text in prose(5))]
    return [
        set_line(text, INDENTED if number < indented else LEFT, 100 + PITCH * number, em=EM)
        for number, text in enumerate(texts)
    ]


def page(letter="O", at=(LEFT, 85), size=90, mode="RGB"):
    image = Image.new("RGB", (1000, 600), "white")
    if letter:
        ImageDraw.Draw(image).text(at, letter, fill="black", font=ImageFont.load_default(size))
    return image.convert(mode)


def reader(text, confidence=0.9, asked=None):
    def read(_image: Image.Image, region: Region) -> Line:
        if asked is not None:
            asked.append(region)
        return Line(region.left, region.top, region.right, region.bottom, text, confidence)

    return read


@pytest.mark.parametrize("mode", ["RGB", "L", "CMYK"])
def test_an_initial_that_was_overlooked_is_read(mode):
    asked: list[Region] = []
    lines = with_initials(page(mode=mode), paragraph(), reader("O", asked=asked))
    assert lines[0].text == "Over the past three decades"
    assert lines[0].words[0].text == "Over"
    assert [line.text for line in lines[1:]] == [line.text for line in paragraph()[1:]]
    (place,) = asked
    assert LEFT - 20 < place.left < place.right < INDENTED + 20


def test_an_initial_that_was_read_alone_is_put_before_its_word():
    alone = Line(LEFT, 90, LEFT + 60, 170, "S", 0.8)
    lines = with_initials(page(""), [alone, *paragraph("HE MOPED. She sighed. She")], reader("X"))
    assert lines[0].text == "SHE MOPED. She sighed. She"
    assert alone not in lines


@pytest.mark.parametrize(
    ("lines", "read"),
    [
        pytest.param(paragraph("Over the past three decades"), reader("O"), id="the word is whole"),
        pytest.param(paragraph(indented=1), reader("O"), id="an indented first line"),
        pytest.param(paragraph(indented=6), reader("O"), id="nothing there"),
        pytest.param(paragraph(), reader("O", 0.3), id="a doubtful reading"),
        pytest.param(paragraph(), reader("%"), id="a sign"),
        pytest.param(paragraph(), reader("On"), id="a word"),
        pytest.param(paragraph(), lambda _image, _region: None, id="nothing to read"),
    ],
)
def test_no_initial(lines, read):
    image = page() if len({line.left for line in lines}) > 1 else page("")
    assert with_initials(image, lines, read) == lines


@pytest.mark.parametrize(("at", "size"), [((LEFT - 400, 85), 90), ((LEFT, 300), 90), ((LEFT + 30, 100), 24)])
def test_other_ink_is_not_even_read(at, size):
    asked: list[Region] = []
    with_initials(page(at=at, size=size), paragraph(), reader("O", asked=asked))
    assert asked == []


def test_nothing_to_do_without_lines():
    assert with_initials(page(), [], reader("O")) == []
