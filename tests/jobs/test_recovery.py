"""Every half-way state that a crash leaves has its one answer, and no answer loses a file or does one twice."""

import errno
import os
from datetime import timedelta
from itertools import product

import pytest

from pdfocr_watcher.errors import ErrorCode
from pdfocr_watcher.jobs.folder import JobFolder
from pdfocr_watcher.jobs.model import Stage, Status, Worker
from pdfocr_watcher.jobs.recovery import (
    Action,
    Facts,
    decide,
    inspect_folder,
    interrupted,
    remove_dying,
    resumed,
)
from pdfocr_watcher.jobs.status_file import STATUS_NAME

#: How far a job came, and what is to be done with its folder: with its PDF, and without.
ANSWERS = {
    "no status": (Action.ADOPT, Action.DISCARD),
    "claimed": (Action.RESUME, Action.DISCARD),
    "settled": (Action.RESUME, Action.INPUT_MISSING),
    "begun": (Action.RESUME, Action.INPUT_MISSING),
    "put back": (Action.RESUME, Action.INPUT_MISSING),
    "taken back": (Action.RESUME, Action.INPUT_MISSING),
    "begun too often": (Action.GIVE_UP, Action.INPUT_MISSING),
    "pending, begun too often": (Action.GIVE_UP, Action.INPUT_MISSING),
    "completed": (Action.DELIVER, Action.DELIVER),
    "failed": (Action.DELIVER, Action.DELIVER),
    "failed after too many attempts": (Action.DELIVER, Action.DELIVER),
}


@pytest.fixture
def status_of(make_status):
    """The status of a job that came so far."""

    def make(how_far):
        claimed = make_status()
        later = claimed.created_at + timedelta(milliseconds=1)
        begun = {"status": Status.PROCESSING, "started_at": later, "attempts": 1, "updated_at": later}
        values = {
            "no status": None,
            "claimed": {},
            "settled": {"updated_at": later, "bytes": 7},
            "begun": begun,
            "put back": {**begun, "status": Status.PENDING, "attempts": 0},
            "taken back": {"updated_at": later},
            "begun too often": {**begun, "fruitless_attempts": 3},
            "pending, begun too often": {**begun, "status": Status.PENDING, "fruitless_attempts": 3},
            "completed": {**begun, "status": Status.COMPLETED},
            "failed": {"status": Status.FAILED, "updated_at": later},
            "failed after too many attempts": {**begun, "status": Status.FAILED, "fruitless_attempts": 9},
        }[how_far]
        return None if values is None else make_status(**values)

    return make


@pytest.mark.parametrize(("how_far", "has_input"), list(product(ANSWERS, (True, False))))
def test_every_combination_of_facts_has_its_answer(status_of, how_far, has_input):
    with_input, without = ANSWERS[how_far]
    assert decide(Facts(status_of(how_far), has_input), max_attempts=3) is (with_input if has_input else without)


@pytest.mark.parametrize("status", Status)
@pytest.mark.parametrize("attempts", [0, 1, 2, 3, 4])
@pytest.mark.parametrize("moved_on", [False, True])
@pytest.mark.parametrize("has_input", [False, True])
def test_no_folder_that_may_hold_anything_is_discarded(make_status, status, attempts, moved_on, has_input):
    job = make_status(status=status, attempts=attempts, fruitless_attempts=attempts)
    if moved_on:
        job = job.model_copy(update={"updated_at": job.created_at + timedelta(seconds=1)})
    action = decide(Facts(job, has_input), 3)
    if action is Action.DISCARD:
        assert (status.finished, attempts, moved_on, has_input) == (False, 0, False, False)
    if action is Action.DELIVER:
        assert status.finished


@pytest.mark.parametrize(
    ("checkpointed", "in_work", "counted"),
    [(4, True, 2), (4, False, 1), (5, True, 0), (5, False, 0)],
    ids=["its fault, maybe", "it only waited for its turn", "a page came of it", "a page came of it before"],
)
def test_an_interruption_counts_only_against_a_job_in_work_of_which_no_page_came(
    make_status, checkpointed, in_work, counted
):
    status = make_status(status=Status.PROCESSING, processed_pages=4, fruitless_attempts=2)
    assert interrupted(status, checkpointed, in_work=in_work).fruitless_attempts == counted


@pytest.mark.parametrize("left", [None, "0000-2-poppler-0", "0000-2-poppler-0/0000.ppm"])
def test_a_job_is_in_work_when_a_page_of_it_is_rendered_or_read(tmp_path, make_status, make_job, left):
    status = make_status(status=Status.PROCESSING, stage=Stage.RENDERING, total_pages=9, fruitless_attempts=1)
    folder = make_job(tmp_path, status)
    if left is not None:
        path = folder.rasters / left
        path.parent.mkdir(parents=True)
        path.touch() if path.suffix else path.mkdir()
    found = inspect_folder(folder).status
    assert found is not None
    assert found.fruitless_attempts == (1 if left and left.endswith(".ppm") else 0)


def test_the_facts_are_those_of_the_folder(tmp_path, make_status, make_job):
    status = make_status()
    folder = make_job(tmp_path, status)
    assert inspect_folder(folder) == Facts(status, has_input=True)
    folder.input(status.filename).unlink()
    assert inspect_folder(folder) == Facts(status, has_input=False)
    (folder.path / ".pdfocr-input.pdf.1-1.tmp").touch()
    assert inspect_folder(folder) == Facts(status, has_input=False)
    (folder.path / STATUS_NAME).write_bytes(b"{")
    assert inspect_folder(folder) == Facts(None, has_input=False)


@pytest.mark.parametrize("name", ["input.pdf", "input.tiff", "input"])
def test_a_file_whose_status_was_lost_is_seen_whatever_its_suffix(tmp_path, name):
    folder = JobFolder(tmp_path)
    (tmp_path / name).touch()
    assert decide(inspect_folder(folder), 3) is Action.ADOPT


@pytest.mark.parametrize("lost", ["status", "input"])
def test_a_disk_in_trouble_is_an_error_and_not_an_empty_folder(tmp_path, make_status, make_job, monkeypatch, lost):
    """What is not there is discarded, so nothing may look like it that is only out of reach."""
    folder = make_job(tmp_path, make_status())
    if lost == "status":
        (folder.path / STATUS_NAME).unlink()
    real = os.lstat

    def refuse(path, **values):
        if "input" in os.fspath(path):
            raise OSError(errno.EIO, "Input/output error")
        return real(path, **values)

    monkeypatch.setattr(os, "lstat", refuse)
    with pytest.raises(OSError, match="Input/output"):
        inspect_folder(folder)


def test_a_status_that_speaks_of_another_job_is_that_of_its_folder(tmp_path, make_status, make_job):
    folder = make_job(tmp_path, make_status())
    other = JobFolder(folder.path.rename(tmp_path / "20261123T125045Z-00000000"))
    assert inspect_folder(other).status.job_id == "20261123T125045Z-00000000"


def test_what_was_being_removed_goes_and_nothing_else(tmp_path, make_status, make_job, names_below):
    make_job(tmp_path, make_status())
    (tmp_path / ".lock").touch()
    (tmp_path / ".requests").mkdir()
    dying = tmp_path / ".pdfocr-20261123T125045Z-00000000.77-1.tmp"
    dying.mkdir()
    (dying / "input.pdf").touch()
    before = names_below(tmp_path)
    (tmp_path / ".pdfocr-.inbox-mount.77-1.tmp").touch()
    remove_dying(tmp_path)
    assert names_below(tmp_path) == [name for name in before if not name.startswith(dying.name)]


def test_a_job_that_is_resumed_says_what_is_done_and_forgets_how_it_ended(make_status):
    ended = make_status(
        status=Status.FAILED,
        stage=Stage.DONE,
        attempts=2,
        worker=Worker(host="here", pid=1),
        error_code=ErrorCode.INTERNAL,
        error_message="no",
        eta_seconds=3,
        processed_pages=9,
        total_pages=9,
        completed_at=make_status().created_at,
    )
    again = resumed(ended, 4)
    assert (again.status, again.processed_pages, again.total_pages, again.attempts) == (Status.PENDING, 4, 9, 2)
    assert again.worker is again.error_code is again.error_message is again.eta_seconds is again.completed_at is None
