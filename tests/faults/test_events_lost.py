"""The kernel drops events, or gives none: the sweep finds all, each file once, and the daemon says what happened."""

import shutil
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.conftest import MakeSite
from tests.end_to_end.harness import Daemon, Site, wait_for
from tests.needs import needs_programs
from tests.pdfs import born_digital

_QUEUE = Path("/proc/sys/fs/inotify/max_queued_events")


def _left(daemon: Daemon) -> Counter[str]:
    """How often the daemon said of each file that it stays."""
    return Counter(str(line["source"]) for line in daemon.logged() if line["event"] == "inbox.left")


@pytest.mark.long
@pytest.mark.timeout(600)
def test_twenty_thousand_files_at_once_while_the_daemon_stands_still(make_site: MakeSite) -> None:
    """Most are no PDFs by name and stay: the log says of each that it was seen."""
    if int(_QUEUE.read_text()) > 35_000:
        pytest.skip("the kernel keeps too many events to overflow it")
    site = make_site({"inbox": {"settle_seconds": 1.0, "unmarked_settle_seconds": 2.0, "rescan_interval": 600}})
    daemon = site.start()
    daemon.process.send_signal(signal.SIGSTOP)
    pdfs = {f"{number}.pdf" for number in range(0, 20_000, 200)}
    others = {f"{number}.txt" for number in range(20_000)} - {name.replace("pdf", "txt") for name in pdfs}
    for name in others:
        (site.inbox / name).touch()
    for name in pdfs:
        site.drop(name, born_digital())
    daemon.process.send_signal(signal.SIGCONT)
    results = site.all_results(None, len(pdfs), 240)
    assert Counter(str(job.status["source"]) for job in results) == Counter(pdfs)
    wait_for(lambda: len(_left(daemon)) >= len(others), "all others are seen", 240)
    assert _left(daemon) == Counter(others)
    wait_for(lambda: site.health()["events_lost"] >= 1, "the loss is counted")
    lost = [line for line in daemon.logged() if line["event"] == "inbox.events_lost"]
    assert any("overflow" in line["reason"] for line in lost)
    # Events come again.
    site.drop("last.pdf", born_digital())
    site.result("last.pdf", 60)


def _limited(limit: str, value: int) -> Sequence[str]:
    """A program that becomes another one, with a limit of inotify of its own: it has its own user namespace."""
    path = f"/proc/sys/user/max_inotify_{limit}"
    prefix = ["unshare", "--user", "--map-root-user", "sh", "-c", f'echo {value} > {path} && exec "$@"', "sh"]
    needs_programs(unshare="util-linux")
    if subprocess.run([*prefix, "true"], check=False, capture_output=True).returncode:
        pytest.skip("no user namespace, or no limits of inotify in it")
    return prefix


def _watched(daemon: Daemon) -> list[tuple[str, str]]:
    lines = [line for line in daemon.logged() if line["event"] == "inbox.watching"]
    return [(str(line["how"]), str(line["detail"])) for line in lines]


@pytest.mark.parametrize(("limit", "value"), [("watches", 3), ("instances", 0)])
def test_at_a_limit_of_inotify_from_the_start(site: Site, limit: str, value: int) -> None:
    for number in range(10):
        (site.inbox / f"folder {number}").mkdir()
    daemon = site.start(prefix=_limited(limit, value))
    wait_for(lambda: _watched(daemon), "the observer")
    ((how, detail),) = _watched(daemon)
    assert (how, "limit" in detail) == ("polling", True)
    for number in range(10):
        site.drop("letter.pdf", born_digital(), into=f"folder {number}")
    site.all_results(None, 10)


def test_at_the_limit_of_watches_later(site: Site) -> None:
    """New folders cannot be watched any more; what is dropped into them is found all the same."""
    daemon = site.start(prefix=_limited("watches", 5))
    wait_for(lambda: _watched(daemon), "the observer")
    assert _watched(daemon)[-1][0] == "native"
    for number in range(20):
        (site.inbox / f"folder {number}" / "below").mkdir(parents=True)
        time.sleep(0.02)
    for number in range(20):
        site.drop("letter.pdf", born_digital(), into=f"folder {number}/below")
    site.all_results(None, 20)
    assert {job.status["status"] for job in site.results()} == {"completed"}
    wait_for(lambda: _watched(daemon)[-1][0] == "polling", "it polls now")
    assert "limit" in _watched(daemon)[-1][1]
    wait_for(lambda: site.health()["events_lost"] >= 1, "the loss is counted")
    assert daemon.process.poll() is None


@pytest.mark.parametrize("how", ["renamed", "copied"])
def test_a_folder_that_is_moved_in_with_all_that_is_in_it(make_site: MakeSite, elsewhere: Path, how: str) -> None:
    """No event tells of the files in it."""
    site = make_site({"inbox": {"rescan_interval": 600}})
    site.start()
    outside = (site.base if how == "renamed" else elsewhere) / "folder"
    names = {f"{number}/{number}/{number}.pdf" for number in range(10)}
    for name in names:
        (outside / name).parent.mkdir(parents=True)
        (outside / name).write_bytes(born_digital())
    if how == "renamed":
        outside.rename(site.inbox / "folder")
    else:
        shutil.copytree(outside, site.inbox / "folder")
    results = site.all_results(None, 10)
    assert {str(job.status["source"]) for job in results} == {f"folder/{name}" for name in names}
    assert not [path for path in site.inbox.rglob("*") if path.is_file()]
    assert (site.inbox / "folder/3/3").is_dir(), "the folders stay"
