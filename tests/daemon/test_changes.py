"""What a person may change about jobs, with a daemon that is asked and without one."""

import asyncio
import errno
import os
import shutil
from datetime import timedelta

import pytest

from pdfocr_watcher.config.model import Config, Folders
from pdfocr_watcher.daemon import changes
from pdfocr_watcher.daemon.changes import Changes, change_without_daemon, delete, reindex, retry
from pdfocr_watcher.document.model import FailedPage
from pdfocr_watcher.errors import ErrorCode, PdfocrError
from pdfocr_watcher.jobs import delivery
from pdfocr_watcher.jobs.checkpoint import write_failed_page
from pdfocr_watcher.jobs.claim_note import ClaimNote
from pdfocr_watcher.jobs.delivery import deliver
from pdfocr_watcher.jobs.index import JobIndex, read_entries
from pdfocr_watcher.jobs.model import Stage, Status
from pdfocr_watcher.jobs.ownership import Policy
from pdfocr_watcher.jobs.requests import Verb, ask, take_answer
from pdfocr_watcher.jobs.retention import Place, Purged
from pdfocr_watcher.jobs.status_file import read_status, write_status
from pdfocr_watcher.pipeline.active import utc_now
from pdfocr_watcher.pipeline.journal import StatusJournal
from pdfocr_watcher.pipeline.opening import Opener
from pdfocr_watcher.pipeline.process import Pipeline
from pdfocr_watcher.pipeline.storage import Storage
from pdfocr_watcher.pipeline.workers import WorkerPool
from tests.pipeline.doubles import CLAIMED, NULL_WORKER, FakeRasterizer, claimed_job, until


@pytest.fixture
def folders(tmp_path):
    names = {name: tmp_path / name for name in ("inbox", "jobs", "outbox", "failed")}
    for folder in names.values():
        folder.mkdir()
    return Folders(root=tmp_path, **names)


@pytest.fixture
def index(folders):
    return JobIndex(folders.root / "index.json", 100)


def ended(folders, number=1, status=Status.FAILED):
    """A job that has ended and was delivered, and its result's folder."""
    job = claimed_job(folders.jobs, number)
    job.begin(CLAIMED)
    error = PdfocrError(ErrorCode.TOO_FEW_PAGES) if status is Status.FAILED else None
    job.end(status, CLAIMED, error, total_pages=2, processed_pages=2)
    write_failed_page(job.folder, FailedPage(0, "render_failed", "no picture"))
    write_status(job.folder.path, job.status)
    return job, deliver(job.folder, job.status, folders.outbox, folders.failed)


def code_of(function, *arguments):
    with pytest.raises(PdfocrError) as caught:
        function(*arguments)
    return caught.value.code


def test_a_failed_job_that_is_retried_waits_again_and_its_failed_pages_are_read_again(folders):
    job, result = ended(folders)
    again = retry(folders, job.job_id, utc_now())
    status = again.status
    assert (status.status, status.stage, status.attempts) == (Status.PENDING, Stage.QUEUED, 0)
    assert (status.error_code, status.failed_pages, status.processed_pages) == (None, (), 0)
    assert again.folder.checkpointed() == set()
    assert again.folder.input(status.filename).is_file()
    assert read_status(folders.jobs / job.job_id).model_dump_json() == status.model_dump_json()
    assert not result.exists()


def test_a_job_is_retried_once_however_often_it_is_asked(folders):
    job, _ = ended(folders)
    retry(folders, job.job_id, utc_now())
    assert code_of(retry, folders, job.job_id, utc_now()) is ErrorCode.JOB_STATUS_CONFLICT
    assert os.listdir(folders.jobs) == [job.job_id]


def test_only_what_failed_is_retried(folders):
    completed, result = ended(folders, 1, Status.COMPLETED)
    waiting = claimed_job(folders.jobs, 2)
    for job in (completed, waiting):
        assert code_of(retry, folders, job.job_id, utc_now()) is ErrorCode.JOB_STATUS_CONFLICT
    assert result.is_dir()


def test_a_failed_result_that_somebody_put_elsewhere_is_not_retried(folders):
    job, result = ended(folders)
    moved = result.rename(folders.outbox / result.name)
    assert code_of(retry, folders, job.job_id, utc_now()) is ErrorCode.JOB_STATUS_CONFLICT
    assert moved.is_dir()


def test_what_is_not_there_is_said(folders):
    for function in (retry, delete):
        arguments = (folders, "20260102T030001Z-0000ffff") + ((utc_now(),) if function is retry else ())
        assert code_of(function, *arguments) is ErrorCode.JOB_NOT_FOUND


@pytest.mark.parametrize("status", [Status.COMPLETED, Status.FAILED])
def test_a_deleted_result_is_gone_and_the_others_are_not(folders, status):
    job, result = ended(folders, 1, status)
    _, other = ended(folders, 2, status)
    delete(folders, job.job_id)
    assert not result.exists()
    assert other.is_dir()
    assert code_of(delete, folders, job.job_id) is ErrorCode.JOB_NOT_FOUND
    assert len(os.listdir(result.parent)) == 1


def test_the_index_is_rebuilt_from_what_is_on_disk_alone(folders, index):
    index.put(claimed_job(folders.root / "elsewhere", 9).status, folders.root / "elsewhere")
    claimed_job(folders.jobs, 1)
    ended(folders, 2)
    ended(folders, 3, Status.COMPLETED)
    assert reindex(folders, index) == 3
    assert [entry["status"] for entry in index.entries()] == ["pending", "failed", "completed"]


def test_without_a_daemon_a_failed_job_waits_for_the_next_one(folders):
    job, _ = ended(folders)
    change_without_daemon(Config(folders=folders), Verb.REINDEX, "")
    assert "waits" in change_without_daemon(Config(folders=folders), Verb.RETRY, job.job_id)
    assert read_status(folders.jobs / job.job_id).status is Status.PENDING
    assert [entry["status"] for entry in read_entries(folders.root / "index.json")] == ["pending"]


def test_without_a_daemon_a_deleted_job_is_gone_from_the_index_too(folders):
    job, result = ended(folders)
    change_without_daemon(Config(folders=folders), Verb.REINDEX, "")
    assert "gone" in change_without_daemon(Config(folders=folders), Verb.DELETE, job.job_id)
    assert not result.exists()
    assert read_entries(folders.root / "index.json") == []


def test_without_an_index_one_is_made_that_holds_all_jobs(folders):
    job, _ = ended(folders, 1)
    other, _ = ended(folders, 2)
    change_without_daemon(Config(folders=folders), Verb.RETRY, job.job_id)
    assert [entry["job_id"] for entry in read_entries(folders.root / "index.json")] == [job.job_id, other.job_id]


def test_without_a_daemon_the_index_is_rebuilt(folders):
    ended(folders)
    assert "1 job" in change_without_daemon(Config(folders=folders), Verb.REINDEX, "")


class Office:
    """A daemon's changes and pipeline; nobody works on the jobs."""

    def __init__(self, folders, index):
        self.folders = folders
        self.index = index
        self.delivering = set()
        storage = Storage(folders.jobs, "0" * 12)
        self.journal = StatusJournal(index, folders.root / "status", utc_now, storage)
        config = Config(folders=folders)
        rasterizers = (FakeRasterizer(),)
        self.pipeline = Pipeline(
            config,
            rasterizers,
            WorkerPool(NULL_WORKER, 1, 10.0),
            self.journal,
            storage,
            Opener(config, rasterizers, lambda _sha256: None),
            self._ended,
            utc_now,
            1,
        )
        self.changes = Changes(folders, self.pipeline, index, self.delivering.__contains__, Policy())

    async def _ended(self, job):
        raise AssertionError(job)

    async def ask(self, verb, job_id="", **values):
        request = ask(self.folders.jobs, verb, job_id, **values)
        answers = []

        def answered():
            if (answer := take_answer(self.folders.jobs, request)) is not None:
                answers.append(answer)
            return answers

        await until(answered)
        return answers[0]


@pytest.fixture
async def office(folders, index):
    office = Office(folders, index)
    task = asyncio.create_task(office.changes.run())
    yield office
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    office.journal.close()


async def test_a_daemon_that_is_asked_to_retry_takes_the_job_in_hand(office):
    job, result = ended(office.folders)
    answer = await office.ask(Verb.RETRY, job.job_id)
    assert (answer.code, job.job_id in answer.detail) == (None, True)
    assert list(office.pipeline.jobs) == [job.job_id]
    assert [entry["status"] for entry in office.index.entries()] == ["pending"]
    assert not result.exists()


async def test_a_request_that_cannot_be_done_is_answered_with_the_reason(office):
    job = claimed_job(office.folders.jobs)
    assert (await office.ask(Verb.RETRY, job.job_id)).code is ErrorCode.JOB_STATUS_CONFLICT
    assert (await office.ask(Verb.DELETE, "nobody")).code is ErrorCode.JOB_NOT_FOUND
    assert office.pipeline.jobs == {}


async def test_a_request_that_meets_a_defect_costs_itself_alone(office, monkeypatch):
    def broken(*_arguments):
        raise ValueError("nobody thought of that")

    job, _ = ended(office.folders)
    with monkeypatch.context() as patch:
        patch.setattr(changes, "retry", broken)
        assert (await office.ask(Verb.RETRY, job.job_id)).code is ErrorCode.INTERNAL
    assert (await office.ask(Verb.RETRY, job.job_id)).code is None


async def test_a_daemon_drops_a_job_that_is_deleted_and_its_mirror_goes(office):
    job = claimed_job(office.folders.jobs)
    office.pipeline.add(job)
    await office.journal.commit(job)
    mirror = office.folders.root / "status" / "letter.00000001.json"
    await until(mirror.exists)

    answer = await office.ask(Verb.DELETE, job.job_id)

    assert answer.code is None
    assert office.pipeline.jobs == {}
    assert not job.folder.path.exists()
    assert office.index.entries() == []
    await until(lambda: not mirror.exists(), 3)


@pytest.mark.parametrize("name", ["00000001", "letter.pdf"])
async def test_a_job_in_hand_is_dropped_by_whichever_name_it_is_deleted(office, name):
    job = claimed_job(office.folders.jobs)
    office.pipeline.add(job)
    await office.journal.commit(job)
    assert (await office.ask(Verb.DELETE, name)).code is None
    assert not job.folder.path.exists()
    assert office.pipeline.jobs == {}
    assert office.index.entries() == []


async def test_a_job_whose_file_is_still_on_its_way_out_of_the_inbox_is_not_deleted(office):
    job = claimed_job(office.folders.jobs)
    note = ClaimNote.of(office.folders.inbox, "letter.pdf", job.job_id)
    note.write(job.folder)
    assert (await office.ask(Verb.DELETE, job.job_id)).code is ErrorCode.JOB_STATUS_CONFLICT
    assert ClaimNote.read(job.folder) == note
    job.folder.claim_note.unlink()
    assert (await office.ask(Verb.DELETE, job.job_id)).code is None


async def test_a_result_that_is_just_being_moved_is_not_deleted(office):
    job = claimed_job(office.folders.jobs)
    office.delivering.add(job.job_id)
    assert (await office.ask(Verb.DELETE, job.job_id)).code is ErrorCode.JOB_STATUS_CONFLICT
    assert job.folder.path.is_dir()


async def test_a_daemon_rebuilds_its_index(office):
    ended(office.folders)
    answer = await office.ask(Verb.REINDEX)
    assert (answer.code, "1 job" in answer.detail) == (None, True)
    assert len(office.index.entries()) == 1


async def test_a_refusal_of_the_file_system_is_an_answer_and_the_next_request_is_done(office):
    job, _ = ended(office.folders)
    blocked = office.folders.jobs / job.job_id
    blocked.write_bytes(b"in the way")
    assert (await office.ask(Verb.RETRY, job.job_id)).code is ErrorCode.STORAGE_FAILED
    blocked.unlink()
    assert (await office.ask(Verb.RETRY, job.job_id)).code is None


async def test_requests_are_done_in_any_number_and_each_once(office):
    jobs = [ended(office.folders, number)[0] for number in range(1, 6)]
    answers = await asyncio.gather(*(office.ask(Verb.RETRY, job.job_id) for job in jobs + jobs))
    assert sorted(answer.code is None for answer in answers) == [False] * 5 + [True] * 5
    assert set(office.pipeline.jobs) == {job.job_id for job in jobs}


async def test_a_daemon_purges_what_is_old_enough_and_its_index_follows(office):
    old, gone = ended(office.folders, 1, Status.COMPLETED)
    failed, also_gone = ended(office.folders, 2)
    young, stays = ended(office.folders, 3, Status.COMPLETED)
    write_status(stays, young.status.model_copy(update={"completed_at": utc_now()}))
    for job, folder in ((old, gone), (failed, also_gone), (young, stays)):
        office.index.put(job.status, folder)
    places = [Place(Status.COMPLETED, (gone.name,)), Place(Status.FAILED, (also_gone.name,))]
    places.append(Place(Status.COMPLETED, (stays.name,)))
    answer = await office.ask(Verb.PURGE, places=places, age=timedelta(days=7))
    done = Purged.from_json(answer.detail)
    assert (answer.code, done.job_ids, done.kept) == (None, (old.job_id, failed.job_id), ())
    assert not gone.exists()
    assert not also_gone.exists()
    assert stays.exists()
    assert [entry["job_id"] for entry in office.index.entries()] == [young.job_id]


async def test_a_failed_job_that_is_retried_just_now_is_not_purged(office):
    job, result = ended(office.folders)
    place = Place(Status.FAILED, (result.name,))
    retried, purged = await asyncio.gather(
        office.ask(Verb.RETRY, job.job_id), office.ask(Verb.PURGE, places=[place], age=timedelta(days=7))
    )
    assert (retried.code is None) is (Purged.from_json(purged.detail).job_ids == ())
    assert (retried.code is None) is (office.folders.jobs / job.job_id).exists()


async def test_a_retry_that_gets_stuck_half_way_is_brought_back_and_can_be_asked_again(office, monkeypatch):
    job, result = ended(office.folders)

    def full(*_arguments, **_options):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(delivery, "write_status", full)
    assert (await office.ask(Verb.RETRY, job.job_id)).code is ErrorCode.STORAGE_FAILED
    assert result.is_dir()
    assert not (office.folders.jobs / job.job_id).exists()

    # Where it cannot be brought back at once, that is done first when it is asked again.
    monkeypatch.setattr(changes, "return_to_failed", full)
    assert (await office.ask(Verb.RETRY, job.job_id)).code is ErrorCode.STORAGE_FAILED
    assert (office.folders.jobs / job.job_id).is_dir()
    assert not result.exists()

    monkeypatch.undo()
    assert (await office.ask(Verb.RETRY, job.job_id)).code is None
    assert read_status(office.folders.jobs / job.job_id).status is Status.PENDING
    assert list(office.pipeline.jobs) == [job.job_id]


@pytest.mark.parametrize("both", [False, True])
def test_a_retry_that_a_crash_broke_off_is_done_when_it_is_asked_again(folders, both):
    job, result = ended(folders)
    halfway = folders.jobs / job.job_id
    (shutil.copytree if both else shutil.move)(result, halfway)
    change_without_daemon(Config(folders=folders), Verb.REINDEX, "")
    assert "waits" in change_without_daemon(Config(folders=folders), Verb.RETRY, job.job_id)
    assert read_status(halfway).status is Status.PENDING
    assert not result.exists()
