"""What a monitoring system is told of a daemon, from its health.json and the time."""

from datetime import UTC, datetime, timedelta

import pytest

from pdfocr_watcher.service.health import DaemonState
from pdfocr_watcher.service.verdict import Level, longest_silence, verdict

_NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("values", "level", "word"),
    [
        ({}, Level.OK, "1 jobs in work, 3 waiting"),
        ({"engine_state": "loading"}, Level.OK, ""),
        ({"state": DaemonState.STARTING}, Level.WARNING, "starting"),
        ({"state": DaemonState.STOPPING}, Level.WARNING, "stopping"),
        ({"state": DaemonState.PAUSED, "reason": "No space."}, Level.WARNING, "paused: No space."),
        ({"state": DaemonState.UNREACHABLE, "reason": "It is gone."}, Level.CRITICAL, "It is gone."),
        ({"state": DaemonState.STOPPED}, Level.CRITICAL, "stopped"),
        ({"engine_state": "failed", "state": DaemonState.PAUSED, "reason": "no GPU"}, Level.CRITICAL, "failed: no GPU"),
        ({"engine_state": "unreachable", "state": DaemonState.PAUSED}, Level.CRITICAL, "unreachable"),
    ],
)
def test_a_daemon_that_speaks_is_judged_by_what_it_says(make_health, values, level, word):
    said = verdict(make_health(**values), _NOW + timedelta(seconds=5), 30)
    assert (said.level, said.age) == (level, 5)
    assert word in said.text


@pytest.mark.parametrize("state", [DaemonState.RUNNING, DaemonState.PAUSED, DaemonState.STARTING])
def test_a_daemon_that_is_silent_is_a_fault_whatever_it_said_last(make_health, state):
    health = make_health(state=state)
    assert verdict(health, _NOW + timedelta(seconds=30), 30).level is not Level.CRITICAL
    said = verdict(health, _NOW + timedelta(seconds=31), 30)
    assert said.level is Level.CRITICAL
    assert "no heartbeat for 31 s" in said.text


def test_nothing_is_known_of_a_daemon_without_health_json_or_from_the_future(make_health):
    assert verdict(None, _NOW, 30).level is Level.UNKNOWN
    assert verdict(make_health(), _NOW - timedelta(seconds=31), 30).level is Level.UNKNOWN
    assert verdict(make_health(), _NOW - timedelta(seconds=2), 30).level is Level.OK


def test_a_daemon_that_writes_seldom_may_be_silent_for_longer():
    assert longest_silence(5.0) == 30.0
    assert longest_silence(60.0) == 180.0
