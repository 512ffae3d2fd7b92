"""What a power cut would leave: the disks as they are at each point of a daemon's run, and an fsync that is left out.

A disk is an ext4 file system in an image file. At any instant the image holds what was written through to the disk
and nothing that was only in memory: just what is found after the power failed then. Loaded into the daemon by
`sitecustomize` beside this file; `tests.faults.disks` makes the disks and mounts what was kept of them.
"""

import ctypes
import fcntl
import hashlib
import os
import struct
import threading
from pathlib import Path

#: EXT4_IOC_CHECKPOINT: what the journal has not committed yet is committed; no file's content is written.
_COMMIT = 0x4004662B
_HOLE = bytes(4096)
_local = threading.local()
_fsync = os.fsync


class DiskStates:
    """Keeps each state in which the disks are found before a step, once.

    After a step they are as before the next one: nothing is watched that does not change them.

    Args:
        disks: for each disk its `image`, where it is `mounted`, and what gets to it by itself before a point:
            `nothing`, as far as the daemon does not ask for it; `names`, but no contents, as by the journal's
            clock; or `all`, as on a machine that does not lose its power.
        since: the first point that counts.
        until: the last one.
        into: a folder for the states: NUMBER/INDEX.img, and `points` with the number and the point in each line.
    """

    def __init__(self, disks: list[dict[str, str]], since: str, until: str, into: str) -> None:
        self._disks = disks
        self._since = since
        self._until = until
        self._into = Path(into)

    def note(self, point: str) -> None:
        """Look at the disks now, while nothing else that is watched goes on."""
        if not point.startswith("before "):
            return
        with (self._into / "lock").open("wb") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            passed = (self._into / "points").read_text() if (self._into / "points").exists() else ""
            if (not passed and point != self._since) or f"\t{self._until}\n" in passed:
                return
            for disk in self._disks:
                _write_back(disk["mounted"], disk["by_itself"])
            images = self._read()
            digest = hashlib.blake2b(b"".join(images)).hexdigest()
            known = (self._into / "digests").read_text().split() if (self._into / "digests").exists() else []
            if digest not in known:
                self._keep(len(known), images)
                known.append(digest)
                (self._into / "digests").write_text(" ".join(known))
            with (self._into / "points").open("a") as points:
                points.write(f"{known.index(digest)}\t{point}\n")

    def _read(self) -> list[bytes]:
        """All images as they were at one moment: the system may be writing just now."""
        images = [Path(disk["image"]).read_bytes() for disk in self._disks]
        while (again := [Path(disk["image"]).read_bytes() for disk in self._disks]) != images:
            images = again
        return images

    def _keep(self, number: int, images: list[bytes]) -> None:
        folder = self._into / f"{number:03d}"
        folder.mkdir()
        for index, image in enumerate(images):
            with (folder / f"{index}.img").open("wb") as file:
                for start in range(0, len(image), len(_HOLE)):
                    if (block := image[start : start + len(_HOLE)]) != _HOLE:
                        file.seek(start)
                        file.write(block)
                file.truncate(len(image))


def _write_back(mounted: str, by_itself: str) -> None:
    if by_itself == "nothing":
        return
    descriptor = os.open(mounted, os.O_RDONLY | os.O_DIRECTORY)
    try:
        if by_itself == "names":
            fcntl.ioctl(descriptor, _COMMIT, struct.pack("I", 0))
        elif ctypes.CDLL(None).syncfs(descriptor) != 0:
            raise OSError(f"syncfs of {mounted}")
    finally:
        os.close(descriptor)


def leave_out_next() -> None:
    """Let the next fsync of this thread do nothing."""
    _local.left_out = True


def _maybe_fsync(descriptor: int) -> None:
    if getattr(_local, "left_out", False):
        _local.left_out = False
    else:
        _fsync(descriptor)


def allow_leaving_out() -> None:
    """Make `leave_out_next` work."""
    os.fsync = _maybe_fsync
    # To be told that a file is not needed in memory the system begins to write it out: a file that is copied would
    # get to the disk without its fsync too, only with no promise of when.
    os.posix_fadvise = lambda *_arguments: None
