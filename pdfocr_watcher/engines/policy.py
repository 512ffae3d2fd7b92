"""How carefully lines are read, and when a quick reading will not do. Values only; the networks are `cascade`'s.

The thresholds are measured. Of 1,640 lines on 26 pages of print the quick network reads 386 words otherwise than the
careful one. From 0.96 down, with lone letters, a sixth of the lines' length has 55 % of them; from 0.97 down a third
has 71 %, from 0.98 nearly two thirds 91 %.
"""

import re
from collections.abc import Sequence
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # the configuration, which names policies, must not load NumPy and ONNX Runtime
    from pdfocr_watcher.engines.recognition import LineReading

#: A line that is read less surely by the quick network is read again by the careful one.
DOUBTFUL_LINE = 0.96
#: So is one with a letter that stands alone and is no word of the languages that are read: "S mall", "the P MSA".
_LONE_LETTER = re.compile(r"(?<![\w'\u2019.&-])[^\W\d_aAIiOoeEyYu\u00e0\u00e8\u00e9\u00f3\u00c0](?![\w'\u2019.)&-])")
#: Scripts whose words are single characters, or that have none.
_UNSPACED = re.compile(r"[\u3040-\u30ff\u3400-\u9fff]")
#: A page whose characters are on average read less surely is read again as a whole, with its lines found anew:
#: handwriting, Fraktur, typescript, a bad copy.
DOUBTFUL_PAGE = 0.90
#: So many lines, spread over a page, are read first: where they are on average less sure than this, the page is left to
#: the careful networks at once. On the first pages of 33 documents, samples of handwriting and of scripts that are not
#: read have .54 to .82, and none of a page that is not doubtful has less than .88. A mistake costs time only.
SAMPLE = 8
HOPELESS_PAGE = 0.85
#: Lines that the careful network reads less surely are read by the words of their language as well: on a page whose
#: characters are on average less sure than this, as all handwriting is (.73 to .90), and on any other. Of nineteen
#: printed documents three lines are read otherwise by it.
HARD_PAGE = 0.93
HARD_LINE_OF_IT, HARD_LINE = 0.98, 0.85
#: Lines less sure than this are flourishes and dirt more often than words, of which the list would make words.
HOPELESS_LINE = 0.6
#: So many of a line's characters must be letters of the Latin alphabet, and such a share of them.
MIN_LATIN, MIN_LATIN_SHARE = 8, 0.6
_LATIN = re.compile(r"[A-Za-z\u00c0-\u024f]")


class ReadingPolicy(StrEnum):
    """How carefully pages are read, where there is a choice."""

    #: By the quick networks alone.
    FAST = "fast"
    #: By the quick networks, and again by the careful ones what those read with doubt.
    BALANCED = "balanced"
    #: By the careful networks alone.
    ACCURATE = "accurate"


def is_doubtful(reading: "LineReading") -> bool:
    """Whether a quick reading of one line will not do."""
    torn = _LONE_LETTER.search(reading.text) and not _UNSPACED.search(reading.text)
    # An underscore is rare, and read for a blank; where there are many, as in code, the quick network loses some.
    return reading.confidence < DOUBTFUL_LINE or bool(torn) or "_" in reading.text


def hard_lines(readings: Sequence["LineReading"]) -> list[int]:
    """Which lines of a page have letters that are so doubtful that the words count."""
    limit = HARD_LINE_OF_IT if _confidence(readings) < HARD_PAGE else HARD_LINE
    return [
        number
        for number, reading in enumerate(readings)
        if HOPELESS_LINE <= reading.confidence < limit and _is_latin(reading)
    ]


def is_page_doubtful(readings: Sequence["LineReading"]) -> bool:
    """Whether the quick readings of all lines of a page will not do; also where there are none."""
    return _confidence(readings) < DOUBTFUL_PAGE


def is_page_hopeless(sample: Sequence["LineReading"]) -> bool:
    """Whether some lines of a page are read so badly that the others need not be read quickly."""
    return _confidence(sample) < HOPELESS_PAGE


def sample_of(count: int) -> range:
    """Which of so many lines are read first."""
    step = max(1, -(-count // SAMPLE))
    return range(step // 2, count, step)


def _confidence(readings: Sequence["LineReading"]) -> float:
    """The mean over all characters; 0 where there are none."""
    characters = sum(len(reading.columns) for reading in readings)
    return sum(reading.confidence * len(reading.columns) for reading in readings) / max(1, characters)


def _is_latin(reading: "LineReading") -> bool:
    latin = len(_LATIN.findall(reading.text))
    return latin >= max(MIN_LATIN, MIN_LATIN_SHARE * len(reading.columns))
