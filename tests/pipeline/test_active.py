"""A job in hand: what its status says at each step."""

from datetime import timedelta

import pytest

from pdfocr_watcher.document.model import FailedPage
from pdfocr_watcher.errors import ErrorCode, PdfocrError
from pdfocr_watcher.jobs.folder import JobFolder
from pdfocr_watcher.jobs.model import FailedPageStatus, Stage, Status, TransitionError
from pdfocr_watcher.pipeline.active import ActiveJob
from tests.pipeline.doubles import CARD, CLAIMED, pending_status


def at(seconds):
    return CLAIMED + timedelta(seconds=seconds)


@pytest.fixture
def job(tmp_path):
    return ActiveJob(pending_status(), JobFolder(tmp_path))


def test_a_job_that_is_begun_says_by_whom_and_counts_the_attempt(job):
    job.begin(at(5))
    status = job.status
    assert (status.status, status.attempts, status.started_at, status.updated_at) == (
        Status.PROCESSING,
        1,
        at(5),
        at(5),
    )
    assert status.worker.pid > 0


def test_the_first_begin_is_when_it_was_started(job):
    job.begin(at(5))
    job.put_back(at(6), 0)
    job.begin(at(70))
    assert job.status.started_at == at(5)


def test_what_was_done_before_counts_and_only_the_rest_is_to_be_read(job):
    job.begin(at(0))
    failed = (FailedPageStatus(page=2, code=ErrorCode.RENDER_FAILED, message="no picture"),)

    assert job.opened(at(1), (CARD,) * 6, frozenset({0, 1, 4}), failed) == [2, 3, 5]

    assert (job.status.total_pages, job.status.processed_pages) == (6, 3)
    assert job.status.failed_pages == failed
    assert job.remaining == 3


def test_the_estimate_comes_from_the_pages_of_this_run_alone(job):
    job.begin(at(0))
    job.opened(at(0), (CARD,) * 100, frozenset(range(90)), ())
    job.page_done(at(3))
    assert job.status.eta_seconds == pytest.approx(27)
    job.page_done(at(4))
    assert job.status.eta_seconds == pytest.approx(16)


def test_a_page_that_failed_is_named_as_people_count(job):
    job.begin(at(0))
    job.opened(at(0), (CARD,) * 2, frozenset(), ())
    job.page_done(at(1), FailedPage(1, "engine_failed", "no tensor"))
    assert job.status.failed_pages == (FailedPageStatus(page=2, code=ErrorCode.ENGINE_FAILED, message="no tensor"),)
    assert (job.status.processed_pages, job.status.stage) == (1, Stage.RECOGNIZING)
    job.page_done(at(2))
    assert (job.status.processed_pages, job.status.stage) == (2, Stage.ASSEMBLING)


def test_a_completed_job_has_no_estimate_no_worker_and_no_error(job):
    job.begin(at(0))
    job.opened(at(0), (CARD,), frozenset(), ())
    job.page_done(at(1))
    job.end(Status.COMPLETED, at(2))
    status = job.status
    assert (status.status, status.stage, status.completed_at) == (Status.COMPLETED, Stage.DONE, at(2))
    assert (status.eta_seconds, status.worker, status.error_code, status.error_message) == (None, None, None, None)


def test_a_failed_job_says_why_and_what_to_do(job):
    error = PdfocrError(ErrorCode.PDF_ENCRYPTED)
    job.end(Status.FAILED, at(2), error)
    assert job.status.error_code is ErrorCode.PDF_ENCRYPTED
    assert job.status.error_message == f"{error.failure.cause} {error.failure.advice}"


def test_a_job_that_is_put_back_waits_again_and_its_begin_does_not_count(job):
    job.begin(at(0))
    job.opened(at(0), (CARD,) * 4, frozenset(), ())
    job.page_done(at(1))
    job.put_back(at(2), 2)  # the disk knows of one more than was told
    status = job.status
    assert (status.status, status.stage, status.attempts) == (Status.PENDING, Stage.QUEUED, 0)
    assert (status.eta_seconds, status.worker, status.processed_pages) == (None, None, 2)


def test_what_has_ended_is_not_taken_up_again(job):
    job.begin(at(0))
    job.end(Status.COMPLETED, at(1))
    with pytest.raises(TransitionError):
        job.begin(at(2))


async def test_a_job_is_idle_when_all_that_was_entered_was_left(job):
    job.enter()
    job.enter()
    job.leave()
    assert not job.idle.is_set()
    job.leave()
    assert job.idle.is_set()
    job.enter()
    assert not job.idle.is_set()
