"""Pages are read as a person reads them: column by column, what stands across where it stands."""

from pdfocr_watcher.analysis.blocks import blocks_from_lines
from pdfocr_watcher.analysis.lines import Line
from pdfocr_watcher.analysis.reading_order import regions_in_order
from tests.analysis.typeset import merged, prose, set_column, set_line

WIDTH, HEIGHT = 1700, 2200
SECOND = 900.0  # the first column's lines end before 600


def shuffled(lines: list[Line]) -> list[Line]:
    return [lines[index] for index in sorted(range(len(lines)), key=lambda index: index * 7919 % 104729 % 97)]


def words_read(lines: list[Line]) -> list[str]:
    return " ".join(block.content for block in blocks_from_lines(lines, WIDTH, HEIGHT)).split()


def words_of(*columns: list[str]) -> list[str]:
    return " ".join(text for column in columns for text in column).split()


def test_one_column_is_read_from_top_to_bottom():
    text = prose(40)
    assert words_read(shuffled(set_column(text, 100, 300))) == words_of(text)


def test_two_columns_are_read_one_after_the_other():
    left, right = prose(30, "l"), prose(30, "r")
    page = set_column(left, 100, 300) + set_column(right, SECOND, 300)
    assert words_read(shuffled(page)) == words_of(left, right)


def test_three_columns_are_read_one_after_the_other():
    columns = [prose(20, prefix, 20) for prefix in "xyz"]
    page = [line for index, text in enumerate(columns) for line in set_column(text, 100 + 420 * index, 300)]
    assert words_read(shuffled(page)) == words_of(*columns)


def test_a_heading_across_the_columns_parts_what_is_above_from_what_is_below():
    above = prose(12, "a"), prose(12, "b")
    below = prose(12, "c"), prose(12, "d")
    heading = "What stands across both of the columns of this page and a little more of it to reach over"
    page = [
        *set_column(above[0], 100, 300),
        *set_column(above[1], SECOND, 300),
        set_line(heading, 200, 640),
        *set_column(below[0], 100, 700),
        *set_column(below[1], SECOND, 700),
    ]
    assert words_read(shuffled(page)) == words_of(above[0], above[1], [heading], below[0], below[1])


def test_lines_read_across_a_narrow_gutter_are_split():
    left, right = prose(30, "l"), prose(30, "r")
    gutter = max(len(text) for text in left) * 10 + 100 + 16
    lefts, rights = set_column(left, 100, 300), set_column(right, gutter, 300)
    page: list[Line] = []
    for index, pair in enumerate(zip(lefts, rights, strict=True)):
        page += [merged(*pair)] if index % 3 == 0 else pair
    assert words_read(shuffled(page)) == words_of(left, right)


def test_lines_without_known_words_are_never_split():
    left, right = prose(30, "l"), prose(30, "r")
    pairs = zip(set_column(left, 100, 300), set_column(right, SECOND, 300), strict=True)
    page = [Line(a.left, a.top, b.right, a.bottom, f"{a.text} {b.text}", 0.9) for a, b in pairs]
    assert words_read(page) == words_of([f"{a} {b}" for a, b in zip(left, right, strict=True)])


def test_blanks_that_happen_to_stand_below_each_other_are_no_gutter():
    text = [f"{'abcdefghij'[i] * 19} {'klmnopqrst'[i] * 19}" for i in range(10)]
    assert words_read(shuffled(set_column(text, 100, 300))) == words_of(text)


def test_a_skewed_page_is_still_read_by_columns():
    left, right = prose(40, "l"), prose(40, "r")
    upright = set_column(left, 100, 300) + set_column(right, 640, 300)
    page = [
        Line(
            line.left - 0.02 * line.top, line.top + 0.02 * line.left, line.right - 0.02 * line.top,
            line.bottom + 0.02 * line.left, line.text, 0.9,
        )
        for line in upright
    ]  # fmt: skip
    assert words_read(shuffled(page)) == words_of(left, right)


def test_the_cells_of_a_table_are_read_row_by_row():
    rows = [[f"r{row}c{column}" for column in range(4)] for row in range(12)]
    page = [set_line(cell, 100 + 300 * c, 300 + 30 * r) for r, row in enumerate(rows) for c, cell in enumerate(row)]
    assert words_read(shuffled(page)) == [cell for row in rows for cell in row]


def test_turned_text_in_the_margin_comes_last_and_disturbs_no_column():
    left, right = prose(30, "l"), prose(30, "r")
    stamp = Line(20, 500, 50, 1200, "arXiv:2004.04906v3", 0.9)
    page = [stamp, *set_column(left, 100, 300), *set_column(right, SECOND, 300)]
    assert words_read(shuffled(page)) == [*words_of(left, right), stamp.text]


def test_a_short_heading_below_columns_goes_with_the_text_across_that_follows_it():
    left, right = prose(12, "l"), prose(12, "r")
    across = prose(6, "a", 110)
    page = [
        *set_column(left, 100, 300),
        *set_column(right, SECOND, 300),
        set_line("Further notes", 100, 605),
        *set_column(across, 100, 629),
    ]
    assert words_read(shuffled(page)) == words_of(left, right, ["Further notes"], across)


def test_every_line_is_in_exactly_one_region():
    page = set_column(prose(9, "l"), 100, 300) + set_column(prose(9, "r"), SECOND, 300) + [set_line("foot", 100, 2100)]
    regions = regions_in_order(shuffled(page))
    assert sorted(line.text for region in regions for line in region) == sorted(line.text for line in page)
    assert all(regions)


def test_nothing_gives_no_region():
    assert regions_in_order([]) == []
