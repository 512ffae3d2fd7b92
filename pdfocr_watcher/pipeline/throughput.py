"""How many pages go through, and how long they take: counted as they do, in a memory that does not grow.

Times are seconds of a clock that never goes back; the caller has it.
"""

import bisect
import itertools
from dataclasses import dataclass
from datetime import datetime

from pdfocr_watcher.errors import ErrorCode

#: Seconds whose pages are counted together, and for how many such slots they are remembered: 15 minutes.
_SLOT = 5.0
_SLOTS = 180
_MINUTE = 60.0
#: Upper ends of the classes of seconds a page; what takes longer is in one class more.
BOUNDS = (0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 900.0)


@dataclass(frozen=True, slots=True)
class PageSeconds:
    """How long pages took.

    Attributes:
        counts: pages by class, as `BOUNDS` has them, and last those beyond.
        total: seconds of all pages together.
    """

    counts: tuple[int, ...] = (0,) * (len(BOUNDS) + 1)
    total: float = 0.0


@dataclass(frozen=True, slots=True)
class PageFailure:
    """A page that could not be read.

    Attributes:
        code: why.
        job_id: its job.
        at: when it was given up.
    """

    code: ErrorCode
    job_id: str
    at: datetime


class Throughput:
    """Counts the pages that are done with.

    Args:
        now: the time from which it counts.
    """

    def __init__(self, now: float) -> None:
        self._since = now
        self._counts = [0] * _SLOTS
        self._slots = [-1] * _SLOTS
        self._classes = [0] * (len(BOUNDS) + 1)
        self._seconds = 0.0
        self.pages = 0
        #: Those of them that could not be read, by the reason; and the last of these.
        self.failures: dict[ErrorCode, int] = {}
        self.last_failure: PageFailure | None = None

    def done(self, now: float, failure: PageFailure | None = None) -> None:
        """A page is done with."""
        slot = int(now // _SLOT)
        place = slot % _SLOTS
        if self._slots[place] != slot:
            self._slots[place], self._counts[place] = slot, 0
        self._counts[place] += 1
        self.pages += 1
        if failure is not None:
            self.failures[failure.code] = self.failures.get(failure.code, 0) + 1
            self.last_failure = failure

    def took(self, seconds: float) -> None:
        """A page was read in so many seconds."""
        self._classes[bisect.bisect_left(BOUNDS, seconds)] += 1
        self._seconds += seconds

    @property
    def page_seconds(self) -> PageSeconds:
        """How long the pages took."""
        return PageSeconds(tuple(self._classes), self._seconds)

    def per_minute(self, now: float, minutes: int) -> float:
        """Pages a minute over the last minutes, or since the beginning where that is less; to five seconds.

        Args:
            now: the time.
            minutes: 1 to 15.
        """
        slot = int(now // _SLOT)
        first = slot - round(minutes * _MINUTE / _SLOT) + 1
        pages = sum(itertools.compress(self._counts, (first <= known <= slot for known in self._slots)))
        covered = min(now - first * _SLOT, now - self._since)
        return pages * _MINUTE / max(covered, _SLOT)
