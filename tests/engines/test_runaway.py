r"""A model that ran away is told from a page that repeats itself.

The loops are of shapes that users of these models report; the pages are such as people scan.
"""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pdfocr_watcher.engines.generation import FinishReason
from pdfocr_watcher.engines.profiles import Parser
from pdfocr_watcher.engines.repetition import loops_at_end
from pdfocr_watcher.engines.runaway import Verdict, judge

STOP, LENGTH = FinishReason.STOP, FinishReason.LENGTH


def block(label: str, content: str, corners: tuple[int, int, int, int] = (115, 342, 881, 376)) -> str:
    return f"<|ref|>{label}<|/ref|><|det|>[{list(corners)}]<|/det|>\n{content}  \n\n"


PAGE = (
    block("title", "# 3.2.2. Multiple resolution support", (117, 560, 396, 576))
    + block("text", "Suppose we have an image with 1000 characters and want to test how many tokens are needed.")
    + block("text", "This requires the model to support a variable number of tokens.", (115, 585, 881, 635))
)


def test_a_page_that_came_to_its_end_can_be_used():
    assert judge(PAGE, STOP) is None
    assert judge(PAGE, FinishReason.OTHER) is None


def test_a_page_that_did_not_come_to_its_end_cannot():
    assert judge(PAGE, LENGTH) is Verdict.LENGTH


def test_what_the_engine_noticed_is_believed():
    assert judge(PAGE, FinishReason.REPETITION) is Verdict.REPETITION


# Loops.


def counting(unit: str, start: int, times: int) -> str:
    return "".join(unit.format(number) for number in range(start, start + times))


LOOPS = {
    "a phrase": "life? He had written: " * 300,
    "a phrase on lines": "YOU DIDN'T COME THIS\nFAR TO ONLY COME\nTHIS FAR\n" * 120,
    "a phrase without blanks": "服务描述项目名称。" * 400,
    "one word": "OCR" * 2_500,
    "one character": "." * 20_000,
    "one letter": "a" * 8_000,
    "a character between blanks": "{ , " * 4_000,
    "a paragraph": "We hold these truths to be self-evident, that all men are created equal, and that they are "
    "endowed with certain unalienable Rights, that among these are Life and Liberty.\n\n" * 60,
    "a block in the same place": block("text", "Dear Sir or Madam") * 150,
    "a block without content in the same place": block("table_caption", "") * 200,
    "two blocks in turn": (block("image", "", (1, 2, 3, 4)) + block("image_caption", "Figure 1")) * 80,
    "empty cells": "<table><tr><td>Total</td>" + "<td></td>" * 900,
    "cells with a zero": "<table><tr><td>Total</td>" + "<td>0</td>" * 900,
    "rows of empty cells": "<table>" + f"<tr>{'<td></td>' * 4}</tr>" * 300,
    "rows with the same words": "<table>" + "<tr><td>Office supplies</td><td>12.00</td></tr>" * 300,
    "pipes": "| a | b |\n|---|---|\n" + "|   |   |\n" * 1_500,
    "the rule of a table": "| a |" + "---|" * 4_000,
    "a formula": r"\[ " + r"\quad " * 1_500,
    "a formula of zeros": r"\begin{array}{c} " + r"0 & 0 & 0 \\ " * 700,
    "a counter": counting("Step {}. Press the green button and wait for the light. ", 12, 400),
    "a counter on lines": counting("{}. The quick brown fox jumps over the lazy dog.\n", 1, 400),
    "a counter in blocks": "".join(
        block("list", f"{n}. The contractor shall keep all records of the work.", (10, n, 900, n + 9))
        for n in range(300)
    ),
    "a few lines in no order": "".join("上海世博局\n" if digit < "5" else "上海世博城\n" for digit in str(3**1700)),
    "elements of JSON": json.dumps([{"bbox": [1, 2, 3, 4], "category": "Text", "text": "Total"}] * 200),
    "a text in JSON": '[{"bbox": [1, 2, 3, 4], "category": "Text", "text": "' + r"Name: Address:\n" * 500,
}  # fmt: skip


@pytest.mark.parametrize("loop", LOOPS.values(), ids=LOOPS)
@pytest.mark.parametrize("torn", [0, 1, 3])
def test_a_loop_that_was_cut_off_is_a_repetition_wherever_it_was_cut(loop, torn):
    text = PAGE + loop
    assert judge(text[: len(text) - torn], LENGTH) is Verdict.REPETITION


@pytest.mark.parametrize("loop", LOOPS.values(), ids=LOOPS)
def test_a_long_loop_is_a_repetition_even_if_it_ended_by_itself(loop):
    assert judge(PAGE + loop, STOP) is Verdict.REPETITION
    assert judge(PAGE + loop, FinishReason.OTHER) is Verdict.REPETITION


def test_the_end_tags_behind_a_loop_do_not_hide_it():
    assert judge("<table><tr><td>a</td>" + "<td></td>" * 500 + "</tr></tbody></table>\n", STOP) is Verdict.REPETITION


@pytest.mark.parametrize(
    "short",
    [
        "Happy birthday to you! " * 12,
        block("text", "Dear Sir") * 4,
        "The same sentence with some more words in it than before. " * 10,
        counting("Step {}. Press the green button and wait. ", 1, 40),
    ],
)
def test_a_short_loop_counts_only_where_the_text_was_cut_off(short):
    assert judge(PAGE + short, LENGTH) is Verdict.REPETITION
    assert judge(PAGE + short, STOP) is None


def test_of_the_same_block_in_the_same_place_few_are_enough():
    assert judge(PAGE + block("text", "Dear Sir") * 6, STOP) is Verdict.REPETITION
    for torn in range(1, 60):
        assert judge(PAGE + (block("text", "Dear Sir") * 5)[:-torn], LENGTH) is Verdict.REPETITION


# Pages that repeat themselves.

ADDRESS = "Mr John Q. Public\n12 Long Street, Flat 4\nSpringfield IL 62701\n\n"
REPETITIVE = {
    "forty zeros in a row": "<table><tr><td>Total</td>" + "<td>0</td>" * 40 + "</tr></table>",
    "a column of dashes": "<table>" + "".join(f"<tr><td>{n}</td><td>-</td></tr>" for n in range(60)) + "</table>",
    "a column of dashes alone": "<table>" + "<tr><td>-</td></tr>" * 60 + "</table>",
    "an empty time sheet": f"<table><tr><th>Day</th></tr>{('<tr>' + '<td></td>' * 9 + '</tr>') * 60}</table>",
    "an attendance grid": f"<table>{('<tr>' + '<td></td>' * 40 + '</tr>') * 45}</table>",
    "a matrix of zeros": f"<table>{('<tr>' + '<td>0</td>' * 25 + '</tr>') * 40}</table>",
    "not applicable everywhere": f"<table>{('<tr>' + '<td>N/A</td>' * 6 + '</tr>') * 60}</table>",
    "yes in every row": "<table>" + "".join(f"<tr><td>Item {n}</td><td>Yes</td></tr>" for n in range(80)) + "</table>",
    "yes in every row alone": "<table>" + "<tr><td>Yes</td><td>No</td></tr>" * 60 + "</table>",
    "sensors": f"<table>{counting('<tr><td>Sensor {}</td><td>7.5</td><td>OK</td></tr>', 1, 100)}</table>",
    "a table of pipes": "| a | b | c |\n|---|---|---|\n" + "|  |  |  |\n" * 60,
    "dot leaders": "".join(f"{n} Chapter {'.' * (90 - n)} {n * 7}\n" for n in range(1, 45)),
    "dot leaders of one length": "".join(f"Chapter {n} {'.' * 90} {n * 7}\n" for n in range(10, 60)),
    "one long leader": "Signature " + "." * 250,
    "ruled lines": ("_" * 90 + "\n") * 40,
    "a form": "Name: ______________ Date: ______________\n" * 25,
    "check boxes": "☐ Yes ☐ No ☐ Do not know\n" * 45,
    "address labels": ADDRESS * 30,
    "address labels in their places": "".join(
        block("text", ADDRESS, (x, y, x + 300, y + 60)) for y in range(0, 900, 90) for x in (10, 340, 670)
    ),
    "lines to write out": "I will not waste chalk on the board again.\n" * 35,
    "similar lines": "".join(f"- Chapter {n}: questions and answers\n" for n in range(1, 70)),
    "a price list": "".join(f"Screw M{n} x {n * 4} zinc plated  {n * 3}.{n:02} EUR\n" for n in range(3, 70)),
    "a hex dump": "".join(f"{n * 16:08x}  {'00 ' * 16} |................|\n" for n in range(60)),
    "code with equal lines": "```c\n" + "    0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,\n" * 45 + "};\n```",
    "closing brackets": "```js\n" + "".join("  " * (20 - n) + "});\n" for n in range(20)) + "```",
    "an empty answer sheet": "".join(f"{n}. (A) (B) (C) (D)\n" for n in range(1, 101)),
    "binary digits": "0101 " * 200,
    "a refrain": "Hare Krishna Hare Krishna\nKrishna Krishna Hare Hare\nHare Rama Hare Rama\n\n" * 12,
    "yes as lines": "Yes\n" * 70,
    "a form in blocks": "".join(block("text", "Yes", (10, y, 50, y + 9)) for y in range(0, 900, 10)),
    "two blocks in the same place": block("table", "") + block("table_caption", "") + block("text", "words"),
    "pictures": "".join(block("image", "", (x, y, x + 80, y + 80)) for x in range(9, 900, 99) for y in (9, 500)),
    "JSON of a form": json.dumps([{"bbox": [1, n, 90, n + 9], "category": "Text", "text": "Yes"} for n in range(90)]),
    "vouchers": counting("Voucher {}: one cup of coffee or tea at any of our stores until the end of May.\n", 101, 12),
}  # fmt: skip


@pytest.mark.parametrize("page", REPETITIVE.values(), ids=REPETITIVE)
def test_a_page_that_repeats_itself_is_no_loop(page):
    parser = Parser.LAYOUT_JSON if page.startswith("[{") else Parser.GROUNDING
    assert judge(page, STOP, parser) is not Verdict.REPETITION
    assert judge(PAGE + page, STOP) is None


@pytest.mark.parametrize("page", REPETITIVE.values(), ids=REPETITIVE)
def test_and_if_it_was_cut_off_it_cannot_be_used_anyway(page):
    assert judge(PAGE + page, LENGTH) in {Verdict.LENGTH, Verdict.REPETITION}


# Pages that say nothing.


@pytest.mark.parametrize(
    ("text", "parser"),
    [
        ("", Parser.GROUNDING),
        (" \n\n ", Parser.MARKDOWN),
        (block("text", "") + block("title", " ", (1, 2, 3, 4)), Parser.GROUNDING),
        (block("table", "<table><tr><td></td><td> </td></tr></table>"), Parser.GROUNDING),
        ("<|ref|>text", Parser.GROUNDING),
        ("<|ref|>image<|/ref|><|det|>[[1, 2", Parser.GROUNDING),
        ("#\n\n---\n\n**  **", Parser.MARKDOWN),
        ("![](a.png)", Parser.MARKDOWN),
        ("<table></table>&nbsp;", Parser.MARKDOWN),
        ("---\nprimary_language: null\nis_rotation_valid: True\n---\n", Parser.FRONT_MATTER),
        ("[]", Parser.LAYOUT_JSON),
        ('[{"bbox": [1, 2, 3, 4], "category": "Text", "text": ""}]', Parser.LAYOUT_JSON),
    ],
)
def test_a_page_of_nothing_but_markup_is_empty(text, parser):
    assert judge(text, STOP, parser) is Verdict.EMPTY


@pytest.mark.parametrize(
    ("text", "parser"),
    [
        ("7", Parser.GROUNDING),
        ("字", Parser.MARKDOWN),
        ("√", Parser.MARKDOWN),
        (block("image", "", (1, 2, 300, 400)), Parser.GROUNDING),
        ("<|ref|>Invoice<|/ref|><|det|>[[1, 2, 3, 4]]<|/det|>", Parser.GROUNDING),
        ("![A map of Oslo](a.png)", Parser.MARKDOWN),
        ("---\nprimary_language: en\nis_rotation_valid: True\n---\na", Parser.FRONT_MATTER),
        ('[{"bbox": [1, 2, 3, 4], "category": "Picture"}]', Parser.LAYOUT_JSON),
    ],
)
def test_a_page_of_one_word_or_one_picture_is_not(text, parser):
    assert judge(text, STOP, parser) is None


# The machinery.


@given(st.text("ab", min_size=1, max_size=4), st.integers(3, 9), st.text("ab", max_size=5), st.integers(0, 3))
def test_a_period_at_the_end_is_found(unit, times, before, torn):
    text = before + unit * times + unit[: torn % len(unit)]
    loops = list(loops_at_end(text))
    assert any(loop.length >= len(unit) * times and len(unit) % len(loop.unit) == 0 for loop in loops)
    for loop in loops:
        end = text[-loop.length :]
        assert loop.repeats >= 3
        assert end[len(loop.unit) :] == end[: -len(loop.unit)]


@given(st.text(), st.sampled_from(FinishReason), st.sampled_from(Parser))
def test_any_text_is_judged(text, finish_reason, parser):
    judge(text, finish_reason, parser)


@pytest.mark.parametrize("piece", ["a", "ab", "<", "<|ref|>", "</td>", "\n", "[", "0 ", "a" * 99 + "b", '{"bbox": '])
def test_a_megabyte_of_anything_is_judged(piece):
    for parser in Parser:
        judge(piece * (1_000_000 // len(piece)), STOP, parser)
