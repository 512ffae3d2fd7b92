"""Whether a folder takes what is written into it, and what its refusal means to a person.

Asked when a step was refused or a program failed that had to read or write there: a page or a document must not be
blamed for the disk below it. Who asks, and what waits meanwhile, is decided elsewhere.
"""

import contextlib
import errno
import hashlib
import os
import socket
from pathlib import Path

from pdfocr_watcher.jobs.durable import (
    TEMPORARY_PREFIX,
    TEMPORARY_SUFFIX,
    make_folder,
    make_folders,
    remove_tree,
    rename,
    sync_folder,
    write_file,
)

#: What is written to try a folder: more than fits into the gaps of a full disk, and written in no time.
_PROBE_BYTES = 1 << 18
#: So much of a file is read at its begin, in its middle and at its end, to see whether it can be read.
_SAMPLE_BYTES = 1 << 18

_FULL = ("is full", "Free space there.")
_AWAY = ("is not there", "Mount it again.")
_FORBIDDEN = ("may not be written by this user", "Give the daemon's user the right to read and write there.")
_WORDS: dict[int, tuple[str, str]] = {
    errno.ENOSPC: _FULL,
    errno.EDQUOT: ("is beyond its quota", "Free space there, or raise the quota."),
    errno.EROFS: ("is mounted read-only", "Look in the system log for why, and mount it for writing again."),
    errno.EACCES: _FORBIDDEN,
    errno.EPERM: _FORBIDDEN,
    errno.EIO: ("gives input/output errors", "Look in the system log, and at the disk or the network."),
    errno.EBUSY: ("is held by somebody else", "Look for who has files open there."),
    errno.ETIMEDOUT: ("does not answer", "Look at the disk or the network."),
    errno.ENOENT: _AWAY,
    errno.ENOTDIR: _AWAY,
    errno.ESTALE: _AWAY,
    errno.ENOTCONN: _AWAY,
    errno.EHOSTDOWN: _AWAY,
    errno.ENODEV: _AWAY,
}
_NO_INODES = ("has no inodes left", "Remove files there: the file system has space, but no room for another file.")


class NoInodesError(OSError):
    """A file system that has space, but no room for another file."""


def refusal(error: OSError, folder: Path) -> str:
    """What a refusal means: which folder, what is wrong with it, and what to do."""
    words = _NO_INODES if isinstance(error, NoInodesError) else _WORDS.get(error.errno or 0)
    what, advice = words or ("refuses what is done there", "Look in the system log.")
    return f"{folder} {what} ({error.strerror or error}). {advice} The daemon goes on by itself."


def free_inodes(space: os.statvfs_result) -> int | None:
    """Files that can still be made, as a `statvfs` says; None where the file system does not count them."""
    return space.f_favail if space.f_files else None


def _inodes_used_up(folder: Path) -> bool:
    try:
        return free_inodes(os.statvfs(folder)) == 0
    except OSError:
        return False


def owner_of(jobs: Path) -> str:
    """How the mark of a daemon begins that has this jobs folder: 12 hexadecimal digits.

    The mark stands in the names of what is temporary in a folder that other daemons may use too; by it each knows
    what it left there itself.
    """
    return hashlib.sha256(f"{socket.gethostname()}\0{os.path.realpath(jobs)}".encode(errors="replace")).hexdigest()[:12]


def try_writing(folder: Path, mark: str) -> None:
    """Do in a folder what the work does there: make a folder, write, sync, read, rename, remove.

    Args:
        folder: what is tried; nothing stays behind in it where it can be removed.
        mark: whose try it is: one at a time.

    Raises:
        NoInodesError: there is space, but no room for another file.
        OSError: the folder cannot be used at present.
    """
    first, second = (folder / f"{TEMPORARY_PREFIX}{mark}-probe{number}{TEMPORARY_SUFFIX}" for number in (1, 2))
    for left in (first, second):
        if os.path.lexists(left):  # of an earlier try that could not remove it
            remove_tree(left)
    try:
        make_folders(folder)
        make_folder(first)
        data = os.urandom(_PROBE_BYTES)
        write_file(first / "probe", data)
        if _sampled(first / "probe") != data:
            raise OSError(errno.EIO, "what is read is not what was written", str(folder))
        rename(first, second)
        remove_tree(second)
        sync_folder(folder)
    except OSError as error:
        for left in (first, second):
            remove_tree(left, worthless=True)
        if error.errno == errno.ENOSPC and _inodes_used_up(folder):
            raise NoInodesError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(folder)) from error
        raise


def try_access(folder: Path, _mark: str) -> None:
    """See whether a folder of other people's could be written, without writing there.

    Raises:
        OSError: it cannot.
    """
    if os.statvfs(folder).f_flag & os.ST_RDONLY:
        raise OSError(errno.EROFS, os.strerror(errno.EROFS), str(folder))
    if not os.access(folder, os.R_OK | os.W_OK | os.X_OK):
        raise OSError(errno.EACCES, os.strerror(errno.EACCES), str(folder))


def try_reading(path: Path) -> None:
    """Read a sample of a file, from the device where that is possible.

    Raises:
        OSError: it cannot be read at present.
    """
    _sampled(path)


def _sampled(path: Path) -> bytes:
    """The file's begin; its middle and its end are read too."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        length = os.fstat(descriptor).st_size
        with contextlib.suppress(OSError):  # some network file systems do not know it
            os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
        for offset in {length // 2, max(0, length - _SAMPLE_BYTES)}:
            os.pread(descriptor, _SAMPLE_BYTES, offset)
        return os.pread(descriptor, _SAMPLE_BYTES, 0)
    finally:
        os.close(descriptor)
