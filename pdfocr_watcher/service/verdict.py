"""Whether a monitoring system should be content with a daemon, from its health.json alone.

The levels and their numbers are those of the Monitoring Plugins (https://www.monitoring-plugins.org/doc/guidelines.html),
which Nagios, Icinga, Checkmk and others understand.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum

from pdfocr_watcher.service.health import DaemonState, Health, heartbeat_age

#: Writes of health.json that may be missed, and seconds, before its silence is a fault.
_MISSED, _PATIENCE = 3, 30.0
_UNWELL_ENGINE = {"failed", "unreachable"}


class Level(IntEnum):
    """How bad it is; the number is the exit status."""

    #: It works.
    OK = 0
    #: It works not quite, and perhaps will by itself: starting, stopping, paused.
    WARNING = 1
    #: It does not work: silent, stopped, no inbox, no engine.
    CRITICAL = 2
    #: It cannot be said.
    UNKNOWN = 3


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is said of a daemon.

    Attributes:
        level: how bad it is.
        text: why, in one line.
        age: seconds since health.json was written; None where there is none.
    """

    level: Level
    text: str
    age: float | None = None


def longest_silence(interval: float) -> float:
    """Seconds without a heartbeat that are no fault.

    Args:
        interval: seconds between two heartbeats.
    """
    return max(_MISSED * interval, _PATIENCE)


def verdict(health: Health | None, now: datetime, max_age: float) -> Verdict:
    """Judge a daemon.

    Args:
        health: its health.json; None where there is none that can be read.
        now: the time.
        max_age: seconds that health.json may be old.
    """
    if health is None:
        return Verdict(Level.UNKNOWN, "there is no health.json that can be read")
    age = heartbeat_age(health, now)
    level, text = _judged(health, age, max_age)
    return Verdict(level, text, age)


def _judged(health: Health, age: float, max_age: float) -> tuple[Level, str]:
    silent = _silence(health, age, max_age)
    if silent is not None:
        return silent
    if health.state is DaemonState.UNREACHABLE:
        return Level.CRITICAL, f"the inbox is out of reach: {health.reason}"
    if health.engine_state in _UNWELL_ENGINE:
        return Level.CRITICAL, f"the engine is {health.engine_state}: {health.reason or health.engine}"
    if health.state is DaemonState.RUNNING:
        return Level.OK, f"{health.jobs_in_work} jobs in work, {health.jobs_waiting} waiting"
    return Level.WARNING, health.state + (f": {health.reason}" if health.reason else "")


def _silence(health: Health, age: float, max_age: float) -> tuple[Level, str] | None:
    """What is to be said of a daemon of which nothing is heard now; None if it speaks."""
    if age < -max_age:
        return Level.UNKNOWN, f"health.json is from {-age:.0f} s ahead: the clocks differ"
    if health.state is DaemonState.STOPPED:
        return Level.CRITICAL, f"stopped {age:.0f} s ago"
    if age > max_age:
        return Level.CRITICAL, f"no heartbeat for {age:.0f} s, it was {health.state}: it hangs or is gone"
    return None
