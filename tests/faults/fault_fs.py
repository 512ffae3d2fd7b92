"""A file system that fails on command: it passes everything on to a folder, but for what a control file says.

    python tests/faults/fault_fs.py FOLDER MOUNT_POINT CONTROL_FILE

The control file holds a JSON object from operation to an error's name (`{"write": "EIO"}`) or to seconds of delay
(`{"fsync": 0.2}`); `*` stands for all operations that are not named. It is read at every call, and a delay ends as
soon as it is no longer asked for.
"""

import errno
import functools
import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import mfusepy as fuse  # type: ignore[import-untyped]

_STAT = ("st_mode", "st_nlink", "st_size", "st_uid", "st_gid", "st_ino", "st_blocks")
_SPACE = (
    "f_bsize", "f_frsize", "f_blocks", "f_bfree", "f_bavail", "f_files", "f_ffree", "f_favail", "f_namemax",
)  # fmt: skip
_INTERVAL = 0.02


def _faulty(operation: Callable[..., Any]) -> Callable[..., Any]:
    """The operation on the folder's own path, with the fault that is asked for before it."""

    @functools.wraps(operation)
    def faulty(folder: "FaultyFolder", path: str, *arguments: Any) -> Any:
        folder.fault(operation.__name__)
        return operation(folder, folder.below(path), *arguments)

    return faulty


class FaultyFolder(fuse.Operations):  # type: ignore[misc]
    """A folder seen through its faults.

    Args:
        folder: what is shown.
        control: the control file.
    """

    use_ns = True

    def __init__(self, folder: str, control: str) -> None:
        self._folder = folder
        self._control = Path(control)

    def below(self, path: str) -> str:
        """Where a path of the mount lies in the folder."""
        return self._folder + path

    def fault(self, op: str) -> None:
        """Fail or wait as the control file says."""
        began = time.monotonic()
        while (wanted := self._wanted(op)) is not None:
            if isinstance(wanted, str):
                raise fuse.FuseOSError(getattr(errno, wanted))
            if time.monotonic() - began >= wanted:
                return
            time.sleep(min(_INTERVAL, wanted))

    def _wanted(self, op: str) -> str | float | None:
        try:
            faults = json.loads(self._control.read_bytes())
        except (OSError, ValueError):  # none asked for, or just being written
            return None
        found: str | float | None = faults.get("fsync" if op == "fsyncdir" else op, faults.get("*"))
        return found

    @_faulty
    def getattr(self, path: str, fh: Any = None) -> dict[str, int]:
        del fh
        found = os.lstat(path)
        times = {f"st_{name}": getattr(found, f"st_{name}_ns") for name in ("atime", "mtime", "ctime")}
        return {name: getattr(found, name) for name in _STAT} | times

    @_faulty
    def access(self, path: str, amode: int) -> int:
        if not os.access(path, amode):
            raise PermissionError(errno.EACCES, path)
        return 0

    @_faulty
    def readdir(self, path: str, fh: Any) -> list[str]:
        del fh
        return [".", "..", *os.listdir(path)]

    @_faulty
    def create(self, path: str, mode: int, fi: Any = None) -> int:
        del fi
        return os.open(path, os.O_CREAT | os.O_RDWR | os.O_TRUNC, mode)

    @_faulty
    def open(self, path: str, flags: int) -> int:
        return os.open(path, flags & ~(os.O_APPEND | os.O_CREAT | os.O_EXCL))

    @_faulty
    def read(self, path: str, size: int, offset: int, fh: int) -> bytes:
        del path
        return os.pread(fh, size, offset)

    @_faulty
    def write(self, path: str, data: bytes, offset: int, fh: int) -> int:
        del path
        return os.pwrite(fh, data, offset)

    @_faulty
    def truncate(self, path: str, length: int, fh: int | None = None) -> int:
        del fh
        os.truncate(path, length)
        return 0

    @_faulty
    def fsync(self, path: str, datasync: int, fh: int) -> int:
        del path, datasync
        os.fsync(fh)
        return 0

    @_faulty
    def fsyncdir(self, path: str, datasync: int, fh: int) -> int:
        del path, datasync, fh
        return 0

    @_faulty
    def flush(self, path: str, fh: int) -> int:
        del path, fh
        return 0

    def release(self, path: str, fh: int) -> int:
        del path
        os.close(fh)
        return 0

    @_faulty
    def unlink(self, path: str) -> int:
        os.unlink(path)
        return 0

    @_faulty
    def mkdir(self, path: str, mode: int) -> int:
        os.mkdir(path, mode)
        return 0

    @_faulty
    def rmdir(self, path: str) -> int:
        os.rmdir(path)
        return 0

    @_faulty
    def rename(self, old: str, new: str) -> int:
        os.rename(old, self.below(new))
        return 0

    @_faulty
    def utimens(self, path: str, times: tuple[int, int] | None = None) -> int:
        os.utime(path, ns=times)
        return 0

    @_faulty
    def chmod(self, path: str, mode: int) -> int:
        os.chmod(path, mode)
        return 0

    @_faulty
    def chown(self, path: str, uid: int, gid: int) -> int:
        os.chown(path, uid, gid)
        return 0

    @_faulty
    def statfs(self, path: str) -> dict[str, int]:
        found = os.statvfs(path)
        return {name: getattr(found, name) for name in _SPACE}


if __name__ == "__main__":
    # No caches in the kernel, so that every fault is met; threads, so that what hangs holds up only itself.
    fuse.FUSE(FaultyFolder(sys.argv[1], sys.argv[3]), sys.argv[2], foreground=True, attr_timeout=0, entry_timeout=0)
