"""Lines become blocks: no word is lost, doubled or run together, whatever the page looks like."""

import re
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pdfocr_watcher.analysis.blocks import blocks_from_lines
from pdfocr_watcher.analysis.lines import Line
from pdfocr_watcher.document.model import Box, Label
from tests.analysis.typeset import merged, prose, set_column, set_line
from tests.effort import instructions

WIDTH, HEIGHT = 1700, 2200
WORD = re.compile(r"\bw\d+\b")


@st.composite
def pages(draw):
    """Lines anywhere, of any size, some of them beginning like markup, some over each other."""
    lines = []
    for number in range(draw(st.integers(0, 40))):
        prefix = draw(st.sampled_from(["", "", "", "- ", "• ", "# ", "12. ", "> ", "a) ", "1984", "|", "<b> "]))
        words = " ".join(f"w{number * 10 + k}" for k in range(draw(st.integers(1, 6))))
        em = draw(st.sampled_from([8.0, 20.0, 21.0, 60.0]))
        left, top = draw(st.integers(-50, WIDTH)), draw(st.integers(-50, HEIGHT))
        line = set_line(
            f"{prefix} {words}".strip(), left, top, em=em, words=draw(st.booleans()) and "  " not in f"{prefix} {words}"
        )
        lines.append(line)
    return lines


@st.composite
def columns(draw):
    """Columns of text, some of whose lines were read across the gutter."""
    count, rows = draw(st.integers(1, 3)), draw(st.integers(1, 25))
    gutter = draw(st.integers(5, 80))
    texts = [[" ".join(f"w{c * 1000 + r * 10 + k}" for k in range(5)) for r in range(rows)] for c in range(count)]
    wide = max(len(text) for column in texts for text in column) * 10 + gutter
    set_texts = [set_column(column, 50 + c * wide, 100) for c, column in enumerate(texts)]
    lines = []
    for row in range(rows):
        if count > 1 and draw(st.booleans()):
            lines.append(merged(set_texts[0][row], set_texts[1][row]))
            lines += [column[row] for column in set_texts[2:]]
        else:
            lines += [column[row] for column in set_texts]
    return lines


@given(st.one_of(pages(), columns()))
@settings(max_examples=200, deadline=None)
def test_every_word_is_there_exactly_once(lines):
    given_words = Counter(word for line in lines for word in WORD.findall(line.text))
    blocks = blocks_from_lines(lines, WIDTH, HEIGHT)
    assert Counter(word for block in blocks for word in WORD.findall(block.content)) == given_words
    assert all(block.content.strip() and block.boxes for block in blocks)
    assert all(0 <= (block.confidence or 0) <= 1 for block in blocks)


def test_an_empty_page_has_no_blocks():
    assert blocks_from_lines([], WIDTH, HEIGHT) == ()


def test_a_paragraph_is_one_block_with_its_box_on_the_grid():
    (block,) = blocks_from_lines(set_column(prose(8), 170, 220), WIDTH, HEIGHT)
    assert block.label is Label.TEXT
    assert block.boxes == (
        Box.from_pixels(170, 220, max(line.right for line in set_column(prose(8), 170, 220)), 408, WIDTH, HEIGHT),
    )
    assert "\n" not in block.content


def test_confidence_is_the_mean_over_the_characters():
    lines = [set_line("a" * 30, 100, 100, confidence=1.0), set_line("b" * 10, 100, 124, confidence=0.6)]
    (block,) = blocks_from_lines(lines, WIDTH, HEIGHT)
    assert block.confidence == pytest.approx(0.9)


def test_a_word_broken_at_a_column_end_is_healed_in_one_block_with_two_boxes():
    left, right = prose(12, "l"), prose(12, "r")
    left[-1] = left[-1].rsplit(" ", 1)[0] + " demo-"
    right[0] = "cracy " + right[0]
    blocks = blocks_from_lines(set_column(left, 100, 300) + set_column(right, 900, 300), WIDTH, HEIGHT)
    assert len(blocks) == 1
    assert len(blocks[0].boxes) == 2
    assert " democracy " in blocks[0].content


def test_lines_larger_than_the_text_are_titles_and_headings():
    page = [
        set_line("The whole of it", 100, 100, em=44),
        set_line("A part of it", 100, 200, em=28),
        *set_column(prose(12), 100, 260),
    ]
    blocks = blocks_from_lines(page, WIDTH, HEIGHT)
    assert [block.label for block in blocks] == [Label.TITLE, Label.SUB_TITLE, Label.TEXT]
    assert blocks[0].content == "# The whole of it"
    assert blocks[1].content == "## A part of it"


def test_large_figures_and_long_passages_are_no_headings():
    page = [
        set_line("12 345.00 - 67", 100, 100, em=44),
        *set_column(prose(8, "b", 60), 100, 300, em=30, pitch=36),
        *set_column(prose(30), 100, 700),
    ]
    assert {block.label for block in blocks_from_lines(page, WIDTH, HEIGHT)} == {Label.TEXT}


@pytest.mark.parametrize(
    ("text", "confidence"),
    [
        ("solving.", 0.9),
        ("Aernle", 0.6),
        ("Distance from the oxide (Cu =", 0.9),
        ("Align data. In tables it is", 0.9),
        ("Align the data, e.g.,", 0.9),
    ],
)
def test_the_end_of_a_sentence_and_a_doubtful_reading_are_no_headings(text, confidence):
    page = [*set_column(prose(30), 100, 700), set_line(text, 100, 1500, em=30, confidence=confidence)]
    assert {block.label for block in blocks_from_lines(page, WIDTH, HEIGHT)} == {Label.TEXT}


def labels_of(*paragraphs, gap=40.0, em=20.0):
    """The labels of paragraphs below each other, the first of so many pixels."""
    lines = []
    for index, paragraph in enumerate(paragraphs):
        size = em if index == 0 else 20.0
        lines += set_column(paragraph, 100, lines[-1].bottom + gap if lines else 300, em=size, pitch=1.2 * size)
    return [block.label for block in blocks_from_lines(lines, WIDTH, HEIGHT)]


@pytest.mark.parametrize(
    ("text", "em"),
    [
        ("2.3 Methods", 20.0),
        ("2.3.1 What was measured", 20.0),
        ("2 Methods", 24.0),
        ("12 METHODS", 20.0),
        ("I. METHODS AND RESULTS", 20.0),
        ("III. Results", 20.0),
        ("Abstract", 20.0),
    ],
)
def test_a_heading_is_told_by_its_number_or_by_its_words(text, em):
    assert labels_of([text], prose(9), em=em) == [Label.SUB_TITLE, Label.TEXT]


def test_the_number_of_a_heading_may_stand_apart_from_it():
    page = [set_line("2.3", 100, 300), set_line("Methods", 170, 300), *set_column(prose(9), 100, 360)]
    assert [block.label for block in blocks_from_lines(page, WIDTH, HEIGHT)] == [Label.SUB_TITLE, Label.TEXT]


@pytest.mark.parametrize(
    "text",
    [
        "2.3 The tenant pays the rent.",
        "2.3 Proof environment. It begins a proof",
        "2.3 kg of flour and one of sugar",
        "2 Methods",
        "2.3 X = 4711 + 12 a",
        "Abstraction",
        "contents",
        "A. Einstein",
    ],
    ids=[
        *("a clause", "a heading in the line", "an amount", "only one number", "figures", "another word", "lower case"),
        "an initial",
    ],
)
def test_what_is_set_like_the_text_and_is_no_heading(text):
    assert labels_of([text], prose(9)) == [Label.TEXT, Label.TEXT]


def test_letters_count_headings_where_there_are_several():
    heading, text = Label.SUB_TITLE, Label.TEXT
    assert labels_of(["A. Models"], prose(9), ["B. Data"], prose(9)) == [heading, text, heading, text]
    assert labels_of(["II. RESULTS"], ["A. Models"], prose(9)) == [heading, heading, text]
    assert labels_of(["A. Einstein"], prose(2), ["B. Podolsky"], prose(2)) == [text] * 4


def test_capitals_among_capitals_are_no_headings():
    fields = [f"{name} OF THE ONE WHO ASKS FOR IT AND MAY HAVE IT" for name in ("NAME", "PLACE", "DAY")]
    assert Label.SUB_TITLE not in labels_of(*([f"{number} {field}"[:30]] for number, field in enumerate(fields, 4)))
    assert labels_of(["12 DOWNING STREET"], fields) == [Label.TEXT, Label.TEXT]


def test_entries_of_a_table_of_contents_are_no_headings():
    assert labels_of(["2.3 Methods"], ["2.4 Results"], prose(9)) == [Label.TEXT] * 3
    assert labels_of(["2.3 Methods"], ["3 Conclusions 17"], prose(9)) == [Label.TEXT] * 3


def test_entries_with_bullets_are_a_list_with_their_further_lines():
    page = [
        *set_column(prose(3, "a"), 100, 100),
        set_line("• first entry that is long and goes on", 100, 172),
        set_line("in a second line", 120, 196),
        set_line("▲ second entry", 100, 220),
        *set_column(prose(3, "z"), 100, 300),
    ]
    blocks = blocks_from_lines(page, WIDTH, HEIGHT)
    assert [block.label for block in blocks] == [Label.TEXT, Label.LIST, Label.TEXT]
    assert blocks[1].content == "- first entry that is long and goes on in a second line\n- second entry"


def test_numbered_entries_keep_their_numbers():
    page = [set_line(f"{number}. entry of the list", 100, 100 + 24 * number) for number in (7, 8, 9)]
    (block,) = blocks_from_lines(page, WIDTH, HEIGHT)
    assert block.label is Label.LIST
    assert block.content == "7. entry of the list\n8. entry of the list\n9. entry of the list"


def test_a_number_before_a_line_that_is_set_larger_is_a_headings():
    page = [set_line("7. Further tools for everybody who writes", 100, 100, em=28), *set_column(prose(12), 100, 160)]
    blocks = blocks_from_lines(page, WIDTH, HEIGHT)
    assert (blocks[0].label, blocks[0].content) == (Label.SUB_TITLE, "## 7. Further tools for everybody who writes")


def test_a_short_line_with_a_number_is_a_list_only_among_others():
    lone = [set_line("2. Methods", 100, 100), *set_column(prose(12), 100, 160)]
    assert blocks_from_lines(lone, WIDTH, HEIGHT)[0].label is Label.TEXT
    long = [set_line("2. an entry that goes on for a while", 100, 100), *set_column(prose(12), 100, 160)]
    assert blocks_from_lines(long, WIDTH, HEIGHT)[0].label is Label.LIST


def test_a_single_dash_is_no_list_and_is_escaped():
    (block,) = blocks_from_lines([set_line("- Je vous quitte", 100, 100)], WIDTH, HEIGHT)
    assert (block.label, block.content) == (Label.TEXT, r"\- Je vous quitte")


def test_cells_side_by_side_keep_their_rows():
    page = [set_line(f"{a}{r}", x, 100 + 30 * r) for r in range(4) for a, x in (("name", 100), ("value", 700))]
    (block,) = blocks_from_lines(page, WIDTH, HEIGHT)
    assert block.content == "name0 value0\nname1 value1\nname2 value2\nname3 value3"


def test_ten_times_the_lines_are_no_more_than_some_ten_times_the_work():
    def work(count: int) -> int:
        page = set_column(prose(count), 100, 100) + set_column(prose(count, "r"), 900, 100)
        return instructions(lambda: blocks_from_lines(page, WIDTH, 200 + 24 * count))

    assert work(600) < 13 * work(60)


def test_lines_all_in_one_place_are_kept():
    lines = [Line(10, 10, 300, 30, f"w{number}", 0.9) for number in range(50)]
    content = " ".join(block.content for block in blocks_from_lines(lines, WIDTH, HEIGHT))
    assert Counter(WORD.findall(content)) == Counter(line.text for line in lines)
