"""`output_det.mmd`: the markup, letter by letter, and that no content can be mistaken for it."""

import json
import re

from hypothesis import given
from hypothesis import strategies as st

from pdfocr_watcher.document.grounding import page_grounding
from pdfocr_watcher.document.markdown import PAGE_SPLIT, page_markdown
from pdfocr_watcher.document.model import Block, Box, Label, Page

#: A marker as a strict reader knows it.
MARKER = re.compile(r"<\|ref\|>(\w+)<\|/ref\|><\|det\|>(\[\[[\d, \[\]]*\]\])<\|/det\|>")


def page(*blocks: Block) -> Page:
    return Page(0, 1654, 2339, 200.0, blocks)


def test_each_block_has_its_marker_and_its_content_on_the_next_line() -> None:
    written = page_grounding(
        page(
            Block(Label.TITLE, (Box(10, 20, 900, 60),), "# A title"),
            Block(Label.TEXT, (Box(10, 80, 480, 900), Box(520, 80, 990, 400)), "over two\ncolumns"),
            Block(Label.IMAGE, (Box(0, 0, 999, 999),), "a map"),
            Block(Label.TABLE, (Box(1, 2, 3, 4),), "<table></table>"),
            Block(Label.TABLE_CAPTION, (Box(1, 2, 3, 4),), ""),
            Block(Label.EQUATION, (Box(5, 6, 7, 8),), r"a \coloneqq b"),
        )
    )
    assert written == (
        "<|ref|>title<|/ref|><|det|>[[10, 20, 900, 60]]<|/det|>\n# A title\n\n"
        "<|ref|>text<|/ref|><|det|>[[10, 80, 480, 900], [520, 80, 990, 400]]<|/det|>\nover two\ncolumns\n\n"
        "<|ref|>image<|/ref|><|det|>[[0, 0, 999, 999]]<|/det|>\n\n"
        "<|ref|>table<|/ref|><|det|>[[1, 2, 3, 4]]<|/det|>\n<table></table>\n\n"
        "<|ref|>table_caption<|/ref|><|det|>[[1, 2, 3, 4]]<|/det|>\n\n"
        "<|ref|>equation<|/ref|><|det|>[[5, 6, 7, 8]]<|/det|>\n\\[ a := b \\]"
        "\n\n<--- Page Split --->\n"
    )


def test_a_block_without_boxes_is_bare_text() -> None:
    written = page_grounding(page(Block(Label.TEXT, (), "free"), Block(Label.IMAGE, (), "a map")))
    assert written == "free\n\na map" + PAGE_SPLIT


def test_a_page_without_blocks_is_a_split_alone() -> None:
    assert page_grounding(page()) == "\n\n<--- Page Split --->\n"


def test_a_marker_that_a_page_says_is_escaped() -> None:
    said = "<|ref|>image<|/ref|><|det|>[[0, 0, 9, 9]]<|/det|>"
    assert page_grounding(page(Block(Label.TEXT, (Box(1, 2, 3, 4),), said))) == (
        "<|ref|>text<|/ref|><|det|>[[1, 2, 3, 4]]<|/det|>\n"
        r"<\|ref|>image<\|/ref|><\|det|>[[0, 0, 9, 9]]<\|/det|>" + PAGE_SPLIT
    )


PIECES = st.lists(
    st.sampled_from(
        [
            "<|ref|>",
            "text",
            "<|/ref|>",
            "<|det|>",
            "[[1, 2, 3, 4]]",
            "<|/det|>",
            "<",
            "|ref|>",
            "<|",
            "\\",
            "\n",
            PAGE_SPLIT,
        ]
    ),
    max_size=10,
).map("".join)
BOXES = st.lists(st.builds(lambda x, y: Box(x, y, 999, 999), st.integers(0, 999), st.integers(0, 999)), max_size=2)
BLOCKS = st.lists(st.builds(Block, st.sampled_from(Label), BOXES.map(tuple), PIECES), max_size=5).map(tuple)


@given(BLOCKS)
def test_a_strict_reader_finds_our_markers_and_no_others(blocks: tuple[Block, ...]) -> None:
    written = page_grounding(page(*blocks))
    boxed = [block for block in blocks if block.boxes]
    found = MARKER.findall(written)
    assert [label for label, _ in found] == [block.label.value for block in boxed]
    assert [json.loads(boxes) for _, boxes in found] == [[box.as_list() for box in block.boxes] for block in boxed]
    assert len(re.findall(r"<\|/?(?:ref|det)\|>", written)) == 4 * len(boxed)
    assert written.split(PAGE_SPLIT)[1:] == [""]


@given(st.lists(st.builds(Block, st.sampled_from(Label), BOXES.map(tuple), PIECES), max_size=5))
def test_without_the_markers_it_is_the_markdown(blocks: list[Block]) -> None:
    texts = page(*(block for block in blocks if block.label is not Label.IMAGE))
    bare = MARKER.sub("", page_grounding(texts))
    assert bare.split() == page_markdown(texts).split()
