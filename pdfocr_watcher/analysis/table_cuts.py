"""Where the rows and the columns of a table are parted: in the gaps between its lines, and along its ruled lines.

One direction at a time: everything here is a stretch of y, or of x. Which cells the parts make is told elsewhere.
"""

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise

#: Coverage is looked at in steps of this share of a text height.
STEP = 0.1
#: What a cut costs: for each line that it goes through, as a share of those that one row (or column) has; ...
THROUGH = 2.0
#: ... for being as far from where it is expected as a row is high; ...
AWAY = 1.0
#: ... for a part without a line; ...
EMPTY = 0.8
#: ... and what it gains on a ruled line.
ON_RULE = 0.4
#: How far from where it is expected a cut may be, in parts, and in text heights.
REACH = 2.5
MIN_REACH = 2.0


@dataclass(frozen=True, slots=True)
class Stretch:
    """A stretch of one direction, in pixels."""

    low: float
    high: float

    @property
    def middle(self) -> float:
        """Its centre."""
        return (self.low + self.high) / 2


class Coverage:
    """How many stretches there are at each place, and where there are fewer than around.

    Args:
        stretches: at least one.
        em: the height of the text, in pixels.
    """

    def __init__(self, stretches: Sequence[Stretch], em: float) -> None:
        self.low = min(stretch.low for stretch in stretches)
        self.high = max(stretch.high for stretch in stretches)
        self._step = max(1.0, STEP * em)
        count = int((self.high - self.low) / self._step) + 2
        changes = [0] * (count + 1)
        for stretch in stretches:
            changes[self._index(stretch.low)] += 1
            changes[self._index(stretch.high) + 1] -= 1
        self._counts = list(accumulate(changes[:-1]))

    def _index(self, at: float) -> int:
        return int((at - self.low) / self._step)

    def at(self, place: float) -> int:
        """How many stretches cover a place."""
        index = self._index(place)
        return self._counts[index] if 0 <= index < len(self._counts) else 0

    def gaps(self, limit: float) -> list[Stretch]:
        """The inner stretches that at most `limit` stretches cover."""
        found: list[Stretch] = []
        start: int | None = None
        for index, count in enumerate(self._counts):
            if count <= limit and start is None:
                start = index
            elif count > limit and start is not None:
                found.append(self._stretch(start, index))
                start = None
        return [gap for gap in found if gap.low > self.low]

    def emptiest(self, within: Stretch) -> Stretch:
        """The widest part of a stretch that fewest cover."""
        first, end = self._index(within.low), max(self._index(within.low) + 1, self._index(within.high))
        least = min(self._counts[first:end])
        best = (first, first)
        start: int | None = None
        for index in range(first, end + 1):
            inside = index < end and self._counts[index] == least
            if inside and start is None:
                start = index
            elif not inside and start is not None:
                best = max(best, (start, index), key=lambda run: run[1] - run[0])
                start = None
        return self._stretch(*best)

    def valleys(self) -> list[float]:
        """The middles of all inner stretches that have fewer on them than those to either side."""
        runs: list[list[int]] = []
        for index, count in enumerate(self._counts):
            if runs and self._counts[runs[-1][0]] == count:
                runs[-1][1] = index
            else:
                runs.append([index, index])
        heights = [self._counts[run[0]] for run in runs]
        return [
            self._stretch(runs[number][0], runs[number][1] + 1).middle
            for number in range(1, len(runs) - 1)
            if heights[number] < heights[number - 1] and heights[number] < heights[number + 1]
        ]

    def _stretch(self, first: int, end: int) -> Stretch:
        return Stretch(self.low + first * self._step, self.low + end * self._step)


@dataclass(frozen=True, slots=True)
class Cuts:
    """Where a direction is parted.

    Attributes:
        places: in ascending order, in pixels.
        through: how many stretches go through a cut, for each cut, on the average.
        empty: parts in which no stretch has its middle.
    """

    places: tuple[float, ...]
    through: float
    empty: int


def snapped(
    expected: Sequence[float], stretches: Sequence[Stretch], rules: Sequence[float], em: float, breadth: int
) -> Cuts | None:
    """Part a direction about where it is expected, but between the lines that are there.

    Args:
        expected: where the cuts should be, in ascending order.
        stretches: those of the lines of text, at least one.
        rules: where ruled lines run, which are likely cuts.
        em: the height of the text, in pixels.
        breadth: about how many stretches there are beside each other in one part.

    Returns:
        As many cuts as are expected; None where there are not so many places for them.
    """
    if not expected:
        return Cuts((), 0.0, 0)
    coverage = Coverage(stretches, em)
    middles = sorted(stretch.middle for stretch in stretches)
    places = sorted({*coverage.valleys(), *(rule for rule in rules if coverage.low < rule < coverage.high)})
    pitch = (coverage.high - coverage.low) / (len(expected) + 1)
    reach = max(REACH * pitch, MIN_REACH * em)
    # The best cost of the cuts so far, by where the last one is, with where the one before it was.
    states: list[dict[float, tuple[float, float]]] = [{coverage.low: (0.0, coverage.low)}]
    for aim in expected:
        nearby = places[bisect_left(places, aim - reach) : bisect_left(places, aim + reach)]
        reached: dict[float, tuple[float, float]] = {}
        for place in nearby:
            own = THROUGH * coverage.at(place) / max(1, breadth) + AWAY * abs(place - aim) / pitch
            own -= ON_RULE if any(abs(rule - place) <= STEP * em for rule in rules) else 0.0
            costs = [
                (cost + own + (0.0 if _between(middles, before, place) else EMPTY), before)
                for before, (cost, _) in states[-1].items()
                if before < place
            ]
            if costs:
                reached[place] = min(costs)
        if not reached:
            return None
        states.append(reached)
    last = min(
        states[-1],
        key=lambda place: states[-1][place][0] + (0.0 if _between(middles, place, coverage.high + 1) else EMPTY),
    )
    cuts = [last]
    for state in reversed(states[2:]):
        cuts.append(state[cuts[-1]][1])
    cuts.reverse()
    through = sum(coverage.at(place) for place in cuts) / len(cuts)
    edges = [coverage.low - 1, *cuts, coverage.high + 1]
    return Cuts(tuple(cuts), through, sum(not _between(middles, low, high) for low, high in pairwise(edges)))


def _between(middles: Sequence[float], low: float, high: float) -> bool:
    """Whether one of the sorted middles is between two places."""
    index = bisect_left(middles, low)
    return index < len(middles) and middles[index] < high
