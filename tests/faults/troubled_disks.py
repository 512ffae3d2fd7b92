"""Disks that can be brought into trouble and out of it, for the tests: mounted for a test and taken down after it."""

import contextlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

from tests.needs import needs_fuse, needs_mounts

_FAULT_FS = Path(__file__).with_name("fault_fs.py")
_LIMIT = 30.0


class FaultyDisk:
    """A folder on the file system that fails on command."""

    def __init__(self, path: Path, control: Path) -> None:
        self.path = path
        self._control = control

    def fail(self, faults: Mapping[str, str | float]) -> None:
        """Have operations fail (an error's name) or take long (seconds) from now on."""
        written = self._control.with_suffix(".new")
        written.write_text(json.dumps(faults))
        written.replace(self._control)

    def mend(self) -> None:
        """Let everything succeed."""
        self._control.unlink(missing_ok=True)


@contextlib.contextmanager
def faulty_disk(base: Path) -> Iterator[FaultyDisk]:
    """Mount one below `base`."""
    needs_fuse()
    below, path, control = base / "below", base / "faulty", base / "faults.json"
    for folder in (below, path):
        folder.mkdir(parents=True)
    server = subprocess.Popen([sys.executable, _FAULT_FS, below, path, control], start_new_session=True)
    disk = FaultyDisk(path, control)
    try:
        deadline = time.monotonic() + _LIMIT
        while not path.is_mount():
            assert server.poll() is None
            assert time.monotonic() < deadline, "the file system is not mounted"
            time.sleep(0.02)
        yield disk
    finally:
        disk.mend()
        subprocess.run(["fusermount3", "-u", "-z", path], check=False)
        server.terminate()
        server.wait(_LIMIT)


class SmallDisk:
    """A file system of a few megabytes that can be filled and made read-only."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._filler = path / "filler"

    def fill(self) -> None:
        """Use up the space that is left."""
        with self._filler.open("ab", buffering=0) as file, contextlib.suppress(OSError):
            for size in (1 << 20, 1 << 12):
                with contextlib.suppress(OSError):
                    while file.write(bytes(size)) == size:
                        pass

    def use_up_inodes(self) -> None:
        """Make files until there can be no more; there is space left."""
        folder = self.path / "fillers"
        with contextlib.suppress(OSError):
            folder.mkdir(exist_ok=True)
            for number in range(100_000):
                (folder / f"{time.monotonic_ns()}-{number}").touch()

    def read_only(self) -> None:
        """Mount it for reading; asked for again while somebody has a file open for writing."""
        self._remount("ro")

    def mend(self) -> None:
        """Make it as it was."""
        self._remount("rw")
        self._filler.unlink(missing_ok=True)
        folder = self.path / "fillers"
        if folder.is_dir():
            for path in folder.iterdir():
                path.unlink()
            folder.rmdir()

    def _remount(self, how: str) -> None:
        deadline = time.monotonic() + _LIMIT
        while subprocess.run(["mount", "-o", f"remount,{how}", self.path], capture_output=True, check=False).returncode:
            assert time.monotonic() < deadline, f"it cannot be mounted {how}"
            time.sleep(0.01)


@contextlib.contextmanager
def small_tmpfs(base: Path, size: str = "64m", inodes: int = 500) -> Iterator[SmallDisk]:
    """Mount a tmpfs below `base`."""
    base.mkdir(parents=True, exist_ok=True)
    needs_mounts(base)
    path = base / "small"
    path.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size},nr_inodes={inodes}", "tmpfs", path], check=True)
    try:
        yield SmallDisk(path)
    finally:
        subprocess.run(["umount", "-l", path], check=True)


@contextlib.contextmanager
def small_ext4(base: Path, megabytes: int = 64, inodes: int = 400) -> Iterator[SmallDisk]:
    """Mount an ext4 on a loop device below `base`."""
    base.mkdir(parents=True, exist_ok=True)
    needs_mounts(base)
    image, path = base / "image", base / "small"
    path.mkdir()
    with image.open("wb") as file:
        os.truncate(file.fileno(), megabytes << 20)
    subprocess.run(["mkfs.ext4", "-q", "-F", "-N", str(inodes), image], check=True)
    subprocess.run(["mount", "-o", "loop", image, path], check=True)
    try:
        yield SmallDisk(path)
    finally:
        subprocess.run(["umount", "-l", path], check=True)
