"""What two engines read on a page is said once, in lines that are as high as their neighbours."""

from dataclasses import replace

import pytest

from pdfocr_watcher.analysis.lines import Line
from pdfocr_watcher.engines.script_merging import TwoReadings
from pdfocr_watcher.engines.scripts import FOREIGN

CYRILLIC = next(script for script in FOREIGN if script.name == "Cyrillic")
RUSSIAN = "Настройте системный загрузчик"


def at(top, height, text, left=100.0, width=400.0, confidence=0.9):
    return Line(left, top, left + width, top + height, text, confidence)


def merged(found, page, readings=()):
    both = TwoReadings(found, page, CYRILLIC)
    return both.merged({line: dict(readings).get(line) for line in both.left_over})


def test_a_line_that_both_found_says_what_tesseract_read_and_is_as_high_as_the_others():
    (line,) = merged([at(100, 38, "HacTpoiTe", confidence=0.7)], [at(106, 25, RUSSIAN)])
    assert (line.text, line.top, line.bottom) == (RUSSIAN, 100, 138)


def test_a_line_that_tesseract_found_alone_is_as_much_higher_as_the_others():
    found = [at(100, 40, "HacTpoiTe", confidence=0.7)]
    lines = merged(found, [at(105, 20, RUSSIAN, confidence=0.9), at(205, 20, "сам")])
    assert [(line.text, line.top, line.bottom) for line in lines] == [(RUSSIAN, 100, 140), ("сам", 195, 235)]


def test_a_line_over_two_rows_is_read_row_by_row():
    found = [at(100, 38, "HacTpoiTe", confidence=0.7), at(133, 38, "cucTeMHbIi", confidence=0.7)]
    readings = {line: replace(line, text=text) for line, text in zip(found, RUSSIAN.split(" ", 1), strict=True)}
    lines = merged(found, [at(105, 62, RUSSIAN)], readings)
    assert [line.text for line in lines] == RUSSIAN.split(" ", 1)


def test_the_pieces_of_a_line_are_not_said_again_beside_it():
    pieces = [at(100, 38, "HacTpoiTe", width=330, confidence=0.7), at(100, 38, "3ky", 440, 55, confidence=0.7)]
    (line,) = merged(pieces, [at(106, 25, RUSSIAN)], {pieces[1]: at(100, 38, "зку", 440, 55)})
    assert line.text == RUSSIAN


def test_of_a_line_that_was_found_by_half_the_other_half_is_not_lost():
    half = at(100, 38, "HacTpoiTe", width=200, confidence=0.7)
    (line,) = merged([half], [at(106, 25, RUSSIAN)], {half: at(100, 38, "Настройте", width=200)})
    assert line.text == RUSSIAN


def test_cells_that_were_read_one_by_one_are_not_said_again_as_a_row():
    cells = [at(100, 38, f"c{number}", 100.0 + 140 * number, 70, confidence=0.7) for number in range(3)]
    readings = {cell: at(100, 38, name, cell.left, 70) for cell, name in zip(cells, ("раз", "два", "три"), strict=True)}
    assert [line.text for line in merged(cells, [at(106, 25, "раз два три")], readings)] == ["раз", "два", "три"]


def test_what_tesseract_is_not_sure_of_as_a_whole_is_read_by_itself():
    line = at(100, 38, "HacTpoiTe", confidence=0.7)
    assert TwoReadings([line], [at(106, 25, RUSSIAN, confidence=0.8)], CYRILLIC).left_over == [line]


def test_what_tesseract_read_of_the_left_column_is_not_all_of_a_line_over_both():
    line = at(100, 30, "HacTpoiTe cucTeMHbIi", width=600, confidence=0.7)
    assert TwoReadings([line], [at(102, 26, RUSSIAN)], CYRILLIC).left_over == [line]


@pytest.mark.parametrize(("confidence", "expected"), [(0.4, []), (0.6, [RUSSIAN])])
def test_what_only_tesseract_found_is_taken_if_it_is_worth_something(confidence, expected):
    assert [line.text for line in merged([], [at(100, 25, RUSSIAN, confidence=confidence)])] == expected


@pytest.mark.parametrize(
    ("own", "theirs", "text", "expected"),
    [
        (0.99, 0.9, "Debian", "Debian"),
        (0.9, 0.95, RUSSIAN, RUSSIAN),
        (0.96, 0.7, RUSSIAN, "Debian"),
        (0.3, 0.6, "Debiam", None),
        (0.3, None, None, None),
        (0.99, None, None, "Debian"),
    ],
)
def test_who_is_believed_about_a_line_that_was_read_by_itself(own, theirs, text, expected):
    line = at(100, 38, "Debian", confidence=own)
    reading = at(100, 38, text, confidence=theirs) if text else None
    assert [line.text for line in merged([line], [], {line: reading})] == ([expected] if expected else [])
