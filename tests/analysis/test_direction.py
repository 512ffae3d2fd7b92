"""Pages of scripts that run from right to left are read from the right, and lie where they lie."""

import re

import pytest
from PIL import Image, ImageDraw

from pdfocr_watcher.analysis.direction import is_right_to_left, mirrored_block, mirrored_line, mirrored_region
from pdfocr_watcher.analysis.lines import Line, Word
from pdfocr_watcher.analysis.regions import Region
from pdfocr_watcher.document.model import Block, Box, Label
from tests.analysis.typeset import Reader

WIDTH, HEIGHT = 1240, 1754
HEBREW = "הוועדה נפגשה ביום שלישי בספרייה הישנה ועברה על כל רשימת הסירות"


def hebrew(top, left, right, text):
    """A line whose words fill its width, the first one on the right."""
    words, step = text.split(), (right - left) / len(text.split())
    placed = tuple(Word(right - step * (n + 1) + 6, right - step * n, word) for n, word in enumerate(words))
    return Line(left, top, right, top + 30, text=text, confidence=0.9, words=placed[::-1])


def numbered(prefix, count):
    return [f"{prefix}{number} {HEBREW}" for number in range(1, count + 1)]


def test_columns_are_read_from_the_right():
    right = [hebrew(200 + 40 * n, 660, 1140, text) for n, text in enumerate(numbered("ימין", 12))]
    left = [hebrew(200 + 40 * n, 100, 580, text) for n, text in enumerate(numbered("שמאל", 12))]
    blocks = Reader([*left, *right]).recognize(Image.new("RGB", (WIDTH, HEIGHT), "white")).blocks
    text = " ".join(block.content for block in blocks)
    found = re.findall(r"(?:ימין|שמאל)\d+", text)
    assert found == [f"ימין{n}" for n in range(1, 13)] + [f"שמאל{n}" for n in range(1, 13)]
    assert blocks[0].boxes[0].x1 > 500  # where it stands, not where it stood on the mirrored page


def test_lines_side_by_side_are_read_from_the_right():
    image = Image.new("RGB", (WIDTH, HEIGHT), "white")
    lines = [hebrew(200, 100, 560, "שניה " + HEBREW), hebrew(200, 580, 1140, "ראשונה " + HEBREW)]
    (block,) = Reader(lines).recognize(image).blocks
    assert block.content.index("ראשונה") < block.content.index("שניה")


def test_a_table_s_first_cell_is_its_right_one():
    image = Image.new("RGB", (WIDTH, HEIGHT), "white")
    draw, lines = ImageDraw.Draw(image), []
    for row, texts in enumerate(
        [("פרי", "מחיר", "כמות"), ("תפוח", "12", "310"), ("אגס", "8", "95"), ("שזיף", "7", "8")]
    ):
        top = 300 + 60 * row
        draw.rectangle((100, top, 1140, top + 60), outline="black", width=3)
        for column, text in enumerate(texts):
            right = 1120 - 340 * column
            draw.line((right + 20, top, right + 20, top + 60), fill="black", width=3)
            draw.rectangle((right - 80, top + 20, right, top + 40), fill="black")
            lines.append(Line(right - 80, top + 15, right, top + 45, text=text, confidence=0.9))
    tables = [block for block in Reader(lines).recognize(image).blocks if block.label is Label.TABLE]
    assert [re.findall(r"<td>(.*?)</td>", table.content)[:4] for table in tables] == [["פרי", "מחיר", "כמות", "תפוח"]]


@pytest.mark.parametrize(
    ("texts", "right"),
    [(("שלום עולם",), True), (("مرحبا", "12"), True), (("hello שלום",), False), (("1984",), False), ((), False)],
)
def test_the_direction_is_that_of_most_letters(texts, right):
    lines = [Line(0, 0, 100, 30, text=text, confidence=0.9) for text in texts]
    assert is_right_to_left(lines) is right


def test_mirroring_twice_changes_nothing():
    line = hebrew(200, 100, 560, HEBREW)
    block = Block(Label.TEXT, (Box(10, 20, 300, 40),), "x")
    region = Region(3, 4, 50, 60)
    assert mirrored_line(mirrored_line(line, WIDTH), WIDTH) == pytest.approx(line) or (
        mirrored_line(mirrored_line(line, WIDTH), WIDTH).text == line.text
    )
    assert mirrored_block(mirrored_block(block)) == block
    assert mirrored_region(mirrored_region(region, WIDTH), WIDTH) == region
    assert [word.text for word in mirrored_line(line, WIDTH).words] == HEBREW.split()
