"""The lock that keeps one daemon alone on a jobs folder."""

import contextlib
import errno
import fcntl
import json
import os
import socket
from pathlib import Path
from types import TracebackType
from typing import Self

from pdfocr_watcher.errors import ErrorCode, PdfocrError

LOCK_NAME = ".lock"


class JobsLock:
    """Held for the life of whoever changes jobs; the system lets go of it when the process ends.

    Args:
        jobs: the jobs folder.
    """

    def __init__(self, jobs: Path) -> None:
        self._path = jobs / LOCK_NAME
        self._descriptor: int | None = None

    def acquire(self) -> None:
        """Take the lock.

        Raises:
            PdfocrError: somebody has it (ALREADY_RUNNING), or the folder cannot be used (FOLDER_UNUSABLE).
        """
        try:
            descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o644)
        except OSError as error:
            raise PdfocrError(ErrorCode.FOLDER_UNUSABLE, f"{self._path}: {error.strerror}.") from error
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            holder = os.pread(descriptor, 4096, 0).decode(errors="replace").strip()
            os.close(descriptor)
            # CIFS answers EACCES where others say EAGAIN.
            if error.errno in {errno.EAGAIN, errno.EACCES}:
                raise PdfocrError(
                    ErrorCode.ALREADY_RUNNING, f"{self._path} is held by {holder or 'another'}."
                ) from None
            raise PdfocrError(ErrorCode.FOLDER_UNUSABLE, f"{self._path}: {error.strerror}.") from error
        self._descriptor = descriptor
        # Who holds it is a courtesy to the next: a full disk must not keep the daemon from starting.
        with contextlib.suppress(OSError):
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, json.dumps({"host": socket.gethostname(), "pid": os.getpid()}).encode(), 0)

    def release(self) -> None:
        """Let go."""
        if self._descriptor is not None:
            # A process that is just being started may have the descriptor too, for a moment.
            with contextlib.suppress(OSError):
                fcntl.flock(self._descriptor, fcntl.LOCK_UN)
            os.close(self._descriptor)
            self._descriptor = None

    def __enter__(self) -> Self:
        self.acquire()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()
