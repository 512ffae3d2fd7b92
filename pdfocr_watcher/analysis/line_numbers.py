"""Numbers that count the lines of a text in its margin, as in bills, drafts and court papers: they are none of it."""

from collections import Counter
from collections.abc import Sequence
from itertools import pairwise
from statistics import median

from pdfocr_watcher.analysis.lines import Line

#: There are at least so many, ...
MIN_NUMBERS = 4
#: ... below each other, their left or their right edges this close, in heights of a line.
SAME_EDGE = 0.7
#: This share of the other lines ends before them, or begins behind them.
OUTSIDE = 0.97
#: This share of them stands beside a line, no further from its middle than this share of its height.
BESIDE = 0.75
LEVEL = 0.6
#: They count on by one step in this share of the pairs.
STEADY = 0.7


def line_numbers(lines: Sequence[Line]) -> list[Line]:
    """The numbers of lines in one margin of a page, from top to bottom; none where there are no such.

    Args:
        lines: of the page, in any order, without those in tables.
    """
    numbers = [line for line in lines if line.text.isdecimal() and len(line.text) <= 4]  # noqa: PLR2004 - 9999 lines
    others = [line for line in lines if line not in numbers]
    if len(numbers) < MIN_NUMBERS or not others:
        return []
    em = median(line.height for line in others)
    for edge in ("left", "right"):
        usual = median(getattr(line, edge) for line in numbers)
        column = [line for line in numbers if abs(getattr(line, edge) - usual) <= SAME_EDGE * em]
        column.sort(key=lambda line: line.middle)
        if _counts(column) and _in_margin(column, others) and _beside(column, others):
            return column
    return []


def _counts(column: Sequence[Line]) -> bool:
    """Whether numbers below each other count on by one step."""
    steps = Counter(int(below.text) - int(above.text) for above, below in pairwise(column))
    if len(column) < MIN_NUMBERS or any(step <= 0 for step in steps):
        return False
    return max(steps.values()) >= STEADY * (len(column) - 1)


def _in_margin(column: Sequence[Line], others: Sequence[Line]) -> bool:
    """Whether nearly all else stands to one side."""
    left, right = min(line.left for line in column), max(line.right for line in column)
    before = sum(other.right <= left for other in others)
    behind = sum(other.left >= right for other in others)
    return max(before, behind) >= OUTSIDE * len(others)


def _beside(column: Sequence[Line], others: Sequence[Line]) -> bool:
    """Whether most of the numbers stand at the height of a line."""
    beside = sum(any(abs(line.middle - other.middle) <= LEVEL * other.height for other in others) for line in column)
    return beside >= BESIDE * len(column)
