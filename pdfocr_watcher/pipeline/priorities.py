"""Which pages are rendered next, where jobs have priorities. Pure, like the queue of each priority (`scheduler`).

Each priority has a share of the pages as long as it has some to give: normal four times that of low, high four times
that of normal. So none starves, and a letter of low priority waits for some turns of a book of high priority, not for
its end.
"""

from dataclasses import dataclass

from pdfocr_watcher.jobs.settings import Priority
from pdfocr_watcher.pipeline.scheduler import Scheduler, Turn

#: What a page costs: the inverse of the priority's share.
_COSTS = {Priority.HIGH: 1, Priority.NORMAL: 4, Priority.LOW: 16}


@dataclass(slots=True)
class _Lane:
    """The jobs of one priority.

    Attributes:
        jobs: their queue.
        cost: what a page costs it.
        spent: what it has paid for pages; the one that has paid least is next.
    """

    jobs: Scheduler
    cost: int
    spent: int = 0


class PriorityScheduler:
    """The queues of all priorities, used like one `Scheduler`.

    Args:
        range_pages: the most pages given in one turn.
    """

    def __init__(self, range_pages: int) -> None:
        self._lanes = {priority: _Lane(Scheduler(range_pages), cost) for priority, cost in _COSTS.items()}
        #: What the one that was served last had paid before.
        self._paid = 0

    def __len__(self) -> int:
        return sum(len(lane.jobs) for lane in self._lanes.values())

    def __contains__(self, job_id: str) -> bool:
        return self._lane_of(job_id) is not None

    def add(self, job_id: str, priority: Priority = Priority.NORMAL) -> None:
        """Take a job that has yet to be opened; one that is here already keeps its priority."""
        (self._lane_of(job_id) or self._lanes[priority]).jobs.add(job_id)

    def opened(self, job_id: str, pages: list[int], breaks: frozenset[int] = frozenset()) -> None:
        """Say which pages of a job are to be rendered (see `Scheduler.opened`)."""
        if (lane := self._lane_of(job_id)) is not None:
            lane.jobs.opened(job_id, pages, breaks)

    def again(self, job_id: str, page: int) -> None:
        """Take a page back that is to be tried again."""
        if (lane := self._lane_of(job_id)) is not None:
            lane.jobs.again(job_id, page)

    def remove(self, job_id: str) -> None:
        """Forget a job."""
        if (lane := self._lane_of(job_id)) is not None:
            lane.jobs.remove(job_id)

    def next(self) -> Turn | None:
        """The next turn, which is thereby taken; None if nothing is to be done."""
        # Of equals the higher one: the lanes stand in that order, and the sort keeps it.
        for lane in sorted(self._lanes.values(), key=lambda lane: lane.spent):
            if (turn := lane.jobs.next()) is not None:
                # Who had nothing to give for a while has saved nothing up by it.
                lane.spent = max(lane.spent, self._paid)
                self._paid = lane.spent
                lane.spent += lane.cost * max(1, len(turn.pages))
                return turn
        return None

    def _lane_of(self, job_id: str) -> _Lane | None:
        return next((lane for lane in self._lanes.values() if job_id in lane.jobs), None)
