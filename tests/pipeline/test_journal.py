"""Status files follow the work: whole, the newest first, and never in its way."""

import asyncio
import itertools
import threading
from datetime import UTC, datetime
from time import monotonic

import pytest

from pdfocr_watcher.jobs.folder import result_name
from pdfocr_watcher.jobs.granting import write_mirror
from pdfocr_watcher.jobs.index import JobIndex
from pdfocr_watcher.jobs.model import Stage, Status
from pdfocr_watcher.jobs.status_file import read_status
from pdfocr_watcher.pipeline import journal as journal_module
from pdfocr_watcher.pipeline import storage
from pdfocr_watcher.pipeline.active import utc_now
from pdfocr_watcher.pipeline.journal import StatusJournal
from pdfocr_watcher.pipeline.storage import Storage
from tests.pipeline.doubles import CLAIMED, PATIENCE, claimed_job, until


@pytest.fixture
def index(tmp_path):
    return JobIndex(tmp_path / "index.json", 100)


@pytest.fixture
async def journal(tmp_path, index):
    journal = StatusJournal(index, tmp_path / "status", utc_now, Storage(tmp_path / "jobs", "0" * 12))
    yield journal
    journal.close()


@pytest.fixture
def job(tmp_path):
    return claimed_job(tmp_path / "jobs")


@pytest.fixture
async def run(journal):
    """Run the journal; the test says which jobs are in work."""
    in_work = []
    task = asyncio.create_task(journal.run(lambda: in_work))
    yield in_work
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


def progress(job, pages):
    job.change(CLAIMED, processed_pages=pages)


def on_disk(job):
    return read_status(job.folder.path)


class Refusal:
    """A status file that cannot be replaced, because a folder with something in it has its name."""

    def __init__(self, job):
        self.path = job.folder.path / "status.json"
        self.path.unlink()
        (self.path / "in the way").mkdir(parents=True)

    def end(self):
        (self.path / "in the way").rmdir()
        self.path.rmdir()


@pytest.fixture
def gate(monkeypatch):
    """Holds every write of a status file until it is opened, and says what was written."""
    opened, written, began = threading.Event(), [], threading.Event()
    real = journal_module.write_status

    def write(folder, status, **options):
        began.set()
        assert opened.wait(PATIENCE)
        real(folder, status, **options)
        written.append(status.processed_pages)

    monkeypatch.setattr(journal_module, "write_status", write)
    opened.written, opened.began = written, began
    yield opened
    opened.set()


@pytest.mark.usefixtures("run")
async def test_what_is_noted_is_written_soon(journal, job, index):
    progress(job, 3)
    journal.note(job)
    await until(lambda: on_disk(job).processed_pages == 3)
    await until(lambda: [entry["processed_pages"] for entry in index.entries()] == [3])


async def test_what_is_committed_is_on_disk_when_it_returns(journal, job, index):
    for pages in range(1, 20):
        progress(job, pages)
        await journal.commit(job)
        assert on_disk(job).processed_pages == pages
    assert index.entries()[0]["processed_pages"] == 19


@pytest.mark.usefixtures("run")
async def test_of_what_was_noted_while_the_disk_was_busy_only_the_newest_is_written(journal, job, gate):
    progress(job, 1)
    journal.note(job)
    await until(gate.began.is_set)
    for pages in range(2, 50):
        progress(job, pages)
        journal.note(job)
    gate.set()
    await until(lambda: gate.written[-1:] == [49])
    assert gate.written == [1, 49]
    assert on_disk(job).processed_pages == 49


@pytest.mark.usefixtures("run")
async def test_a_commit_is_not_overtaken_by_what_was_noted_before_it(journal, job, gate):
    job.begin(CLAIMED)
    progress(job, 1)
    journal.note(job)
    await until(gate.began.is_set)
    progress(job, 2)
    journal.note(job)
    job.end(Status.COMPLETED, CLAIMED, processed_pages=3)
    commit = asyncio.create_task(journal.commit(job))
    gate.set()
    await commit
    assert on_disk(job).status is Status.COMPLETED
    await asyncio.sleep(0.05)
    assert gate.written == [1, 3]


async def test_a_job_in_work_says_so_at_least_once_a_second_though_no_page_is_finished(journal, run, job):
    moments = itertools.count()
    job.change(CLAIMED)
    await journal.commit(job)
    run.append(job)
    seen = [(next(moments), datetime.now(UTC))]
    last = on_disk(job).updated_at
    while len(seen) < 4:
        await asyncio.sleep(0.01)
        if (now := on_disk(job).updated_at) != last:
            last = now
            seen.append((next(moments), datetime.now(UTC)))
    gaps = sorted((later - sooner).total_seconds() for (_, sooner), (_, later) in itertools.pairwise(seen))
    assert gaps[len(gaps) // 2] < 1.1  # the one in the middle: a busy machine may hold up any other


@pytest.mark.usefixtures("journal")
async def test_a_job_that_is_not_in_work_is_left_alone(run, tmp_path):
    working, waiting = claimed_job(tmp_path / "jobs", 1), claimed_job(tmp_path / "jobs", 2)
    run.append(working)
    await until(lambda: on_disk(working).updated_at != CLAIMED)
    assert on_disk(waiting).updated_at == CLAIMED


async def test_a_disk_that_refuses_is_tried_again_until_it_takes_the_commit(journal, job, monkeypatch):
    monkeypatch.setattr(storage, "_ALONE", 0.02)
    refusal = Refusal(job)
    progress(job, 5)
    commit = asyncio.create_task(journal.commit(job))
    await asyncio.sleep(0.1)
    assert not commit.done()
    refusal.end()
    await asyncio.wait_for(commit, PATIENCE)
    assert on_disk(job).processed_pages == 5


@pytest.mark.usefixtures("run")
async def test_a_disk_that_refuses_is_tried_again_until_it_takes_what_was_noted(journal, job, monkeypatch):
    monkeypatch.setattr(storage, "_ALONE", 0.02)
    refusal = Refusal(job)
    progress(job, 5)
    journal.note(job)
    await asyncio.sleep(0.1)
    refusal.end()
    await until(lambda: on_disk(job) is not None and on_disk(job).processed_pages == 5)


@pytest.mark.usefixtures("run")
async def test_a_job_whose_status_is_refused_does_not_keep_the_others_waiting(journal, tmp_path, monkeypatch):
    monkeypatch.setattr(storage, "_ALONE", 60.0)
    refused, other = claimed_job(tmp_path / "jobs", 1), claimed_job(tmp_path / "jobs", 2)
    Refusal(refused)
    journal.note(refused)
    await asyncio.sleep(0.1)
    progress(other, 7)
    journal.note(other)
    await until(lambda: on_disk(other).processed_pages == 7, patience=3)


@pytest.mark.usefixtures("run")
async def test_a_note_about_a_job_that_has_left_is_forgotten(journal, tmp_path, job):
    there = claimed_job(tmp_path / "jobs", 2)
    job.folder.path.rename(tmp_path / "delivered")
    journal.note(job)
    progress(there, 2)
    journal.note(there)
    await until(lambda: on_disk(there).processed_pages == 2)
    assert not job.folder.path.exists()
    assert not journal._dirty


async def test_a_commit_for_a_job_whose_folder_somebody_removed_does_not_wait_for_ever(journal, job):
    job.folder.path.rename(job.folder.path.with_name("taken away"))
    await asyncio.wait_for(journal.commit(job), 3)
    assert not job.folder.path.exists()


def mirror_of(tmp_path, job):
    return tmp_path / "status" / f"{result_name(job.status)}.json"


@pytest.mark.usefixtures("run")
async def test_the_mirror_follows_and_goes_with_the_job(journal, tmp_path, job):
    mirror = mirror_of(tmp_path, job)
    await journal.commit(job)
    await until(mirror.exists)
    assert mirror.name == "letter.00000001.json"
    progress(job, 4)
    journal.note(job)
    await until(lambda: b'"processed_pages": 4' in mirror.read_bytes())
    assert mirror.read_bytes() == (job.folder.path / "status.json").read_bytes()

    journal.gone(job)

    await until(lambda: not mirror.exists())
    assert list(mirror.parent.iterdir()) == []


@pytest.mark.usefixtures("run")
async def test_progress_is_mirrored_once_a_second_and_what_matters_at_once(journal, tmp_path, job, monkeypatch):
    written = []

    def count(*arguments):
        written.append(monotonic())
        write_mirror(*arguments)

    monkeypatch.setattr(journal_module, "write_mirror", count)
    mirror = mirror_of(tmp_path, job)
    await journal.commit(job)
    began = monotonic()
    for pages in range(1, 30):
        progress(job, pages)
        journal.note(job)
        await until(lambda: on_disk(job).processed_pages == job.status.processed_pages)
    spent = monotonic() - began
    assert len(written) <= 2 + spent
    await until(lambda: b'"processed_pages": 29' in mirror.read_bytes())
    monkeypatch.setattr(journal_module, "_MIRROR_INTERVAL", 3600.0)
    for pages in (30, 31):
        progress(job, pages)
        await journal.commit(job)
        await until(lambda: mirror.read_bytes() == (job.folder.path / "status.json").read_bytes())
    journal.gone(job)
    await until(lambda: not mirror.exists())
    assert (journal._mirroring, journal._mirror_queued, journal._mirror_due) == ({}, set(), {})


async def test_there_is_no_mirror_where_people_see_the_jobs_folder(tmp_path, index, job):
    journal = StatusJournal(index, None, utc_now, Storage(tmp_path / "jobs", "0" * 12))
    await journal.commit(job)
    journal.gone(job)
    journal.close()
    assert not (tmp_path / "status").exists()


async def test_a_mirror_that_refuses_is_no_obstacle(journal, tmp_path, job):
    (tmp_path / "status").write_bytes(b"in the way")
    progress(job, 2)
    await asyncio.wait_for(journal.commit(job), PATIENCE)
    journal.gone(job)
    (tmp_path / "status").unlink()
    await journal.commit(job)
    await until(mirror_of(tmp_path, job).exists)


async def test_a_mirror_that_hangs_keeps_neither_the_work_nor_the_end_waiting(tmp_path, index, job, monkeypatch):
    release, hangs = threading.Event(), threading.Event()

    def hang(*_arguments):
        hangs.set()
        assert release.wait(PATIENCE)

    monkeypatch.setattr(journal_module, "write_mirror", hang)
    journal = StatusJournal(index, tmp_path / "status", utc_now, Storage(tmp_path / "jobs", "0" * 12))
    try:
        for pages in range(1, 10):
            progress(job, pages)
            await asyncio.wait_for(journal.commit(job), PATIENCE)
        await until(hangs.is_set)
        journal.close()
    finally:
        release.set()
    assert on_disk(job).processed_pages == 9


async def test_a_committed_end_says_how_the_job_ended(journal, job):
    job.end(Status.FAILED, CLAIMED)
    await journal.commit(job)
    assert (on_disk(job).status, on_disk(job).stage) == (Status.FAILED, Stage.DONE)
