"""Whether the daemon gets on, how fast, and the line that says so: pure, given a clock."""

from collections import deque

from pdfocr_watcher.service.health import DaemonState, Health

#: Seconds beyond its limit after which what is in hand can no longer be explained: those who look after the engine end
#: what is late within five seconds, and wait ten more for a process that a disk holds or a server that may be gone.
MARGIN = 60.0
#: Seconds over which pages are counted for a rate.
_WINDOW = 60.0


def standstill(overdue: float) -> str | None:
    """Why the daemon makes no progress and will not by itself; None if it does.

    That its loop turns is shown by the question being asked. An engine that loads, fails or is out of reach is no
    standstill: it is told elsewhere, and tried again.

    Args:
        overdue: see `pipeline.reader.Reader.overdue`.
    """
    if overdue <= MARGIN:
        return None
    return f"The engine has not answered for {overdue:.0f} s beyond its time limit, and nothing has ended it."


class Rate:
    """Pages a minute, over the last minute.

    Args:
        begun: the clock at the start, in seconds.
    """

    def __init__(self, begun: float) -> None:
        self._seen: deque[tuple[float, int]] = deque([(begun, 0)])

    def at(self, now: float, pages: int) -> float:
        """The rate.

        Args:
            now: the clock, in seconds; never earlier than before.
            pages: pages done since the start.
        """
        while len(self._seen) > 1 and self._seen[1][0] <= now - _WINDOW:
            self._seen.popleft()
        since, before = self._seen[0]
        self._seen.append((now, pages))
        return (pages - before) * 60.0 / max(now - since, 1.0)


def status_line(health: Health, pages_per_minute: float) -> str:
    """How the daemon is, in one line for people.

    Args:
        health: what health.json says.
        pages_per_minute: of the last minute.
    """
    if health.reason is not None:
        return f"{health.state.capitalize()}: {health.reason}"
    if health.state is not DaemonState.RUNNING:
        return f"{health.state.capitalize()}."
    jobs = f"Jobs: {health.jobs_in_work} in work, {health.jobs_waiting} waiting"
    inbox = f"files in the inbox: {health.files_in_inbox}"
    return f"{jobs}; {inbox}; {pages_per_minute:.1f} pages a minute; engine {health.engine} is {health.engine_state}."
