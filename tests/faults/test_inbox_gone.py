"""The inbox goes away under a running daemon, in every way that there is: a state with a reason, and nothing else.

The daemon does not end and does not spin; what was done is not done again when the inbox is back, what comes then
is, and events wake it again.
"""

import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psutil  # type: ignore[import-untyped]
import pytest

from pdfocr_watcher.jobs.claim_note import ClaimNote
from pdfocr_watcher.jobs.folder import JobFolder
from pdfocr_watcher.jobs.model import JobStatus, Stage, Status
from pdfocr_watcher.jobs.status_file import write_status
from tests.conftest import MakeSite
from tests.end_to_end.harness import Daemon, Site, wait_for
from tests.needs import needs_mounts, needs_programs
from tests.pdfs import born_digital

_SETTINGS = {"inbox": {"rescan_interval": 1.0, "settle_seconds": 0.1}}
#: A sweep at every instant would take far more; the daemon's workers are not counted.
_IDLE_CPU = 0.25
#: Even root is then bound by the modes of files and folders.
_BOUND_BY_MODES = ["setpriv", "--bounding-set=-dac_override,-dac_read_search,-fowner"]


def _unreachable(site: Site) -> str:
    health = wait_for(lambda: site.health() if site.health()["state"] == "unreachable" else None, "unreachable")
    assert health["reason"]
    return str(health["reason"])


def _running(site: Site) -> None:
    wait_for(lambda: site.health()["state"] == "running", "running again")


def _is_idle(daemon: Daemon, seconds: float = 2.0) -> None:
    """See that the daemon does next to nothing, and says next to nothing."""
    process = psutil.Process(daemon.process.pid)
    before, lines = process.cpu_times(), len(daemon.logged())
    time.sleep(seconds)
    after = process.cpu_times()
    assert (after.user + after.system) - (before.user + before.system) < _IDLE_CPU * seconds
    assert len(daemon.logged()) - lines <= 5


def _noticed_by_an_event(site: Site, daemon: Daemon) -> None:
    """See that the inbox is watched again, and that a drop is noticed."""

    def how() -> str:
        return str([line["how"] for line in daemon.logged() if line["event"] == "inbox.watching"][-1])

    wait_for(lambda: how() == "native", "it is watched again")
    site.drop("noticed.pdf", born_digital())
    site.result("noticed.pdf")


@contextmanager
def _mounted(folder: Path) -> Iterator[Callable[..., None]]:
    """A file system in memory on a folder, and what mounts it, unmounts it, and mounts the same again."""
    kept = folder.with_name(f"{folder.name}-kept")
    kept.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=16m", "tmpfs", kept], check=True)

    def do(what: str) -> None:
        commands = {"mount": ["mount", "--bind", kept, folder], "umount": ["umount", folder]}
        commands["lazily"] = ["umount", "-l", folder]
        subprocess.run(commands[what], check=True)

    do("mount")
    try:
        yield do
    finally:
        for path in (folder, kept):
            while subprocess.run(["umount", "-l", path], check=False, capture_output=True).returncode == 0:
                pass


def _drop(site: Site, name: str) -> None:
    """Drop a file where the inbox is a mount of its own."""
    hidden = site.inbox / f".{name}"
    hidden.write_bytes(born_digital())
    hidden.rename(site.inbox / name)


@pytest.mark.parametrize(
    ("how", "with_jobs"),
    [
        ("lazily", True),
        *(pytest.param(*case, marks=pytest.mark.long) for case in [("umount", False), ("umount", True)]),
    ],
    ids=["lazily, while files wait", "at once", "while files wait"],
)
def test_an_inbox_that_is_unmounted_and_mounted_again(
    make_site: MakeSite, tmp_path: Path, how: str, with_jobs: bool
) -> None:
    needs_mounts(tmp_path)
    site = make_site({"inbox": {**_SETTINGS["inbox"], "unmarked_settle_seconds": 600}})
    with _mounted(site.inbox) as do:
        daemon = site.start()
        _drop(site, "before.pdf")
        site.result("before.pdf")
        (site.inbox / "notes.txt").write_text("left")
        if with_jobs:
            for number in range(10):
                (site.inbox / f"unfinished {number}.pdf").write_bytes(b"%PDF-1.4 no end yet")
            wait_for(lambda: site.health()["files_in_inbox"] >= 10, "they are seen")
        time.sleep(0.3)  # whoever looks into the inbox at this moment would keep it mounted
        for _ in range(20):
            try:
                do(how)
                break
            except subprocess.CalledProcessError:
                time.sleep(0.1)
        assert "no longer mounted" in _unreachable(site)
        (site.inbox / "below.pdf").write_bytes(born_digital())
        _is_idle(daemon)
        assert len(site.results()) == 1, "what lies in the folder below the mount is not the inbox"
        do("mount")
        _running(site)
        _drop(site, "after.pdf")
        site.result("after.pdf")
        assert sorted(str(job.status["source"]) for job in site.results()) == ["after.pdf", "before.pdf"]
        events = [line["event"] for line in daemon.logged()]
        assert (events.count("inbox.unreachable"), events.count("inbox.reachable")) == (1, 1)
        assert daemon.process.poll() is None
        site.stop()


@pytest.mark.long
def test_a_start_while_the_inbox_is_not_mounted(make_site: MakeSite, tmp_path: Path) -> None:
    """The folder below it looks empty; that it was a mount is remembered from the last run."""
    needs_mounts(tmp_path)
    site = make_site(_SETTINGS)
    with _mounted(site.inbox) as do:
        site.start()
        _drop(site, "before.pdf")
        site.result("before.pdf")
        site.stop()
        do("umount")
        (site.inbox / "below.pdf").write_bytes(born_digital())
        daemon = site.start()
        assert "no longer mounted" in _unreachable(site)
        _is_idle(daemon)
        do("mount")
        _running(site)
        _drop(site, "after.pdf")
        site.result("after.pdf")
        do("umount")
        reason = _unreachable(site)
        # The reason says what to do where a plain folder is meant from now on.
        memory = site.jobs / ".inbox-mount"
        assert str(memory) in reason
        memory.unlink()
        assert site.result("below.pdf").status["status"] == "completed"
        assert not memory.exists()
        site.stop()


def _rename_away(site: Site) -> Callable[[], Any]:
    away = site.inbox.rename(site.inbox.with_name("away"))
    return lambda: away.rename(site.inbox)


def _link_into_nothing(site: Site) -> Callable[[], Any]:
    away = site.inbox.rename(site.inbox.with_name("away"))
    site.inbox.symlink_to("nowhere")

    def back() -> None:
        site.inbox.unlink()
        away.rename(site.inbox)

    return back


def _file_in_its_place(site: Site) -> Callable[[], Any]:
    away = site.inbox.rename(site.inbox.with_name("away"))
    site.inbox.write_text("a file")

    def back() -> None:
        site.inbox.unlink()
        away.rename(site.inbox)

    return back


def _delete(site: Site) -> Callable[[], Any]:
    shutil.rmtree(site.inbox)
    return site.inbox.mkdir


@pytest.mark.long
@pytest.mark.parametrize("go", [_rename_away, _link_into_nothing, _file_in_its_place, _delete])
def test_an_inbox_that_is_no_folder_any_more(make_site: MakeSite, go: Callable[[Site], Callable[[], Any]]) -> None:
    site = make_site({"inbox": {**_SETTINGS["inbox"], "unmarked_settle_seconds": 600}})
    daemon = site.start()
    site.drop("before.pdf", born_digital())
    site.result("before.pdf")
    site.drop("unfinished.pdf", b"%PDF-1.4 no end yet")
    wait_for(lambda: site.health()["files_in_inbox"] == 1, "it is seen")
    back = go(site)
    _unreachable(site)
    _is_idle(daemon)
    back()
    _running(site)
    _noticed_by_an_event(site, daemon)
    assert len(site.results()) == 2
    assert daemon.process.poll() is None


@pytest.mark.long
def test_another_folder_in_its_place_is_the_inbox_from_now_on(make_site: MakeSite) -> None:
    """That the old one was renamed cannot be told from somebody who wants it so; nothing is done twice."""
    site = make_site(_SETTINGS)
    daemon = site.start()
    site.drop("before.pdf", born_digital())
    site.result("before.pdf")
    old = site.inbox.rename(site.inbox.with_name("old"))
    (old / "left behind.pdf").write_bytes(born_digital())
    site.inbox.mkdir()
    site.drop("after.pdf", born_digital())
    site.result("after.pdf")
    _running(site)
    assert (old / "left behind.pdf").exists()
    site.inbox.rmdir()
    old.rename(site.inbox)
    site.result("left behind.pdf")
    assert len(site.results()) == 3
    assert daemon.process.poll() is None


@pytest.fixture
def modest_site(make_site: MakeSite) -> Site:
    """A site for daemons that the modes of files and folders bind."""
    if os.geteuid() == 0:
        needs_programs(setpriv="util-linux")
        if subprocess.run([*_BOUND_BY_MODES, "true"], check=False, capture_output=True).returncode:
            pytest.skip("rights cannot be given up here")
    return make_site(_SETTINGS)


def _start_modestly(site: Site) -> Daemon:
    """Start a daemon that modes bind, also where the tests are run by root."""
    prefix = _BOUND_BY_MODES if os.geteuid() == 0 else []
    return site.start(prefix=prefix)


def test_an_inbox_whose_permission_is_taken_away_and_given_back(modest_site: Site) -> None:
    site = modest_site
    daemon = _start_modestly(site)
    site.drop("before.pdf", born_digital())
    site.result("before.pdf")
    site.inbox.chmod(0)
    assert "Permission denied" in _unreachable(site)
    _is_idle(daemon)
    site.inbox.chmod(0o700)
    _running(site)
    _noticed_by_an_event(site, daemon)
    assert len(site.results()) == 2
    assert daemon.process.poll() is None


@pytest.mark.long
def test_an_inbox_that_may_be_read_but_not_changed_keeps_its_files(modest_site: Site) -> None:
    site = modest_site
    site.drop("letter.pdf", born_digital())
    site.inbox.chmod(0o555)
    daemon = _start_modestly(site)
    wait_for(lambda: site.health()["files_in_inbox"] == 1, "it is seen")
    _is_idle(daemon, 3.0)
    assert site.results() == site.in_work() == []
    assert (site.inbox / "letter.pdf").exists()
    site.inbox.chmod(0o755)
    assert site.result("letter.pdf").status["status"] == "completed"


@pytest.mark.long
def test_a_sub_folder_that_may_not_be_read_costs_only_itself(modest_site: Site) -> None:
    site = modest_site
    dropped = site.drop("locked.pdf", born_digital(), into="locked")
    dropped.parent.chmod(0)
    daemon = _start_modestly(site)
    site.drop("letter.pdf", born_digital())
    assert site.result("letter.pdf").status["status"] == "completed"
    assert site.health()["state"] == "running"
    assert [line["source"] for line in daemon.logged() if line["event"] == "inbox.not_seen"] == ["locked"]
    dropped.parent.chmod(0o755)
    assert site.result("locked/locked.pdf").status["status"] == "completed"


@pytest.mark.parametrize(
    "copied", [False, pytest.param(True, marks=pytest.mark.long)], ids=["before its copy", "after its copy"]
)
def test_a_claim_that_was_broken_off_is_finished_as_soon_as_the_inbox_is_back(site: Site, copied: bool) -> None:
    """The daemon starts without the inbox, and neither waits for it nor gives the file up."""
    now = datetime.now(UTC)
    status = JobStatus(
        job_id="20260102T030405Z-abcdef01",
        status=Status.PENDING,
        stage=Stage.QUEUED,
        filename="letter.pdf",
        source="office/letter.pdf",
        bytes=len(born_digital()),
        created_at=now,
        updated_at=now,
    )
    folder = JobFolder(site.jobs / status.job_id)
    folder.path.mkdir(parents=True)
    write_status(folder.path, status)
    (site.inbox / "office").mkdir()
    note = ClaimNote.of(site.inbox, status.source, status.job_id)
    note.write(folder)
    private = site.inbox / "office" / note.private
    private.write_bytes(born_digital())
    if copied:
        folder.input("letter.pdf").write_bytes(born_digital())
    away = site.inbox.rename(site.inbox.with_name("away"))
    daemon = site.start()
    _unreachable(site)
    wait_for(lambda: any(line["event"] == "job.unreadable" for line in daemon.logged()), "it is said")
    _is_idle(daemon)
    away.rename(site.inbox)
    job = site.result("office/letter.pdf")
    assert job.status["status"] == "completed"
    assert (job.job_id == status.job_id) == copied
    assert os.listdir(site.inbox / "office") == []
    wait_for(lambda: not site.in_work(), "nothing is left of the claim")
    assert len(site.results()) == 1
