"""Whether the daemon gets on, and the line that says what it does: pure."""

from pdfocr_watcher.service.health import DaemonState, Health

#: Seconds beyond its limit after which what is in hand can no longer be explained: those who look after the engine end
#: what is late within five seconds, and wait ten more for a process that a disk holds or a server that may be gone.
MARGIN = 60.0


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


def status_line(health: Health) -> str:
    """How the daemon is, in one line for people.

    Args:
        health: what health.json says.
    """
    if health.reason is not None:
        return f"{health.state.capitalize()}: {health.reason}"
    if health.state is not DaemonState.RUNNING:
        return f"{health.state.capitalize()}."
    jobs = f"Jobs: {health.jobs_in_work} in work, {health.jobs_waiting} waiting"
    inbox = f"files in the inbox: {health.files_in_inbox}"
    rate = f"{health.pages_per_minute.last_minute:.1f} pages a minute"
    return f"{jobs}; {inbox}; {rate}; engine {health.engine} is {health.engine_state}."
