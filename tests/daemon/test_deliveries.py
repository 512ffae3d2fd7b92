"""Finished jobs reach the outbox or the failed folder, once, whatever the file system says in between."""

import asyncio
import errno
import os
import shutil
from datetime import timedelta

import pytest

from pdfocr_watcher.config.model import Folders
from pdfocr_watcher.daemon import deliveries as deliveries_module
from pdfocr_watcher.daemon import deliveries as delivering
from pdfocr_watcher.daemon.deliveries import Deliveries
from pdfocr_watcher.errors import ErrorCode, PdfocrError
from pdfocr_watcher.jobs.folder import result_name
from pdfocr_watcher.jobs.index import JobIndex
from pdfocr_watcher.jobs.model import Status
from pdfocr_watcher.jobs.status_file import read_status, write_status
from pdfocr_watcher.pipeline import storage
from pdfocr_watcher.pipeline.active import ActiveJob, utc_now
from pdfocr_watcher.pipeline.journal import StatusJournal
from pdfocr_watcher.pipeline.storage import Storage
from tests.pipeline.doubles import CLAIMED, claimed_job, until

SHA = "ab" * 32
OWNER = "0" * 12


@pytest.fixture
def folders(tmp_path):
    names = {name: tmp_path / name for name in ("inbox", "jobs", "outbox", "failed")}
    for name in ("jobs", "outbox", "failed"):
        names[name].mkdir()
    return Folders(root=tmp_path, **names)


@pytest.fixture
def index(folders):
    return JobIndex(folders.root / "index.json", 100)


@pytest.fixture
async def jobs_storage(folders):
    return Storage(folders.jobs, OWNER)


@pytest.fixture
async def journal(folders, index, jobs_storage):
    journal = StatusJournal(index, folders.root / "status", utc_now, jobs_storage)
    yield journal
    journal.close()


@pytest.fixture
async def deliveries(folders, index, journal, jobs_storage, monkeypatch):
    monkeypatch.setattr(deliveries_module, "_BACKOFF", (0.02, 0.05))
    for pause in ("_RETRY", "_ALONE", "_LINGER"):
        monkeypatch.setattr(storage, pause, 0.05)
    deliveries = Deliveries(folders, index, journal, jobs_storage, OWNER)
    yield deliveries
    await deliveries.stop(0)


def ended(folders, number=1, status=Status.COMPLETED, sha256=SHA, **options):
    """A job whose status says how it ended, and whose results are in its folder."""
    job = claimed_job(folders.jobs, number, **options)
    job.begin(CLAIMED)
    error = PdfocrError(ErrorCode.PDF_DAMAGED) if status is Status.FAILED else None
    job.end(status, CLAIMED + timedelta(seconds=9), error, sha256=sha256)
    job.folder.markdown.write_text("read")
    job.folder.pages.mkdir()
    (job.folder.pages / "0000.jpg").write_bytes(b"picture")
    write_status(job.folder.path, job.status)
    return job


async def through(deliveries):
    await until(lambda: not deliveries.waiting)


async def test_a_completed_job_is_a_result_in_the_outbox_and_nowhere_else(deliveries, folders, index):
    job = ended(folders, source="2026/march/letter.pdf")
    await deliveries.begin(job)
    assert deliveries.has(job.job_id)
    await through(deliveries)

    result = folders.outbox / "2026" / "march" / "letter.00000001"
    assert sorted(os.listdir(result)) == ["input.pdf", "output.mmd", "status.json"]
    assert read_status(result) == job.status
    assert os.listdir(folders.jobs) == []
    assert not deliveries.has(job.job_id)
    assert (deliveries.completed, deliveries.failed, deliveries.trouble) == (1, 0, None)
    assert index.entries()[0]["folder"] == str(result)


async def test_a_failed_job_lies_in_the_failed_folder_with_what_is_needed_to_try_again(deliveries, folders, index):
    await deliveries.begin(ended(folders, status=Status.FAILED))
    await through(deliveries)
    result = folders.failed / "letter.00000001"
    assert sorted(os.listdir(result)) == ["input.pdf", "output.mmd", "pages", "status.json"]
    assert (deliveries.completed, deliveries.failed) == (0, 1)
    assert index.entries()[0]["error_code"] == "pdf_damaged"


async def test_many_jobs_of_one_name_have_results_of_their_own(deliveries, folders):
    for number in range(1, 21):
        await deliveries.begin(ended(folders, number))
    await through(deliveries)
    assert len(os.listdir(folders.outbox)) == 20
    assert os.listdir(folders.jobs) == []


async def test_somebody_elses_folder_of_the_name_is_left_alone(deliveries, folders):
    job = ended(folders)
    there = folders.outbox / result_name(job.status)
    there.mkdir()
    (there / "notes.txt").write_text("mine")
    await deliveries.begin(job)
    await through(deliveries)
    assert os.listdir(there) == ["notes.txt"]
    assert len([path for path in folders.outbox.iterdir() if read_status(path) == job.status]) == 1


async def test_a_delivery_that_is_refused_is_said_and_tried_again_until_it_is_taken(deliveries, folders):
    folders.outbox.rmdir()
    folders.outbox.write_bytes(b"a mount that is not there")
    job = ended(folders)
    await deliveries.begin(job)
    await until(lambda: deliveries.trouble is not None)
    await asyncio.sleep(0.15)
    assert (deliveries.waiting, deliveries.completed) == (1, 0)
    assert job.folder.markdown.read_text() == "read"

    folders.outbox.unlink()
    folders.outbox.mkdir()

    await through(deliveries)
    assert (folders.outbox / "letter.00000001" / "output.mmd").read_text() == "read"
    assert (deliveries.completed, deliveries.trouble) == (1, None)


async def test_one_delivery_that_is_refused_does_not_keep_the_others_waiting(deliveries, folders):
    folders.failed.rmdir()
    folders.failed.write_bytes(b"in the way")
    await deliveries.begin(ended(folders, 1, Status.FAILED))
    await deliveries.begin(ended(folders, 2))
    await until(lambda: deliveries.waiting == 1)
    assert (deliveries.completed, deliveries.failed) == (1, 0)


async def test_a_delivery_that_was_stopped_is_made_at_the_next_start(deliveries, folders, index, journal, jobs_storage):
    folders.outbox.rmdir()
    folders.outbox.write_bytes(b"in the way")
    job = ended(folders)
    await deliveries.begin(job)
    await until(lambda: deliveries.trouble is not None)
    await asyncio.wait_for(deliveries.stop(0.1), 5)
    assert read_status(job.folder.path) == job.status

    folders.outbox.unlink()
    later = Deliveries(folders, index, journal, jobs_storage, OWNER)
    await later.begin(ActiveJob(job.status, job.folder))
    await through(later)
    await later.stop(0)
    assert os.listdir(folders.outbox) == ["letter.00000001"]


async def test_a_result_that_was_delivered_before_a_crash_is_not_made_twice(deliveries, folders):
    job = ended(folders)
    result = folders.outbox / result_name(job.status)
    shutil.copytree(job.folder.path, result)
    await deliveries.begin(job)
    await through(deliveries)
    assert os.listdir(folders.outbox) == [result.name]
    assert os.listdir(folders.jobs) == []


async def test_a_job_whose_folder_somebody_removed_is_let_go(deliveries, folders):
    job = ended(folders)
    job.folder.path.rename(folders.root / "taken away")
    await deliveries.begin(job)
    await until(lambda: not deliveries.waiting, 3)
    assert deliveries.trouble is None
    assert os.listdir(folders.outbox) == []


async def test_a_job_whose_rest_somebody_cleared_away_after_its_delivery_is_delivered(deliveries, folders, monkeypatch):
    """Across file systems what is left of the job's folder is removed last; who clears up may be quicker."""
    real, moved = delivering.deliver, []

    def cleared_away(*arguments):
        result = real(*arguments)
        if not moved:
            moved.append(result)
            raise FileNotFoundError(errno.ENOENT, "gone", "input.pdf")
        return result

    monkeypatch.setattr(delivering, "deliver", cleared_away)
    job = ended(folders)
    await deliveries.begin(job)
    await through(deliveries)
    assert (deliveries.completed, list(deliveries.latest)) == (1, moved)


async def test_no_status_is_written_while_the_folder_moves(deliveries, folders):
    job = ended(folders)
    await job.lock.acquire()
    await deliveries.begin(job)
    await asyncio.sleep(0.05)
    assert job.folder.path.is_dir()
    job.lock.release()
    await through(deliveries)


async def test_the_mirror_goes_with_the_job(deliveries, folders, journal):
    job = ended(folders)
    await journal.commit(job)
    mirror = folders.root / "status" / "letter.00000001.json"
    await until(mirror.exists)
    await deliveries.begin(job)
    await through(deliveries)
    await until(lambda: not mirror.exists())


async def test_what_was_completed_is_found_by_its_content(deliveries, folders):
    job = ended(folders)
    assert deliveries.earlier(SHA) is None
    await deliveries.begin(job)
    await through(deliveries)
    earlier = deliveries.earlier(SHA)
    assert (earlier.status, earlier.folder) == (job.status, folders.outbox / "letter.00000001")
    assert deliveries.earlier("cd" * 32) is None


async def test_what_failed_is_no_earlier_result(deliveries, folders):
    await deliveries.begin(ended(folders, status=Status.FAILED))
    await through(deliveries)
    assert deliveries.earlier(SHA) is None


async def test_an_earlier_result_that_somebody_removed_is_none(deliveries, folders):
    await deliveries.begin(ended(folders))
    await through(deliveries)
    (folders.outbox / "letter.00000001").rename(folders.root / "taken away")
    assert deliveries.earlier(SHA) is None


async def test_a_folder_that_holds_something_else_by_now_is_no_earlier_result(deliveries, folders):
    job = ended(folders)
    await deliveries.begin(job)
    await through(deliveries)
    write_status(folders.outbox / "letter.00000001", job.status.model_copy(update={"status": Status.FAILED}))
    assert deliveries.earlier(SHA) is None


async def test_what_an_earlier_daemon_completed_is_remembered(deliveries, folders, index, journal, jobs_storage):
    await deliveries.begin(ended(folders, 1))
    await deliveries.begin(ended(folders, 2, Status.FAILED, sha256="cd" * 32))
    await deliveries.begin(ended(folders, 3, sha256=None))
    await through(deliveries)
    later = Deliveries(folders, index, journal, jobs_storage, OWNER)
    later.remember(index.entries())
    assert later.earlier(SHA).status.job_id == "20260102T030001Z-00000001"
    assert later.earlier("cd" * 32) is None
    await later.stop(0)
