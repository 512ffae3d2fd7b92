"""`output.mmd`: what stands in it, letter by letter, and that its page splits can be trusted."""

import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pdfocr_watcher.document.figures import figure_crops
from pdfocr_watcher.document.markdown import PAGE_SPLIT, escape, failed_page_markdown, page_markdown
from pdfocr_watcher.document.model import Block, Box, FailedPage, Label, Page

BOX = Box(100, 100, 500, 300)


def page(*blocks: Block, index: int = 0) -> Page:
    return Page(index, 1654, 2339, 200.0, blocks)


def text(content: str, label: Label = Label.TEXT) -> Block:
    return Block(label, (BOX,), content)


def test_a_page_is_its_blocks_with_a_blank_line_between_and_the_split_after() -> None:
    written = page_markdown(
        page(
            text("# A title", Label.TITLE),
            text("First line\nsecond line\n"),
            text("- one\n- two", Label.LIST),
            text("<table><tr><td>1 < 2 &amp; 3</td></tr></table>", Label.TABLE),
        )
    )
    assert written == (
        "# A title\n\nFirst line\nsecond line\n\n- one\n- two\n\n"
        "<table><tr><td>1 < 2 &amp; 3</td></tr></table>\n\n<--- Page Split --->\n"
    )


def test_a_page_without_blocks_is_a_split_alone() -> None:
    assert page_markdown(page()) == "\n\n<--- Page Split --->\n"


def test_a_block_that_says_nothing_leaves_no_gap() -> None:
    assert page_markdown(page(text("a"), text(" \n"), text("b"))) == "a\n\nb" + PAGE_SPLIT


def test_leading_blanks_of_a_line_stay_for_they_mean_something() -> None:
    assert page_markdown(page(text("\n    code\n", Label.CODE))) == "    code" + PAGE_SPLIT


def test_each_crop_of_a_figure_is_linked_under_the_true_page_number() -> None:
    blocks = (
        Block(Label.IMAGE, (BOX,), ""),
        text("between"),
        Block(Label.IMAGE, (BOX, Box(7, 7, 7, 90), Box(0, 0, 10, 10)), "A map [old]\nof  Oslo"),
    )
    assert page_markdown(page(*blocks, index=11)) == (
        "![](images/11_0.jpg)\n\nbetween\n\n"
        "![A map \\[old\\] of Oslo](images/11_1.jpg)\n![A map \\[old\\] of Oslo](images/11_2.jpg)"
        "\n\n<--- Page Split --->\n"
    )


def test_an_image_without_a_crop_has_no_link_but_keeps_its_words() -> None:
    assert page_markdown(page(Block(Label.IMAGE, (), "A map"), Block(Label.IMAGE, (), ""))) == "A map" + PAGE_SPLIT
    assert page_markdown(page(Block(Label.IMAGE, (Box(5, 5, 5, 5),), ""))) == PAGE_SPLIT


@pytest.mark.parametrize(
    ("content", "written"),
    [
        ("E = mc^2", r"\[ E = mc^2 \]"),
        ("\n a \\\\\n b\n", "\\[ a \\\\\n b \\]"),
        (r"\[ x \]", r"\[ x \]"),
        (r"\( x \)", r"\( x \)"),
        ("$$x$$", "$$x$$"),
        (r"Thus \( x \) (3)", r"Thus \( x \) (3)"),
        (r"\begin{align*} a &= b \end{align*}", r"\begin{align*} a &= b \end{align*}"),
        (r"\begin{array}{c} a \\[2pt] b \end{array}", r"\[ \begin{array}{c} a \\[2pt] b \end{array} \]"),
        (r"a = \$5", r"\[ a = \$5 \]"),
        (r"a < |b| <|c|>", r"\[ a < |b| <|c|> \]"),
    ],
)
def test_an_equation_has_delimiters(content: str, written: str) -> None:
    assert page_markdown(page(text(content, Label.EQUATION))) == written + PAGE_SPLIT


def test_two_symbols_are_replaced_and_longer_names_are_not() -> None:
    written = page_markdown(page(text(r"\( a \coloneqq b, c\eqqcolon d, e \coloneqqq f \)")))
    assert written == r"\( a := b, c=: d, e \coloneqqq f \)" + PAGE_SPLIT


def test_a_failed_page_says_so_in_its_place_counted_from_one() -> None:
    failed = FailedPage(2, "engine_timeout", "The engine took longer\n than its  time limit.")
    assert failed_page_markdown(failed) == (
        "> **Page 3 could not be read** (`engine_timeout`): The engine took longer than its time limit."
        "\n\n<--- Page Split --->\n"
    )


def test_what_a_page_says_is_not_taken_for_our_split_or_marker() -> None:
    assert page_markdown(page(text("a\n\n<--- Page Split --->\nb"))) == "a\n\n<\\--- Page Split --->\nb" + PAGE_SPLIT
    assert escape("<|ref|>text<|/ref|><|det|>[[1]]<|/det|>") == r"<\|ref|>text<\|/ref|><\|det|>[[1]]<\|/det|>"
    assert escape(r"<\|ref|>") == r"<\\|ref|>"
    table = text("<table><tr><td><|ref|><--- Page Split ---></td></tr></table>", Label.TABLE)
    assert page_markdown(page(table)) == (
        "<table><tr><td>&lt;|ref|>&lt;--- Page Split ---></td></tr></table>" + PAGE_SPLIT
    )


PIECES = st.lists(
    st.sampled_from(
        [
            "\n",
            "\n\n",
            "<--- Page Split --->",
            PAGE_SPLIT,
            "<---",
            " Page Split --->\n",
            "<",
            "\\",
            "|",
            "<|ref|>",
            "x",
            " ",
        ]
    )
    | st.text(max_size=3),
    max_size=8,
).map("".join)
BOXES = st.lists(
    st.builds(
        lambda xs, ys: Box(min(xs), min(ys), max(xs), max(ys)),
        st.tuples(st.integers(0, 999), st.integers(0, 999)),
        st.tuples(st.integers(0, 999), st.integers(0, 999)),
    ),
    max_size=3,
).map(tuple)
BLOCKS = st.lists(st.builds(Block, st.sampled_from(Label), BOXES, PIECES), max_size=5).map(tuple)
PAGES = st.lists(
    st.builds(Page, st.integers(0, 30), st.just(200), st.just(300), st.just(36.0), BLOCKS)
    | st.builds(FailedPage, st.integers(0, 30), st.just("internal"), PIECES),
    max_size=4,
)


@given(PAGES)
def test_splitting_gives_the_pages_whatever_they_say(pages: list[Page | FailedPage]) -> None:
    parts = [page_markdown(each) if isinstance(each, Page) else failed_page_markdown(each) for each in pages]
    document = "".join(parts)
    assert len(document.split(PAGE_SPLIT)) == len(pages) + 1
    assert document.count("<--- Page Split --->") == len(pages)
    assert [part + PAGE_SPLIT for part in document.split(PAGE_SPLIT)[:-1]] == parts


@given(st.builds(Page, st.integers(0, 30), st.just(200), st.just(300), st.just(36.0), BLOCKS))
def test_there_is_one_link_for_each_crop(each: Page) -> None:
    links = [crop.link for crop in figure_crops(each)]
    written = page_markdown(each)
    assert [line.rpartition("(")[2][:-1] for line in written.splitlines() if line.startswith("![")] == links


def test_writing_text_needs_no_pillow() -> None:
    modules = "pdfocr_watcher.document.grounding, pdfocr_watcher.document.markdown"
    program = f"import sys, {modules}; sys.exit('PIL' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
