"""Whether what a model wrote for a page can be used, or whether it ran away or said nothing.

Pure: text and finish reason in, verdict out. What a page is then read again with is the profile's (`Retry`); that
it is read again, or fails, is decided where pages are read.
"""

import re
from enum import StrEnum

from pdfocr_watcher.document.model import Label
from pdfocr_watcher.engines.generation import FinishReason
from pdfocr_watcher.engines.outputs import read_output
from pdfocr_watcher.engines.profiles import Parser
from pdfocr_watcher.engines.repetition import ends_in_loop

_MARKER = re.compile(r"<\|ref\|>[^<]*<\|/ref\|>\s*<\|det\|>[^<]*<\|/det\|>")
_TAG = re.compile(r"<[^<>]*>|&nbsp;|!\[|\]\([^()]*\)")
#: From here on, characters that are no letters are arrows, signs and symbols, which say something too.
_SYMBOLS = "\u2190"
#: Formats whose frame has words of its own; they are told apart from what was read by reading them.
_FRAMED = frozenset({Parser.FRONT_MATTER, Parser.LAYOUT_JSON})


class Verdict(StrEnum):
    """Why a text cannot be used."""

    #: The model wrote as much as it may and did not come to an end.
    LENGTH = "length"
    #: It repeats itself, as the engine says or as the text's end shows.
    REPETITION = "repetition"
    #: It says nothing, or there is markup and nothing in it. On an empty sheet that is right.
    EMPTY = "empty"


def judge(text: str, finish_reason: FinishReason, parser: Parser = Parser.GROUNDING) -> Verdict | None:
    """Judge what a model wrote for a page.

    A text that was cut off and repeats itself is `REPETITION`, not `LENGTH`: it would not have come to an end with more
    room. A picture with a box says something, also without words.

    Args:
        text: all of it, as the engine gave it.
        finish_reason: why the model stopped.
        parser: what the text is written in.

    Returns:
        Why the text cannot be used; None if it can. The time taken grows with the text's length alone.
    """
    cut = finish_reason is FinishReason.LENGTH
    if finish_reason is FinishReason.REPETITION or ends_in_loop(text, cut=cut):
        return Verdict.REPETITION
    if cut:
        return Verdict.LENGTH
    return None if _says_something(text, parser) else Verdict.EMPTY


def _says_something(text: str, parser: Parser) -> bool:
    bare = _MARKER.sub("", text)
    if parser not in _FRAMED and "<|" not in bare and _has_words(bare):
        return True
    blocks = read_output(parser, text, 1000, 1000).blocks
    return any(block.boxes if block.label is Label.IMAGE else _has_words(block.content) for block in blocks)


def _has_words(text: str) -> bool:
    """Whether there is a letter, a digit or a sign outside of tags and links."""
    return any(character.isalnum() or character >= _SYMBOLS for character in _TAG.sub("", text))
