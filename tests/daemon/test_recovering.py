"""The start: whatever an earlier daemon left in the jobs folder goes on from where it was, and nothing is lost."""

import errno
import os
import shutil
from datetime import timedelta

import pytest

from pdfocr_watcher.daemon import recovering
from pdfocr_watcher.daemon.recovering import mend, recover
from pdfocr_watcher.document.model import FailedPage
from pdfocr_watcher.errors import ErrorCode
from pdfocr_watcher.jobs import granting
from pdfocr_watcher.jobs.checkpoint import write_failed_page
from pdfocr_watcher.jobs.delivery import deliver
from pdfocr_watcher.jobs.durable import temporary_name
from pdfocr_watcher.jobs.model import Stage, Status
from pdfocr_watcher.jobs.status_file import read_status, write_status
from tests.pipeline.doubles import CLAIMED, claimed_job

NOW = CLAIMED + timedelta(hours=1)
MAX_ATTEMPTS = 3


def start(jobs):
    return recover(jobs, MAX_ATTEMPTS, NOW).jobs


def on_disk(job):
    return read_status(job.folder.path)


def leave(job, status, **values):
    """Write the status that the earlier daemon left."""
    job.status = job.status.model_copy(update={"status": status, **values})
    write_status(job.folder.path, job.status)
    return job


def test_an_empty_folder_has_no_jobs(jobs):
    assert start(jobs) == []


def test_a_folder_that_cannot_be_read_is_an_error(tmp_path):
    with pytest.raises(FileNotFoundError):
        recover(tmp_path / "missing", MAX_ATTEMPTS, NOW)


def test_jobs_come_back_oldest_first_and_what_is_no_job_is_left_alone(jobs):
    for number in (3, 1, 2):
        claimed_job(jobs, number)
    (jobs / "somebody's folder").mkdir()
    (jobs / ".lock").touch()
    assert [job.job_id[-1] for job in start(jobs)] == ["1", "2", "3"]
    assert (jobs / "somebody's folder").is_dir()


def test_a_claimed_job_waits_again(jobs):
    job = claimed_job(jobs)
    (found,) = start(jobs)
    assert found.status.model_copy(update={"updated_at": job.status.updated_at}) == job.status


def test_a_job_that_was_in_work_waits_again_counts_its_pages_and_keeps_its_attempts(jobs):
    job = leave(claimed_job(jobs), Status.PROCESSING, attempts=2, eta_seconds=4.0, processed_pages=9, total_pages=10)
    write_failed_page(job.folder, FailedPage(4, "render_failed", "no picture"))

    (found,) = start(jobs)

    status = found.status
    assert (status.status, status.stage, status.attempts) == (Status.PENDING, Stage.QUEUED, 2)
    assert (status.processed_pages, status.total_pages, status.eta_seconds, status.worker) == (1, 10, None, None)
    assert on_disk(found) == status


def test_rasters_and_half_written_files_are_removed_and_checkpoints_kept(jobs):
    job = leave(claimed_job(jobs), Status.PROCESSING, attempts=1)
    write_failed_page(job.folder, FailedPage(0, "render_failed", "no picture"))
    half = temporary_name(job.folder.markdown)
    half.touch()
    (job.folder.rasters / "0000-poppler-0").mkdir(parents=True)
    start(jobs)
    assert not half.exists()
    assert not job.folder.rasters.exists()
    assert job.folder.checkpointed() == {0}
    assert job.folder.input("letter.pdf").is_file()


def test_a_claim_that_was_broken_off_before_the_pdf_came_is_discarded(jobs):
    job = claimed_job(jobs)
    job.folder.input("letter.pdf").unlink()
    assert start(jobs) == []
    assert not job.folder.path.exists()


def test_a_folder_that_was_only_made_is_discarded(jobs):
    job = claimed_job(jobs)
    job.folder.input("letter.pdf").unlink()
    (job.folder.path / "status.json").unlink()
    assert start(jobs) == []
    assert not job.folder.path.exists()


@pytest.mark.parametrize("ending", [Status.COMPLETED, Status.FAILED])
def test_a_job_that_has_ended_is_to_be_delivered_as_it_ended(jobs, ending):
    job = leave(claimed_job(jobs), ending, stage=Stage.DONE, attempts=9, completed_at=CLAIMED)
    (found,) = start(jobs)
    assert found.status == job.status


def test_a_job_that_was_begun_too_often_is_given_up(jobs):
    leave(claimed_job(jobs), Status.PROCESSING, attempts=MAX_ATTEMPTS, fruitless_attempts=MAX_ATTEMPTS)
    (found,) = start(jobs)
    status = found.status
    assert (status.status, status.error_code) == (Status.FAILED, ErrorCode.TOO_MANY_ATTEMPTS)
    assert "3 times" in status.error_message
    assert on_disk(found) == status
    assert found.folder.input("letter.pdf").is_file()


def test_a_job_has_its_last_attempt(jobs):
    leave(claimed_job(jobs), Status.PROCESSING, attempts=MAX_ATTEMPTS - 1, fruitless_attempts=MAX_ATTEMPTS - 1)
    (found,) = start(jobs)
    assert found.status.status is Status.PENDING


def test_a_job_whose_pdf_is_gone_is_failed_and_said(jobs):
    job = leave(claimed_job(jobs), Status.PROCESSING, attempts=1)
    job.folder.input("letter.pdf").unlink()
    (found,) = start(jobs)
    assert (found.status.status, found.status.error_code) == (Status.FAILED, ErrorCode.INPUT_MISSING)
    assert on_disk(found) == found.status


@pytest.mark.parametrize("content", [None, b"", b"{", b'{"schema_version": 1}'])
def test_a_pdf_whose_status_is_lost_is_adopted_under_a_name_of_ours(jobs, content):
    job = claimed_job(jobs)
    path = job.folder.path / "status.json"
    path.unlink() if content is None else path.write_bytes(content)

    (found,) = start(jobs)

    status = found.status
    assert (status.job_id, status.status, status.bytes) == (job.job_id, Status.PENDING, 13)
    assert found.folder.input(status.filename).is_file()
    assert on_disk(found) == status


def test_the_start_itself_touches_nothing_but_the_jobs_folder(jobs, begun):
    job = claimed_job(jobs)
    _, private = begun(job)
    found = recover(jobs, MAX_ATTEMPTS, NOW)
    assert (found.jobs, found.unfinished) == ([], [job.job_id])
    assert private.exists()


def test_a_copy_that_is_whole_is_worked_on_and_its_source_goes(jobs, inbox, begun):
    job = claimed_job(jobs)
    begun(job)
    found = mend(job.folder, MAX_ATTEMPTS, NOW)
    assert found.status.status is Status.PENDING
    assert os.listdir(inbox) == []
    assert not found.folder.claim_note.exists()


def test_a_file_whose_copy_never_came_has_its_name_back_and_its_job_is_gone(jobs, inbox, begun):
    job = claimed_job(jobs)
    job.folder.input("letter.pdf").unlink()
    begun(job)
    assert mend(job.folder, MAX_ATTEMPTS, NOW) is None
    assert os.listdir(inbox) == ["letter.pdf"]
    assert os.listdir(jobs) == []


def test_a_note_in_a_folder_that_could_not_be_made_safe_at_the_start_is_not_obeyed(jobs, begun, monkeypatch):
    job = claimed_job(jobs)
    _, private = begun(job)
    job.folder.path.chmod(0o777)

    def refuse(_folder):
        raise OSError(errno.EIO, "no")

    with monkeypatch.context() as patch:
        patch.setattr(recovering, "make_safe", refuse)
        assert recover(jobs, MAX_ATTEMPTS, NOW).unfinished == [job.job_id]
    assert mend(job.folder, MAX_ATTEMPTS, NOW) is not None
    assert private.exists()


@pytest.mark.parametrize("step", ["remove_file", "note_dropped"])
def test_a_folder_whose_making_safe_was_broken_off_is_made_safe_again(jobs, begun, monkeypatch, step):
    job = claimed_job(jobs)
    _, private = begun(job)
    job.folder.path.chmod(0o777)

    def refuse(*_arguments):
        raise OSError(errno.EIO, "no")

    with monkeypatch.context() as patch:
        patch.setattr(granting, step, refuse)
        assert recover(jobs, MAX_ATTEMPTS, NOW).unfinished == [job.job_id]
    assert job.folder.path.stat().st_mode & 0o055 == 0, "nobody else may enter it meanwhile"
    assert mend(job.folder, MAX_ATTEMPTS, NOW) is not None
    assert private.exists()
    assert job.folder.path.stat().st_mode & 0o777 == 0o700


def test_a_folder_that_cannot_be_read_now_is_left_as_it_is_and_the_others_go_on(jobs):
    claimed_job(jobs, 1)
    path = jobs / claimed_job(jobs, 2).job_id / "status.json"
    path.unlink()
    path.mkdir()  # reading it is refused, to root too
    found = recover(jobs, MAX_ATTEMPTS, NOW)
    assert [job.job_id[-1] for job in found.jobs] == ["1"]
    assert [job_id[-1] for job_id in found.unfinished] == ["2"]
    assert (path.parent / "input.pdf").is_file()


def test_starting_again_and_again_changes_nothing(jobs):
    leave(claimed_job(jobs, 1), Status.PROCESSING, attempts=1)
    leave(claimed_job(jobs, 2), Status.COMPLETED, stage=Stage.DONE)
    leave(claimed_job(jobs, 3), Status.PROCESSING, fruitless_attempts=MAX_ATTEMPTS)
    (claimed_job(jobs, 4).folder.path / "status.json").unlink()
    first = [job.status for job in start(jobs)]
    assert [job.status for job in start(jobs)] == first
    assert len(first) == 4


def test_a_result_whose_folder_was_not_yet_removed_is_not_made_twice(jobs, tmp_path):
    job = leave(claimed_job(jobs), Status.COMPLETED, stage=Stage.DONE)
    outbox, failed = tmp_path / "outbox", tmp_path / "failed"
    result = outbox / "letter.00000001"
    shutil.copytree(job.folder.path, result)
    (found,) = start(jobs)
    assert deliver(found.folder, found.status, outbox, failed) == result
    assert os.listdir(outbox) == ["letter.00000001"]
    assert os.listdir(jobs) == []


def test_a_removal_that_was_broken_off_is_finished(jobs):
    dying = temporary_name(claimed_job(jobs).folder.path)
    (jobs / dying.name).mkdir()
    (jobs / dying.name / "input.pdf").write_bytes(b"%PDF")
    start(jobs)
    assert not (jobs / dying.name).exists()
