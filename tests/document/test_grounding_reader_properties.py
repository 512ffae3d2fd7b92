r"""Whatever a model writes: the reader never raises, loses no word, gives only sound boxes, and takes linear time.

And what our own writer writes is read back. The writer escapes, a model does not, so the escapes are undone first.
"""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pdfocr_watcher.document.grounding import page_grounding
from pdfocr_watcher.document.grounding_reader import read_grounding
from pdfocr_watcher.document.markdown import PAGE_SPLIT, block_text
from pdfocr_watcher.document.model import GRID, Block, Box, Label, Page

PIECES = [
    "<|ref|>", "<|/ref|>", "<|det|>", "<|/det|>", "text", "table", "table_caption", "image", "title", "invented",
    "[[1, 2, 3, 4]]", "[[9, 9, 1, 1], [5, 6, 7, 2000]]", "[1, 2,", "]]", "\n", "\n\n", "  \n", " ",
    "<|ref|>text<|/ref|><|det|>[[1, 2, 3, 4]]<|/det|>\n", "<|ref|>table<|/ref|><|det|>[[1, 2, 3, 4]]<|/det|>\n",
    "<|ref|>table_caption<|/ref|><|det|>[[1, 2, 3, 4]]<|/det|>\n",
    "<|ref|>image<|/ref|><|det|>[[1, 2, 3, 4]]<|/det|>\n",
    "<table>", "<tr>", "<td>", "</td>", "</tr>", "</table>", "<td", "<center>", "</center>", "&amp;gt;", "| a | b |\n",
    "|---|---|\n", "# ", "## ", "- ", "```\n", "$$", "\\[", "\\]", "![", "](", ")", "<img alt='x'>", "<", "|", "\\",
    "*", "---\n", "===\n", "word", "Wort", "1", "\r\n", "\x00", "\ud800", "\u2028", "\x85",
]  # fmt: skip
TEXTS = st.lists(st.sampled_from(PIECES) | st.text(max_size=5), max_size=30).map("".join)

#: Words that no piece of markup has and no normalisation touches, each with its number.
WORDS = st.lists(st.sampled_from(PIECES), max_size=25)


@given(TEXTS | st.text())
def test_any_text_is_read_and_its_boxes_are_on_the_grid(text):
    reading = read_grounding(text)
    assert reading.malformed >= 0
    for block in reading.blocks:
        assert block.boxes or block.content
        for box in block.boxes:
            assert 0 <= box.x1 <= box.x2 <= GRID
            assert 0 <= box.y1 <= box.y2 <= GRID
        block.content.encode("utf-8")
    page_grounding(Page(0, 100, 100, 72.0, reading.blocks))


@given(WORDS)
def test_every_word_is_there_once_and_in_order(pieces):
    # No word stands where it would be a label, a coordinate, a tag's attribute or a picture's target.
    marks = {"<|ref|>", "<|/ref|>", "<|det|>", "[1, 2,"}
    text, words = "", []
    for number, piece in enumerate(pieces):
        text += piece
        if piece not in marks and not re.search(r"(?:<[^<>]*|\]\()\Z", text):
            words.append(f"wört{number}")
            text += f" {words[-1]} "
    said = " ".join(block.content for block in read_grounding(text).blocks)
    assert re.findall(r"wört\d+", said) == words


# What the writer writes.

SAID = st.lists(
    st.sampled_from(
        ["word", "zwei", "\n", "\n\n", " ", "<|ref|>", "<|/ref|>", "<|det|>[[1, 2, 3, 4]]<|/det|>", r"<\|ref|>", "\\",
         "<", "|", "*", "a & b", "&lt;", PAGE_SPLIT.strip(), r"\coloneqq", "1", "-", "# "]
    ),
    max_size=8,
).map("".join)  # fmt: skip
BOXES = st.lists(
    st.builds(
        lambda xs, ys: Box(min(xs), min(ys), max(xs), max(ys)),
        st.tuples(st.integers(0, GRID), st.integers(0, GRID)),
        st.tuples(st.integers(0, GRID), st.integers(0, GRID)),
    ),
    min_size=1,
    max_size=3,
).map(tuple)
CELL = SAID.map(lambda said: re.sub(r"[<>\s]", "", said))
TABLES = st.lists(st.lists(CELL, min_size=1, max_size=3), min_size=1, max_size=3).map(
    lambda rows: "<table>" + "".join(f"<tr><td>{'</td><td>'.join(row)}</td></tr>" for row in rows) + "</table>"
)


def blocks_of(label: Label) -> st.SearchStrategy[Block]:
    """Blocks of a label as an engine gives them."""
    contents = {
        Label.TABLE: TABLES,
        Label.IMAGE: st.just(""),
        Label.TITLE: SAID.map(lambda said: f"# T {' '.join(said.split())}".strip()),
        Label.SUB_TITLE: SAID.map(lambda said: f"### S {' '.join(said.split())}".strip()),
    }
    return st.builds(Block, st.just(label), BOXES, contents.get(label, SAID.map(str.strip)))


def unescaped(written: str, label: Label) -> str:
    """Undo what `markdown.escape` did: the one backslash, or the entity in a table."""
    if label is Label.TABLE:
        return re.sub(r"&lt;(?=\\*(?:\|/?(?:ref|det)\|>|--- Page Split --->))", "<", written)
    return re.sub(r"<\\(?=\\*(?:\|/?(?:ref|det)\|>|--- Page Split --->))", "<", written)


@given(st.lists(st.sampled_from(Label).flatmap(blocks_of), max_size=6).map(tuple))
def test_what_the_writer_writes_is_read_back(blocks):
    written = page_grounding(Page(0, 1000, 1000, 72.0, blocks)).removesuffix(PAGE_SPLIT)
    reading = read_grounding(written)
    assert reading.malformed == 0
    assert [(block.label, block.boxes) for block in reading.blocks] == [(block.label, block.boxes) for block in blocks]
    for read, block in zip(reading.blocks, blocks, strict=True):
        shown = block_text(block)
        assert read.content == shown.strip()
        assert block_text(Block(block.label, block.boxes, unescaped(read.content, block.label))) == shown.strip()


# Hostile texts of a megabyte.

MEGABYTE = 1_000_000


@pytest.mark.parametrize(
    "piece",
    [
        "<|ref|>",
        "<|det|>",
        "\n<|ref|>x",
        "<|ref|>text",
        "<|ref|>text<|/ref|>",
        "<|ref|>text<|/ref|><|det|>",
        "<|ref|>text<|/ref|><|det|>[[1,2,",
        "<|ref|>text<|/ref|><|det|>[[1,2,3,4]]<|/det|>",
        "<|ref|>table<|/ref|><|det|>[[1,2,3,4]]<|/det|>\n<|ref|>table_caption<|/ref|><|det|>[]<|/det|>\n",
        "[",
        "[[1, 2, 3, 4], ",
        " ",
        " \n",
        "<",
        "<|",
        "![[",
        "](",
        "<img ",
        "<td>",
        "<table><caption>",
        "&amp;",
        "$$ a\n",
        "\\[ a\n",
        "```\n",
    ],
)
def test_a_megabyte_of_anything_is_read(piece):
    text = piece * (MEGABYTE // len(piece))
    marker = "<|ref|>{}<|/ref|><|det|>[[1, 2, 3, 4]]<|/det|>\n"
    read_grounding(f"{marker.format('table')}{marker.format('table_caption')}{text}")
    read_grounding(f"<|ref|>image<|/ref|><|det|>{text}<|/det|>\nbehind")
