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


def test_an_entry_of_a_bibliography_is_one_paragraph_with_its_indented_rows():
    texts = ["[Gre13] A short one.", "URL: http://example.org/one", "[Koh13] Another.", "URL: http://example.org/two"]
    page = [set_line(text, 100 if text[0] == "[" else 160, 100 + 24 * index) for index, text in enumerate(texts)]
    assert sizes([*page, set_line(f"[Nie14] {prose(1, characters=60)[0]}", 100, 196)]) == [2, 2, 1]


def test_a_citation_at_the_beginning_of_a_row_is_part_of_its_paragraph():
    texts = prose(9)
    texts[4] = "[12]" + texts[4][4:]
    texts[6] = "[13]" + texts[6][4:]
    assert sizes(set_column(texts, 100, 100)) == [9]


def test_a_full_row_to_the_left_of_a_short_one_begins_a_paragraph():
    texts = ["Begins " + text for text in prose(4)]
    entry, centred = set_line("3. latex", 140, 76), set_line("Abstract", 260, 76)
    assert sizes([entry, *set_column(texts, 100, 100)])[0] == 1, "it ended a list"
    assert sizes([centred, *set_column(texts, 100, 100)])[0] == 1, "it stood in the middle"


def test_the_first_row_of_a_paragraph_may_be_indented():
    texts = prose(5)
    texts[1] = "Begins" + texts[1]
    page = set_column(texts, 100, 100)
    page[0] = set_line(texts[0], 140, 100)
    assert sizes(page) == [5]


def test_an_entry_of_a_bibliography_begins_a_paragraph_where_nothing_is_indented():
    texts = prose(6)
    for row, name in ((0, "[1]"), (2, "[2]"), (4, "[3]")):
        texts[row] = name + texts[row][3:]
    assert sizes(set_column(texts, 100, 100)) == [2, 2, 2]


def test_rows_set_in_the_middle_that_grow_wider_are_one_paragraph():
    centred = [set_line("University", 260, 300), set_line("Of Applied Sciences", 215, 324)]
    assert sizes([*set_column(prose(4), 100, 100), *centred]) == [4, 2]
