"""A disk that is full, read-only, forbidden or broken under the running daemon, as each of its folders.

The daemon pauses and says why in words, keeps quiet meanwhile, goes on by itself when the disk is well again, and then
every drop has exactly one result with all of its pages: none is lost, doubled, or marked as failed for the disk's sake.
"""

import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil  # type: ignore[import-untyped]
import pytest

from tests.end_to_end.harness import LIMIT, Daemon, Site, temporary_files, wait_for
from tests.faults.troubled_disks import SmallDisk, faulty_disk, small_ext4, small_tmpfs
from tests.pdfs import born_digital

pytestmark = pytest.mark.timeout(300)

#: Pages that take a while, and a system that reads them one by one: time enough to get into trouble in the middle.
_SLOWLY: dict[str, dict[str, Any]] = {
    "inbox": {"min_free_inodes": 0, "min_free_bytes": 0, "rescan_interval": 0.5},
    "render": {"dpi": 150, "workers": 1, "range_pages": 2, "queue_pages": 3},
    "engine": {"name": "null", "max_concurrency": 1},
}
_LETTER = born_digital(1)
_REPORT = born_digital(12)
#: What the daemon may do while it waits, in a second: probes and health.json, no more.
_LINES_A_SECOND, _CPU_SHARE = 6, 0.5
_WATCHED_SECONDS = 3.0

FOLDERS = ("inbox", "jobs", "outbox", "failed")


class Scene:
    """A running daemon, one or more of whose folders lie on a disk of the test's own."""

    def __init__(self, base: Path, disk: Path, on_disk: tuple[str, ...], command: tuple[str, ...] = ()) -> None:
        folders = {name: str((disk if name in on_disk else base) / name) for name in FOLDERS}
        if "root" in on_disk:
            folders["root"] = str(disk)
        self.site = Site(base / "site", {**_SLOWLY, "folders": folders})
        if "root" in on_disk:
            self.site.root = disk
        log = base / "daemon.log"
        arguments = [*command, sys.executable, "-m", "pdfocr_watcher", "run", "--config", str(self.site.config)]
        self.daemon = Daemon(arguments, log, os.environ)
        self._serial = 0
        self.dropped: dict[str, bytes] = {}
        try:
            wait_for(lambda: self.state == "running", f"a daemon that runs; {log}")
        except BaseException:
            self.close()
            raise

    @property
    def state(self) -> str:
        assert self.daemon.process.poll() is None, self.daemon.log.read_text()
        return str(self.site.health().get("state"))

    def drop(self, content: bytes) -> str:
        self._serial += 1
        name = f"{self._serial}.pdf"
        self.dropped[name] = content + b"%% %d\n" % self._serial
        self.site.drop(name, self.dropped[name])
        return name

    def paused(self) -> str | None:
        health = self.site.health()
        return str(health["reason"]) if self.state == "paused" else None

    def keeps_quiet(self) -> None:
        """See that the daemon does not wear itself out."""
        process = psutil.Process(self.daemon.process.pid)
        lines, spent = len(self.daemon.logged()), sum(process.cpu_times())
        time.sleep(_WATCHED_SECONDS)
        assert len(self.daemon.logged()) - lines <= _LINES_A_SECOND * _WATCHED_SECONDS, self.daemon.logged()[lines:]
        assert sum(process.cpu_times()) - spent <= _CPU_SHARE * _WATCHED_SECONDS

    def all_is_well(self) -> None:
        """See that every drop has its one result, and that nothing is left of the trouble."""
        for name, content in self.dropped.items():
            job = self.site.result(name)
            assert (job.status["status"], job.status["failed_pages"]) == ("completed", []), job.status
            assert job.status["processed_pages"] == job.status["total_pages"]
            assert (job.folder / "input.pdf").read_bytes() == content
        assert len(self.site.results()) == len(self.dropped)
        wait_for(lambda: not self.site.in_work(), "the jobs folder is empty", limit=20)
        wait_for(lambda: self.state == "running", "a daemon that runs again", limit=20)
        roots = {self.site.root, self.site.inbox, self.site.jobs, self.site.outbox, self.site.failed}
        wait_for(lambda: not [path for path in temporary_files(*roots) if _old(path)], "no leftovers", limit=10)

    def close(self) -> None:
        self.daemon.clean_up()


def _old(path: Path) -> bool:
    """Whether a temporary file is none that is just being written."""
    try:
        return time.time() - path.lstat().st_mtime > 3.0
    except OSError:
        return False


@dataclass(frozen=True, slots=True)
class Trouble:
    """A way to bring a disk into trouble.

    Attributes:
        begin: does it; called again until it shows.
        word: what health.json says of it.
    """

    begin: Callable[[Any], None]
    word: str


SMALL = {
    "full": Trouble(SmallDisk.fill, "is full"),
    "no-inodes": Trouble(SmallDisk.use_up_inodes, "no inodes left"),
    "read-only": Trouble(SmallDisk.read_only, "read-only"),
}


def _failing(word: str, **faults: str | float) -> Trouble:
    return Trouble(lambda disk: disk.fail(faults), word)


FAULTY = {
    "write-EIO": _failing("input/output", write="EIO"),
    "write-EDQUOT": _failing("quota", write="EDQUOT"),
    "fsync-EIO": _failing("input/output", fsync="EIO"),
    "fsync-ENOSPC": _failing("is full", fsync="ENOSPC"),
    "create-ESTALE": _failing("is not there", create="ESTALE"),
    "rename-EBUSY": _failing("held by somebody", rename="EBUSY"),
    "mkdir-EIO": _failing("input/output", mkdir="EIO"),
    "unlink-EIO": _failing("input/output", unlink="EIO"),
    "readdir-EIO": _failing("input/output", readdir="EIO"),
    "open-ESTALE": _failing("is not there", open="ESTALE"),
    "read-EIO": _failing("input/output", read="EIO"),
    "everything-EIO": _failing("input/output", **{"*": "EIO"}),
    "everything-ESTALE": _failing("is not there", **{"*": "ESTALE"}),
    "read-only": _failing(
        "read-only", create="EROFS", mkdir="EROFS", rename="EROFS", unlink="EROFS", rmdir="EROFS", write="EROFS"
    ),
    "statfs-EIO": _failing("input/output", statfs="EIO"),
}
PLACES = {"jobs": ("jobs",), "results": ("outbox", "failed")}


def endure(scene: Scene, disk: Any, trouble: Trouble, *, quiet: bool) -> None:
    """Get into trouble in the middle of a document, wait, get out of it, and see that all is well."""
    scene.drop(_REPORT)
    scene.site.processed(2)
    _begin(scene, disk, trouble)
    if quiet:
        scene.keeps_quiet()
    disk.mend()
    began = time.monotonic()
    scene.all_is_well()
    assert time.monotonic() - began < LIMIT / 2


def _begin(scene: Scene, disk: Any, trouble: Trouble) -> None:
    scene.drop(_LETTER)

    def shows() -> bool:
        trouble.begin(disk)
        reason = scene.paused()
        return reason is not None and trouble.word in reason

    try:
        wait_for(shows, "the pause and its reason")
    except AssertionError:
        disk.mend()
        raise AssertionError(scene.site.health()) from None
    assert str(disk.path) in str(scene.paused())


@pytest.fixture(scope="module")
def scenes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str, str], tuple[Scene, Any]]]:
    """One daemon for each kind of disk and each folder on it: they recover, so that one serves all troubles."""
    made: dict[tuple[str, str], tuple[Scene, Any]] = {}
    with ExitStack() as stack:

        def scene(kind: str, place: str) -> tuple[Scene, Any]:
            if (kind, place) not in made:
                base = tmp_path_factory.mktemp(f"{kind}-{place}")
                disk: Any = stack.enter_context(
                    {"tmpfs": small_tmpfs, "ext4": small_ext4, "faulty": faulty_disk}[kind](base / "disk")
                )
                found = Scene(base, disk.path, PLACES[place])
                stack.callback(found.close)
                made[kind, place] = found, disk
            return made[kind, place]

        yield scene


def _rest(*cases: tuple[str, ...]) -> list[Any]:
    """Cases that the default run leaves out."""
    return [pytest.param(*case, marks=pytest.mark.long) for case in cases]


@pytest.mark.parametrize(
    ("kind", "place", "name"),
    [
        ("tmpfs", "jobs", "full"),
        *_rest(
            ("tmpfs", "jobs", "no-inodes"),
            ("tmpfs", "results", "full"),
            # The daemon's lock is open for writing, so that nobody can make the jobs' own disk read-only by hand.
            ("tmpfs", "results", "read-only"),
            ("ext4", "jobs", "full"),
            ("ext4", "jobs", "no-inodes"),
            ("ext4", "results", "no-inodes"),
            ("ext4", "results", "read-only"),
        ),
    ],
)
def test_a_disk_that_is_used_up_or_read_only(scenes: Any, kind: str, place: str, name: str) -> None:
    scene, disk = scenes(kind, place)
    endure(scene, disk, SMALL[name], quiet=True)


@pytest.mark.parametrize(
    ("place", "name"),
    [
        ("jobs", "read-EIO"),
        *_rest(
            ("results", "write-EIO"),
            *(("jobs", name) for name in FAULTY if name != "read-EIO"),
            *(("results", name) for name in ("fsync-EIO", "rename-EBUSY", "mkdir-EIO", "everything-ESTALE")),
        ),
    ],
)
def test_a_disk_that_refuses_an_operation(scenes: Any, place: str, name: str) -> None:
    scene, disk = scenes("faulty", place)
    endure(scene, disk, FAULTY[name], quiet=name.startswith(("everything", "write")))
