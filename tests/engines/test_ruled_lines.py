"""Ruled lines are found where they are, dark on light and light on dark, and letters are none."""

import pytest
from PIL import Image, ImageDraw, ImageFont

from pdfocr_watcher.analysis.regions import Region
from pdfocr_watcher.engines.ruled_lines import find_rules
from tests.engines import drawn

EM = 34.0
ALL = Region(0, 0, drawn.WIDTH, drawn.HEIGHT)


def test_a_grid_is_found_line_by_line():
    page, draw = drawn.blank()
    left, top, right, bottom = drawn.tabulate(draw, drawn.FRUIT, 360, ruled=True)
    rules = find_rules(page, ALL, EM)
    assert sorted(round(rule.at) for rule in rules.horizontal) == pytest.approx(list(range(top, bottom + 1, 48)), abs=2)
    assert sorted(round(rule.at) for rule in rules.vertical) == pytest.approx([136, 486, 736, 986, right], abs=2)
    assert all(abs(rule.start - left) <= 4 and abs(rule.end - right) <= 4 for rule in rules.horizontal)


@pytest.mark.parametrize("turn", [-0.6, 0.6])
def test_a_line_that_is_not_quite_level_is_one(turn):
    page, draw = drawn.blank()
    draw.line((100, 800, 1100, 800), fill="black", width=3)
    rules = find_rules(page.rotate(turn, fillcolor="white", resample=Image.Resampling.BICUBIC), ALL, EM)
    assert len(rules.horizontal) == 1
    assert rules.horizontal[0].end - rules.horizontal[0].start > 900


def test_light_lines_on_a_tint_are_found():
    page, draw = drawn.blank()
    draw.rectangle((100, 300, 1100, 420), fill="#e07020")
    draw.line((600, 300, 600, 420), fill="white", width=3)
    assert [round(rule.at) for rule in find_rules(page, ALL, EM).vertical] == pytest.approx([600], abs=2)


def test_text_has_none():
    page, draw = drawn.blank()
    drawn.write(draw, [*drawn.PARAGRAPH, "IIIII lllll HHHHH ===== ----- _____", "l|l|l|l I I I I"] * 4, 100, em=40)
    rules = find_rules(page, ALL, 46.0)
    assert rules.horizontal == ()
    assert rules.vertical == ()


def test_they_are_told_in_pixels_of_the_page():
    page, draw = drawn.blank()
    draw.line((700, 900, 1100, 900), fill="black", width=2)
    (rule,) = find_rules(page, Region(600, 850, 1200, 950), EM).horizontal
    assert (rule.at, rule.start, rule.end) == pytest.approx((900, 700, 1100), abs=4)


@pytest.mark.parametrize("region", [Region(0, 0, 5, 5), Region(-50, -50, 10, 2000), Region(5000, 5000, 6000, 6000)])
def test_small_and_outlying_places_have_none(region):
    page = Image.new("L", (1000, 1000), 255)
    ImageDraw.Draw(page).text((100, 100), "word", fill=0, font=ImageFont.load_default(30))
    assert find_rules(page, region, EM).horizontal == ()
