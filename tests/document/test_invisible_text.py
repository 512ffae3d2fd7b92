"""The text layer as content: what is shown where, in which order, with which codes."""

import re

import pytest

from pdfocr_watcher.document.invisible_font import Codes, font_file
from pdfocr_watcher.document.invisible_text import invisible_text
from pdfocr_watcher.document.model import TextLine
from pdfocr_watcher.document.page_geometry import Matrix, PageView, upright_to_page

#: A picture of 200 x 100 pixels on a page of 100 x 50 points.
HALF = Matrix(0.5, 0, 0, -0.5, 0, 50)


def shown(*lines):
    """What is shown: where it begins, how wide it is, and what it says."""
    codes = Codes()
    content = invisible_text(lines, HALF, codes).decode()
    table = dict(re.findall(r"<([0-9A-F]{4})> <([0-9a-f]+)>", codes.to_unicode().decode()))
    runs, size = [], 0.0
    for line in content.splitlines():
        if font := re.match(r"/F ([\d.]+) Tf", line):
            size = float(font[1])
        elif run := re.match(r"[\d. -]+? ([\d.]+) ([\d.]+) Tm ([\d.]+) Tz <(\w+)> Tj", line):
            hexes = re.findall("....", run[4])
            text = "".join(bytes.fromhex(table[one]).decode("utf-16-be") for one in hexes)
            runs.append((float(run[1]), round(float(run[3]) / 100 * len(hexes) * size / 2, 1), text))
    return runs


def line(text, words=(), box=(20, 10, 180, 30)):
    return TextLine(box, text, 0.9, words)


def test_a_line_without_words_is_shown_at_once_as_wide_as_it_is():
    assert shown(line("Minutes of the board")) == [(10, 80, "Minutes of the board")]


def test_words_have_their_own_places_and_spaces_between_them():
    words = ((20, 90, "harbour"), (100, 180, "board"))
    assert shown(line("harbour board", words)) == [(10, 35, "harbour"), (45, 5, " "), (50, 40, "board")]


def test_words_that_touch_leave_room_for_the_space():
    words = ((20, 100, "harbour"), (100, 180, "board"))
    assert shown(line("harbour board", words)) == [(10, 39, "harbour"), (49, 1, " "), (50, 40, "board")]


def test_parts_of_one_word_have_no_space_between_them():
    words = ((20, 90, "harbour"), (100, 180, "board"))
    assert [text for *_, text in shown(line("harbourboard", words))] == ["harbour", "board"]


def test_words_that_are_not_those_of_the_line_are_not_believed():
    assert shown(line("harbour board", ((20, 90, "harbor"),))) == [(10, 80, "harbour board")]


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        ("שלום עולם", "םלוע םולש"),
        ("مرحبا 2024", "2024 ابحرم"),
        ("the word שלום here", "the word םולש here"),
    ],
)
def test_what_is_written_from_right_to_left_stands_as_it_is_seen(text, seen):
    assert [text for *_, text in shown(line(text))] == [seen]


def test_control_characters_are_left_out_and_every_blank_is_one():
    assert [text for *_, text in shown(line("a\x00b\x1b c\td\u3000e"))] == ["ab c d e"]


@pytest.mark.parametrize("box", [(20, 10, 20, 30), (20, 30, 180, 10)])
def test_a_line_without_an_extent_is_not_shown(box):
    assert shown(line("text", box=box)) == []


def test_a_line_of_nothing_is_not_shown():
    assert shown(line("\x00")) == []


def test_nothing_that_is_shown_is_painted():
    assert invisible_text([line("text")], HALF, Codes()).startswith(b"BT 3 Tr\n")


def test_text_is_a_string_of_codes_whatever_it_says():
    content = invisible_text([line(") Tj ET Q (")], HALF, Codes()).decode()
    assert content.count("ET") == 1


def test_when_the_codes_are_used_up_the_rest_becomes_spaces():
    codes = Codes()
    for start in range(0x20, 0x11000, 0x100):
        codes.encoded("".join(chr(one) for one in range(start, start + 0x100) if not 0xD800 <= one < 0xE000))
    assert len(codes) == 0xFFFF
    assert codes.encoded("\U0002f800") == "<0001>"


def test_the_font_is_the_same_every_time_and_its_checksum_holds():
    font = font_file()
    assert font == font_file()
    words = [int.from_bytes(font[at : at + 4]) for at in range(0, len(font), 4)]
    assert sum(words) & 0xFFFFFFFF == 0xB1B0AFBA


def test_a_picture_of_another_shape_than_the_page_has_no_place_on_it():
    assert upright_to_page(200, 100, 0, 0.0, PageView((0, 0, 100, 50))) is not None
    assert upright_to_page(200, 100, 90, 0.0, PageView((0, 0, 100, 50))) is None
    assert upright_to_page(200, 110, 0, 0.0, PageView((0, 0, 100, 50))) is None
    assert upright_to_page(0, 110, 0, 0.0, PageView((0, 0, 100, 50))) is None
