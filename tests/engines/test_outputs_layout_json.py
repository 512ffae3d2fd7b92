r"""dots.ocr's JSON becomes blocks, also where it is cut off, badly escaped or no JSON at all."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pdfocr_watcher.document.model import GRID, Block, Box, Label
from pdfocr_watcher.document.reading import Reading
from pdfocr_watcher.engines.outputs.layout_json import read_layout_json, seen_size

WIDTH, HEIGHT = 1008, 1400  # multiples of 28: the model sees the picture as it is


def read(text: str) -> Reading:
    return read_layout_json(text, WIDTH, HEIGHT)


def element(category: str, text: str | None = None, corners: object = (0, 0, 504, 700)) -> dict[str, object]:
    said = {} if text is None else {"text": text}
    return {"bbox": corners, "category": category, **said}


HALF = (Box(0, 0, 500, 500),)


def test_a_page_as_the_model_writes_it():
    page = [
        element("Page-header", "Annual Report 2019", (0, 0, 1008, 28)),
        element("Title", "# Results", (0, 42, 1008, 84)),
        element("Section-header", "## 1 Sales", (0, 98, 1008, 126)),
        element("Text", "Sales rose\nby **4 %**.", (0, 140, 504, 210)),
        element("List-item", "- one\n- two", (504, 140, 1008, 210)),
        element("Caption", "Table 1: Sales", (0, 280, 1008, 308)),
        element("Table", "<table><tr><td>2019</td></tr></table>", (0, 308, 1008, 420)),
        element("Picture", None, (0, 490, 1008, 840)),
        element("Caption", "Figure 1: Growth", (0, 840, 1008, 868)),
        element("Formula", r"E = mc^{2} \text{ (1)}", (0, 910, 1008, 938)),
        element("Footnote", "$^1$ estimated", (0, 1330, 1008, 1358)),
        element("Page-footer", "Example Corp.", (0, 1372, 504, 1400)),
        element("Page-footer", "- 12 -", (504, 1372, 1008, 1400)),
    ]
    assert read(json.dumps(page)) == Reading(
        (
            Block(Label.HEADER, (Box(0, 0, 999, 20),), "Annual Report 2019"),
            Block(Label.TITLE, (Box(0, 30, 999, 60),), "# Results"),
            Block(Label.SUB_TITLE, (Box(0, 70, 999, 90),), "## 1 Sales"),
            Block(Label.TEXT, (Box(0, 100, 500, 150),), "Sales rose\nby **4 %**."),
            Block(Label.LIST, (Box(500, 100, 999, 150),), "- one\n- two"),
            Block(Label.TABLE_CAPTION, (Box(0, 200, 999, 220),), "Table 1: Sales"),
            Block(Label.TABLE, (Box(0, 220, 999, 300),), "<table><tr><td>2019</td></tr></table>"),
            Block(Label.IMAGE, (Box(0, 350, 999, 599),), ""),
            Block(Label.IMAGE_CAPTION, (Box(0, 599, 999, 619),), "Figure 1: Growth"),
            Block(Label.EQUATION, (Box(0, 649, 999, 669),), r"E = mc^{2} \text{ (1)}"),
            Block(Label.TEXT, (Box(0, 949, 999, 969),), "$^1$ estimated"),
            Block(Label.FOOTER, (Box(0, 979, 500, 999),), "Example Corp."),
            Block(Label.PAGE_NUMBER, (Box(500, 979, 999, 999),), "- 12 -"),
        )
    )


def test_headings_get_the_hashes_that_they_lack_and_an_unknown_category_is_text():
    page = [element("Title", "A"), element("Section-header", "B"), element("Watermark", "DRAFT")]
    assert read(json.dumps(page)) == Reading(
        (Block(Label.TITLE, HALF, "# A"), Block(Label.SUB_TITLE, HALF, "## B"), Block(Label.TEXT, HALF, "DRAFT")), 1
    )


@pytest.mark.parametrize(
    ("before", "caption", "behind", "label"),
    [
        ("Table", "Results", "Text", Label.TABLE_CAPTION),
        ("Text", "Results", "Table", Label.TABLE_CAPTION),
        ("Picture", "Results", "Text", Label.IMAGE_CAPTION),
        ("Picture", "Tab. 3", "Table", Label.TABLE_CAPTION),
        ("Picture", "Fig. 3", "Table", Label.IMAGE_CAPTION),
        ("Text", "Table 3", "Text", Label.TABLE_CAPTION),
        ("Text", "Figure 3", "Text", Label.IMAGE_CAPTION),
    ],
)
def test_a_caption_is_of_what_it_stands_beside(before, caption, behind, label):
    page = [element(before, "<table></table>"), element("Caption", caption), element(behind, "<table></table>")]
    assert [block.label for block in read(json.dumps(page)).blocks if block.content == caption] == [label]


@pytest.mark.parametrize("wrap", ["```json\n{}\n```", "\n {} \n", '{{"layout": {}}}'])
def test_what_the_list_is_wrapped_in_is_no_text(wrap):
    assert read(wrap.format(json.dumps([element("Text", "a")]))) == Reading((Block(Label.TEXT, HALF, "a"),))


def test_a_picture_that_was_read_as_a_table_is_a_picture_and_a_table():
    assert read(json.dumps([element("Picture", "<table><tr><td>1</td></tr></table>")])) == Reading(
        (Block(Label.IMAGE, HALF, ""), Block(Label.TABLE, (), "<table><tr><td>1</td></tr></table>"))
    )


# Texts that were cut off.


def test_wherever_the_text_is_cut_off_its_complete_elements_are_there():
    page = [element("Title", "# One"), element("Text", 'Two, "quoted" \\alpha\nline'), element("Text", "Three")]
    whole = json.dumps(page)
    blocks = read(whole).blocks
    ends = [whole.index(json.dumps(each)) + len(json.dumps(each)) for each in page]
    for length in range(len(whole)):
        complete = sum(end <= length for end in ends)
        found = read(whole[:length]).blocks
        assert found[:complete] == blocks[:complete]
        for rest in found[complete:]:
            assert rest.boxes == ()
            assert blocks[complete].content.startswith(rest.content)


def test_the_text_of_an_element_that_was_cut_off_is_kept_without_its_box():
    whole = json.dumps([element("Title", "# One"), element("Text", 'It said "yes" and\nthen more')])
    assert read(whole[:-8]) == Reading(
        (Block(Label.TITLE, HALF, "# One"), Block(Label.TEXT, (), 'It said "yes" and\nthen')), 1
    )


def test_a_table_that_was_cut_off_is_closed():
    assert read('[{"bbox": [0, 0, 504, 700], "category": "Table", "text": "<table><tr><td>a</td><td>b') == Reading(
        (Block(Label.TABLE, (), "<table><tr><td>a</td><td>b</td></tr></table>"),), 1
    )


# JSON that is none.


def test_latex_that_was_not_escaped_is_taken_as_it_is():
    text = r'[{"bbox": [0, 0, 504, 700], "category": "Formula", "text": "\alpha + \frac{a}{b} \( x \)"}]'
    assert read(text) == Reading((Block(Label.EQUATION, HALF, r"\alpha + \frac{a}{b} \( x \)"),))


def test_line_feeds_and_quotes_that_were_not_escaped_cost_a_box_and_no_word():
    text = (
        '[{"bbox": [0, 0, 504, 700], "category": "Text", "text": "one\ntwo"},\n'
        ' {"bbox": [0, 0, 504, 700], "category": "Section-header", "text": "It said "yes" there"},\n'
        ' {"bbox": [0, 0, 504, 700], "category": "Text", "text": "three"}]'
    )
    assert read(text) == Reading(
        (
            Block(Label.TEXT, HALF, "one\ntwo"),
            Block(Label.SUB_TITLE, (), '## It said "yes" there'),
            Block(Label.TEXT, HALF, "three"),
        ),
        1,
    )


def test_a_text_that_is_no_json_is_read_as_markdown():
    assert read("# A\n\nb") == Reading((Block(Label.TITLE, (), "# A"), Block(Label.TEXT, (), "b")), 1)


@pytest.mark.parametrize("text", ["", "[]", "```json\n[]\n```", " [ ] "])
def test_a_page_without_elements_says_nothing(text):
    assert read(text) == Reading()


def test_words_around_the_list_are_text():
    assert read('Here it is:\n[{"category": "Text", "text": "a", "bbox": [0, 0, 504, 700]}]\nThat was it.') == Reading(
        (
            Block(Label.TEXT, (), "Here it is:\n["),
            Block(Label.TEXT, HALF, "a"),
            Block(Label.TEXT, (), "]\nThat was it."),
        ),
        2,
    )


# Boxes.


@pytest.mark.parametrize(
    ("corners", "boxes", "malformed"),
    [
        ([0, 0, 504, 700], HALF, 0),
        ([0.4, 0.2, 504.2, 700.1], HALF, 0),
        ([0, 0, 1020, 1410], (Box(0, 0, 999, 999),), 0),  # slightly beyond the edge
        ([504, 700, 0, 0], HALF, 1),
        ([504, 0, 504, 700], (Box(500, 0, 500, 500),), 0),
        ([0, 0, 5000, 700], (), 1),
        ([-400, 0, 504, 700], (), 1),
        ([0, 0, 504], (), 1),
        ([0, 0, 504, 700, 9], (), 1),
        (["0", "0", "504", "700"], (), 1),
        ([0, 0, True, 700], (), 1),
        ([0, 0, None, 700], (), 1),
        ([[0, 0], [504, 700]], (), 1),
        ([0, 0, 10**400, 700], (), 1),
        ("0, 0, 504, 700", (), 1),
        (None, (), 1),
        ({}, (), 1),
    ],
)
def test_a_box_that_is_none_is_dropped_and_counted(corners, boxes, malformed):
    assert read(json.dumps([element("Text", "a", corners)])) == Reading((Block(Label.TEXT, boxes, "a"),), malformed)


def test_corners_are_pixels_of_the_picture_as_the_model_sees_it():
    text = json.dumps([element("Text", "a")])
    assert read_layout_json(text, 1000, 1390) == Reading((Block(Label.TEXT, HALF, "a"),))  # it sees 1008 x 1400


def test_numbers_without_end_are_no_corners():
    for number in ("NaN", "Infinity", "-Infinity", "1e999", "9" * 5000):
        text = f'[{{"bbox": [0, 0, {number}, 700], "category": "Text", "text": "a"}}]'
        assert read(text) == Reading((Block(Label.TEXT, (), "a"),), 1)


def test_a_text_that_is_none_is_written_out():
    page = [element("Text", None), {**element("Text"), "text": 12}]
    assert [block.content for block in read(json.dumps(page)).blocks] == ["", "12"]
    text = r'[{"bbox": [0, 0, 504, 700], "category": "Text", "text": "\ud800a\u0000"}]'
    assert [block.content for block in read(text).blocks] == ["\ufffda\ufffd"]


@pytest.mark.parametrize(
    ("size", "seen"),
    [
        ((1008, 1400), (1008, 1400)),
        ((1000, 1400), (1008, 1400)),
        ((1240, 1754), (1232, 1764)),
        ((40, 20), (84, 56)),
        ((4960, 7016), (2800, 3976)),  # 11,132,800 pixels of at most 11,289,600
        ((5, 4000), (28, 4004)),
    ],
)
def test_the_picture_is_seen_in_patches_and_within_limits(size, seen):
    assert seen_size(*size) == seen
    assert seen[0] % 28 == seen[1] % 28 == 0
    assert 3_136 <= seen[0] * seen[1] <= 11_289_600


PIECES = [
    "[", "]", "{", "}", ",", ":", '"', "\\", '"bbox"', '"category"', '"text"', '{"bbox":', "[1, 2, 3, 4]", '"Text"',
    '{"bbox": [1, 2, 3, 4], "category": "Text", "text": "wort"}', "\n", " ", "\\u", "\\n", "word", "1",
    "```json\n", "nul",
]  # fmt: skip


@given(st.lists(st.sampled_from(PIECES) | st.text(max_size=3), max_size=25).map("".join))
def test_any_text_is_read(text):
    reading = read(text)
    assert reading.malformed >= 0
    for block in reading.blocks:
        assert all(0 <= box.x1 <= box.x2 <= GRID and 0 <= box.y1 <= box.y2 <= GRID for box in block.boxes)
        block.content.encode("utf-8")


#: Not what a tag begins with: that of a table is closed, also in text.
_TEXT = st.characters(exclude_categories=["Cc", "Cs"], exclude_characters="<")


@given(
    st.lists(
        st.tuples(st.sampled_from(["Text", "Footnote", "List-item"]), st.text(_TEXT)),
        max_size=5,
    )
)
def test_what_elements_say_is_what_blocks_say(page):
    reading = read(json.dumps([element(category, text) for category, text in page]))
    told = ["".join(filter(str.isalnum, block.content)) for block in reading.blocks]
    assert told == ["".join(filter(str.isalnum, text)) for _, text in page]
    assert reading.malformed == 0


@pytest.mark.parametrize(
    "piece",
    [
        '{"bbox":',
        '{"text": "',
        '{"text": "\\',
        "[",
        "{",
        '"',
        "\\",
        '\\"',
        ' "',
        '"}',
        "]]}}",
        '{"bbox": [1,2,3,4], "text": "a"},',
    ],
)
def test_a_megabyte_of_anything_is_read(piece):
    read(piece * (1_000_000 // len(piece)))
    read('[{"bbox": [1, 2, 3, 4], "text": "' + piece * (1_000_000 // len(piece)) + "x")
