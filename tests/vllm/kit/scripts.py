"""What the tests' checkpoint writes for which page: its scripts. Values only.

A script is chosen by the page's *tint*, how much more red than blue it has (`pages` makes such pages), so a test that
mixes up its pages sees the wrong text. A prompt that ends with "Free OCR." gets `plain` whatever the page.

The model is a chain of words, each of which has one likeliest successor; a temperature below 1 changes nothing. Some
scripts go on with a *turn* that is written again and again. A word in it that the no-repeat rule forbids makes the
model leave the turn as the script's `escapes` say, and end where they say nothing.

| name     | tint   | what it writes                                             | how it ends                         |
|----------|--------|------------------------------------------------------------|-------------------------------------|
| report   |  0     | a title, a text, an image with caption; white pages get it | stop                                |
| list     |  0.125 | a list                                                     | stop                                |
| table    |  0.25  | an HTML table                                              | stop                                |
| formula  |  0.375 | a text and a displayed equation                            | stop                                |
| notes    | -0.125 | two texts, one of them in two boxes                        | stop                                |
| letter   | -0.25  | one text with a blank line                                 | stop                                |
| notice   | -0.375 | a sub-title and a text in Greek and Japanese               | stop                                |
| columns  | -0.5   | two texts that stand side by side                          | stop                                |
| loop     |  0.5   | a sentence again and again                                 | stop by the rule, else length       |
| endless  |  0.625 | numbers up to 300, then from 1: no window is so long       | length                              |
| stutter  |  0.75  | as loop; but with n-grams of 20 or 12 instead of 30 it     | stop by the rule, else length       |
|          |        | gets out of it and reads the page to its end               |                                     |
| cells    |  0.875 | a table of empty cells, in the tokens `<td>` and `</td>`   | length if they are whitelisted,     |
|          |        |                                                            | else like loop                      |
| empty    | -0.625 | nothing                                                    | stop                                |
| garbled  | -0.75  | markup that is broken in several ways                      | stop                                |
| plain    | none   | text without markup                                        | stop                                |
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import chain, cycle, islice
from types import MappingProxyType

#: Tokens that are not put together from bytes. All but the table's are special ones, as in the real tokenizer: a
#: request that skips special tokens, which is vLLM's default, gets a text without them.
SPECIAL_MARKUP = ("<image>", "<|ref|>", "<|/ref|>", "<|det|>", "<|/det|>", "<|grounding|>")
TABLE_MARKUP = ("<td>", "</td>", "<tr>", "</tr>")
MARKUP = SPECIAL_MARKUP + TABLE_MARKUP

#: What a prompt ends with to get the script `plain`.
PLAIN_PROMPT_END = "OCR."

_WORD = re.compile(r"<\|?/?[a-z]+\|?>|\n+| ?[^\s<]+|.")


@dataclass(frozen=True, slots=True)
class Script:
    """One text of the model.

    Attributes:
        tint: of the pages that get it; None where a page does not decide.
        text: what it writes once.
        turn: what it writes after that, again and again; nothing if it ends.
        escapes: what it writes, before it ends, in the place of a word of the turn that is forbidden; by the word's
            index in the turn.
        bare: whether the turn consists of the markup's own tokens, those that a whitelist names. In all other places
            each word, markup too, is a token of its own, since a chain must know where it is.
    """

    tint: float | None
    text: str
    turn: str = ""
    escapes: Mapping[int, str] = field(default_factory=lambda: MappingProxyType({}))
    bare: bool = False

    def beginning(self, words: int) -> str:
        """The first so many words of what it writes where nothing is forbidden."""
        return "".join(islice(chain(words_of(self.text), cycle(words_of(self.turn))), words))

    def ruled(self, ngram_size: int) -> str:
        """What it writes under a no-repeat rule whose window is longer than two turns and an n-gram."""
        if not self.turn:
            return self.text
        length = len(words_of(self.turn))
        written = len(words_of(self.text)) + length + ngram_size - 1
        return self.beginning(written) + self.escapes.get((ngram_size - 1) % length, "")


def words_of(text: str) -> list[str]:
    """Take a text apart into the words that the model writes one by one."""
    words = _WORD.findall(text)
    assert "".join(words) == text
    return words


def _block(label: str, *boxes: tuple[int, int, int, int]) -> str:
    return f"<|ref|>{label}<|/ref|><|det|>{[list(box) for box in boxes]}<|/det|>\n"


_GARBLED = (
    "<|ref|>title<|/ref|><|det|>[[57, 42, 940]]<|/det|>\n# A box of three\n\n"
    "<|ref|>text<|det|>[[60, 130, 940, 260]]<|/det|>\nThe label has no end.\n\n"
    "<|ref|>image<|/ref|><|det|>[[900, 700, 100, 300]]<|/det|>\n\n"
    "<|ref|>text<|/ref|><|det|>[[60, 300, 1400, here]]<|/det|>\nThe box is no box.\n\n"
    "<|ref|>table<|/ref|><|det|>[[60, 400, 940, 600]]<|/det|>\n<table><tr><td>open"
)

SCRIPTS: Mapping[str, Script] = MappingProxyType(
    {
        "report": Script(
            0.0,
            _block("title", (57, 42, 940, 108))
            + "# Annual report\n\n"
            + _block("text", (57, 130, 940, 260))
            + "Revenue rose by 12 % in 2024.\n\n"
            + _block("image", (100, 300, 900, 700))
            + "\n"
            + _block("image_caption", (100, 710, 900, 740))
            + "<center>Figure 1: growth</center>\n",
        ),
        "list": Script(
            0.125,
            _block("text", (80, 90, 900, 400)) + "- flour\n- birch wood\n- a sack of rye\n",
        ),
        "table": Script(
            0.25,
            _block("table", (60, 80, 930, 400))
            + "<table><tr><td>Item</td><td>Price</td></tr><tr><td>Nut</td><td>3</td></tr></table>\n",
        ),
        "formula": Script(
            0.375,
            _block("text", (80, 90, 900, 150))
            + "The energy at rest is\n\n"
            + _block("equation", (300, 170, 700, 230))
            + "\\[ E = m c^2 \\]\n",
        ),
        "notes": Script(
            -0.125,
            _block("text", (60, 80, 480, 900), (520, 80, 940, 300))
            + "The committee met on Tuesday in the old library.\n\n"
            + _block("text", (520, 320, 940, 400))
            + "Nobody objected.\n",
        ),
        "letter": Script(-0.25, _block("text", (80, 90, 900, 300)) + "Dear reader,\n\nthis page is blue.\n"),
        "notice": Script(
            -0.375,
            _block("sub_title", (80, 60, 900, 110))
            + "## Öffnungszeiten\n\n"
            + _block("text", (80, 130, 900, 400))
            + "Κυριακή κλειστά 日曜休業 20 €\n",
        ),
        "columns": Script(
            -0.5,
            _block("text", (60, 80, 480, 900))
            + "Copper kettles hung above the stove.\n\n"
            + _block("text", (520, 80, 940, 900))
            + "Across the river a miller counted sacks.\n",
        ),
        "loop": Script(0.5, "", "again and again and on and on, "),
        "endless": Script(0.625, "", "".join(f"{number} " for number in range(1, 301))),
        "stutter": Script(
            0.75,
            "",
            "well well it says that it says ",
            {3: "...\n\nThe speaker then came to the point and the meeting was closed at nine.\n"},
        ),
        "cells": Script(0.875, "<table><tr>", "<td></td>", bare=True),
        "empty": Script(-0.625, ""),
        "garbled": Script(-0.75, _GARBLED),
        "plain": Script(None, "Annual report\nRevenue rose by 12 % in 2024.\n"),
    }
)
