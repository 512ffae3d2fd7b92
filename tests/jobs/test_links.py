"""Whoever may write to a share may put links, pipes and forged notes there: none is followed, none is believed."""

import json
import os
import subprocess
from datetime import timedelta

import pytest

from pdfocr_watcher.jobs import steps
from pdfocr_watcher.jobs.catalogue import entries_from_disk, results
from pdfocr_watcher.jobs.claim_note import ClaimNote, finish_claim
from pdfocr_watcher.jobs.delivery import deliver, make_safe, remove_result, take_back
from pdfocr_watcher.jobs.durable import read_file
from pdfocr_watcher.jobs.model import Stage, Status
from pdfocr_watcher.jobs.moving import move_folder
from pdfocr_watcher.jobs.status_file import read_status, status_json
from pdfocr_watcher.jobs.steps import Point, Step
from tests.users import ALICE, give, needs_root

#: It looks like a file that is being claimed.
_VICTIM = ".pdfocr-20261123T125045Z-3f9a1c2b-letter.pdf"


@pytest.fixture
def folders(tmp_path):
    """jobs/, outbox/ and failed/, and a folder outside that nobody may touch."""
    for name in ("jobs", "outbox", "failed", "outside"):
        (tmp_path / name).mkdir()
    (tmp_path / "outside" / "treasure").write_text("untouched")
    return tmp_path / "jobs", tmp_path / "outbox", tmp_path / "failed"


@pytest.fixture
def outside(folders):
    outside = folders[0].with_name("outside")
    yield outside
    assert [path.name for path in outside.rglob("*")] == ["treasure"]
    assert (outside / "treasure").read_text() == "untouched"


@pytest.fixture
def finished(make_status, make_job):
    def make(jobs, status=Status.COMPLETED, **values):
        job = make_status(status=status, stage=Stage.DONE, **values)
        folder = make_job(jobs, job)
        folder.images.mkdir()
        folder.markdown.write_text("text")
        return folder, job

    return make


@pytest.mark.parametrize("obstacle", ["link", "dangling link", "file", "pipe"])
@pytest.mark.parametrize("below", ["docs", "2026/docs"])
def test_a_result_goes_past_what_is_no_folder(folders, finished, outside, obstacle, below):
    jobs, outbox, failed = folders
    place = outbox / below
    place.parent.mkdir(parents=True, exist_ok=True)
    match obstacle:
        case "link":
            place.symlink_to(outside, target_is_directory=True)
        case "dangling link":
            place.symlink_to(outside / "not there")
        case "file":
            place.write_text("somebody's")
        case "pipe":
            os.mkfifo(place)
    folder, status = finished(jobs, source=f"{below}/a.pdf")
    result = deliver(folder, status, outbox, failed)
    assert result == outbox / f"{below}_" / "a.3f9a1c2b"
    assert (result / "output.mmd").read_text() == "text"
    assert os.path.lexists(place)


def test_a_folder_that_becomes_a_link_on_the_way_leads_nowhere(folders, finished, outside, monkeypatch, tmp_path):
    jobs, outbox, failed = folders
    folder, status = finished(jobs, source="docs/a.pdf")
    (outbox / "docs").mkdir()

    def exchange(kind, side, _path):
        if kind is Step.GRANT and side is Point.BEFORE:
            (outbox / "docs").rename(tmp_path / "was docs")
            (outbox / "docs").symlink_to(outside, target_is_directory=True)

    monkeypatch.setattr(steps, "watcher", exchange)
    deliver(folder, status, outbox, failed)
    monkeypatch.setattr(steps, "watcher", None)
    assert os.listdir(tmp_path / "was docs") == ["a.3f9a1c2b"], "in the very folder that was looked at"


def test_a_link_with_the_results_name_is_no_delivered_result(folders, finished, tmp_path):
    """Its status would say that all is done, and the job would be removed."""
    jobs, outbox, failed = folders
    folder, status = finished(jobs)
    forged = tmp_path / "forged"
    forged.mkdir()
    (forged / "status.json").write_bytes(status_json(status))
    (outbox / "letter.3f9a1c2b").symlink_to(forged, target_is_directory=True)
    result = deliver(folder, status, outbox, failed)
    assert result == outbox / "letter.3f9a1c2b_"
    assert (result / "input.pdf").exists()


@pytest.mark.parametrize("pdf", ["none", "another", "of that size", "a link", "linked folder"])
def test_a_forged_result_does_not_cost_the_only_pdf(folders, finished, pdf):
    jobs, outbox, failed = folders
    folder, status = finished(jobs)
    own, forged = folder.input("letter.pdf"), outbox / "letter.3f9a1c2b"
    if pdf == "linked folder":
        forged.symlink_to(folder.path, target_is_directory=True)
    else:
        forged.mkdir()
        (forged / "status.json").write_bytes(status_json(status))
    if pdf == "a link":
        (forged / own.name).symlink_to(own)
    elif pdf in {"another", "of that size"}:
        (forged / own.name).write_bytes(b"x" * (own.stat().st_size + (pdf == "another")))
    content = own.read_bytes()
    result = deliver(folder, status, outbox, failed)
    assert result == outbox / "letter.3f9a1c2b_"
    assert (result / own.name).read_bytes() == content


def test_a_result_with_another_status_than_the_job_has_is_not_believed(folders, finished):
    jobs, outbox, failed = folders
    folder, status = finished(jobs)
    forged = outbox / "letter.3f9a1c2b"
    forged.mkdir(parents=True)
    (forged / "input.pdf").write_bytes(folder.input("letter.pdf").read_bytes())
    (forged / "status.json").write_bytes(status_json(status).strip())
    assert deliver(folder, status, outbox, failed) == outbox / "letter.3f9a1c2b_"


def _put_links(result, outside):
    (result / "images").rmdir()
    (result / "images").symlink_to(outside, target_is_directory=True)
    (result / "pages").symlink_to(outside, target_is_directory=True)
    (result / "output.mmd").unlink()
    (result / "output.mmd").symlink_to(outside / "treasure")
    os.mkfifo(result / "pipe")


@pytest.mark.parametrize("where", ["same file system", "another"])
def test_a_retried_job_loses_what_was_put_into_it(request, folders, finished, outside, where):
    jobs, outbox, failed = folders
    if where == "another":
        failed = request.getfixturevalue("elsewhere") / "failed"
    folder, status = finished(jobs, Status.FAILED, source="docs/a.pdf")
    result = deliver(folder, status, outbox, failed)
    _put_links(result, outside)
    forged = ClaimNote(str(outside), "mine", "treasure", "/")
    forged.write(type(folder)(result))
    (result / "input.pdf").write_text("untouched")
    again, _ = take_back(result, failed, jobs, status, status.updated_at + timedelta(hours=1))
    assert {path.name for path in again.path.iterdir() if path.is_symlink()} == set()
    assert sorted(os.listdir(again.path)) == ["dropped.json", "input.pdf", "status.json"]
    finish_claim(again)
    assert (outside / "treasure").exists(), "a forged note has nothing removed"


def test_a_link_on_the_way_to_a_result_keeps_it_from_being_retried_or_removed(folders, finished, tmp_path):
    jobs, outbox, failed = folders
    folder, status = finished(jobs, Status.FAILED, source="docs/a.pdf")
    result = deliver(folder, status, outbox, failed)
    (failed / "docs").rename(tmp_path / "docs")
    (failed / "docs").symlink_to(tmp_path / "docs", target_is_directory=True)
    with pytest.raises(NotADirectoryError):
        take_back(result, failed, jobs, status, status.updated_at)
    with pytest.raises(NotADirectoryError):
        remove_result(result, failed)
    assert (tmp_path / "docs" / "a.3f9a1c2b" / "status.json").exists()


def test_removing_a_result_removes_links_and_not_what_they_lead_to(folders, finished, outside):
    jobs, outbox, failed = folders
    folder, status = finished(jobs)
    result = deliver(folder, status, outbox, failed)
    _put_links(result, outside)
    remove_result(result, outbox)
    assert os.listdir(outbox) == []


@pytest.mark.usefixtures("outside")
def test_a_forged_status_leads_nowhere(folders, finished):
    """People may edit what lies in the outbox: its paths are shown, never gone to."""
    jobs, outbox, failed = folders
    folder, status = finished(jobs, Status.FAILED)
    result = deliver(folder, status, outbox, failed)
    data = json.loads(status_json(status))
    data |= {"source": "../../outside/treasure", "filename": "../../outside/treasure.pdf"}
    data["outputs"] = dict.fromkeys(("markdown", "markdown_det", "layouts", "images"), "../../outside/treasure")
    data["outputs"]["image_count"] = 0
    (result / "status.json").write_text(json.dumps(data))
    (found,) = results(failed)
    assert found.status.source == "../../outside/treasure"
    again, pending = take_back(found.folder, failed, jobs, found.status, status.updated_at)
    assert again.path.parent == jobs
    ended = pending.model_copy(update={"status": Status.COMPLETED})
    assert deliver(again, ended, outbox, failed).is_relative_to(outbox)
    (found,) = results(outbox)
    remove_result(found.folder, outbox)


@pytest.mark.parametrize("forged", ['{"job_id": "../../../outside"}', "[" * 100_000, '{"a":' * 100_000, "null", ""])
def test_a_status_that_is_none_hides_nothing_else(folders, finished, forged):
    jobs, outbox, failed = folders
    folder, status = finished(jobs)
    deliver(folder, status, outbox, failed)
    (outbox / "forged").mkdir()
    (outbox / "forged" / "status.json").write_text(forged)
    assert [entry["job_id"] for entry in entries_from_disk(jobs, outbox, failed)] == [status.job_id]


def test_a_status_that_is_a_link_a_pipe_or_endless_is_none(tmp_path, make_status):
    good = tmp_path / "good"
    good.mkdir()
    (good / "status.json").write_bytes(status_json(make_status()))
    for kind in ("link", "pipe", "huge"):
        (tmp_path / kind).mkdir()
    (tmp_path / "link" / "status.json").symlink_to(good / "status.json")
    os.mkfifo(tmp_path / "pipe" / "status.json")
    with (tmp_path / "huge" / "status.json").open("wb") as file:
        file.write(status_json(make_status()))
        file.truncate(1 << 40)
    assert read_status(good) is not None
    assert [read_status(tmp_path / kind) for kind in ("link", "pipe", "huge")] == [None, None, None]
    assert read_file(good / "status.json", 10) is None


def test_folders_without_end_are_neither_searched_nor_copied_to_the_bottom(folders, finished, elsewhere):
    jobs, outbox, failed = folders
    folder, status = finished(jobs)
    result = deliver(folder, status, outbox, failed)
    here = os.open(result, os.O_RDONLY | os.O_DIRECTORY)
    for _ in range(3000):
        os.mkdir("d", dir_fd=here)
        below = os.open("d", os.O_RDONLY | os.O_DIRECTORY, dir_fd=here)
        os.close(here)
        here = below
    os.close(here)
    with pytest.raises(OSError, match="too many folders"):
        move_folder(result, elsewhere / "copy")
    with pytest.raises(OSError, match="too many folders"):
        remove_result(result, outbox)
    assert list(results(outbox)) == []
    subprocess.run(["rm", "-rf", outbox, elsewhere / "copy"], check=True)


def test_what_was_put_into_a_granted_folder_before_the_next_start_is_not_believed(in_sight, finished, monkeypatch):
    """The rights are given before the rename: a crash between the two leaves a folder among the jobs that is theirs."""
    needs_root()
    jobs, outbox, failed, victim = (in_sight / name for name in ("jobs", "outbox", "failed", _VICTIM))
    jobs.mkdir()
    victim.write_text("%PDF-")
    folder, status = finished(jobs)
    give(folder.input("letter.pdf"), ALICE, 0o644)

    class Crash(BaseException):
        pass

    def crash(kind, side, path):
        if kind is Step.RENAME and side is Point.BEFORE and path.parent == outbox:
            raise Crash

    monkeypatch.setattr(steps, "watcher", crash)
    with pytest.raises(Crash):
        deliver(folder, status, outbox, failed)
    monkeypatch.setattr(steps, "watcher", None)
    text = json.dumps({"inbox": str(in_sight), "path": "mine", "private": victim.name, "mount": "/"})
    planted = ALICE.run(
        "sh",
        "-c",
        f"rm -r {folder.images} && ln -s /etc {folder.images} && cat > {folder.claim_note}",
        input=text.encode(),
    )
    assert planted.returncode == 0
    make_safe(folder)
    finish_claim(folder)
    assert victim.exists()
    result = deliver(folder, status, outbox, failed)
    assert victim.exists()
    assert sorted(os.listdir(result)) == ["input.pdf", "output.mmd", "status.json"]
