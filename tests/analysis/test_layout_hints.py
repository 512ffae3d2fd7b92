"""What a layout model sees makes headings, captions, figures, equations and running titles, and never costs a word."""

import re
from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pdfocr_watcher.analysis.blocks import blocks_from_lines
from pdfocr_watcher.analysis.drawings import labelled_figure, seen_figures
from pdfocr_watcher.analysis.equations import equations_of
from pdfocr_watcher.analysis.lines import Line
from pdfocr_watcher.analysis.objects import Object
from pdfocr_watcher.analysis.regions import Detection, Kind, Region
from pdfocr_watcher.document.model import Label
from tests.analysis.typeset import merged, prose, set_column, set_line

WIDTH, HEIGHT = 1700, 2200


def seen(kind: Kind, line: Line, last: Line | None = None, confidence: float = 0.9) -> Detection:
    """A detection around one line, or around all from it to another."""
    end = last or line
    return Detection(kind, confidence, Region(line.left, line.top, max(line.right, end.right), end.bottom))


def read(lines, *detections, objects=()):
    blocks = blocks_from_lines(lines, WIDTH, HEIGHT, objects=objects, detections=detections)
    return [(block.label, block.content) for block in blocks]


def test_a_title_is_one_whatever_its_size_and_parts_paragraphs():
    page = set_column(["Methods", *prose(6)], 100, 300)
    assert [label for label, _ in read(page)] == [Label.TEXT]
    assert read(page, seen(Kind.TITLE, page[0]))[0] == (Label.SUB_TITLE, "## Methods")


def test_a_sentence_well_inside_the_page_is_no_running_title_however_the_model_sees_it():
    sentence = set_line("The drawing below shows three bars of different height.", 170, 280)
    title = set_line("The drawing below and the bars of different height", 170, 280)
    further = set_line("The drawing below shows three bars of different height.", 170, 110)
    text = set_column(prose(6), 170, 600)
    assert read([sentence, *text], seen(Kind.HEADER, sentence))[0][0] is Label.TEXT
    assert read([title, *text], seen(Kind.HEADER, title))[0][0] is Label.HEADER
    assert read([further, *text], seen(Kind.HEADER, further))[0][0] is Label.HEADER, "at the edge it is one"


def test_a_numbered_title_is_no_list():
    page = set_column(["2. Methods", *prose(6)], 100, 300)
    assert read(page, seen(Kind.TITLE, page[0]))[0] == (Label.SUB_TITLE, "## 2. Methods")


def test_a_title_in_two_rows_is_one_however_they_are_set():
    page = [set_line("On the Nature of", 700, 300), set_line("the Things", 760, 324), *set_column(prose(6), 100, 400)]
    assert read(page, seen(Kind.TITLE, page[0], page[1]))[0] == (Label.SUB_TITLE, "## On the Nature of the Things")


def test_a_long_title_is_one_if_it_has_the_number_of_a_section():
    text = "4.2 On the nature of the things that nobody has seen in all the years"
    page = set_column([text, *prose(6)], 100, 300)
    assert read(page, seen(Kind.TITLE, page[0]))[0] == (Label.SUB_TITLE, f"## {text}")
    page = set_column([text + " and says so.", *prose(6)], 100, 300)
    assert read(page, seen(Kind.TITLE, page[0]))[0][0] is Label.TEXT


@pytest.mark.parametrize(
    "text", ["and so it came that nobody knew of it", "This is a sentence of the text and nothing else at all.", "12.5"]
)
def test_what_reads_as_text_is_no_title(text):
    page = set_column([text, *prose(6)], 100, 300)
    assert {label for label, _ in read(page, seen(Kind.TITLE, page[0]))} == {Label.TEXT}


def test_a_doubtful_title_is_text():
    page = set_column(["Methods", *prose(6)], 100, 300)
    assert [label for label, _ in read(page, seen(Kind.TITLE, page[0], confidence=0.4))] == [Label.TEXT]


def test_a_headline_over_a_gutter_is_not_torn():
    left, right = set_column(prose(20, "l"), 100, 300), set_column(prose(20, "r"), 900, 300)
    headline = merged(set_line("WHAT KIDS NEED", 300, 240, em=44), set_line("MOST IN A DAD", 900, 240, em=44))
    said = [content for _, content in read([headline, *left, *right], seen(Kind.TITLE, headline))]
    assert said[0] == "# WHAT KIDS NEED MOST IN A DAD"


FIGURE = Object(Label.IMAGE, Region(300, 500, 900, 900))


def test_a_caption_that_a_model_sees_need_not_begin_like_one():
    line = set_line("The harbour before the storm", 300, 915)
    assert (Label.IMAGE_CAPTION, line.text) in read([line], seen(Kind.FIGURE_CAPTION, line), objects=[FIGURE])


def test_a_caption_of_nothing_is_text():
    page = [*set_column(prose(6), 100, 300), set_line("The harbour before the storm", 300, 1500)]
    assert {label for label, _ in read(page, seen(Kind.FIGURE_CAPTION, page[-1]))} == {Label.TEXT}


def test_a_heading_below_a_figure_is_no_caption_whatever_a_model_sees():
    page = [set_line("3 Implementation", 300, 915, em=30), *set_column(prose(6), 300, 980)]
    assert read(page, seen(Kind.FIGURE_CAPTION, page[0]), objects=[FIGURE])[1] == (
        Label.SUB_TITLE,
        "## 3 Implementation",
    )


def test_a_caption_whose_box_ends_too_early_is_whole():
    caption = set_column(["Figure 1: Every figure has a caption", "which may go on in a row below it."], 300, 915)
    assert read(caption, seen(Kind.FIGURE_CAPTION, caption[0]), objects=[FIGURE])[1:] == [
        (Label.IMAGE_CAPTION, " ".join(line.text for line in caption))
    ]


def test_a_table_has_its_caption_above_it():
    table = Object(Label.TABLE, Region(300, 500, 900, 900), "<table><tr><td>1</td></tr></table>", 0.9)
    above, below = set_line("Table 3. Fruit sold", 300, 470), set_line("Table 4. Others", 300, 912)
    assert [label for label, _ in read([above, below], objects=[table])] == [
        Label.TABLE_CAPTION,
        Label.TABLE,
        Label.TEXT,
    ]


def test_notes_right_below_a_table_are_its_own():
    table = Object(Label.TABLE, Region(300, 500, 900, 900), "<table></table>", 0.9)
    notes = [set_line("Note: sold in tons", 300, 910), set_line("* Without the second half", 300, 938)]
    text = [set_line("The committee met again", 300, 990), set_line("Source: none of this table", 300, 1200)]
    assert [label for label, _ in read([*notes, *text], objects=[table])] == [
        Label.TABLE, Label.TABLE_FOOTNOTE, Label.TABLE_FOOTNOTE, Label.TEXT, Label.TEXT,
    ]  # fmt: skip


def test_a_table_across_two_columns_parts_what_is_above_from_what_is_below():
    texts = {name: prose(12, name) for name in "abcd"}
    page = [
        *set_column(texts["a"], 100, 300), *set_column(texts["b"], 900, 300),
        *set_column(texts["c"], 100, 1000), *set_column(texts["d"], 900, 1000),
    ]  # fmt: skip
    table = Object(Label.TABLE, Region(100, 620, 1500, 960), "<table></table>")
    found = [label if label is Label.TABLE else content[0] for label, content in read(page, objects=[table])]
    assert found == ["a", "b", Label.TABLE, "c", "d"]


def test_a_figure_in_a_column_does_not_join_the_text_around_it():
    left, right = set_column(prose(40, "l"), 100, 300), set_column(prose(10, "r"), 900, 300)
    foot = set_column(prose(12, "f"), 900, 980)
    figure = Object(Label.IMAGE, Region(900, 560, 1300, 960))
    found = [
        label if label is Label.IMAGE else content[0]
        for label, content in read([*left, *right, *foot], objects=[figure])
    ]
    assert found == ["l", "r", Label.IMAGE, "f"]


def test_figures_do_not_make_a_table_of_columns():
    left = [set_line(f"short text number {n}", 100, 300 + 24 * n) for n in range(4)]
    right = set_column(prose(30, "r"), 900, 300)
    figures = [Object(Label.IMAGE, Region(100, 420 + 200 * n, 500, 600 + 200 * n)) for n in range(3)]
    blocks = read([*left, *right], objects=figures)
    assert blocks[0] == (Label.TEXT, " ".join(line.text for line in left))
    assert [label for label, _ in blocks] == [Label.TEXT, Label.IMAGE, Label.IMAGE, Label.IMAGE, Label.TEXT]


def test_large_figures_do_not_change_what_a_line_is():
    left, right = set_column(prose(4, "l"), 100, 300), set_column(prose(4, "r"), 900, 300)
    figures = [
        Object(Label.IMAGE, Region(x, y, x + 380, y + 280)) for x in (100, 600, 1100) for y in (500, 800, 1100, 1400)
    ]
    found = [content[0] for label, content in read([*left, *right], objects=figures) if label is Label.TEXT]
    assert found == ["l", "r"]


def test_a_running_title_and_a_number_are_furniture():
    page = [set_line("On Things", 100, 100), set_line("17", 1500, 100), *set_column(prose(60), 100, 300)]
    labels = read(page, seen(Kind.HEADER, page[0], confidence=0.7))
    assert labels[:2] == [(Label.HEADER, "On Things"), (Label.PAGE_NUMBER, "17")]


@pytest.mark.parametrize(
    ("text", "top", "em"),
    [
        ("Table 1. Fruit sold", 100, 20.0),
        ("On Things", 250, 20.0),
        ("On Things", 100, 40.0),
        ("1 On Things", 100, 24.0),
    ],
    ids=["a caption", "too far from the edge", "larger than the text", "a heading with its number"],
)
def test_what_a_model_takes_for_a_running_title_and_is_none(text, top, em):
    page = [set_line(text, 100, top, em=em), *set_column(prose(60), 100, top + em + 16)]
    assert Label.HEADER not in dict(read(page, seen(Kind.HEADER, page[0])))


def test_a_number_alone_below_the_text_is_the_page_number_wherever_the_page_ends():
    page = [*set_column(prose(20), 100, 300), set_line("62", 800, 860)]
    assert read(page, seen(Kind.FOOTER, page[-1], confidence=0.35))[-1] == (Label.PAGE_NUMBER, "62")


def equation(*lines, confidence=0.9):
    return equations_of([seen(Kind.EQUATION, lines[0], confidence=confidence)], lines, [])


def test_an_equation_is_a_picture_with_what_was_read_for_its_text():
    (found,) = equation(set_line("a2 + b2 = c2", 500, 300))
    assert (found.label, found.content) == (Label.IMAGE, "a2 + b2 = c2")
    assert read([*found.lines], objects=[found]) == [(Label.IMAGE, "a2 + b2 = c2")]


def test_the_number_beside_an_equation_belongs_to_it():
    (found,) = equation(set_line("a2 + b2 = c2", 500, 300), set_line("(12)", 800, 300))
    assert found.content == "a2 + b2 = c2 (12)"


@pytest.mark.parametrize(
    ("text", "confidence"), [("3.2. Figures", 0.9), ("where this is the sum = of all of them", 0.9), ("a = b", 0.4)]
)
def test_what_is_no_equation(text, confidence):
    assert equation(set_line(text, 500, 300), confidence=confidence) == []


#: A mask of 425 x 550 cells, each 4 pixels wide and high.
CELL = 4


def inked(*boxes):
    mask = np.zeros((HEIGHT // CELL, WIDTH // CELL), dtype=np.uint8)
    for left, top, right, bottom in boxes:
        mask[top // CELL : bottom // CELL, left // CELL : right // CELL] = 1
    return mask


def drawn(mask, lines, box, confidence=0.9, found=()):
    return seen_figures([Detection(Kind.FIGURE, confidence, Region(*box))], found, mask, lines, WIDTH, HEIGHT)


def test_a_figure_ends_with_its_ink():
    (figure,) = drawn(inked((400, 600, 800, 900)), [], (300, 500, 1000, 1100))
    assert (figure.left, figure.top, figure.right, figure.bottom) == (400, 600, 800, 900)


def test_labels_beside_the_ink_are_part_of_it_and_paragraphs_are_not():
    labels = [set_line("100", 360, 610), set_line("Mon", 450, 905)]
    text = set_column(prose(4, characters=60), 320, 960)
    (figure,) = drawn(inked((400, 600, 900, 900)), [*labels, *text], (300, 500, 1000, 1100))
    assert figure.left <= 360
    assert 925 <= figure.bottom < 960


def test_a_caption_is_no_label():
    caption = set_line("Figure 1: It", 450, 905)
    (figure,) = drawn(inked((400, 600, 900, 900)), [caption], (300, 500, 1000, 1100))
    assert figure.bottom <= 905


@pytest.mark.parametrize(
    ("mask", "lines", "box"),
    [
        pytest.param(inked(), [], (300, 500, 1000, 1100), id="nothing"),
        pytest.param(inked((320, 520, 900, 1000)), set_column(prose(20), 320, 520), (300, 500, 1000, 1100), id="text"),
        pytest.param(inked((10, 10, 1690, 2190)), [], (0, 0, 1700, 2200), id="the page"),
        pytest.param(inked((400, 600, 420, 620)), [], (300, 500, 1000, 1100), id="a dot"),
        pytest.param(
            inked((400, 500, 1600, 1500)),
            [line for top in range(560, 1400, 120) for line in set_column(prose(1, characters=30), 500, top)],
            (300, 400, 1680, 1600),
            id="a poster",
        ),
    ],
)
def test_no_figure(mask, lines, box):
    assert drawn(mask, lines, box) == []


def test_a_doubtful_figure_of_ruled_lines_is_none():
    rules = inked(*((300, top, 1000, top + CELL) for top in range(500, 1000, 60)))
    assert drawn(rules, [], (300, 480, 1000, 1000), confidence=0.6) == []


def test_a_tinted_field_that_a_model_takes_for_text_is_no_figure():
    tint = Region(300, 500, 900, 900)
    text = Detection(Kind.TEXT, 0.8, Region(290, 490, 880, 900))
    assert seen_figures([text], [tint], inked((300, 500, 900, 900)), [], WIDTH, HEIGHT) == []
    assert seen_figures([], [tint], inked((300, 500, 900, 900)), [], WIDTH, HEIGHT) == [tint]


def test_the_labels_of_a_figure_are_its_alternative_text_and_sentences_are_not():
    labels = [set_line("Mon", 400, 860), set_line("Tue", 600, 860)]
    sentence = set_line("These are the days of the week", 400, 700)
    figure = labelled_figure(Region(300, 500, 900, 900), [*labels, sentence])
    assert read([*labels, sentence], objects=[figure]) == [(Label.IMAGE, "Mon Tue"), (Label.TEXT, sentence.text)]


@st.composite
def hinted_pages(draw):
    """Lines, detections of every kind anywhere, tables and figures that do not overlap."""
    lines = [
        set_line(
            " ".join(f"w{number * 10 + k}" for k in range(draw(st.integers(1, 6)))),
            draw(st.integers(0, WIDTH - 100)),
            draw(st.integers(0, HEIGHT - 30)),
            em=draw(st.sampled_from([18.0, 20.0, 44.0])),
        )
        for number in range(draw(st.integers(0, 30)))
    ]
    boxes = [
        Region(left, top, left + draw(st.integers(20, 900)), top + draw(st.integers(10, 900)))
        for left, top in draw(st.lists(st.tuples(st.integers(0, 1500), st.integers(0, 2000)), max_size=8))
    ]
    detections = [Detection(draw(st.sampled_from(list(Kind))), draw(st.floats(0.3, 1)), box) for box in boxes]
    objects, taken = [], []
    for box in boxes:
        if not any(box.shared(other) for other in taken):
            taken.append(box)
            inside = tuple(line for line in lines if box.holds(line))
            said = " ".join(line.text for line in inside)
            kind = draw(st.integers(0, 2))
            table = Object(Label.TABLE, box, f"<td>{said}</td>", 0.9, inside)
            objects.append((Object(Label.IMAGE, box), table, labelled_figure(box, lines))[kind])
    return lines, detections, objects


@given(hinted_pages())
@settings(max_examples=200, deadline=None)
def test_every_word_is_there_once_whatever_a_model_sees(page):
    lines, detections, objects = page
    blocks = blocks_from_lines(lines, WIDTH, HEIGHT, objects=objects, detections=detections)
    said = Counter(word for block in blocks for word in re.findall(r"w\d+", block.content))
    assert said == Counter(word for line in lines for word in re.findall(r"w\d+", line.text))
    assert sum(block.label in {Label.IMAGE, Label.TABLE} for block in blocks) == len(objects)
