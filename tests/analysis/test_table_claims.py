"""Where a table may stand is told by a model, and by rows with cells that follow each other."""

from pdfocr_watcher.analysis.regions import Detection, Kind, Region
from pdfocr_watcher.analysis.table_claims import table_claims, tabular_claims
from tests.analysis.gridded import cells
from tests.analysis.typeset import prose, set_column, set_line

ROWS = [["Fruit", "2023", "2024", "2025"], ["Apples", "1,200", "1,310", "1,290"], ["Pears", "800", "790", "815"]] * 2
TABLE = Region(90, 290, 1200, 540)


def seen(kind=Kind.TABLE, region=TABLE, confidence=0.9):
    return Detection(kind, confidence, region)


def texts(claims):
    return [sorted(line.text for line in claim.lines) for claim in claims]


def test_a_table_that_a_model_sees_is_claimed_with_its_lines():
    lines = cells(ROWS)
    (claim,) = table_claims([seen()], [*lines, *set_column(prose(4), 100, 700)])
    assert sorted(map(id, claim.lines)) == sorted(map(id, lines))
    assert claim.sure
    assert (claim.region.left, claim.region.right) == (90, 1200)


def test_a_doubtful_one_is_not():
    assert table_claims([seen(confidence=0.4)], cells(ROWS)) == []


def test_a_caption_above_and_a_note_below_are_none_of_it():
    caption = [
        set_line("Table 1: Fruit that was sold in all of", 100, 240),
        set_line("the years that we know of it", 100, 264),
    ]
    note = set_line("This holds for the whole of the country but for the islands that are not counted", 100, 545)
    (claim,) = table_claims([seen(region=Region(90, 230, 1200, 580))], [*caption, *cells(ROWS), note])
    assert texts([claim]) == texts(table_claims([seen()], cells(ROWS)))
    assert claim.region.top >= 290
    assert claim.region.bottom <= 545


def test_turned_lines_beside_it_are_none_of_it():
    turned = set_line("Vol. 12", 95, 300)
    turned = type(turned)(95, 300, 115, 500, "Vol. 12", 0.9)
    (claim,) = table_claims([seen()], [turned, *cells(ROWS)])
    assert turned not in claim.lines


def test_a_figure_of_rows_with_cells_is_looked_at_as_a_table():
    (claim,) = table_claims([seen(Kind.FIGURE)], cells(ROWS))
    assert not claim.sure
    assert table_claims([seen(Kind.FIGURE)], set_column(prose(9), 100, 300)) == []


def test_of_two_that_overlap_the_surer_one_counts():
    small = Region(90, 290, 1200, 400)
    (claim,) = table_claims([seen(confidence=0.6, region=small), seen(confidence=0.95)], cells(ROWS))
    assert claim.region == TABLE


def test_rows_with_cells_are_claimed_where_no_model_saw_any():
    text = set_column(prose(9), 100, 700)
    (claim,) = tabular_claims([*cells(ROWS), *text])
    assert texts([claim]) == [sorted(line.text for line in cells(ROWS))]
    assert not claim.sure
    assert tabular_claims(text) == []
    assert tabular_claims([]) == []


def test_a_heading_over_some_columns_is_part_of_it():
    lines = [set_line("Year ended", 820, 268), *cells(ROWS)]
    (claim,) = tabular_claims(lines)
    assert "Year ended" in texts([claim])[0]
    far = [set_line("Year ended", 820, 200), *cells(ROWS)]
    assert "Year ended" not in texts(tabular_claims(far))[0]


def test_columns_that_would_be_read_as_text_are_claimed_together():
    rows = [["Phasellus lacus", "Nunc in sapien", "Donec commodo et"]] * 5
    (claim,) = tabular_claims(cells(rows, (100, 400, 800)))
    assert len(claim.lines) == 15


def test_two_columns_of_text_are_no_claim():
    assert tabular_claims(set_column(prose(20, "l"), 100, 300) + set_column(prose(20, "r"), 800, 300)) == []
