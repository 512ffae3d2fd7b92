"""Folders that come later, lie elsewhere or are taken by another daemon."""

import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import MakeSite
from tests.end_to_end.harness import ONE_BY_ONE, Job, Site, read_json, temporary_files, wait_for
from tests.pdfs import born_digital

_ELSEWHERE = Path("/dev/shm")  # noqa: S108 - a private folder is made in it


@pytest.fixture
def elsewhere(tmp_path: Path) -> Iterator[Path]:
    """A folder on another file system than the test's own."""
    if not _ELSEWHERE.is_dir() or _ELSEWHERE.stat().st_dev == tmp_path.stat().st_dev:
        pytest.skip("no second file system at hand")
    folder = Path(tempfile.mkdtemp(dir=_ELSEWHERE))
    yield folder
    shutil.rmtree(folder)


def test_a_second_daemon_on_the_same_folders_says_so_and_ends(site: Site) -> None:
    first = site.start()
    second = site.start(ready=False)
    assert second.wait() == 75
    said = second.log.read_text()
    assert "Another daemon works on these folders" in said
    assert str(first.process.pid) in said
    assert "Traceback" not in said
    site.drop("letter.pdf", born_digital())
    assert site.result("letter.pdf").status["status"] == "completed"
    assert site.health()["pid"] == first.process.pid


def test_a_daemon_that_was_killed_does_not_keep_the_next_one_out(site: Site) -> None:
    site.start().kill()
    site.start()
    site.drop("letter.pdf", born_digital())
    assert site.result("letter.pdf").status["status"] == "completed"


def test_an_inbox_that_comes_later_is_waited_for(site: Site) -> None:
    site.inbox.rmdir()
    daemon = site.start()
    health = wait_for(lambda: site.health() if site.health()["state"] == "unreachable" else None, "unreachable")
    assert health["reason"]
    site.inbox.mkdir()
    site.drop("late.pdf", born_digital())
    assert site.result("late.pdf").status["status"] == "completed"
    wait_for(lambda: site.health()["state"] == "running", "running again")
    assert daemon.process.poll() is None


def test_an_inbox_that_goes_and_comes_back_is_watched_again(site: Site) -> None:
    daemon = site.start()
    site.drop("before.pdf", born_digital())
    site.result("before.pdf")
    away = site.inbox.rename(site.inbox.with_name("away"))
    wait_for(lambda: site.health()["state"] == "unreachable", "unreachable")
    away.rename(site.inbox)
    site.drop("after.pdf", born_digital())
    assert site.result("after.pdf").status["status"] == "completed"
    assert daemon.process.poll() is None
    lines = [line["event"] for line in daemon.logged()]
    assert lines.count("inbox.unreachable") == 1, "a state, not an event storm"
    assert lines.count("inbox.reachable") == 1


def test_a_folder_that_cannot_be_made_is_named(make_site: MakeSite) -> None:
    site = make_site({"folders": {"outbox": "taken"}})
    (site.root / "taken").write_text("a file")
    daemon = site.start(ready=False)
    assert daemon.wait() == 73
    said = daemon.log.read_text()
    assert str(site.root / "taken") in said
    assert "Traceback" not in said


def test_no_space_left_holds_the_inbox_and_is_said(make_site: MakeSite) -> None:
    site = make_site({"inbox": {"min_free_bytes": 10**18}})
    site.start()
    dropped = site.drop("letter.pdf", born_digital())
    wait_for(lambda: site.health()["state"] == "paused", "paused")
    wait_for(lambda: "min_free_bytes" in (site.health()["reason"] or ""), "the reason")
    wait_for(lambda: site.health()["files_in_inbox"] == 1, "the file is counted")
    assert dropped.exists()
    assert site.in_work() == []


@pytest.mark.parametrize("where", ["inbox", "jobs", "outbox", "failed"])
def test_a_folder_on_another_file_system(make_site: MakeSite, elsewhere: Path, where: str) -> None:
    site = make_site({"folders": {where: str(elsewhere / where)}})
    site.start()
    content = born_digital(2)
    good = site.drop("good.pdf", content, into="below")
    bad = site.drop("bad.pdf", b"no PDF")
    done, failed = site.result("below/good.pdf"), site.result("bad.pdf")
    assert (done.status["status"], failed.status["error_code"]) == ("completed", "not_a_pdf")
    assert (done.folder.parent, failed.folder.parent) == (site.outbox / "below", site.failed)
    assert (done.folder / "input.pdf").read_bytes() == content
    assert not good.exists()
    assert not bad.exists()
    wait_for(lambda: not site.in_work(), "the job folders are gone")
    folders = (site.inbox, site.jobs, site.outbox, site.failed)
    wait_for(lambda: not temporary_files(*folders), "what was copied away is removed", limit=5)


def test_a_name_that_is_no_utf8_comes_over_from_another_file_system(make_site: MakeSite, elsewhere: Path) -> None:
    site = make_site({"folders": {"inbox": str(elsewhere / "inbox")}})
    site.start()
    site.drop(b"caf\xe9.pdf", born_digital(), into=b"\xff")
    assert site.result("\\xff/caf\\xe9.pdf").status["status"] == "completed"
    assert os.listdir(os.fsencode(site.inbox) + b"/\xff") == []


@pytest.fixture
def split_site(make_site: MakeSite, tmp_path: Path) -> Site:
    """The jobs lie where those who only see the root cannot look."""
    return make_site({**ONE_BY_ONE, "folders": {"jobs": str(tmp_path / "private")}})


def _mirrors(site: Site) -> list[Job]:
    paths = sorted((site.root / "status").glob("*.json"))
    return [Job(status, path) for path in paths if (status := read_json(path)) is not None]


def _wait_until_nothing_is_mirrored(site: Site) -> None:
    mirror = site.root / "status"
    wait_for(lambda: os.listdir(mirror) == ["index.html"], "the mirror is gone with the job", limit=5)


def test_jobs_that_lie_elsewhere_can_be_followed_from_the_root(split_site: Site) -> None:
    split_site.start()
    split_site.drop("thirty.pdf", born_digital(30), into="below")
    half = wait_for(
        lambda: [job for job in _mirrors(split_site) if job.status["processed_pages"] > 5], "progress in the mirror"
    )
    assert [job.folder.name for job in half] == [f"thirty.{half[0].job_id.rpartition('-')[2]}.json"]
    assert half[0].status["processed_pages"] < 30
    split_site.result("below/thirty.pdf")
    _wait_until_nothing_is_mirrored(split_site)


def test_the_mirror_of_a_daemon_that_was_killed_goes_too(split_site: Site) -> None:
    daemon = split_site.start()
    split_site.drop("thirty.pdf", born_digital(30))
    split_site.processed(3)
    daemon.kill()
    assert len(_mirrors(split_site)) == 1
    split_site.start()
    split_site.result("thirty.pdf")
    _wait_until_nothing_is_mirrored(split_site)


def test_a_crash_right_after_the_delivery_leaves_no_mirror_for_ever(split_site: Site) -> None:
    """The mirror is derived: one of a job that is no longer in work is removed at the next start."""
    daemon = split_site.start()
    split_site.drop("letter.pdf", born_digital())
    job = split_site.result("letter.pdf")
    daemon.stop()
    stale = split_site.root / "status" / f"{job.folder.name}.json"
    stale.write_text(json.dumps(job.status))
    split_site.start()
    wait_for(lambda: not stale.exists(), "the stale mirror is removed", limit=5)


def test_a_stop_leaves_nothing_in_the_temporary_folder(site: Site, tmp_path: Path) -> None:
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    daemon = site.start({**os.environ, "TMPDIR": str(temporary)})
    site.drop("letter.pdf", born_digital())
    assert site.result("letter.pdf").status["status"] == "completed"
    assert daemon.stop() == 0
    assert list(temporary.iterdir()) == []
