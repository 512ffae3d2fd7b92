"""Page numbers and running titles are told apart from the text only where that is sure."""

import pytest

from pdfocr_watcher.analysis.blocks import blocks_from_lines
from pdfocr_watcher.document.model import Label
from tests.analysis.typeset import prose, set_column, set_line

WIDTH, HEIGHT = 1700, 2200


def labels(page):
    return [(block.label, block.content) for block in blocks_from_lines(page, WIDTH, HEIGHT)]


@pytest.mark.parametrize("number", ["7", "447", "- 12 -", "xiv", "Page 3 of 10", "[8]"])
def test_a_number_alone_at_the_foot_is_the_page_number(number):
    read = labels([*set_column(prose(60), 100, 300), set_line(number, 800, 2100)])
    assert read[-1][0] is Label.PAGE_NUMBER
    assert [label for label, _ in read[:-1]] == [Label.TEXT]


def test_a_running_title_beside_the_page_number_is_a_header_and_comes_first():
    page = [*set_column(prose(60), 100, 300), set_line("447", 1400, 100), set_line("Advocacy in Action", 100, 100)]
    assert labels(page)[:2] == [(Label.HEADER, "Advocacy in Action"), (Label.PAGE_NUMBER, "447")]


def test_a_number_and_a_title_in_capitals_read_as_one_line_are_a_header():
    page = [set_line("4 CARNIVOROUS QUADRUPEDS.", 300, 250), *set_column(prose(60), 100, 320)]
    assert labels(page)[0] == (Label.HEADER, "4 CARNIVOROUS QUADRUPEDS.")


def test_a_number_that_closes_the_text_is_text():
    page = [*set_column(prose(70), 100, 300), set_line("1984", 100, 300 + 70 * 24)]
    assert all(label is Label.TEXT for label, _ in labels(page))


def test_a_number_in_the_middle_of_the_page_is_text():
    assert Label.PAGE_NUMBER not in dict(labels([set_line("7", 800, 1100)]))


def test_a_first_line_without_a_number_is_text():
    page = [set_line("Advocacy in Action", 100, 100), *set_column(prose(60), 100, 300)]
    assert Label.HEADER not in dict(labels(page))


def test_a_heading_with_its_number_at_the_head_of_a_page_is_no_running_title():
    page = [set_line("2", 100, 100), set_line("Generic names", 130, 100), *set_column(prose(60), 100, 300)]
    assert labels(page)[0] == (Label.TEXT, "2 Generic names")
