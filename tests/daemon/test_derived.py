"""What is derived is written again and again, and for the last time at a stop; what refuses costs only itself."""

import asyncio
import itertools
import os
import threading
from pathlib import Path

import pytest
import structlog

from pdfocr_watcher.config.model import Config
from pdfocr_watcher.daemon import derived as derived_module
from pdfocr_watcher.daemon.condition import Snapshot
from pdfocr_watcher.daemon.derived import Derived
from pdfocr_watcher.jobs.index import JobIndex
from pdfocr_watcher.pipeline.active import utc_now
from pdfocr_watcher.service.health import DaemonState, Health, read_health
from pdfocr_watcher.service.metrics import Figures


class Rig:
    """The files of a daemon of which nothing else is there; its health counts how often it was looked at."""

    def __init__(self, root: Path, **service: object) -> None:
        self.root = root
        self.serial = itertools.count()
        settings = {"folders": {"root": root}, "service": {"health_interval": 0.05, **service}}
        self.config = Config.model_validate(settings)
        self.derived = Derived(self.config, JobIndex(root / "index.json", 10), None, self._look)

    def _look(self, overview):
        moments = {"heartbeat": utc_now(), "started_at": utc_now()}
        counts = dict.fromkeys(("jobs_waiting", "jobs_in_work", "files_in_inbox", "free_bytes", "events_lost"), 0)
        values = {"engine": "null", "engine_state": "ready", "pages_done": next(self.serial), **moments, **counts}
        return Snapshot(Health(state=DaemonState.RUNNING, **values), Figures(), (), overview)

    def pages(self) -> int:
        health = read_health(self.root)
        return -1 if health is None else health.pages_done

    async def until(self, done) -> None:
        async with asyncio.timeout(20):
            while not done():  # noqa: ASYNC110 - what is waited for lies on the disk
                await asyncio.sleep(0.01)


@pytest.fixture
def rig(tmp_path):
    return Rig(tmp_path)


async def test_the_last_health_is_the_last_that_is_written(rig, tmp_path):
    """A write that was begun then would be left half done: the process ends without waiting for its threads."""
    keeping = asyncio.create_task(rig.derived.keep_health())
    await rig.until(lambda: (tmp_path / "status" / "index.html").exists() and rig.pages() > 0)
    await rig.derived.close(lambda: None)
    last = next(rig.serial)
    assert rig.pages() == last - 1
    async with asyncio.timeout(10):
        await keeping
    assert next(rig.serial) == last + 1, "nobody looked again"
    assert list(tmp_path.rglob(".*")) == []
    assert (tmp_path / "metrics.prom").is_file()


async def test_one_that_is_refused_is_told_once_and_keeps_nobody_back(rig, tmp_path):
    (tmp_path / "status").write_text("somebody's file")
    with structlog.testing.capture_logs() as log:
        keeping = asyncio.create_task(rig.derived.keep_health())
        await rig.until(lambda: rig.pages() > 20)
        assert [line["event"] for line in log] == ["dashboard.refused"]
        (tmp_path / "status").unlink()
        await rig.until((tmp_path / "status" / "index.html").exists)
    await rig.derived.close(lambda: None)
    await keeping


async def test_a_defect_costs_the_file_that_has_it_alone(rig, monkeypatch):
    def defect(*_arguments):
        raise ValueError("of ours")

    monkeypatch.setattr(derived_module, "write_metrics", defect)
    with structlog.testing.capture_logs() as log:
        keeping = asyncio.create_task(rig.derived.keep_health())
        await rig.until(lambda: rig.pages() > 20)
    await rig.derived.close(lambda: None)
    await keeping
    assert [line["event"] for line in log] == ["metrics.defect"]


async def test_one_that_hangs_keeps_neither_the_others_nor_the_stop_back(rig, tmp_path, monkeypatch):
    """As where the metrics lie on a mount that is gone."""
    release = threading.Event()
    monkeypatch.setattr(derived_module, "write_metrics", lambda *_: release.wait(60))
    rig = Rig(tmp_path)
    keeping = asyncio.create_task(rig.derived.keep_health())
    await rig.until(lambda: rig.pages() > 5)
    async with asyncio.timeout(10):
        await rig.derived.close(lambda: None)
    assert not (tmp_path / "metrics.prom").exists()
    release.set()
    await keeping


async def test_the_metrics_lie_where_the_configuration_says(tmp_path):
    folder = tmp_path / "textfile"
    folder.mkdir()
    (tmp_path / "root").mkdir()
    rig = Rig(tmp_path / "root", metrics_file=str(folder / "pdfocr.prom"))
    keeping = asyncio.create_task(rig.derived.keep_health())
    await rig.until((folder / "pdfocr.prom").exists)
    await rig.derived.close(lambda: None)
    await keeping
    assert os.listdir(folder) == ["pdfocr.prom"]
    assert not (tmp_path / "root" / "metrics.prom").exists()


def test_what_an_earlier_daemon_left_is_removed(rig, tmp_path):
    (tmp_path / "status").mkdir()
    left = [tmp_path / f".pdfocr-{name}.7-1.tmp" for name in ("health.json", "metrics.prom", "index.json")]
    left.append(tmp_path / "status" / ".pdfocr-index.html.7-1.tmp")
    others = [tmp_path / "status" / "index.html", tmp_path / ".pdfocr-mine.7-1.tmp"]
    for path in (*left, *others):
        path.touch()
    rig.derived.tidy()
    assert [path for path in (*left, *others) if path.exists()] == others


def test_a_dashboard_that_is_switched_off_does_not_stay(tmp_path):
    (tmp_path / "status").mkdir()
    page = tmp_path / "status" / "index.html"
    page.touch()
    Rig(tmp_path, dashboard=False).derived.tidy()
    assert not page.exists()
