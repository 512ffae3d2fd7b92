"""A paragraph ends where a reader would say so."""

from pdfocr_watcher.analysis.paragraphs import paragraphs_from_rows
from pdfocr_watcher.analysis.rows import rows_from_lines
from tests.analysis.typeset import prose, set_column, set_line


def sizes(lines):
    return [len(group) for group in paragraphs_from_rows(rows_from_lines(lines))]


def test_even_rows_are_one_paragraph():
    assert sizes(set_column(prose(9), 100, 100)) == [9]


def test_white_space_parts_paragraphs():
    assert sizes(set_column(prose(4), 100, 100) + set_column(prose(5), 100, 220)) == [4, 5]


def test_an_indented_row_begins_a_paragraph():
    page = set_column(prose(9), 100, 100)
    page[4] = set_line(page[4].text, 120, page[4].top)
    assert sizes(page) == [4, 5]


def test_an_entry_with_indented_further_rows_is_one_paragraph():
    page = [set_line(text, 100 if index % 3 == 0 else 130, 100 + 24 * index) for index, text in enumerate(prose(9))]
    assert sizes(page) == [3, 3, 3]


def test_a_row_that_ends_early_ends_its_paragraph():
    texts = prose(9)
    texts[3] = "Ends here."
    texts[4] = "Begins" + texts[4]
    assert sizes(set_column(texts, 100, 100)) == [4, 5]


def test_a_row_that_ends_early_before_a_lower_case_word_goes_on():
    texts = prose(9)
    texts[3] = "breaks here"
    assert sizes(set_column(texts, 100, 100)) == [9]


def test_a_change_of_size_parts():
    assert sizes([set_line("Large", 100, 60, em=34), *set_column(prose(4), 100, 100)]) == [1, 4]


def test_lines_at_one_height_are_one_row():
    rows = rows_from_lines([set_line("right", 300, 102), set_line("left", 100, 100), set_line("below", 100, 124)])
    assert [row.text for row in rows] == ["left right", "below"]


def test_no_rows_no_paragraphs():
    assert paragraphs_from_rows([]) == []
