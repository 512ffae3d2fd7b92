"""Where the words of a region leave room for a gutter: the places worth trying, not the decision."""

from collections.abc import Sequence
from itertools import accumulate

from pdfocr_watcher.analysis.lines import Line

#: The coverage of a region is looked at in steps of this share of a line's height ...
STEP = 0.25
#: ... but never in more steps than this.
MAX_STEPS = 600
#: At most so many places are tried, the emptiest first.
MAX_CANDIDATES = 10
#: A place is covered at most by this share of the lines that there are on either side.
MAX_COVERAGE = 0.9
#: A place is emptier than what lies so many steps to either side.
NEIGHBOURHOOD = 3


def gutter_candidates(lines: Sequence[Line], em: float) -> list[float]:
    """The x at which the words leave most room, in pixels, the emptiest first.

    Args:
        lines: of one region, at least one.
        em: the median height of the lines, in pixels.
    """
    left = min(line.left for line in lines)
    extent = max(line.right for line in lines) - left
    step = max(STEP * em, extent / MAX_STEPS)
    if step <= 0:
        return []
    coverage = _coverage(lines, left, step, int(extent / step) + 1)
    before = list(accumulate(coverage, max))
    after = list(accumulate(reversed(coverage), max))[::-1]
    found: list[tuple[float, float]] = []
    for start, end in _plateaus(coverage):
        beside = min(before[start], after[end])
        around = coverage[max(0, start - NEIGHBOURHOOD) : start] + coverage[end + 1 : end + 1 + NEIGHBOURHOOD]
        inside = start > 0 and end + 1 < len(coverage)
        if inside and coverage[start] <= min(around) and coverage[start] <= MAX_COVERAGE * beside:
            found.append((coverage[start] / beside, left + (start + end + 1) / 2 * step))
    return [x for _, x in sorted(found)[:MAX_CANDIDATES]]


def _coverage(lines: Sequence[Line], left: float, step: float, count: int) -> list[int]:
    """How many words there are at each of `count` steps from `left`."""
    changes = [0] * (count + 1)
    for line in lines:
        stretches = [(word.left, word.right) for word in line.words] or [(line.left, line.right)]
        for start, end in stretches:
            first = min(count - 1, max(0, int((start - left) / step)))
            changes[first] += 1
            changes[min(count - 1, max(first, int((end - left) / step))) + 1] -= 1
    return list(accumulate(changes[:-1]))


def _plateaus(values: Sequence[int]) -> list[tuple[int, int]]:
    """First and last index, both inclusive, of each run of equal values."""
    starts = [0, *(index for index in range(1, len(values)) if values[index] != values[index - 1])]
    return list(zip(starts, [*(start - 1 for start in starts[1:]), len(values) - 1], strict=True))
