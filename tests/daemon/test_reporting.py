"""When the service manager is told what."""

from datetime import UTC, datetime
from types import SimpleNamespace

import pytest

from pdfocr_watcher.daemon.reporting import Reporting
from pdfocr_watcher.pipeline.reader import EngineState
from pdfocr_watcher.service.health import DaemonState, Health
from pdfocr_watcher.service.notify import Notifier
from tests.service.manager import Manager


class Place:
    """A daemon whose condition the test sets, and a manager that listens."""

    def __init__(self, manager):
        self.manager = manager
        self.state, self.engine = DaemonState.STARTING, EngineState.LOADING
        self.reader = SimpleNamespace(overdue=0.0)
        self.reporting = Reporting(Notifier(manager.address), self._health, self.reader)

    def _health(self):
        now = datetime.now(UTC)
        zeros = dict.fromkeys(
            ("jobs_waiting", "jobs_in_work", "files_in_inbox", "pages_done", "free_bytes", "events_lost"), 0
        )
        return Health(state=self.state, heartbeat=now, started_at=now, engine="null", engine_state=self.engine, **zeros)

    def said(self):
        """What was said since the last look, without the line for people."""
        self.manager.heard.clear()
        self.reporting.report()
        return [line for line in self.manager.listen() if not line.startswith("STATUS=")]


@pytest.fixture
def place(in_sight):
    manager = Manager(in_sight / "notify")
    yield Place(manager)
    manager.close()


async def test_it_is_ready_once_the_inbox_is_watched_and_the_engine_has_loaded(place):
    assert "READY=1" not in place.said()
    place.state = DaemonState.RUNNING
    assert "READY=1" not in place.said()
    place.engine = EngineState.READY
    assert place.said() == ["READY=1", "WATCHDOG=1"]
    assert place.said() == ["WATCHDOG=1"]


async def test_a_start_that_looks_at_its_jobs_or_loads_a_model_asks_for_time_until_it_is_over(place):
    assert "EXTEND_TIMEOUT_USEC=60000000" in place.said()
    place.state = DaemonState.RUNNING
    assert "EXTEND_TIMEOUT_USEC=60000000" in place.said()
    place.engine = EngineState.READY
    assert not any(line.startswith("EXTEND") for line in place.said())


@pytest.mark.parametrize("engine", [EngineState.FAILED, EngineState.UNREACHABLE])
async def test_an_engine_that_is_tried_again_is_no_failed_start(place, engine):
    place.state, place.engine = DaemonState.RUNNING, engine
    assert "READY=1" in place.said()


async def test_no_sign_of_life_is_given_while_the_engine_answers_nobody(place):
    place.state, place.engine = DaemonState.RUNNING, EngineState.READY
    place.said()
    place.reader.overdue = 1000.0
    assert place.said() == []
    assert any("has not answered for 1000 s" in line for line in place.manager.heard)
    place.reader.overdue = -1.0
    assert place.said() == ["WATCHDOG=1"]


async def test_a_reload_before_it_is_ready_says_nothing(place):
    place.reporting.reloading()
    place.reporting.reloaded()
    assert place.manager.listen() == []
    place.state, place.engine = DaemonState.RUNNING, EngineState.READY
    place.said()
    place.manager.heard.clear()
    place.reporting.reloading()
    place.reporting.reloaded()
    assert [line for line in place.manager.listen() if "MONOTONIC" not in line] == ["RELOADING=1", "READY=1"]
