"""A result appears complete, once, under its own name; whatever breaks the delivery off, it can be called again."""

import contextlib
import errno
import itertools
import os
import shutil
from datetime import timedelta
from pathlib import Path

import pytest

from pdfocr_watcher.document.model import Block, Box, FailedPage, Label, Page
from pdfocr_watcher.errors import ErrorCode
from pdfocr_watcher.jobs import delivery, durable, moving, steps
from pdfocr_watcher.jobs.checkpoint import write_failed_page, write_page
from pdfocr_watcher.jobs.delivery import deliver, take_back
from pdfocr_watcher.jobs.durable import is_temporary, remove_folder
from pdfocr_watcher.jobs.folder import JobFolder
from pdfocr_watcher.jobs.model import FailedPageStatus, Outputs, Stage, Status
from pdfocr_watcher.jobs.recovery import Action, decide, inspect_folder, remove_dying
from pdfocr_watcher.jobs.status_file import read_status, write_status

OUTPUTS = ("output.mmd", "output_det.mmd", "output_layouts.pdf", "images/0_0.jpg")
PAGE = Page(0, 10, 10, 72.0, (Block(Label.IMAGE, (Box(0, 0, 9, 9),), ""),))


@pytest.fixture
def folders(tmp_path):
    """jobs/, outbox/ and failed/ on one file system; only jobs/ is there yet."""
    return tmp_path / "jobs", tmp_path / "outbox", tmp_path / "failed"


@pytest.fixture(params=["same file system", "another"])
def any_folders(request, folders):
    jobs, outbox, failed = folders
    if request.param == "another":
        elsewhere = request.getfixturevalue("elsewhere")
        return jobs, elsewhere / "outbox", elsewhere / "failed"
    return jobs, outbox, failed


@pytest.fixture
def finished(make_status, make_job):
    """A finished job with all that a daemon leaves in its folder."""

    def make(jobs, status=Status.COMPLETED, **values):
        job = make_status(status=status, stage=Stage.DONE, attempts=1, **values)
        folder = make_job(jobs, job)
        folder.images.mkdir()
        for name in OUTPUTS:
            (folder.path / name).write_text(name)
        write_page(folder, PAGE, b"jpeg", {"0_0.jpg": b"images/0_0.jpg"})
        write_failed_page(folder, FailedPage(1, ErrorCode.RENDER_FAILED, "no"))
        (folder.rasters / "0000").mkdir(parents=True)
        (folder.path / ".pdfocr-output.mmd.1-1.tmp").touch()
        return folder, job

    return make


def whole(result):
    return all((result / name).read_text() == name for name in OUTPUTS) and (result / "input.pdf").exists()


def test_a_completed_job_becomes_a_result_without_its_work(any_folders, finished, names_below):
    jobs, outbox, failed = any_folders
    folder, status = finished(jobs, source="2026/a b.pdf")
    result = deliver(folder, status, outbox, failed)
    assert result == outbox / "2026" / "a b.3f9a1c2b"
    assert names_below(result) == sorted([*OUTPUTS, "images", "input.pdf", "status.json"])
    assert whole(result)
    assert read_status(result) == status
    assert names_below(jobs) == []
    assert names_below(outbox)[:2] == ["2026", "2026/a b.3f9a1c2b"]
    assert not failed.exists()


def test_a_failed_job_keeps_its_checkpoints(any_folders, finished):
    jobs, outbox, failed = any_folders
    folder, status = finished(jobs, Status.FAILED)
    result = deliver(folder, status, outbox, failed)
    assert result == failed / "letter.3f9a1c2b"
    assert JobFolder(result).checkpointed() == {0, 1}
    assert not JobFolder(result).rasters.exists()
    assert whole(result)
    assert not outbox.exists()


def test_called_again_it_says_the_same_and_makes_no_second_result(any_folders, finished):
    jobs, outbox, failed = any_folders
    folder, status = finished(jobs)
    first = deliver(folder, status, outbox, failed)
    assert deliver(folder, status, outbox, failed) == first
    assert os.listdir(outbox) == [first.name]


def test_a_foreign_folder_with_the_results_name_is_left_alone(folders, finished, make_status):
    jobs, outbox, failed = folders
    foreign = outbox / "letter.3f9a1c2b"
    foreign.mkdir(parents=True)
    (foreign / "mine").touch()
    (outbox / "letter.3f9a1c2b_").mkdir()
    write_status(outbox / "letter.3f9a1c2b_", make_status(job_id="20261122T125045Z-3f9a1c2b"))
    (outbox / "letter.3f9a1c2b__").symlink_to("nowhere")
    folder, status = finished(jobs)
    result = deliver(folder, status, outbox, failed)
    assert result == outbox / "letter.3f9a1c2b___"
    assert os.listdir(foreign) == ["mine"]
    assert deliver(folder, status, outbox, failed) == result


@pytest.mark.parametrize("content", [None, b"%PDF-", b"%PDF-1"], ids=["no PDF", "the PDF's size", "another size"])
def test_a_forged_result_is_not_believed_while_the_job_is_there(folders, finished, content):
    """Whoever may write in the outbox knows the job's name: it would cost the only copy of the PDF."""
    jobs, outbox, failed = folders
    folder, status = finished(jobs)
    (folder.path / "input.pdf").write_bytes(b"%PDF+")
    forged = outbox / "letter.3f9a1c2b"
    forged.mkdir(parents=True)
    write_status(forged, status)
    if content is not None:
        (forged / "input.pdf").write_bytes(content)
    result = deliver(folder, status, outbox, failed)
    assert result == outbox / "letter.3f9a1c2b_"
    assert (result / "input.pdf").read_bytes() == b"%PDF+"
    assert deliver(folder, status, outbox, failed) in {forged, result}


def test_a_result_never_lies_inside_another_one(folders, finished):
    """Somebody copies a result's folder into the inbox: deleting the old result must not delete the new one."""
    jobs, outbox, failed = folders
    old = deliver(*finished(jobs), outbox, failed)
    folder, status = finished(jobs, job_id="20261124T000000Z-00000001", source=f"{old.name}/input.pdf")
    new = deliver(folder, status, outbox, failed)
    assert new == outbox / f"{old.name}_" / "input.00000001"
    remove_folder(old)
    assert whole(new)
    assert deliver(folder, status, outbox, failed) == new
    assert os.listdir(outbox) == [f"{old.name}_"]


def test_a_sub_folder_that_is_only_called_like_a_result_keeps_its_name(folders, finished):
    jobs, outbox, failed = folders
    folder, status = finished(jobs, source="scans.20261123/a.pdf")
    assert deliver(folder, status, outbox, failed) == outbox / "scans.20261123" / "a.3f9a1c2b"


def test_a_sub_folder_beside_one_with_a_longer_name_keeps_its_own(folders, finished):
    jobs, outbox, failed = folders
    (outbox / "invoices_").mkdir(parents=True)
    folder, status = finished(jobs, source="invoices/a.pdf")
    assert deliver(folder, status, outbox, failed) == outbox / "invoices" / "a.3f9a1c2b"


class Crash(BaseException):
    """The daemon is killed: nothing that comes after is done, no handler helps."""


def crash(*_arguments, **_values):
    raise Crash


def test_after_a_crash_at_any_step_on_the_way_elsewhere_it_is_finished_once(folders, finished, elsewhere, monkeypatch):
    _, _, failed = folders
    crashes = 0
    for number in itertools.count():
        points = itertools.count()
        jobs, outbox = failed.with_name(f"jobs-{number}"), elsewhere / f"outbox-{number}"
        folder, status = finished(jobs)

        def crash_there(*_step, number=number, points=points):
            if next(points) == number:
                raise Crash

        with monkeypatch.context() as patch, contextlib.suppress(Crash):
            patch.setattr(steps, "watcher", crash_there)
            deliver(folder, status, outbox, failed)
            break
        crashes += 1
        assert all(whole(path) for path in outbox.glob("*") if not is_temporary(path.name))
        # The next start.
        if folder.path.exists():
            assert decide(inspect_folder(folder), 5) is Action.DELIVER
        remove_dying(jobs)
        result = deliver(folder, status, outbox, failed)
        assert whole(result)
        assert os.listdir(outbox) == [result.name]
        assert os.listdir(jobs) == []
    assert crashes > 30


@pytest.mark.parametrize("again", [False, True], ids=["first call", "second call"])
def test_a_crash_while_the_source_is_removed_leaves_no_half_job_to_be_adopted(
    folders, finished, elsewhere, monkeypatch, again
):
    """A job folder that has lost its status and still has its PDF would be done again: a second result."""
    jobs, _, failed = folders
    folder, status = finished(jobs)
    outbox = elsewhere / "outbox"
    if again:
        monkeypatch.setattr(moving, "remove_folder", crash)
        with pytest.raises(Crash):
            deliver(folder, status, outbox, failed)
        monkeypatch.undo()
    real = shutil.rmtree

    def status_first(path, ignore_errors=False):
        if ignore_errors:
            real(path, ignore_errors=True)
        else:
            (Path(path) / "status.json").unlink()
            raise Crash

    monkeypatch.setattr(shutil, "rmtree", status_first)
    with pytest.raises(Crash):
        deliver(folder, status, outbox, failed)
    monkeypatch.undo()
    assert all(map(is_temporary, os.listdir(jobs)))
    result = deliver(folder, status, outbox, failed)
    assert whole(result)
    assert os.listdir(outbox) == [result.name]
    remove_dying(jobs)
    assert os.listdir(jobs) == []


@pytest.mark.parametrize("refused", ["the outbox's", "the jobs folder's"])
def test_a_disk_that_refuses_after_the_rename_does_not_make_it_fail_for_ever(folders, finished, monkeypatch, refused):
    jobs, outbox, failed = folders
    outbox.mkdir()
    folder, status = finished(jobs)
    real = moving.sync_folder

    def refuse(path):
        if path.resolve() == (outbox if refused == "the outbox's" else jobs):
            raise OSError(errno.EIO, "no")
        real(path)

    monkeypatch.setattr(moving, "sync_folder", refuse)
    with pytest.raises(OSError, match="no"):
        deliver(folder, status, outbox, failed)
    monkeypatch.undo()
    synced = []
    monkeypatch.setattr(delivery, "sync_folder", lambda path: (synced.append(path.resolve()), real(path)))
    result = deliver(folder, status, outbox, failed)
    assert whole(result)
    assert {outbox, jobs} <= set(synced), "what the rename changed is still to be made durable"


def test_an_outbox_that_is_full_takes_it_once_there_is_room(folders, finished, mount, tmp_path):
    jobs, _, failed = folders
    folder, status = finished(jobs)
    (folder.path / "output_layouts.pdf").write_bytes(b"x" * 300_000)
    outbox = mount(tmp_path / "outbox", size="128k")
    for _ in range(2):
        with pytest.raises(OSError, match="No space"):
            deliver(folder, status, outbox, failed)
        assert not (outbox / "letter.3f9a1c2b").exists()
        assert inspect_folder(folder).has_input
    (folder.path / "output_layouts.pdf").write_text("output_layouts.pdf")
    result = deliver(folder, status, outbox, failed)
    assert whole(result)
    assert os.listdir(outbox) == [result.name]


def test_a_failed_job_taken_back_is_pending_and_reads_its_failed_pages_again(any_folders, finished):
    jobs, outbox, failed = any_folders
    page = FailedPageStatus(page=2, code=ErrorCode.RENDER_FAILED, message="no")
    folder, status = finished(
        jobs, Status.FAILED, failed_pages=(page,), outputs=Outputs(), error_code=ErrorCode.TOO_FEW_PAGES, total_pages=3
    )
    result = deliver(folder, status, outbox, failed)
    later = status.updated_at + timedelta(hours=1)
    again, pending = take_back(result, failed, jobs, status, later)
    assert again == folder
    assert not result.exists()
    assert (pending.status, pending.stage, pending.attempts) == (Status.PENDING, Stage.QUEUED, 0)
    assert (pending.failed_pages, pending.processed_pages, pending.outputs, pending.error_code) == ((), 1, None, None)
    assert pending.updated_at == later
    assert read_status(again.path) == pending
    assert again.checkpointed() == {0}
    assert decide(inspect_folder(again), 5) is Action.RESUME


@pytest.mark.parametrize("step", ["write_status", "read_checkpoint", "remove_folder"])
def test_a_crash_while_a_job_is_taken_back_leaves_it_in_one_place_after_the_next_start(
    any_folders, finished, monkeypatch, step
):
    jobs, outbox, failed = any_folders
    folder, status = finished(jobs, Status.FAILED)
    result = deliver(folder, status, outbox, failed)
    monkeypatch.setattr(moving if step == "remove_folder" else delivery, step, crash)
    try:
        take_back(result, failed, jobs, status, status.updated_at)
    except Crash:
        monkeypatch.undo()
        assert decide(inspect_folder(folder), 5) is Action.DELIVER
        assert deliver(folder, status, outbox, failed) == result
        assert whole(result)
        assert os.listdir(jobs) == []
        assert os.listdir(failed) == [result.name]
    else:
        assert step == "remove_folder", "within one file system nothing is left to remove"


def test_a_removed_job_vanishes_at_once(folders, finished, monkeypatch):
    jobs, outbox, failed = folders
    result = deliver(*finished(jobs), outbox, failed)
    monkeypatch.setattr(durable.shutil, "rmtree", crash)
    with pytest.raises(Crash):
        remove_folder(result)
    assert all(map(is_temporary, os.listdir(outbox)))
    monkeypatch.undo()
    folder, status = finished(jobs)
    remove_folder(deliver(folder, status, outbox, failed))
    assert all(map(is_temporary, os.listdir(outbox)))
