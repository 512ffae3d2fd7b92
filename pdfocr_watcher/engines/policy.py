"""How carefully lines are read, and when a quick reading will not do. Values only; the networks are `cascade`'s.

The thresholds are measured, on 17 pages of print, typescript, handwriting and scripts that are not read at all: with
0.95 for lines the word F1 is .002 lower, with 0.97 it is no higher and print takes a third longer to read.
"""

from collections.abc import Sequence
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # the configuration, which names policies, must not load NumPy and ONNX Runtime
    from pdfocr_watcher.engines.recognition import LineReading

#: A line that is read less surely by the quick network is read again by the careful one.
DOUBTFUL_LINE = 0.96
#: A page whose characters are on average read less surely is read again as a whole, with its lines found anew:
#: handwriting, Fraktur, typescript, a bad copy.
DOUBTFUL_PAGE = 0.90


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
    return reading.confidence < DOUBTFUL_LINE


def is_page_doubtful(readings: Sequence["LineReading"]) -> bool:
    """Whether the quick readings of all lines of a page will not do; also where there are none."""
    characters = sum(len(reading.columns) for reading in readings)
    sure = sum(reading.confidence * len(reading.columns) for reading in readings)
    return sure < DOUBTFUL_PAGE * characters if characters else True
