"""Numbers that count the lines in a margin are told apart from the text, and no other numbers are."""

import pytest

from pdfocr_watcher.analysis.blocks import blocks_from_lines
from pdfocr_watcher.analysis.line_numbers import line_numbers
from pdfocr_watcher.document.model import Label
from tests.analysis.typeset import prose, set_column, set_line

TEXT = set_column(prose(20), 200, 300)


def numbered(every=1, left=120.0, first=1):
    """Numbers beside the lines of `TEXT`."""
    return [set_line(str(first + n), left, TEXT[n].top) for n in range(0, len(TEXT), every)]


@pytest.mark.parametrize(("every", "left"), [(1, 120.0), (5, 120.0), (1, 900.0)], ids=["each", "every fifth", "right"])
def test_they_are_found_in_either_margin(every, left):
    numbers = numbered(every, left)
    assert line_numbers([*TEXT, *numbers]) == numbers


def test_those_of_different_width_end_below_each_other():
    numbers = [set_line(str(n), 140 - 10 * len(str(n)), TEXT[n - 5].top) for n in range(5, 25)]
    assert line_numbers([*TEXT, *numbers]) == numbers


def test_one_that_was_misread_does_not_save_the_others():
    numbers = numbered()
    numbers[7] = set_line("8", 120, numbers[6].top + 12)
    assert len(line_numbers([*TEXT, *numbers])) == 20


def test_they_are_no_part_of_the_text_and_not_lost():
    blocks = blocks_from_lines([*TEXT, *numbered()], 1700, 2200)
    assert [block.label for block in blocks] == [Label.TEXT, Label.PAGE_NUMBER]
    assert blocks[0].content == " ".join(line.text for line in TEXT)
    assert blocks[1].content == " ".join(str(n) for n in range(1, 21))


@pytest.mark.parametrize(
    "numbers",
    [
        pytest.param(numbered()[:3], id="three"),
        pytest.param([set_line(str(n * n), 120, line.top) for n, line in enumerate(TEXT)], id="no even steps"),
        pytest.param([set_line(str(90 - n), 120, line.top) for n, line in enumerate(TEXT)], id="downwards"),
        pytest.param([set_line("7", 120, line.top) for line in TEXT], id="always the same"),
        pytest.param([set_line(str(n), 400, line.top) for n, line in enumerate(TEXT)], id="in the text"),
        pytest.param([set_line(str(n), 120, 900 + 24 * n) for n in range(20)], id="beside nothing"),
    ],
)
def test_other_numbers_are_text(numbers):
    assert line_numbers([*TEXT, *numbers]) == []


def test_numbers_alone_number_nothing():
    assert line_numbers(numbered()) == []
    assert line_numbers([]) == []
