"""Sites with the real daemon, and other file systems than the one that tests lie on."""

import contextlib
import ctypes
import os
import shutil
import subprocess
import tempfile
import uuid
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.end_to_end.harness import READING, Site

MakeSite = Callable[..., Site]
_CLONE_NEWNS = 0x20000


@pytest.fixture(scope="session", autouse=True)
def mounts_of_their_own() -> None:
    """What the tests mount ends with them, though they be killed: they and what they start have their own mounts."""
    if os.geteuid() == 0 and ctypes.CDLL(None).unshare(_CLONE_NEWNS) == 0:
        # Refused where nothing may be mounted, and there nothing is.
        subprocess.run(["mount", "--make-rslave", "/"], check=False, capture_output=True)


@pytest.fixture
def make_site(tmp_path: Path) -> Iterator[MakeSite]:
    """Make a set of folders with a configuration; whatever was started on it is ended with the test."""
    sites: list[Site] = []

    def make(settings: Mapping[str, Mapping[str, Any]] | None = None) -> Site:
        site = Site(tmp_path / f"site-{len(sites)}", settings)
        sites.append(site)
        return site

    yield make
    for site in sites:
        site.close()


@pytest.fixture
def site(make_site: MakeSite) -> Site:
    """A set of folders on which nothing runs yet, with short waits and the engine that reads nothing."""
    return make_site()


@pytest.fixture(scope="session")
def quick_site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A site whose daemon serves all tests that only drop files of names of their own and look at the results."""
    site = Site(tmp_path_factory.mktemp("quick") / "site")
    site.start()
    yield site
    site.close()


@pytest.fixture(scope="session")
def reading_site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """The same with the embedded engine, for the tests that look at what was read."""
    site = Site(tmp_path_factory.mktemp("reading") / "site", READING)
    site.start()
    yield site
    site.close()


@pytest.fixture
def mount():
    """Mount a small file system in memory, or another folder, on a folder; skips where that is not allowed."""
    mounted = []

    def do(folder, size="8m", bound=None):
        folder.mkdir(exist_ok=True)
        command = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)]
        if bound is not None:
            bound.mkdir(exist_ok=True)
            command = ["mount", "--bind", str(bound), str(folder)]
        if os.geteuid() != 0 or subprocess.run(command, check=False, capture_output=True).returncode:
            pytest.skip("needs the right to mount")
        mounted.append(folder)
        return folder

    def undo(folder):
        subprocess.run(["umount", str(folder)], check=True)
        mounted.remove(folder)

    do.undo = undo
    yield do
    for folder in reversed(mounted):
        subprocess.run(["umount", "-l", str(folder)], check=False)


@pytest.fixture
def elsewhere(tmp_path, request):
    """A folder on another file system than `tmp_path`."""
    shared = Path("/dev/shm")  # noqa: S108 - wanted for being another file system
    if shared.is_dir() and os.access(shared, os.W_OK) and shared.stat().st_dev != tmp_path.stat().st_dev:
        folder = shared / f"pdfocr-test-{uuid.uuid4().hex}"
        folder.mkdir()
        yield folder
        with contextlib.suppress(OSError):
            subprocess.run(["rm", "-rf", str(folder)], check=True)
    else:
        yield request.getfixturevalue("mount")(tmp_path / "elsewhere")


@pytest.fixture
def in_sight() -> Iterator[Path]:
    """A folder that every user of the machine can come to, unlike pytest's own."""
    folder = Path(tempfile.mkdtemp(prefix="pdfocr-test-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)
