"""How one server stands: whether it may be given a page now, when it is looked at again. Pure: it is given the clock.

A server is put aside by a look that failed, and by a request that it took down with it or did not answer. A look that
finds it well brings it back. One that is found well again and again, and yet answers no page, is given one page at a
time, after longer and longer rests, until it has answered one.
"""

from collections import deque
from dataclasses import dataclass, field

from pdfocr_watcher.pipeline.backoff import BACKOFF as _BACKOFF
from pdfocr_watcher.pipeline.backoff import pause
from pdfocr_watcher.pipeline.generating.endpoints.fault import MISSET, Fault, FaultKind

#: Seconds for which a failure counts when a server is chosen.
_MEMORY = 60.0
#: Looks that fail in a row after which the requests that a server has are asked elsewhere: its machine may be gone
#: without having said so.
_LOST_AFTER = 3
#: Pages in a row that a server left unanswered after which it counts as unreachable, however well it looks.
_USELESS_AFTER = 4


@dataclass(slots=True)
class Standing:
    """How a server stands.

    Attributes:
        met: whether it was found well once.
        well: whether the last look, or what has happened since, says so.
        fault: what was wrong last, until a page was answered or a look found nothing else.
        looks_failed: in a row.
        failed: times in a row that a page was given to it and not answered; those that it had together count once.
        spell: the number of the time since which it has been as it is; a request that fails tells something about the
            spell in which it was sent.
        rests_until: it is given no page before; by the clock.
    """

    met: bool = False
    well: bool = False
    fault: Fault | None = None
    looks_failed: int = 0
    failed: int = 0
    spell: int = 0
    rests_until: float = 0.0
    _failures: deque[float] = field(default_factory=lambda: deque(maxlen=16))

    @property
    def misset(self) -> bool:
        """Whether only a person can mend it."""
        return self.fault is not None and not self.well and self.fault.kind in MISSET

    @property
    def useful(self) -> bool:
        """Whether pages can be expected from it; one that was put aside and not yet looked at is given the benefit."""
        return self.met and not self.looks_failed and self.failed < _USELESS_AFTER

    @property
    def gone(self) -> bool:
        """Whether what it has in hand will not be answered."""
        return not self.well and self.looks_failed >= _LOST_AFTER

    def found_well(self, spell: int) -> bool:
        """A look that began in a spell found nothing wrong. Says whether that still holds: it is well now."""
        if spell != self.spell:
            return False
        self.looks_failed = 0
        self.met = self.well = True
        if not self.failed:
            self.fault = None
        return True

    def found_unwell(self, fault: Fault) -> None:
        """A look failed."""
        self.looks_failed += 1
        self._put_aside(fault)

    def answered(self) -> None:
        """It answered a page, or refused it for what is in it."""
        self.failed = 0
        if self.well:
            self.fault = None

    def left_unanswered(self, spell: int, fault: Fault, now: float) -> bool:
        """It did not answer a page that was sent in a spell; says whether it is put aside now for that."""
        if spell != self.spell or not self.well:
            return False
        self.failed += 1
        self._failures.append(now)
        rest = pause(self.failed - 1, _BACKOFF)
        if fault.kind is FaultKind.BUSY:
            rest = pause(self.failed, _BACKOFF)
            self.spell += 1
            self.fault = fault
        else:
            self._put_aside(fault)
        self.rests_until = now + (rest if fault.rest is None else max(rest, fault.rest))
        return True

    def took_too_long(self, now: float) -> None:
        """It did not answer a page in time, though it may have been at it."""
        self._failures.append(now)

    def _put_aside(self, fault: Fault) -> None:
        if self.well:
            self.spell += 1
        self.well = False
        self.fault = fault

    def room(self, limit: int, now: float) -> int:
        """Pages that it may have at a time now, of at most `limit`."""
        if not self.well or now < self.rests_until:
            return 0
        return 1 if self.failed > 1 else limit

    def failures(self, now: float) -> int:
        """Failures that have not been forgotten."""
        return sum(now - moment < _MEMORY for moment in self._failures)

    def next_look(self, interval: float) -> float:
        """Seconds until it is looked at again."""
        return interval if self.well else pause(self.looks_failed, _BACKOFF)
