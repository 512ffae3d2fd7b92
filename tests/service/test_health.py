"""health.json: written whole, read back, and what cannot be read is as good as none."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from pdfocr_watcher.service.health import HEALTH_NAME, DaemonState, Health, heartbeat_age, read_health, write_health

_MOMENT = datetime(2026, 1, 2, 3, 4, 5, 678_901, tzinfo=UTC)


def _health(state: DaemonState = DaemonState.RUNNING, reason: str | None = None) -> Health:
    return Health(
        state=state,
        reason=reason,
        heartbeat=_MOMENT,
        started_at=_MOMENT - timedelta(hours=1),
        engine="null",
        engine_state="ready",
        jobs_waiting=3,
        jobs_in_work=1,
        files_in_inbox=0,
        pages_done=17,
        free_bytes=10**12,
        events_lost=0,
    )


def test_what_is_written_is_read_back(tmp_path: Path) -> None:
    health = _health(DaemonState.PAUSED, "No space is left.")
    write_health(tmp_path, health)
    found = read_health(tmp_path)
    assert found is not None
    assert (found.state, found.reason, found.jobs_waiting) == (DaemonState.PAUSED, "No space is left.", 3)
    assert [path.name for path in tmp_path.iterdir()] == [HEALTH_NAME]


def test_moments_are_utc_with_milliseconds(tmp_path: Path) -> None:
    write_health(tmp_path, _health())
    data = json.loads((tmp_path / HEALTH_NAME).read_bytes())
    assert (data["heartbeat"], data["started_at"]) == ("2026-01-02T03:04:05.678Z", "2026-01-02T02:04:05.678Z")


def test_its_age_tells_a_daemon_that_hangs(tmp_path: Path) -> None:
    write_health(tmp_path, _health())
    found = read_health(tmp_path)
    assert found is not None
    assert heartbeat_age(found, _MOMENT + timedelta(seconds=90)) == pytest.approx(90, abs=0.01)


@pytest.mark.parametrize("content", [None, b"", b"{", b"[]", b'{"state": "running"}'])
def test_what_cannot_be_read_is_none(tmp_path: Path, content: bytes | None) -> None:
    if content is not None:
        (tmp_path / HEALTH_NAME).write_bytes(content)
    assert read_health(tmp_path) is None
