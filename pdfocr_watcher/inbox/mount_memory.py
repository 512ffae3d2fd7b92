"""On which mount the inbox lies, remembered over restarts: the folder below a mount that is not there looks empty.

It is kept in a small file beside the jobs, and only where the inbox lies on a mount that the jobs do not lie on.
Which mount serves a path is found out by `jobs.mounts`.
"""

import contextlib
import os
from pathlib import Path

from pdfocr_watcher.jobs import mounts
from pdfocr_watcher.jobs.durable import remove_file, write_durably

#: The file in the jobs folder. Who moves the inbox from a mount to a plain folder removes it.
MEMORY_NAME = ".inbox-mount"


class MountMemory:
    """Tells a mount that was dropped from an empty inbox; blocking, called in one thread.

    Args:
        inbox: the inbox, as it is configured.
        jobs: the jobs folder.
    """

    def __init__(self, inbox: Path, jobs: Path) -> None:
        self._inbox = inbox
        self._jobs = jobs
        self._file = jobs / MEMORY_NAME
        self._point: str | None = None

    def missing(self) -> str | None:
        """Look at the mounts, and remember the inbox's.

        Returns:
            Why the inbox is not what it was, in words; None if it is, or was never seen on a mount.
        """
        table, path = mounts.table(), os.path.realpath(self._inbox)
        if self._point is None:
            self._point = self._read()
        if mounts.dropped(table, self._point, path):
            # Somebody may have removed the file meanwhile, to say that this is meant.
            self._point = self._read()
            if self._point:
                return f"It is no longer mounted on {self._point}; if that is meant, remove {self._file}."
        point = self._worth_remembering(table, path)
        if point != self._point:
            self._write(point)
            self._point = point
        return None

    def _worth_remembering(self, table: tuple[mounts.Mount, ...], path: str) -> str:
        serving = mounts.mount_of(table, path)
        jobs = mounts.mount_of(table, os.path.realpath(self._jobs))
        if serving is None or serving.point == "/" or (jobs is not None and jobs.point == serving.point):
            return ""
        return serving.point

    def _read(self) -> str:
        try:
            return os.fsdecode(self._file.read_bytes()).removesuffix("\n")
        except OSError:
            return ""

    def _write(self, point: str) -> None:
        # What could not be written is remembered until the next start.
        with contextlib.suppress(OSError):
            if point:
                write_durably(self._file, os.fsencode(point) + b"\n")
            else:
                remove_file(self._file, missing_ok=True)
