"""What was printed on the page is never read as Markdown's or the grounding's markup."""

import html

import pytest

from pdfocr_watcher.analysis.markup import escape_inline, escape_line


@pytest.mark.parametrize(
    ("text", "escaped"),
    [
        ("# no heading", r"\# no heading"),
        ("> no quotation", r"\> no quotation"),
        ("- no entry", r"\- no entry"),
        ("+ no entry", r"\+ no entry"),
        ("* no entry", r"\* no entry"),
        ("1984. A year", r"1984\. A year"),
        ("3) third", r"3\) third"),
        ("---", r"\---"),
        ("===", r"\==="),
        ("* * *", r"\* * *"),
        ("```sh", r"\```sh"),
        ("|---|---|", r"\|---|---|"),
        ("[1]: a note", r"\[1]: a note"),
    ],
)
def test_what_would_mark_a_line_is_escaped(text, escaped):
    assert escape_line(text) == escaped


@pytest.mark.parametrize(
    "text",
    [
        "#hashtag", "-5 degrees", "*Equal contribution", "+49 30 12345", "1984 was a year", "3.14 is pi", "a - b",
        "a # b", "x < 3", "a <- b", "R&D", "AT&T; and", "[1] Smith", "wait!", "f(x)[1]", "|x| = 3", "snake_case", "",
    ],
)  # fmt: skip
def test_what_is_no_markup_is_left_as_it_is(text):
    assert escape_line(text) == text


@pytest.mark.parametrize(
    "text",
    ["<b>bold", "</div>", "<!-- x", "<|ref|>text<|/ref|>", "<--- Page Split --->", "a <|det|>", "&lt;", "&#60;"],
)
def test_tags_markers_and_entities_are_shown_not_obeyed(text):
    escaped = escape_inline(text)
    assert "<" not in escaped.replace("&lt;", "")
    assert html.unescape(escaped) == text


def test_links_and_images_are_text():
    assert escape_inline("![](images/0_0.jpg)") == r"\![\](images/0_0.jpg)"
    assert escape_inline("see [1](2)") == r"see [1\](2)"
