"""Which of many servers is given a page, and how they stand together. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

from pdfocr_watcher.pipeline.generating.endpoints.standing import Standing
from pdfocr_watcher.pipeline.reader import EngineState

#: Servers that are named when none can be used.
_NAMED = 4
#: Pages whose server was lost with them, once or more often: so many of them are with one server at a time. Of a
#: hundred pages that a server had when it went, one may have been the reason; it is found without losing the others.
TOGETHER = {0: None, 1: 8}


@dataclass(frozen=True, slots=True)
class Load:
    """What a server has in hand.

    Attributes:
        in_flight: pages.
        room: pages that it may have.
        failures: pages that it left unanswered lately.
        suspects: for each page in hand whose server was lost with it before, how often.
    """

    in_flight: int
    room: int
    failures: int = 0
    suspects: tuple[int, ...] = ()

    def takes(self, losses: int) -> bool:
        """Whether it may be given a page whose servers were lost with it so often."""
        if self.in_flight >= self.room:
            return False
        if not losses:
            return True
        together = [count for count in map(_together, (*self.suspects, losses)) if count is not None]
        return len(self.suspects) < min(together)


def _together(losses: int) -> int | None:
    return TOGETHER.get(losses, 1)


def choose(loads: Sequence[Load], last: int, losses: int = 0) -> int | None:
    """Which server is given a page: the one with the least to do, where recent failures count as much as pages in hand.

    Args:
        loads: of all servers.
        last: the one that was chosen last: of equals, the next after it is taken.
        losses: how often the page's server was lost with it.

    Returns:
        Its index; None if none may be given this page now.
    """
    fit = [index for index, load in enumerate(loads) if load.takes(losses)]
    if not fit:
        return None

    def burden(index: int) -> tuple[int, int]:
        load = loads[index]
        return (load.in_flight + 1) * (load.failures + 1), (index - last - 1) % len(loads)

    return min(fit, key=burden)


def outlook(standings: Sequence[tuple[str, Standing]], *, patient: bool) -> tuple[EngineState, str]:
    """How the engine is, by its servers, and why it cannot be used.

    Args:
        standings: of all servers, by their addresses.
        patient: whether servers that have not answered yet may still be starting.

    Returns:
        LOADING while they may be starting; READY as long as one can be used; FAILED where a person has to mend all of
        them; else UNREACHABLE. With the reason for the last two.
    """
    if any(standing.useful for _, standing in standings):
        return EngineState.READY, ""
    misset = all(standing.misset for _, standing in standings)
    if patient and not misset:
        return EngineState.LOADING, ""
    told = [f"{address}: {_trouble(standing)}." for address, standing in standings[:_NAMED]]
    if len(standings) > _NAMED:
        told.append(f"And {len(standings) - _NAMED} more.")
    return EngineState.FAILED if misset else EngineState.UNREACHABLE, " ".join(told)


def _trouble(standing: Standing) -> str:
    if standing.fault is None:
        return "it did not answer yet"
    reason = standing.fault.reason.rstrip(".")
    return f"it looks well and answers no page; the last time, {reason}" if standing.looks_failed == 0 else reason
