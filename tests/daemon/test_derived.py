"""What is derived is written for the last time at a stop, and nothing of it is begun after that."""

import asyncio
import itertools

from pdfocr_watcher.config.model import Config
from pdfocr_watcher.daemon.derived import Derived
from pdfocr_watcher.jobs.index import JobIndex
from pdfocr_watcher.pipeline.active import utc_now
from pdfocr_watcher.service.health import DaemonState, Health, read_health


async def test_the_last_health_is_the_last_that_is_written(tmp_path):
    """A write that was begun then would be left half done: the process ends without waiting for its threads."""
    serial = itertools.count()

    def health():
        values = {"heartbeat": utc_now(), "started_at": utc_now(), "engine": "null", "engine_state": "ready"}
        counts = dict.fromkeys(("jobs_waiting", "jobs_in_work", "files_in_inbox", "free_bytes", "events_lost"), 0)
        return Health(state=DaemonState.STOPPED, pages_done=next(serial), **values, **counts)

    config = Config.model_validate({"folders": {"root": tmp_path}, "service": {"health_interval": 0.1}})
    derived = Derived(config, JobIndex(tmp_path / "index.json", 10), None, health)
    keeping = asyncio.create_task(derived.keep_health())
    while read_health(tmp_path) is None:  # noqa: ASYNC110 - what is waited for lies on the disk
        await asyncio.sleep(0.01)
    await derived.close(lambda: None)
    written = next(serial)
    async with asyncio.timeout(10):
        await keeping
    assert next(serial) == written + 1
    assert [path.name for path in tmp_path.glob(".*")] == []
