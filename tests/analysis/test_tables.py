"""Tables are read as they are ruled, modelled or spaced, no word of them is lost, and what is no table stays text."""

import re
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pdfocr_watcher.analysis.regions import Region
from pdfocr_watcher.analysis.ruling import Rule, Rules
from pdfocr_watcher.analysis.table_evidence import is_table
from pdfocr_watcher.analysis.table_filling import filled
from pdfocr_watcher.analysis.table_whitespace import grid
from pdfocr_watcher.analysis.tables import Table, read_table
from tests.analysis.gridded import TOP, cells, claim, grid_rules, modelled
from tests.analysis.typeset import EM, merged, prose, set_column, set_line

FRUIT = [
    ["Fruit", "2023", "2024", "2025"],
    ["Apples", "1,200", "1,310", "1,290"],
    ["Pears", "800", "790", "815"],
    ["Plums", "95", "112", "130"],
]
#: Booktabs: above, below the head, below.
THREE_RULES = Rules(tuple(Rule(at, 90, 1170) for at in (290, 332, 455)))
ONE = (1, 1)


def rows_of(table: Table | None) -> list[list[str]]:
    assert table is not None
    rows = re.findall("<tr>(.*?)</tr>", table.html)
    return [re.findall("<td[^>]*>(.*?)</td>", row) for row in rows]


def grid_of(count: int, columns: int = 4) -> list[list[tuple[int, int]]]:
    return [[ONE] * columns] * count


def test_a_grid_of_ruled_lines_gives_its_cells():
    lines = cells([["Fruit", "Sold"], ["Apples", "1,200"], ["Pears", "800"]])
    rules = grid_rules([290, 335, 375, 420], [90, 450, 900])
    assert rows_of(read_table(claim(lines, sure=False), rules, None)) == [
        ["Fruit", "Sold"],
        ["Apples", "1,200"],
        ["Pears", "800"],
    ]


def test_cells_without_a_border_between_them_are_one():
    lines = [
        set_line("Both years", 500, 300),
        *cells([["", "", ""], ["Apples", "1,200", "1,310"], ["Pears", "800", "790"]]),
    ]
    rules = Rules(
        (*(Rule(at, 90, 1200) for at in (290, 375, 420)), Rule(332, 450, 1200)),
        (Rule(90, 290, 420), Rule(450, 290, 420), Rule(760, 332, 420), Rule(1200, 290, 420)),
    )
    table = read_table(claim(lines), rules, None)
    assert table is not None
    assert table.html == (
        '<table><tr><td rowspan="2">Apples</td><td colspan="2">Both years</td></tr>'
        "<tr><td>1,200</td><td>1,310</td></tr><tr><td>Pears</td><td>800</td><td>790</td></tr></table>"
    )


def test_several_rows_in_one_ruled_cell_are_parted_all_the_same():
    rows = [["Fruit", "Sold"], *([f"{name}s", str(number)] for number, name in enumerate("abcdefgh"))]
    lines = cells(rows)
    rules = grid_rules([290, 335, 650], [90, 450, 900])
    assert rows_of(read_table(claim(lines), rules, None)) == rows


def test_white_space_parts_rows_and_columns():
    assert rows_of(read_table(claim(cells(FRUIT)), Rules(), None)) == FRUIT


def test_without_a_model_that_sees_it_ruled_lines_must_bear_a_table_out():
    unsure = claim(cells(FRUIT, (100, 300, 450, 600)), sure=False)
    assert read_table(unsure, Rules(), None) is None
    assert rows_of(read_table(unsure, Rules(tuple(Rule(at, 90, 700) for at in (290, 332, 455))), None)) == FRUIT


def test_an_empty_cell_stays_empty():
    rows = [*FRUIT[:2], ["Pears", "", "790", ""], FRUIT[3]]
    assert rows_of(read_table(claim(cells(rows)), Rules(), None)) == rows


def test_the_mark_of_a_currency_is_no_column():
    lines = [*cells(FRUIT), *(set_line("$", left, TOP + 40) for left in (460, 760, 1060))]
    assert rows_of(read_table(claim(lines), Rules(), None))[1] == ["Apples", "$ 1,200", "$ 1,310", "$ 1,290"]


def test_the_second_line_of_a_cell_belongs_to_the_first():
    lines = [*cells(FRUIT, pitch=60), set_line("small ones", 500, TOP + 60 + 24)]
    assert rows_of(read_table(claim(lines), Rules(), None))[1] == ["Apples", "1,200 small ones", "1,310", "1,290"]


def test_a_heading_over_a_ruled_line_spans_what_the_line_does():
    rules = Rules((Rule(TOP - 50, 90, 1180), Rule(TOP - 12, 480, 1180), *THREE_RULES.horizontal[1:]))
    lines = [set_line("Year", 820, TOP - 40), *cells(FRUIT)]
    table = read_table(claim(lines), rules, None)
    assert table is not None
    assert table.html.startswith('<table><tr><td></td><td colspan="3">Year</td></tr><tr><td>Fruit</td>')


def test_a_line_read_over_two_cells_is_parted_between_its_words():
    lines = cells(FRUIT)
    second, third = (next(line for line in lines if line.text == text) for text in ("800", "790"))
    lines = [line for line in lines if line not in (second, third)] + [merged(second, third)]
    assert rows_of(read_table(claim(lines), Rules(), None)) == FRUIT


def test_a_line_over_empty_cells_reaches_over_them():
    rows = [*FRUIT[:2], ["Those of the second half of the year and of the first", "", "", ""], *FRUIT[2:]]
    table = read_table(claim(cells(rows)), Rules(), None)
    assert table is not None
    assert '<td colspan="2">Those of the second half of the year and of the first</td>' in table.html


def test_the_model_tells_spans():
    lines = [set_line("Sold in", 790, TOP - 40), *cells(FRUIT)]
    asked = claim(lines)
    model = modelled([[(2, 1), (1, 3)], [ONE] * 3, *grid_of(3)], asked.region)
    table = read_table(asked, Rules(), model)
    assert table is not None
    assert table.html.startswith(
        '<table><tr><td rowspan="2">Fruit</td><td colspan="3">Sold in</td></tr><tr><td>2023</td><td>2024</td>'
    )


def test_the_model_counts_rows_and_the_lines_say_where_they_are():
    rows = [[f"a{n}", f"b{n}", f"c{n}", f"d{n}"] for n in range(30)]
    asked = claim(cells(rows))
    assert rows_of(read_table(asked, Rules(), modelled(grid_of(30), asked.region, shift=45))) == rows


def test_a_model_that_lost_its_way_is_not_followed():
    asked = claim(cells(FRUIT))
    assert len(rows_of(read_table(asked, Rules(), modelled(grid_of(2), asked.region)))) == 2, "if it is sure, it is"
    for model in (modelled(grid_of(2), asked.region, confidence=0.9), modelled(grid_of(2, 9), asked.region)):
        assert rows_of(read_table(asked, Rules(), model)) == FRUIT


def test_a_model_that_sees_one_column_sees_no_table():
    asked = claim(cells(FRUIT))
    assert read_table(asked, Rules(), modelled(grid_of(4, 1), asked.region)) is None


@pytest.mark.parametrize(
    "lines",
    [
        pytest.param(set_column(prose(20, "l"), 100, 300) + set_column(prose(20, "r"), 800, 300), id="columns of text"),
        pytest.param(
            set_column([str(n) for n in range(11, 31)], 60, 300)
            + set_column([f"x{n} = f(y)" for n in range(20)], 300, 300),
            id="a listing with numbered lines",
        ),
        pytest.param(set_column(prose(12), 100, 300), id="a paragraph"),
        pytest.param([set_line("alone", 100, 300)], id="one line"),
        pytest.param(
            set_column(["Name", "Street", "Town", "Phone"], 100, 300, pitch=60)
            + set_column(["other", "things", "beside"], 700, 330, pitch=60),
            id="two lists whose lines stand at heights of their own",
        ),
        pytest.param(
            [
                set_line(f"entry {column}{row}", 100 + 300 * column, 300 + 60 * row + 11 * column)
                for column in range(5)
                for row in range(6)
            ],
            id="five lists whose lines do",
        ),
    ],
)
@pytest.mark.parametrize("sure", [True, False])
def test_what_is_no_table(lines, sure):
    assert read_table(claim(lines, sure=sure), Rules(), None) is None


def test_lines_at_heights_of_their_own_are_no_table_even_where_a_grid_is_laid_over_them():
    lines = [
        set_line(f"entry {column}{row}", 100 + 300 * column, 300 + 60 * row + 9 * column)
        for column in range(4)
        for row in range(6)
    ]
    asked = claim(lines)
    structure = grid([300 + 60 * row for row in range(7)], [100 + 300 * column - 10 for column in range(5)])
    assert not is_table(asked, structure, filled(structure, lines), Rules(), EM)
    level = cells([[f"entry {column}{row}" for column in range(4)] for row in range(6)])
    structure = grid([TOP + 40 * row - 5 for row in range(7)], [90, 490, 790, 1090, 1300])
    assert is_table(claim(level), structure, filled(structure, level), Rules(), EM)


def test_html_in_a_cell_is_escaped():
    rows = [["a <b> & c", "1", "2"], ["d", "3", "4"], ["e", "5", "6"]]
    table = read_table(claim(cells(rows)), Rules(), None)
    assert table is not None
    assert "<td>a &lt;b&gt; &amp; c</td>" in table.html


def test_a_dash_is_no_han_sign_unless_there_is_han_beside_it():
    rows = [*FRUIT[:2], ["Pears", "\u4e00", "790", "815"], FRUIT[3]]
    assert rows_of(read_table(claim(cells(rows)), Rules(), None))[2][1] == "-"
    rows[0] = ["\u679c\u7269", *FRUIT[0][1:]]
    assert rows_of(read_table(claim(cells(rows)), Rules(), None))[2][1] == "\u4e00"


def test_readings_fill_empty_cells():
    rows = [*FRUIT[:2], ["Pears", "", "790", "815"], FRUIT[3]]
    table = read_table(claim(cells(rows)), Rules(), None)
    assert table is not None
    empty = [number for number, cell in enumerate(table.cells) if not cell.lines]
    full = table.with_readings({empty[0]: set_line("800", 500, TOP + 80)})
    assert rows_of(full) == FRUIT


@st.composite
def tables(draw):
    """Lines about in rows and columns, some missing, some read over two cells, with ruled lines or without."""
    count, width = draw(st.integers(2, 9)), draw(st.integers(2, 6))
    columns = [100.0 + 260 * column for column in range(width)]
    rows = [
        [f"w{row * 100 + column} x" if draw(st.integers(0, 9)) else "" for column in range(width)]
        for row in range(count)
    ]
    lines = cells(rows, columns)
    if len(lines) > 2 and draw(st.booleans()):
        at = draw(st.integers(0, len(lines) - 2))
        if lines[at].top == lines[at + 1].top:
            lines[at : at + 2] = [merged(lines[at], lines[at + 1])]
    downs = [TOP - 8 + 40 * row for row in range(count + 1)]
    rules = draw(st.sampled_from([Rules(), Rules(tuple(Rule(at, 90, 90 + 260 * width) for at in downs)),
                                  grid_rules(downs, [90 + 260 * column for column in range(width + 1)])]))  # fmt: skip
    region = Region(90, TOP - 8, 90 + 260 * width, TOP + 40 * count)
    model = draw(
        st.sampled_from(
            [None, modelled(grid_of(count, width), region), modelled(grid_of(count, width), region, shift=17)]
        )
    )
    return lines, rules, model


@given(tables())
@settings(max_examples=150, deadline=None)
def test_every_word_of_a_table_is_in_it_once(given_table):
    lines, rules, model = given_table
    if not lines:
        return
    table = read_table(claim(lines), rules, model)
    if table is not None:
        said = Counter(re.findall(r"w\d+", table.html))
        assert said == Counter(word for line in lines for word in re.findall(r"w\d+", line.text))


@given(tables())
@settings(max_examples=100, deadline=None)
def test_no_two_cells_stand_in_one_place(given_table):
    lines, rules, model = given_table
    table = read_table(claim(lines), rules, model) if lines else None
    if table is not None:
        places = [
            (one.cell.row + y, one.cell.column + x)
            for one in table.cells
            for y in range(one.cell.rows)
            for x in range(one.cell.columns)
        ]
        assert len(places) == len(set(places))
