"""Which pages are rendered next: a multilevel feedback queue over all jobs. Pure: no clock, no files.

Every job is opened in its turn and begins in the quick queue, which holds a few jobs at a time. Once it has had
its quantum of pages there it goes to the long queue, where only the oldest few take turns. The two queues are
served by turns, so a one-page letter overtakes a thousand-page book, and a stream of letters never stops the book.
"""

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Turn:
    """What to do next.

    Attributes:
        job_id: of which job.
        pages: the pages to render, counted from 0, contiguous; empty if the job has yet to be opened.
        quick: whether they are among the first of their job, and so go before those of long jobs.
    """

    job_id: str
    pages: range
    quick: bool


@dataclass(slots=True)
class _Entry:
    job_id: str
    #: None until the job was opened.
    waiting: list[range] | None = None
    quantum_left: int = 0
    queued: bool = False


class Scheduler:
    """The queue of jobs that have pages to render.

    Args:
        range_pages: the most pages given in one turn.
        quantum_pages: the pages that a job may have in the quick queue.
        long_jobs: how many jobs of the long queue take turns with each other.
        open_jobs: how many jobs are in the quick queue at a time; the others wait to be opened.
    """

    def __init__(self, range_pages: int, quantum_pages: int = 16, long_jobs: int = 4, open_jobs: int = 8) -> None:
        self._range_pages = range_pages
        self._quantum_pages = quantum_pages
        self._long_jobs = long_jobs
        self._jobs: dict[str, _Entry] = {}
        self._open_jobs = open_jobs
        self._unopened: deque[_Entry] = deque()
        self._opening: set[str] = set()
        self._again: deque[Turn] = deque()
        self._quick: deque[_Entry] = deque()
        self._long: deque[_Entry] = deque()
        self._turn_of_long = False
        self._sources = deque((self._retried, self._to_be_opened, self._of_quick))

    def __len__(self) -> int:
        return len(self._jobs)

    def __contains__(self, job_id: str) -> bool:
        return job_id in self._jobs

    def add(self, job_id: str) -> None:
        """Take a job that has yet to be opened."""
        entry = self._jobs.setdefault(job_id, _Entry(job_id, quantum_left=self._quantum_pages))
        self._opening.discard(job_id)
        if entry.waiting is None and not entry.queued:
            entry.queued = True
            self._unopened.append(entry)

    def opened(self, job_id: str, pages: list[int], breaks: frozenset[int] = frozenset()) -> None:
        """Say which pages of a job are to be rendered.

        Args:
            job_id: the job; unknown ones are ignored, they were removed meanwhile.
            pages: page indexes in ascending order.
            breaks: indexes at which a range must begin anew (another resolution, say).
        """
        self._opening.discard(job_id)
        if (entry := self._jobs.get(job_id)) is not None:
            entry.waiting = contiguous(pages, breaks)
            self._enqueue(entry)

    def again(self, job_id: str, page: int) -> None:
        """Take a page back that is to be tried again; alone, and soon: it may be the last one of its job."""
        if job_id in self._jobs:
            self._again.append(Turn(job_id, range(page, page + 1), quick=True))

    def remove(self, job_id: str) -> None:
        """Forget a job."""
        self._opening.discard(job_id)
        self._again = deque(turn for turn in self._again if turn.job_id != job_id)
        if (entry := self._jobs.pop(job_id, None)) is not None and entry.queued:
            for queue in (self._unopened, self._quick, self._long):
                if entry in queue:
                    queue.remove(entry)

    def next(self) -> Turn | None:
        """The next turn, which is thereby taken; None if nothing is to be done."""
        if self._turn_of_long and self._long:
            self._turn_of_long = False
            return self._given(self._long)
        self._turn_of_long = True
        # By turns: what cannot be opened, or fails again and again, must not stop the rest.
        for _ in range(len(self._sources)):
            source = self._sources[0]
            self._sources.rotate(-1)
            if (turn := source()) is not None:
                return turn
        return self._given(self._long) if self._long else None

    def _retried(self) -> Turn | None:
        return self._again.popleft() if self._again else None

    def _to_be_opened(self) -> Turn | None:
        if not self._unopened or (self._quick and len(self._opening) + len(self._quick) >= self._open_jobs):
            return None
        entry = self._unopened.popleft()
        entry.queued = False
        self._opening.add(entry.job_id)
        return Turn(entry.job_id, range(0), quick=True)

    def _of_quick(self) -> Turn | None:
        return self._given(self._quick) if self._quick else None

    def _given(self, queue: deque[_Entry]) -> Turn:
        entry = queue.popleft()
        entry.queued = False
        waiting = entry.waiting or []
        first = waiting.pop(0)
        pages, rest = first[: self._range_pages], first[self._range_pages :]
        if rest:
            waiting.insert(0, rest)
        entry.quantum_left -= len(pages)
        self._enqueue(entry, behind=queue is self._long)
        return Turn(entry.job_id, pages, quick=queue is self._quick)

    def _enqueue(self, entry: _Entry, *, behind: bool = False) -> None:
        """Put a job in its queue; `behind` means behind the jobs that it takes turns with, not behind all."""
        if entry.queued or not entry.waiting:
            return
        entry.queued = True
        if entry.quantum_left > 0:
            self._quick.append(entry)
        elif behind:
            self._long.insert(self._long_jobs - 1, entry)
        else:
            self._long.append(entry)


def contiguous(pages: Iterable[int], breaks: frozenset[int] = frozenset()) -> list[range]:
    """Ascending page indexes as ranges; a new one begins at each gap and at each index of `breaks`."""
    found: list[range] = []
    for page in pages:
        if found and found[-1].stop == page and page not in breaks:
            found[-1] = range(found[-1].start, page + 1)
        else:
            found.append(range(page, page + 1))
    return found
