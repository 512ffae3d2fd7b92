"""Every half-way state that a crash leaves has its one answer, and no answer loses a file or does one twice."""

import errno
import json
import os
import shutil
from dataclasses import replace
from datetime import timedelta
from itertools import product

import pytest

from pdfocr_watcher.errors import ErrorCode
from pdfocr_watcher.jobs import recovery
from pdfocr_watcher.jobs.durable import copy_verified
from pdfocr_watcher.jobs.folder import JobFolder
from pdfocr_watcher.jobs.model import Stage, Status, Worker
from pdfocr_watcher.jobs.recovery import (
    Action,
    CopyNote,
    Facts,
    decide,
    finish_claim,
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


@pytest.fixture
def inbox(tmp_path):
    folder = tmp_path / "inbox"
    folder.mkdir()
    return folder


@pytest.fixture
def copied(tmp_path, inbox, make_status, make_job):
    """A claim by copy, broken off between the copy's rename and the removal of its source."""

    def make(name="letter.pdf", content=b"%PDF-1.7 content"):
        source = inbox / name
        source.write_bytes(content)
        folder = make_job(tmp_path / "jobs", make_status(bytes=len(content)), content=None)
        found = source.lstat()
        CopyNote(str(source), found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns).write(folder)
        copy_verified(source, folder.input("letter.pdf"))
        return source, folder

    return make


def test_the_source_of_a_copy_that_is_in_place_goes_and_the_note_with_it(copied):
    source, folder = copied()
    finish_claim(folder)
    assert not source.exists()
    assert not folder.claim_note.exists()
    finish_claim(folder)
    assert folder.input("letter.pdf").read_bytes() == b"%PDF-1.7 content"


def test_a_name_that_is_no_utf_8_is_noted_exactly(copied):
    source, folder = copied(os.fsdecode(b"gr\xf6\xdfe.pdf"))
    assert CopyNote.read(folder).source == str(source)
    finish_claim(folder)
    assert not source.exists()


def test_another_file_that_took_the_sources_name_stays(copied):
    source, folder = copied()
    source.unlink()
    source.write_bytes(b"%PDF-1.7 another")
    finish_claim(folder)
    assert source.read_bytes() == b"%PDF-1.7 another"
    assert not folder.claim_note.exists()


def test_the_same_content_dropped_again_at_another_time_is_another_drop(copied):
    source, folder = copied()
    content = source.read_bytes()
    source.unlink()
    source.write_bytes(content)
    os.utime(source, ns=(0, 1_000_000_000_000))
    finish_claim(folder)
    assert source.exists()


def renumbered(folder, **numbers):
    """The note as it reads once the inbox was mounted anew: the system counts devices, some count inodes too."""
    replace(CopyNote.read(folder), **numbers).write(folder)


@pytest.mark.parametrize("numbers", [{"device": 1}, {"device": 1, "inode": 2}])
def test_the_source_is_known_again_after_its_file_system_was_mounted_anew(copied, numbers):
    source, folder = copied()
    renumbered(folder, **numbers)
    finish_claim(folder)
    assert not source.exists(), "it would be claimed a second time"


def test_after_a_mount_a_file_that_differs_in_content_alone_stays(copied):
    source, folder = copied()
    times = source.stat()
    source.write_bytes(b"%PDF-1.7 CONTENT")
    os.utime(source, ns=(times.st_atime_ns, times.st_mtime_ns))
    renumbered(folder, device=1)
    finish_claim(folder)
    assert source.exists()


def test_an_inbox_that_is_not_mounted_is_not_an_empty_one(inbox, copied, mount):
    mount(inbox)
    source, folder = copied()
    assert CopyNote.read(folder).mount == str(inbox)
    content = source.read_bytes()
    mount.undo(inbox)
    with pytest.raises(OSError, match="not mounted"):
        finish_claim(folder)
    assert folder.claim_note.exists()
    mount(inbox)
    source.write_bytes(content)
    note = CopyNote.read(folder)
    os.utime(source, ns=(note.mtime_ns, note.mtime_ns))
    finish_claim(folder)
    assert not source.exists()


def test_a_sub_folder_of_the_inbox_that_is_gone_is_no_trouble(copied, inbox):
    (inbox / "sub").mkdir()
    _, folder = copied("sub/letter.pdf")
    shutil.rmtree(inbox / "sub")
    finish_claim(folder)
    assert not folder.claim_note.exists()


@pytest.mark.parametrize("copy", ["missing", "short", "temporary"])
def test_the_source_stays_while_its_copy_is_not_in_place(copied, copy):
    source, folder = copied()
    if copy == "short":
        folder.input("letter.pdf").write_bytes(b"%PDF")
    elif copy == "temporary":
        folder.input("letter.pdf").rename(folder.path / ".pdfocr-input.pdf.1-1.tmp")
    else:
        folder.input("letter.pdf").unlink()
    finish_claim(folder)
    assert source.exists()


def test_an_inbox_that_refuses_is_asked_again(copied, monkeypatch):
    source, folder = copied()
    real = recovery.Path.unlink

    def refuse(path, *, missing_ok=False):
        if path == source:
            raise OSError(errno.EBUSY, "busy")
        real(path, missing_ok=missing_ok)

    monkeypatch.setattr(recovery.Path, "unlink", refuse)
    with pytest.raises(OSError, match="busy"):
        finish_claim(folder)
    assert folder.claim_note.exists()
    monkeypatch.undo()
    finish_claim(folder)
    assert not source.exists()


@pytest.mark.parametrize("content", [b"", b"{", b"7", b'{"source": "/etc/passwd"}', b'{"surprise": 1}'])
def test_a_note_that_is_none_removes_nothing(copied, content):
    source, folder = copied()
    folder.claim_note.write_bytes(content)
    assert CopyNote.read(folder) is None
    finish_claim(folder)
    assert source.exists()
    assert not folder.claim_note.exists()


def test_a_note_of_an_earlier_version_is_read(copied):
    source, folder = copied()
    data = json.loads(folder.claim_note.read_bytes())
    del data["mount"]
    folder.claim_note.write_text(json.dumps(data))
    finish_claim(folder)
    assert not source.exists()
