"""Disks in trouble elsewhere than in the middle of the work: under the root, at a start, without room, hanging."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from pdfocr_watcher.jobs.index import read_entries
from tests.end_to_end.harness import Daemon, Site, temporary_files, wait_for
from tests.faults.troubled_disks import FaultyDisk, faulty_disk, small_tmpfs
from tests.needs import needs_programs
from tests.pdfs import born_digital

pytestmark = pytest.mark.timeout(300)

_LETTER = born_digital(1)
_REPORT = born_digital(8)
_SLOWLY: dict[str, dict[str, Any]] = {
    "inbox": {"min_free_inodes": 0, "min_free_bytes": 0, "rescan_interval": 0.5},
    "render": {"dpi": 150, "workers": 1, "range_pages": 2, "queue_pages": 3},
    "engine": {"name": "null", "max_concurrency": 1},
}


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


def site_on(base: Path, stack: ExitStack, disk: Path, *on_disk: str, **inbox: float) -> Site:
    """A site some of whose folders lie on a disk; daemons are started on it by the test."""
    folders = {name: str((disk if name in on_disk else base) / name) for name in ("inbox", "jobs", "outbox", "failed")}
    if "root" in on_disk:
        folders["root"] = str(disk)
    site = Site(base / "site", {**_SLOWLY, "inbox": {**_SLOWLY["inbox"], **inbox}, "folders": folders})
    if "root" in on_disk:
        site.root = disk
    stack.callback(site.close)
    return site


def reason(site: Site, word: str) -> bool:
    return word in (site.health().get("reason") or "")


def assert_whole(site: Site, name: str, content: bytes) -> None:
    job = site.result(name)
    assert (job.status["status"], job.status["failed_pages"]) == ("completed", []), job.status
    assert (job.folder / "input.pdf").read_bytes() == content
    assert len(site.results(name)) == 1


def test_a_root_that_is_full_costs_nothing_but_what_is_told_of_the_work(tmp_path: Path, stack: ExitStack) -> None:
    disk = stack.enter_context(small_tmpfs(tmp_path / "disk", "1m", 40))
    site = site_on(tmp_path, stack, disk.path, "root")
    daemon = site.start()
    disk.fill()
    disk.use_up_inodes()
    names = [f"{number}.pdf" for number in range(6)]
    for name in names:
        site.drop(name, _LETTER)
    for name in names:
        assert_whole(site, name, _LETTER)
    told = site.health()["heartbeat"]
    assert read_entries(disk.path / "index.json") is not None, "never unreadable"
    assert len([line for line in daemon.logged() if line["event"].endswith(".refused")]) < 16
    disk.mend()
    wait_for(lambda: site.health()["heartbeat"] > told, "health.json again")
    wait_for(lambda: len(read_entries(disk.path / "index.json") or []) == len(names), "the index again")
    site.stop()
    ours = {".lock", "health.json", "metrics.prom", "index.json", "status"}
    assert {path.name for path in disk.path.iterdir()} <= ours


@pytest.mark.long
def test_a_crash_while_the_root_is_full_leaves_an_index_that_is_rebuilt(tmp_path: Path, stack: ExitStack) -> None:
    disk = stack.enter_context(small_tmpfs(tmp_path / "disk", "1m", 40))
    site = site_on(tmp_path, stack, disk.path, "root")
    daemon = site.start()
    site.drop("before.pdf", _LETTER)
    site.result("before.pdf")
    disk.fill()
    site.drop("meanwhile.pdf", _LETTER)
    site.result("meanwhile.pdf")
    daemon.kill()
    disk.mend()
    site.start()
    wait_for(lambda: len(read_entries(disk.path / "index.json") or []) == 2, "both jobs in the index")


@pytest.mark.long
@pytest.mark.parametrize("place", ["jobs", "outbox", "inbox"])
def test_permissions_that_are_taken_away_and_given_back(tmp_path: Path, stack: ExitStack, place: str) -> None:
    needs_programs(setpriv="util-linux")
    site = site_on(tmp_path, stack, tmp_path)
    # Root obeys no permissions, but for want of this capability.
    caps = "-dac_override,-dac_read_search"
    command = ["setpriv", f"--bounding-set={caps}", f"--inh-caps={caps}", sys.executable]
    daemon = Daemon(
        [*command, "-m", "pdfocr_watcher", "run", "--config", str(site.config)], tmp_path / "daemon.log", os.environ
    )
    stack.callback(daemon.clean_up)
    wait_for(lambda: site.health().get("state") == "running", "a daemon that runs")
    site.drop("report.pdf", _REPORT)
    site.processed(2)
    folder = getattr(site, place)
    site.drop("letter.pdf", _LETTER)
    folder.chmod(0o555)
    wait_for(lambda: reason(site, "may not be written") and site.health()["state"] == "paused", "a pause")
    assert reason(site, str(folder))
    folder.chmod(0o755)
    assert_whole(site, "report.pdf", _REPORT)
    assert_whole(site, "letter.pdf", _LETTER)
    wait_for(lambda: site.health()["state"] == "running", "a daemon that runs again")
    assert daemon.process.poll() is None
    assert temporary_files(site.jobs, site.outbox) == []


@pytest.mark.long
def test_jobs_that_the_disk_refuses_at_a_start_are_taken_up_when_it_is_well(tmp_path: Path, stack: ExitStack) -> None:
    disk = stack.enter_context(faulty_disk(tmp_path / "disk"))
    site = site_on(tmp_path, stack, disk.path, "jobs")
    daemon = site.start()
    site.drop("report.pdf", _REPORT)
    site.processed(2)
    daemon.kill()
    disk.fail({"create": "ENOSPC"})
    daemon = site.start(ready=False)
    wait_for(lambda: reason(site, "is full"), "the reason")
    time.sleep(1)
    assert daemon.process.poll() is None
    disk.mend()
    assert_whole(site, "report.pdf", _REPORT)
    wait_for(lambda: not site.in_work(), "the jobs folder is empty")


def test_back_pressure_holds_claims_and_lets_go(tmp_path: Path, stack: ExitStack) -> None:
    disk = stack.enter_context(small_tmpfs(tmp_path / "disk", "64m"))
    site = site_on(tmp_path, stack, disk.path, "jobs", min_free_bytes=30_000_000, min_free_inodes=20)
    site.start()
    site.drop("report.pdf", _REPORT)
    site.processed(1)
    (disk.path / "other").write_bytes(bytes(40 << 20))
    wait_for(lambda: reason(site, "min_free_bytes"), "the hold")
    site.drop("later.pdf", _LETTER)
    assert_whole(site, "report.pdf", _REPORT)  # what is in work goes on
    assert site.results("later.pdf") == []
    assert [path.name for path in site.inbox.iterdir()] == ["later.pdf"]
    (disk.path / "other").unlink()
    assert_whole(site, "later.pdf", _LETTER)

    disk.use_up_inodes()
    wait_for(lambda: reason(site, "min_free_inodes"), "the hold")
    disk.mend()
    site.drop("last.pdf", _LETTER)
    assert_whole(site, "last.pdf", _LETTER)


def test_an_outbox_without_room_lets_no_more_be_claimed_than_is_in_work(tmp_path: Path, stack: ExitStack) -> None:
    disk = stack.enter_context(small_tmpfs(tmp_path / "disk", "4m"))
    site = site_on(tmp_path, stack, disk.path, "outbox")
    site.start()
    disk.fill()
    site.drop("first.pdf", _LETTER)
    wait_for(lambda: reason(site, "is full"), "the pause")
    names = [f"{number}.pdf" for number in range(5)]
    for name in names:
        site.drop(name, _LETTER)
    time.sleep(3)
    assert [job.status["source"] for job in site.in_work()] == ["first.pdf"]
    assert sorted(path.name for path in site.inbox.iterdir()) == names
    disk.mend()
    for name in ["first.pdf", *names]:
        assert_whole(site, name, _LETTER)
    assert not temporary_files(disk.path)


@pytest.mark.long
def test_a_disk_too_small_for_its_rasters_is_no_fault_of_the_pages(tmp_path: Path, stack: ExitStack) -> None:
    """Three rasters would need more than there is: they come one after the other, and none is called failed."""
    disk = stack.enter_context(small_tmpfs(tmp_path / "disk", "9m"))
    site = site_on(tmp_path, stack, disk.path, "jobs")
    site.start()
    site.drop("report.pdf", _REPORT)
    assert_whole(site, "report.pdf", _REPORT)


@pytest.mark.long
def test_a_disk_that_is_slow_is_only_slow(tmp_path: Path, stack: ExitStack) -> None:
    disk = stack.enter_context(faulty_disk(tmp_path / "disk"))
    site = site_on(tmp_path, stack, disk.path, "jobs")
    site.start()
    disk.fail({"fsync": 0.2, "create": 0.2, "rename": 0.2})
    site.drop("letter.pdf", _LETTER)
    assert_whole(site, "letter.pdf", _LETTER)


@pytest.mark.long
def test_a_disk_that_hangs_stops_neither_the_heartbeat_nor_the_end(tmp_path: Path, stack: ExitStack) -> None:
    disk: FaultyDisk = stack.enter_context(faulty_disk(tmp_path / "disk"))
    site = site_on(tmp_path, stack, disk.path, "jobs", "outbox", "failed")
    daemon = site.start()
    site.drop("report.pdf", _REPORT)
    site.processed(2)
    disk.fail({"*": 3600.0})
    seen = site.health()["heartbeat"]
    wait_for(lambda: reason(site, "does not answer"), "the reason", limit=30)
    assert site.health()["heartbeat"] > seen
    began = time.monotonic()
    daemon.process.send_signal(signal.SIGTERM)
    wait_for(lambda: site.health()["state"] == "stopped", "the stop", limit=15)
    assert time.monotonic() - began < 12, "service.shutdown_seconds is 10"
    disk.mend()  # a thread that waits for FUSE cannot even be killed
    assert daemon.wait() == 0
    site.start()
    assert_whole(site, "report.pdf", _REPORT)
    assert len(site.results()) == 1


def test_a_start_removes_what_a_delivery_left_that_was_broken_off(tmp_path: Path, stack: ExitStack) -> None:
    disk = stack.enter_context(faulty_disk(tmp_path / "disk"))
    site = site_on(tmp_path, stack, disk.path, "outbox")
    daemon = site.start()
    disk.fail({"rename": 3600.0})
    site.drop("letter.pdf", _LETTER, into="below")
    (copy,) = wait_for(lambda: list((site.outbox / "below").glob(".pdfocr-*.tmp")), "the copy")
    others = copy.with_name(".pdfocr-0123456789ab-01234567-" + "0" * 32 + ".tmp")
    others.mkdir()
    daemon.process.send_signal(signal.SIGKILL)
    disk.mend()
    daemon.wait()
    daemon.kill()
    (job,) = site.in_work()
    subprocess.run(["rm", "-r", job.folder], check=True)  # nobody delivers it there again
    site.start()
    wait_for(lambda: not copy.exists(), "our copy is removed")
    assert others.is_dir(), "another daemon is delivering there"
