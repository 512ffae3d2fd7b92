"""A delivered status is amended in place, and nothing that people put into the result is written to or followed."""

import os
import stat
from datetime import timedelta

import pytest

from pdfocr_watcher.jobs import amending
from pdfocr_watcher.jobs.amending import note_hook
from pdfocr_watcher.jobs.model import HookFailure, Stage, Status
from pdfocr_watcher.jobs.status_file import read_status, write_status

FAILURE = HookFailure(command="/etc/mail.sh", exit_status=3, message="It ended with status 3.")


@pytest.fixture
def outbox(tmp_path):
    return tmp_path / "outbox"


@pytest.fixture
def status(make_status):
    return make_status(status=Status.COMPLETED, stage=Stage.DONE)


@pytest.fixture
def result(outbox, status):
    folder = outbox / "mail" / "letter.3f9a1c2b"
    folder.mkdir(parents=True)
    write_status(folder, status)
    return folder


@pytest.fixture
def note(outbox, result, status):
    now = status.updated_at + timedelta(seconds=5)
    return lambda job_id=status.job_id: note_hook(result, outbox, job_id, FAILURE, now)


def test_the_failure_stands_in_the_status_and_all_else_stays(note, result, status):
    amended = note()
    assert amended == read_status(result)
    assert amended.hook == FAILURE
    assert amended.model_copy(update={"hook": None, "updated_at": status.updated_at}) == status
    assert os.listdir(result) == ["status.json"]


def test_who_may_read_the_status_stays_the_same(note, result):
    (result / "status.json").chmod(0o664)
    note()
    assert stat.S_IMODE((result / "status.json").stat().st_mode) == 0o664


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
def test_whose_the_status_is_stays_the_same(note, result):
    os.chown(result / "status.json", 12345, 54321)
    note()
    found = (result / "status.json").stat()
    assert (found.st_uid, found.st_gid) == (12345, 54321)


def test_another_jobs_result_in_its_place_is_left_alone(note, result):
    before = (result / "status.json").read_bytes()
    assert note("20261123T125045Z-00000000") is None
    assert (result / "status.json").read_bytes() == before


def test_a_job_that_is_in_work_again_is_left_alone(note, result, make_status):
    write_status(result, make_status())
    assert note() is None
    assert read_status(result).hook is None


@pytest.mark.parametrize("what", ["result", "folder above"])
def test_a_result_that_is_gone_is_no_error(note, result, what, tmp_path):
    moved = result if what == "result" else result.parent
    moved.rename(tmp_path / "elsewhere")
    assert note() is None
    assert not moved.exists()


def test_no_link_is_followed(note, result, tmp_path, status):
    elsewhere = tmp_path / "elsewhere"
    result.parent.rename(elsewhere)
    result.parent.symlink_to(elsewhere)
    assert note() is None
    assert read_status(elsewhere / result.name) == status


def test_a_file_that_somebody_gave_the_temporary_name_is_not_written_to(note, result, tmp_path, monkeypatch):
    victim = tmp_path / "victim"
    victim.write_text("mine")
    os.link(victim, result / ".pdfocr-trap.tmp")
    monkeypatch.setattr(amending, "temporary_name", lambda path: path.with_name(".pdfocr-trap.tmp"))
    with pytest.raises(FileExistsError):
        note()
    assert victim.read_text() == "mine"
