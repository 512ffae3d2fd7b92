"""Rows and columns are parted in the gaps, where ruled lines run, and so that each has something in it."""

import pytest

from pdfocr_watcher.analysis.regions import Region
from pdfocr_watcher.analysis.ruling import Rule, Rules, ruled_structure
from pdfocr_watcher.analysis.table_cuts import Coverage, Stretch, snapped
from tests.analysis.gridded import grid_rules

EM = 20.0
#: Five rows of 20 pixels with gaps of 20.
ROWS = [Stretch(40 * number, 40 * number + 20) for number in range(5)]


def places(expected, stretches=tuple(ROWS), rules=()):
    cuts = snapped(expected, stretches, rules, EM, 1)
    return cuts and [round(place) for place in cuts.places]


def test_a_cut_goes_to_the_gap_nearest_to_where_it_is_expected():
    assert places([36, 65, 112, 154]) == pytest.approx([30, 70, 110, 150], abs=2)


def test_two_cuts_do_not_share_a_gap():
    assert places([30, 34]) == pytest.approx([30, 70], abs=2)


def test_a_part_without_a_line_is_avoided():
    # Two ruled lines in one gap: between them is nothing.
    assert places([30, 52], rules=(28, 32)) == pytest.approx([30, 70], abs=3)


def test_of_two_gaps_one_with_a_ruled_line_is_taken():
    assert places([90], rules=(70,)) == pytest.approx([70], abs=2)
    assert places([90], rules=(110,)) == pytest.approx([110], abs=2)


def test_a_ruled_line_through_text_is_a_cut_where_it_is():
    assert places([50], [Stretch(0, 48), Stretch(45, 100)], rules=(46,)) == [46]


def test_more_cuts_than_there_are_places_for_are_none():
    assert places([20, 30, 40], [Stretch(0, 50), Stretch(40, 100)]) is None


def test_what_goes_through_and_what_is_empty_is_told():
    cuts = snapped([30], [*ROWS[:2], Stretch(0, 60)], (), EM, 2)
    assert cuts is not None
    assert (cuts.through, cuts.empty) == (1, 0)


def test_gaps_and_the_emptiest_part_of_one():
    coverage = Coverage([Stretch(0, 40), Stretch(30, 50), Stretch(100, 140)], EM)
    (gap,) = coverage.gaps(1)[1:] or coverage.gaps(0)
    assert (gap.low, gap.high) == pytest.approx((50, 100), abs=3) or gap.low < 60
    empty = coverage.emptiest(Stretch(40, 100))
    assert (empty.low, empty.high) == pytest.approx((50, 100), abs=3)


REGION = Region(90, 290, 1200, 420)


@pytest.mark.parametrize(
    "rules",
    [
        pytest.param(Rules(), id="no lines"),
        pytest.param(grid_rules([290, 420], [90, 1200]), id="a frame"),
        pytest.param(grid_rules([290, 350, 420], [90, 1200]), id="rows alone"),
        pytest.param(
            Rules(
                grid_rules([290, 322, 354, 386, 420], [90, 1200]).horizontal,
                tuple(Rule(at, 290, 322) for at in (400, 600, 900)),
            ),
            id="columns in the head alone",
        ),
    ],
)
def test_no_grid(rules):
    assert ruled_structure(rules, REGION, EM) is None


def test_a_grid_may_be_open_at_its_sides():
    rules = Rules(grid_rules([290, 335, 375, 420], [90, 1200]).horizontal, (Rule(450, 290, 420), Rule(800, 290, 420)))
    structure = ruled_structure(rules, REGION, EM)
    assert structure is not None
    assert (structure.rows, structure.columns, len(structure.cells)) == (3, 3, 9)


def test_a_double_line_is_one():
    rules = grid_rules([290, 335, 339, 375, 420], [90, 450, 1200])
    structure = ruled_structure(rules, REGION, EM)
    assert structure is not None
    assert (structure.rows, structure.columns) == (3, 2)
