"""What the tests of this room share: a health.json of a daemon in the middle of its work."""

from datetime import UTC, datetime, timedelta

import pytest

from pdfocr_watcher.service.health import DaemonState, Health

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


@pytest.fixture
def make_health():
    def make(**values):
        given = {
            "state": DaemonState.RUNNING,
            "heartbeat": NOW,
            "started_at": NOW - timedelta(hours=1),
            "engine": "null",
            "engine_state": "ready",
            "jobs_waiting": 3,
            "jobs_in_work": 1,
            "files_in_inbox": 2,
            "pages_done": 17,
            "free_bytes": 10**12,
            "events_lost": 0,
        }
        return Health(**{**given, **values})

    return make
