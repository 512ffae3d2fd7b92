"""A folder that refuses is closed for all and tried by one; the trouble of one step closes nothing."""

import asyncio
import errno
import os

import pytest

from pdfocr_watcher.errors import ErrorCode, PdfocrError
from pdfocr_watcher.pipeline import storage as storage_module
from pdfocr_watcher.pipeline.storage import Storage
from tests.pipeline.doubles import PATIENCE, until


class Disk:
    """Refuses as long as it is told to, and counts how often it was tried."""

    def __init__(self):
        self.error = None
        self.tries = 0

    def __call__(self, _folder, _mark):
        self.tries += 1
        if self.error is not None:
            raise OSError(self.error, os.strerror(self.error))


@pytest.fixture
def disk():
    return Disk()


@pytest.fixture
async def storage(tmp_path, disk, monkeypatch):
    for pause in ("_RETRY", "_ALONE", "_LINGER"):
        monkeypatch.setattr(storage_module, pause, 0.1)
    storage = Storage(tmp_path, "mark", disk)
    yield storage
    storage.stop()


def full():
    return OSError(errno.ENOSPC, "No space left on device")


async def test_all_who_are_refused_wait_for_one_probe(storage, disk, tmp_path):
    disk.error = errno.ENOSPC
    waiting = [asyncio.create_task(storage.wait_out(full())) for _ in range(50)]
    await asyncio.sleep(0.5)
    assert storage.closed
    assert f"{tmp_path} is full" in (storage.closed_because or "")
    assert disk.tries < 10
    assert not any(task.done() for task in waiting)
    disk.error = None
    await asyncio.wait_for(asyncio.gather(*waiting), PATIENCE)
    assert storage.closed_because is None
    await until(lambda: storage.trouble is None)


async def test_a_step_that_alone_is_refused_closes_the_folder_to_nobody_but_is_told(storage, disk):
    task = asyncio.create_task(storage.wait_out(OSError(errno.EISDIR, "Is a directory")))
    await until(lambda: disk.tries)
    await asyncio.wait_for(storage.usable(), 1)
    assert storage.trouble is not None
    assert storage.closed_because is None
    await asyncio.wait_for(task, PATIENCE)


@pytest.mark.parametrize("code", [ErrorCode.RENDER_FAILED, ErrorCode.ENGINE_CRASHED, ErrorCode.PDF_DAMAGED])
async def test_the_disk_is_blamed_before_the_page(storage, disk, code):
    error = PdfocrError(code, "page 1")
    assert await storage.suspect(error) is error
    disk.error = errno.EIO
    assert (await storage.suspect(error)).code is ErrorCode.STORAGE_FAILED


async def test_a_failure_that_no_disk_causes_is_believed(storage, disk):
    disk.error = errno.EIO
    error = PdfocrError(ErrorCode.ENGINE_FAILED, "page 1")
    assert await storage.suspect(error) is error


async def test_a_disk_that_does_not_answer_is_in_trouble(storage, tmp_path, monkeypatch):
    monkeypatch.setattr(storage_module, "_LOOK_SECONDS", 0.1)
    release = asyncio.Event()
    loop = asyncio.get_running_loop()
    monkeypatch.setattr(
        storage, "check_mounted", lambda: asyncio.run_coroutine_threadsafe(release.wait(), loop).result(PATIENCE)
    )
    assert await storage.look() is None
    assert "does not answer" in (storage.closed_because or "")
    release.set()
    await asyncio.wait_for(storage.usable(), PATIENCE)
    assert await storage.look() is not None
    assert tmp_path.is_dir()


@pytest.mark.parametrize("kind", ["a file system", "a bound folder of the same one"])
def test_a_folder_below_a_mount_that_was_dropped_is_not_an_empty_one(storage, tmp_path, mount, kind):
    mount(tmp_path, bound=tmp_path.with_name("bound") if kind.startswith("a bound") else None)
    storage.check_mounted()
    mount.undo(tmp_path)
    with pytest.raises(OSError, match="no longer mounted"):
        storage.check_mounted()
    assert not storage.is_gone(tmp_path / "job"), "out of reach is not removed"


def test_a_job_that_somebody_removed_is_gone(storage, tmp_path):
    (tmp_path / "job").mkdir()
    assert not storage.is_gone(tmp_path / "job")
    assert storage.is_gone(tmp_path / "another")
