"""What could not be taken up at the start is tried again while the daemon runs, until it can be."""

import asyncio
import contextlib
import os
import shutil

import pytest

from pdfocr_watcher.config.model import Config
from pdfocr_watcher.daemon import taking_up
from pdfocr_watcher.daemon.taking_up import TakingUp
from pdfocr_watcher.jobs.model import Stage, Status
from pdfocr_watcher.jobs.status_file import write_status
from pdfocr_watcher.pipeline.storage import Storage
from tests.pipeline.doubles import PATIENCE, claimed_job


class GoesOn:
    """The rooms that jobs are handed to, and to which each went."""

    def __init__(self):
        self.added = []
        self.delivered = []

    def add(self, job):
        self.added.append(job.job_id)

    async def begin(self, job):
        self.delivered.append(job.job_id)

    async def is_written(self, _job):
        return False


@pytest.fixture
def goes_on():
    return GoesOn()


@pytest.fixture
def nothing():
    """The jobs that are said to have come to nothing."""
    return []


@pytest.fixture
def room(jobs, goes_on, nothing, monkeypatch):
    """A room that looks often."""
    monkeypatch.setattr(taking_up, "_INTERVAL", 0.02)
    config = Config.model_validate({"folders": {"root": jobs.parent, "jobs": jobs}})
    return TakingUp(config, Storage(jobs, "test"), None, nothing.append, goes_on, goes_on, goes_on)


@contextlib.asynccontextmanager
async def mending(room):
    task = asyncio.create_task(room.mend())
    async with asyncio.timeout(PATIENCE):
        yield
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    room.stop()


async def test_each_job_goes_where_it_has_to_and_a_broken_off_claim_is_mended_later(room, goes_on, jobs, begun):
    pending, finished, broken_off = claimed_job(jobs, 1), claimed_job(jobs, 2), claimed_job(jobs, 3)
    values = {"status": Status.COMPLETED, "stage": Stage.DONE}
    write_status(finished.folder.path, finished.status.model_copy(update=values))
    begun(broken_off)
    await room.run()
    assert (goes_on.added, goes_on.delivered) == ([pending.job_id], [finished.job_id])
    assert room.unfinished == {broken_off.job_id}
    async with mending(room):
        while room.unfinished:  # noqa: ASYNC110 - what is waited for lies on the disk
            await asyncio.sleep(0.01)
    assert goes_on.added == [pending.job_id, broken_off.job_id]


async def test_what_could_not_be_mended_is_tried_until_it_can_be(room, goes_on, jobs, inbox, begun):
    job = claimed_job(jobs)
    begun(job)
    away = inbox.rename(inbox.with_name("away"))
    room.unfinished.add(job.job_id)
    async with mending(room):
        while room.trouble is None:  # noqa: ASYNC110 - what is waited for lies on the disk
            await asyncio.sleep(0.01)
        assert "not there" in room.trouble
        assert (goes_on.added, room.unfinished) == ([], {job.job_id})
        away.rename(inbox)
        while room.unfinished or room.trouble:  # noqa: ASYNC110 - likewise
            await asyncio.sleep(0.01)
    assert goes_on.added == [job.job_id]
    assert os.listdir(inbox) == []


async def test_a_claim_that_came_to_nothing_is_said_when_its_file_is_back(room, goes_on, nothing, jobs, inbox, begun):
    job = claimed_job(jobs)
    begun(job)
    job.folder.input(job.status.filename).unlink()
    room.unfinished.add(job.job_id)
    async with mending(room):
        while room.unfinished:
            assert nothing == []
            await asyncio.sleep(0.01)
    assert (goes_on.added, nothing, os.listdir(jobs)) == ([], [job.job_id], [])
    assert os.listdir(inbox) == ["letter.pdf"]


async def test_a_job_folder_that_somebody_removed_is_waited_for_no_longer(room, goes_on, jobs):
    room.unfinished.add(claimed_job(jobs).job_id)
    shutil.rmtree(next(jobs.iterdir()))
    async with mending(room):
        while room.unfinished:  # noqa: ASYNC110 - likewise
            await asyncio.sleep(0.01)
    assert goes_on.added == []
