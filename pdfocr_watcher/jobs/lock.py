"""The locks that keep one daemon alone on its folders: on jobs/, and on the root that others read.

A lock is the system's (`flock`), so it ends with the process that has it, however that ends, and what a lock file
says is for people only: a note that a dead process or another machine left keeps nobody out.
"""

import contextlib
import errno
import fcntl
import json
import os
import socket
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Self

from pdfocr_watcher.errors import ErrorCode, PdfocrError

LOCK_NAME = ".lock"

#: What flock answers while somebody else has the lock; CIFS says EACCES where others say EAGAIN.
_HELD = frozenset({errno.EAGAIN, errno.EACCES})
#: How often a lock file may be removed between its opening and its locking.
_TRIES = 10
_NOTE_BYTES = 4096


class _UnlockableError(Exception):
    """The folder cannot be locked, and not because somebody has the lock; says why."""


class JobsLock:
    """Held for the life of whoever changes jobs.

    Args:
        jobs: the jobs folder.
    """

    def __init__(self, jobs: Path) -> None:
        self._folder = jobs
        self._path = jobs / LOCK_NAME
        self._descriptors: tuple[int, ...] = ()

    def acquire(self) -> None:
        """Take the lock.

        Raises:
            PdfocrError: somebody has it (ALREADY_RUNNING), or the folder cannot be used (FOLDER_UNUSABLE).
        """
        try:
            self._acquire()
        except _UnlockableError as error:
            raise PdfocrError(
                ErrorCode.FOLDER_UNUSABLE,
                f"{self._path} cannot be locked: {error}. Two daemons could take one job; "
                "put folders.jobs on a local disk.",
            ) from error
        except OSError as error:
            raise PdfocrError(ErrorCode.FOLDER_UNUSABLE, f"{self._path}: {error.strerror}.") from error

    def release(self) -> None:
        """Let go."""
        for descriptor in self._descriptors:
            # A process that is just being started may have the descriptor too, for a moment.
            with contextlib.suppress(OSError):
                fcntl.flock(descriptor, fcntl.LOCK_UN)
            os.close(descriptor)
        self._descriptors = ()

    def __enter__(self) -> Self:
        self.acquire()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()

    def _acquire(self) -> None:
        file = self._locked_file()
        try:
            folder = _locked_folder(self._folder)
        except OSError as error:
            os.close(file)
            if isinstance(error, BlockingIOError):  # its holder's lock file was removed, and this one is new
                raise PdfocrError(
                    ErrorCode.ALREADY_RUNNING, f"{self._folder} is held by a process whose {LOCK_NAME} was removed."
                ) from None
            raise
        self._descriptors = (file,) if folder is None else (file, folder)
        note = {"host": socket.gethostname(), "pid": os.getpid(), "since": f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"}
        # Who holds it is a courtesy to the next: a full disk must not keep the daemon from starting.
        with contextlib.suppress(OSError):
            os.ftruncate(file, 0)
            os.pwrite(file, json.dumps(note).encode(), 0)

    def _locked_file(self) -> int:
        """A descriptor of the lock file, locked, with the file still in its place."""
        for _ in range(_TRIES):
            descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o644)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as error:
                holder = _holder(descriptor)
                os.close(descriptor)
                if error.errno in _HELD:
                    raise PdfocrError(ErrorCode.ALREADY_RUNNING, f"{self._path} is held by {holder}.") from None
                raise _UnlockableError(error.strerror) from error
            if _is_at(self._path, descriptor):
                return descriptor
            os.close(descriptor)
        raise _UnlockableError("it is removed again and again")


class RootLock(JobsLock):
    """Held by the daemon that keeps health.json, the index and the mirror in a root.

    What lies there can be made again, so a root that cannot be locked (a share without locks, or read-only) stops
    nobody.
    """

    def acquire(self) -> None:
        """Take the lock, if it can be had.

        Raises:
            PdfocrError: another daemon, with jobs elsewhere, has it (ALREADY_RUNNING).
        """
        try:
            self._acquire()
        except (_UnlockableError, OSError):
            return
        except PdfocrError as error:
            detail = f"{error.detail} Two daemons may share an inbox and an outbox, but not folders.root."
            raise PdfocrError(error.code, detail) from None


class DaemonLock:
    """Both locks that a daemon holds for its life.

    Args:
        jobs: the jobs folder.
        root: the folder that people see.
    """

    def __init__(self, jobs: Path, root: Path) -> None:
        self._locks = (JobsLock(jobs), RootLock(root))

    def acquire(self) -> None:
        """Take both, or none.

        Raises:
            PdfocrError: as `JobsLock.acquire` and `RootLock.acquire`.
        """
        try:
            for lock in self._locks:
                lock.acquire()
        except PdfocrError:
            self.release()
            raise

    def release(self) -> None:
        """Let go."""
        for lock in reversed(self._locks):
            lock.release()

    def __enter__(self) -> Self:
        self.acquire()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()


def _locked_folder(folder: Path) -> int | None:
    """A descriptor of the folder itself, locked; None where folders have no locks, as on network mounts.

    It holds where somebody removed the lock file of a running daemon, and a second one makes a new file.

    Raises:
        BlockingIOError: somebody has the lock.
    """
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(descriptor)
        if error.errno == errno.EAGAIN:
            raise
        return None
    return descriptor


def _is_at(path: Path, descriptor: int) -> bool:
    """Whether a path leads to an opened file, and not to another one or nowhere."""
    try:
        return os.path.samestat(os.lstat(path), os.fstat(descriptor))
    except FileNotFoundError:
        return False


def _holder(descriptor: int) -> str:
    """Who holds a lock, as far as that is known, for the words after "held by"."""
    try:
        note = json.loads(os.pread(descriptor, _NOTE_BYTES, 0))
        return f"process {note['pid']} on {note['host']} since {note.get('since', 'an unknown time')}"
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        # On CIFS a file that is locked elsewhere cannot even be read.
        return "another process, perhaps on another machine"
