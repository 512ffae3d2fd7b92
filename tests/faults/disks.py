"""Disks that can lose their power: ext4 file systems in image files, mounted over loop devices.

What they hold at each point of a run is kept by `tests/faults/arming/power.py`.
"""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.end_to_end.harness import wait_for
from tests.needs import needs_mounts, needs_programs

_SIZE = 24 << 20
_MAKE = ("mkfs.ext4", "-q", "-F", "-J", "size=4", "-E", "lazy_itable_init=0,lazy_journal_init=0")
#: Nothing is written through by the clock in the time of a test.
_OPTIONS = "loop,commit=300"
#: EXT4_IOC_SHUTDOWN of the file system at a path: 1 lets the journal out, 2 not even that; a file's content, neither.
_SHUT_DOWN = (
    "import fcntl, os, struct, sys; "
    "fcntl.ioctl(os.open(sys.argv[1], os.O_RDONLY), 0x8004587D, struct.pack('I', int(sys.argv[2])))"
)
#: Seconds that a worker of a killed daemon may take to end.
_LIMIT = 20.0


@dataclass(frozen=True, slots=True)
class Disk:
    """A disk.

    Attributes:
        image: the file that it is.
        mounted: the folder under which its file system is seen.
        options: mount options beside the usual ones.
    """

    image: Path
    mounted: Path
    options: str = ""

    def make(self) -> None:
        """Make an empty file system."""
        self.image.parent.mkdir(parents=True, exist_ok=True)
        with self.image.open("wb") as file:
            file.truncate(_SIZE)
        subprocess.run([*_MAKE, self.image], check=True)

    @contextmanager
    def in_use(self, image: Path | None = None) -> Iterator[None]:
        """Mount it, or another state of it; the journal is played back where it needs to be."""
        self.mounted.mkdir(parents=True, exist_ok=True)
        options = ",".join(filter(None, [_OPTIONS, self.options]))
        subprocess.run(["mount", "-t", "ext4", "-o", options, image or self.image, self.mounted], check=True)
        try:
            yield
        finally:
            wait_for(self._unmounted, f"{self.mounted} is let go by all processes", _LIMIT)

    def power_cut(self, *, names: bool = False) -> list[str]:
        """A command after which nothing more gets to the disk.

        Args:
            names: whether the names that files and folders have in memory still do.
        """
        return [sys.executable, "-I", "-c", _SHUT_DOWN, str(self.mounted), "1" if names else "2"]

    def _unmounted(self) -> bool:
        return subprocess.run(["umount", self.mounted], check=False, capture_output=True).returncode == 0


def needs_disks(folder: Path) -> None:
    """Skip the test unless such disks can be made here."""
    needs_programs(**{"mkfs.ext4": "e2fsprogs"})
    needs_mounts(folder)
    probe = Disk(folder / "probe.img", folder / "probe")
    probe.make()
    try:
        with probe.in_use():
            pass
    except subprocess.CalledProcessError:
        pytest.skip("no loop device can be mounted here")
