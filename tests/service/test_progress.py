"""Whether the daemon gets on, and the line that says so."""

import math
from datetime import UTC, datetime

import pytest

from pdfocr_watcher.service.health import DaemonState, Health, PagesPerMinute
from pdfocr_watcher.service.progress import MARGIN, standstill, status_line


@pytest.mark.parametrize("overdue", [-170.0, 0.0, MARGIN])
def test_an_engine_within_its_limits_or_just_being_ended_is_no_standstill(overdue):
    assert standstill(overdue) is None


@pytest.mark.parametrize("overdue", [MARGIN + 1, math.inf])
def test_an_engine_that_answers_nobody_and_that_nothing_ends_is_one(overdue):
    reason = standstill(overdue)
    assert reason is not None
    assert "has not answered" in reason


def _health(**values):
    settled = {
        "heartbeat": datetime.now(UTC),
        "started_at": datetime.now(UTC),
        "engine": "rapidocr",
        "engine_state": "ready",
    }
    counts = {
        "jobs_waiting": 3,
        "jobs_in_work": 1,
        "files_in_inbox": 2,
        "pages_done": 9,
        "free_bytes": 0,
        "events_lost": 0,
    }
    return Health(
        **{
            "state": DaemonState.RUNNING,
            "pages_per_minute": PagesPerMinute(last_minute=12.5),
            **settled,
            **counts,
            **values,
        }
    )


@pytest.mark.parametrize(
    ("values", "line"),
    [
        (
            {},
            "Jobs: 1 in work, 3 waiting; files in the inbox: 2; 12.5 pages a minute; engine rapidocr is ready.",
        ),
        ({"state": DaemonState.PAUSED, "reason": "The disk is full."}, "Paused: The disk is full."),
        ({"state": DaemonState.STOPPING}, "Stopping."),
    ],
)
def test_the_line_says_what_keeps_the_daemon_busy_or_what_stops_it(values, line):
    assert status_line(_health(**values)) == line
