"""Results that were kept long enough go; what is younger, in work, or not ours by any sign stays as it is."""

import errno
import os
import shutil
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from pdfocr_watcher.document.figures import FigureCrop
from pdfocr_watcher.jobs import retention, steps
from pdfocr_watcher.jobs.catalogue import results
from pdfocr_watcher.jobs.durable import temporary_name
from pdfocr_watcher.jobs.folder import FILES, JobFolder, result_folder
from pdfocr_watcher.jobs.model import OUTPUT_NAMES, Stage, Status
from pdfocr_watcher.jobs.retention import Ages, Place, Purged, Roots, candidates, examine, purge
from pdfocr_watcher.jobs.settings import JobSettings
from pdfocr_watcher.jobs.status_file import STATUS_NAME, read_status, write_status
from pdfocr_watcher.jobs.steps import Point, Step

NOW = datetime(2027, 6, 1, 12, tzinfo=UTC)
DAY = timedelta(days=1)
MONTH = 30 * DAY
BOTH = Ages(MONTH, MONTH)
LINE = (STATUS_NAME, "input.pdf", "output.mmd", *OUTPUT_NAMES.values())


@pytest.fixture
def roots(tmp_path):
    names = [tmp_path / name for name in ("outbox", "failed", "jobs")]
    for folder in names:
        folder.mkdir()
    return Roots(*names)


@pytest.fixture
def put(roots, make_status):
    """Put a result where it would be delivered, ended some days ago."""

    def do(number=1, days=40.0, ending=Status.COMPLETED, source="letter.pdf", **values):
        ended = NOW - days * DAY
        job_id = f"20270101T000000Z-{number:08x}"
        given = {"job_id": job_id, "source": source, "status": ending, "stage": Stage.DONE, "completed_at": ended}
        status = make_status(**{**given, **values})
        folder = result_folder(roots.of(ending), status)
        (folder / "images").mkdir(parents=True)
        (folder / "report").mkdir()
        write_status(folder, status)
        for name in LINE[1:]:
            (folder / name).write_bytes(b"12345")
        for name in ("images/0_0.jpg", "report/0000.jpg", "report/0100.html"):
            (folder / name).write_bytes(b"12345")
        if ending is Status.FAILED:
            (folder / "pages").mkdir()
            for name in ("0000.json", "0000.jpg"):
                (folder / "pages" / name).write_bytes(b"12345")
        return folder

    return do


def run(roots, ages=BOTH, now=NOW):
    return purge(roots, list(candidates(roots, ages, now)), ages, now)


def everything(roots):
    """All that is below the roots."""
    return sorted(path for root in (roots.completed, roots.failed) for path in root.rglob("*"))


def place_of(folder, roots):
    ending = Status.COMPLETED if folder.is_relative_to(roots.completed) else Status.FAILED
    return Place(ending, folder.relative_to(roots.of(ending)).parts)


def test_old_results_go_and_young_ones_stay(roots, put):
    young = [put(1, 29.9), put(2, 29.9, Status.FAILED), put(3, -1)]
    put(4, 30), put(5, 31, Status.FAILED), put(6, 400, source="a/b/c.pdf")
    done = run(roots)
    assert len(done.job_ids) == 3
    assert done.kept == ()
    assert sorted(found.folder for root in (roots.completed, roots.failed) for found in results(root)) == sorted(young)
    assert [path for path in everything(roots) if path.name.startswith(".")] == []


def test_what_goes_is_told_in_jobs_and_bytes(roots, put):
    folder = put(7, 40, Status.FAILED)
    size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    place = place_of(folder, roots)
    found = examine(roots, place, BOTH, NOW)
    assert (found.place, found.job_id[-1], found.bytes, found.kept) == (place, "7", size, "")
    assert run(roots) == Purged((found.job_id,), size)
    assert Purged.from_json(Purged((found.job_id,), size, ("ä",)).to_json()) == Purged((found.job_id,), size, ("ä",))


@pytest.mark.parametrize(
    ("ages", "left"),
    [
        (Ages(MONTH, None), [Status.FAILED]),
        (Ages(None, MONTH), [Status.COMPLETED]),
        (Ages(None, None), [Status.COMPLETED, Status.FAILED]),
        (Ages(41 * DAY, 40 * DAY), [Status.COMPLETED]),
    ],
)
def test_completed_and_failed_jobs_have_ages_of_their_own(roots, put, ages, left):
    put(1), put(2, ending=Status.FAILED)
    run(roots, ages)
    assert [found.status.status for root in (roots.completed, roots.failed) for found in results(root)] == left


def test_sub_folders_stay_though_they_are_empty(roots, put):
    put(source="invoices/2027/a.pdf")
    run(roots)
    assert everything(roots) == [roots.completed / "invoices", roots.completed / "invoices" / "2027"]


def test_a_result_whose_name_was_taken_goes_too(roots, put):
    folder = put()
    folder.rename(folder.with_name(f"{folder.name}__"))
    assert len(run(roots).job_ids) == 1
    assert everything(roots) == []


def test_what_file_managers_leave_goes_with_the_folder(roots, put):
    folder = put()
    for name in (".DS_Store", "Thumbs.db", "desktop.ini", "images/._0_0.jpg", "images/.pdfocr-x.1-2.tmp"):
        (folder / name).touch()
    assert run(roots).kept == ()
    assert everything(roots) == []


def _note(folder):
    (folder / "my note.txt").write_text("mine")


def _deep_note(folder):
    (folder / "images" / "my own.jpg").write_text("mine")


def _sub_folder(folder):
    (folder / "mine").mkdir()


def _link_for_a_file(folder):
    (folder / "output.mmd").unlink()
    (folder / "output.mmd").symlink_to("input.pdf")


def _link_for_a_folder(folder):
    shutil.rmtree(folder / "images")
    (folder / "images").symlink_to(folder.parents[1])


def _folder_for_a_file(folder):
    (folder / "output.mmd").unlink()
    (folder / "output.mmd").mkdir()


def _pipe(folder):
    os.mkfifo(folder / "input.docx")


def _result_inside(folder):
    shutil.copytree(folder, folder / folder.name)


@pytest.mark.parametrize(
    "add",
    [
        _note,
        _deep_note,
        _sub_folder,
        _link_for_a_file,
        _link_for_a_folder,
        _folder_for_a_file,
        _pipe,
        _result_inside,
    ],
)
def test_a_folder_with_something_that_is_not_ours_stays_whole_and_is_told(roots, put, add):
    folder = put()
    add(folder)
    before = everything(roots)
    done = run(roots)
    assert (done.job_ids, len(done.kept)) == ((), 1)
    assert "not ours" in done.kept[0]
    assert folder.name in done.kept[0]
    assert everything(roots) == before
    assert examine(roots, place_of(folder, roots), BOTH, NOW).kept != ""


def _no_status(folder):
    (folder / STATUS_NAME).unlink()


def _broken_status(folder):
    (folder / STATUS_NAME).write_bytes(b"{")


def _status_is_a_link(folder):
    (folder / STATUS_NAME).rename(folder.parent / "elsewhere.json")
    (folder / STATUS_NAME).symlink_to(folder.parent / "elsewhere.json")


def _status_is_a_pipe(folder):
    (folder / STATUS_NAME).unlink()
    os.mkfifo(folder / STATUS_NAME)


def _status_is_a_folder(folder):
    (folder / STATUS_NAME).unlink()
    (folder / STATUS_NAME).mkdir()


def _another_name(folder):
    folder.rename(folder.with_name("to keep"))


def _another_id(folder):
    folder.rename(folder.with_name("letter.00000002"))


@pytest.mark.parametrize(
    "change",
    [
        _no_status,
        _broken_status,
        _status_is_a_link,
        _status_is_a_pipe,
        _status_is_a_folder,
        _another_name,
        _another_id,
    ],
)
def test_a_folder_that_is_not_ours_by_every_sign_is_not_touched(roots, put, change):
    folder = put()
    change(folder)
    before = everything(roots)
    assert run(roots) == Purged()
    # Somebody who asks for it by name gets no other answer.
    for path in filter(lambda path: path.is_dir(), before):
        assert purge(roots, [place_of(path, roots)], BOTH, NOW).job_ids == ()
    assert everything(roots) == before


@pytest.mark.parametrize(
    "values",
    [
        {"status": Status.PROCESSING},
        {"status": Status.PENDING},
        {"status": Status.FAILED},
        {"completed_at": None},
        {"completed_at": datetime(1970, 1, 2, tzinfo=UTC)},
        {"completed_at": datetime(2025, 12, 31, tzinfo=UTC)},
    ],
)
def test_a_status_that_does_not_say_when_the_job_was_completed_keeps_the_folder(roots, put, make_status, values):
    folder = put()
    write_status(folder, make_status(**{**dict(read_status(folder)), **values}))
    before = everything(roots)
    assert run(roots) == Purged()
    assert everything(roots) == before


def test_a_status_file_in_the_outbox_itself_is_no_result(roots, put):
    folder = put()
    shutil.copy(folder / STATUS_NAME, roots.completed)
    assert len(run(roots).job_ids) == 1
    assert everything(roots) == [roots.completed / STATUS_NAME]


def test_links_lead_nowhere(roots, put, tmp_path):
    folder = put(source="private/letter.pdf")
    elsewhere = tmp_path / "elsewhere"
    folder.parent.rename(elsewhere)
    (roots.completed / "private").symlink_to(elsewhere)
    (roots.completed / folder.name).symlink_to(elsewhere / folder.name)
    assert run(roots) == Purged()
    for parts in [("private", folder.name), (folder.name,), ("..", "elsewhere", folder.name), (str(elsewhere),)]:
        assert purge(roots, [Place(Status.COMPLETED, parts)], BOTH, NOW).job_ids == ()
    assert (elsewhere / folder.name / "input.pdf").exists()


def test_a_root_may_be_a_link(roots, put, tmp_path):
    put()
    roots.completed.rename(tmp_path / "disk")
    roots.completed.symlink_to(tmp_path / "disk")
    assert len(run(roots).job_ids) == 1


def test_a_sub_folder_that_becomes_a_link_under_our_feet_is_not_followed(roots, put, tmp_path):
    folder = put(source="sub/letter.pdf")
    (place,) = candidates(roots, BOTH, NOW)
    folder.parent.rename(tmp_path / "elsewhere")
    (roots.completed / "sub").symlink_to(tmp_path / "elsewhere")
    done = purge(roots, [place], BOTH, NOW)
    assert (done.job_ids, len(done.kept)) == ((), 1)
    assert (tmp_path / "elsewhere" / folder.name / "input.pdf").exists()


def test_a_job_that_is_in_work_again_stays(roots, put):
    put(1, ending=Status.FAILED)
    (roots.jobs / "20270101T000000Z-00000001").mkdir()
    before = everything(roots)
    done = run(roots)
    assert (done.job_ids, done.kept) == ((), ("letter.00000001: its job is in work again",))
    assert everything(roots) == before


def test_a_result_that_went_meanwhile_is_no_trouble(roots, put):
    folder = put()
    places = [*candidates(roots, BOTH, NOW), Place(Status.COMPLETED, ("never", "there.00000001"))]
    shutil.rmtree(folder)
    assert purge(roots, places, BOTH, NOW) == Purged()


def test_roots_that_are_not_there_hold_nothing(tmp_path):
    assert run(Roots(tmp_path / "a", tmp_path / "b", tmp_path / "c")) == Purged()


def test_folders_may_lie_deeper_than_python_may_recurse(roots, put):
    put(source="a/b/letter.pdf")
    here = os.open(roots.completed, os.O_RDONLY)
    for _ in range(1200):
        os.mkdir("d", dir_fd=here)
        below = os.open("d", os.O_RDONLY, dir_fd=here)
        os.close(here)
        here = below
    os.close(here)
    try:
        assert len(run(roots).job_ids) == 1
    finally:
        subprocess.run(["rm", "-rf", roots.completed], check=True)


class _Crash(BaseException):
    """The end of the process, as far as the file system sees it."""


def _at(monkeypatch, kind, point, do):
    """Do something at a crash point, once."""
    done = []

    def watch(step, side, path):
        if (step, side) == (kind, point) and not done:
            done.append(path)
            do(path)

    monkeypatch.setattr(steps, "watcher", watch)
    return done


def _crash(_path):
    raise _Crash


@pytest.mark.parametrize("kind", [Step.RENAME, Step.SYNC_FOLDER, Step.REMOVE_TREE])
@pytest.mark.parametrize("point", Point)
def test_a_removal_that_is_broken_off_leaves_the_result_or_a_rest_that_goes_next_time(
    roots, put, monkeypatch, kind, point
):
    put(source="sub/letter.pdf")
    _at(monkeypatch, kind, point, _crash)
    with pytest.raises(_Crash):
        run(roots)
    # Nobody meets half a result.
    assert all(len(list(found.folder.iterdir())) == len(LINE) + 2 for found in results(roots.completed))
    run(roots)
    assert everything(roots) == [roots.completed / "sub"]


def test_a_half_removed_result_goes_next_time(roots, put, monkeypatch):
    folder = put()
    real, removed = os.unlink, []

    def unlink(name, **place):
        if len(removed) == 3:
            raise _Crash
        removed.append(name)
        real(name, **place)

    monkeypatch.setattr(os, "unlink", unlink)
    with pytest.raises(_Crash):
        run(roots)
    monkeypatch.undo()
    assert not folder.exists()
    assert list(results(roots.completed)) == []
    assert len(everything(roots)) > 1
    assert run(roots) == Purged()
    assert everything(roots) == []


def test_a_copy_that_is_just_being_delivered_is_not_taken_for_a_rest(roots, put):
    copied = put().rename(roots.completed / f".pdfocr-{'0' * 32}.tmp")
    before = everything(roots)
    assert run(roots) == Purged()
    assert purge(roots, [place_of(copied, roots)], BOTH, NOW) == Purged()
    assert everything(roots) == before


def test_a_rest_into_which_somebody_has_put_something_stays_and_is_told(roots, put):
    rest = temporary_name(roots.completed / "letter.00000001")
    put().rename(rest)
    _note(rest)
    before = everything(roots)
    assert len(run(roots).kept) == 1
    assert everything(roots) == before


def test_a_file_that_comes_while_the_folder_vanishes_brings_it_back(roots, put, monkeypatch):
    folder = put()
    _at(monkeypatch, Step.RENAME, Point.BEFORE, lambda _path: _note(folder))
    done = run(roots)
    assert (done.job_ids, len(done.kept)) == ((), 1)
    assert sorted(path.name for path in folder.iterdir()) == sorted([*LINE, "images", "report", "my note.txt"])


def test_another_folder_that_comes_into_its_place_is_brought_back(roots, put, monkeypatch, tmp_path):
    folder = put()

    def swap(_path):
        folder.rename(tmp_path / "moved")
        folder.mkdir()
        _note(folder)

    _at(monkeypatch, Step.RENAME, Point.BEFORE, swap)
    done = run(roots)
    assert (done.job_ids, len(done.kept)) == ((), 1)
    assert (folder / "my note.txt").exists()
    assert (tmp_path / "moved" / "input.pdf").exists()


def test_a_file_that_comes_while_ours_are_removed_is_not_removed(roots, put, monkeypatch):
    put()
    _at(monkeypatch, Step.REMOVE_TREE, Point.BEFORE, _note)
    done = run(roots)
    assert len(done.kept) == 1
    (rest,) = roots.completed.iterdir()
    assert [path.name for path in rest.iterdir()] == ["my note.txt"]
    assert len(run(roots).kept) == 1, "it is told again until somebody takes it"
    assert (rest / "my note.txt").exists()


def test_one_result_that_is_refused_does_not_keep_the_others(roots, put, monkeypatch):
    for number in (1, 2, 3):
        put(number)
    real = retention.rename

    def rename(source, target):
        if source.name == "letter.00000002":
            raise OSError(errno.EBUSY, os.strerror(errno.EBUSY))
        real(source, target)

    monkeypatch.setattr(retention, "rename", rename)
    done = run(roots)
    assert (len(done.job_ids), done.kept) == (2, ("letter.00000002: Device or resource busy",))
    assert [found.folder.name for found in results(roots.completed)] == ["letter.00000002"]


def test_a_disk_that_does_not_keep_the_rename_keeps_the_files(roots, put, monkeypatch):
    """Else a power cut could bring back the name, and half a result with it."""

    def refuse(_folder):
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    put()
    monkeypatch.setattr(retention, "sync_folder", refuse)
    done = run(roots)
    assert (done.job_ids, len(done.kept)) == ((), 1)
    (rest,) = roots.completed.iterdir()
    assert len(list(rest.iterdir())) == len(LINE) + 2
    monkeypatch.undo()
    run(roots)
    assert everything(roots) == []


def test_every_file_that_a_job_may_have_is_known_as_ours():
    folder = JobFolder(Path())
    figure = FigureCrop(page=123, number=45, block=0, rectangle=(0, 0, 1, 1))
    pages = [folder.checkpoint(0), folder.checkpoint(123_456), folder.layout_picture(0), folder.layout_picture(123_456)]
    inputs = [folder.input(name) for name in ("a.pdf", "A.PDF", "letter.docx", "nothing", "strange.äöü", "a.b.c")]
    own = [folder.path / STATUS_NAME, folder.markdown, folder.grounding, folder.layouts, folder.claim_note]
    for path in [folder.images / figure.filename, *pages, *inputs, *own]:
        subfolder = "" if path.parent == folder.path else path.parent.name
        assert FILES[subfolder].fullmatch(path.name), path


def test_no_descriptor_stays_open(roots, put):
    for number in range(1, 6):
        put(number, ending=[Status.COMPLETED, Status.FAILED][number % 2])
    _note(put(6))
    before = len(os.listdir("/proc/self/fd"))
    run(roots)
    assert len(os.listdir("/proc/self/fd")) == before


def test_a_job_may_have_its_own_days_but_none_keeps_it_longer(put, roots):
    put(1, 10, settings=JobSettings(completed_days=9))
    put(2, 10, settings=JobSettings(completed_days=11, failed_days=1))
    put(3, 10, settings=JobSettings(failed_days=9), ending=Status.FAILED)
    put(4, 40, settings=JobSettings(completed_days=100))
    put(5, 40, settings=JobSettings(completed_days=0))
    put(6, 10)

    def due(ages):
        return sorted(str(place)[-1] for place in candidates(roots, ages, NOW))

    assert due(Ages(MONTH, MONTH, own=True)) == ["1", "3", "4", "5"]
    assert due(Ages(None, None, own=True)) == ["1", "3"]
    assert due(BOTH) == ["4", "5"]
    assert due(Ages(None, None)) == []
