"""The folders that are written to, looked at every second: whether they answer, and the space where the jobs lie.

What follows from it is decided in `condition`.
"""

import asyncio
import os
from collections.abc import Iterable
from pathlib import Path

from pdfocr_watcher.config.model import Inbox
from pdfocr_watcher.jobs.probe import free_inodes
from pdfocr_watcher.pipeline.storage import Storage

#: Seconds between two looks.
_INTERVAL = 1.0


class Space:
    """Watches the jobs folder and the folders that results go to.

    Args:
        folder, jobs: the jobs folder.
        others: the other folders; a daemon that cannot write there must not claim more and more.
        limits: the free space below which nothing is claimed.
    """

    def __init__(self, folder: Path, jobs: Storage, others: Iterable[Storage], limits: Inbox) -> None:
        self._folder = folder
        self._jobs = jobs
        self._others = tuple(others)
        self._limits = limits
        self._found: os.statvfs_result | None = None

    @property
    def free_bytes(self) -> int | None:
        """Where the jobs lie; None if that is not known."""
        return self._found.f_bavail * self._found.f_frsize if self._found else None

    @property
    def shortage(self) -> str | None:
        """Why nothing may be claimed; None if there is space enough."""
        if self._jobs.closed:
            return self._jobs.closed_because
        if self._found is None:
            return f"The free space of {self._folder} is not known."
        least = self._limits.min_free_bytes
        if (self.free_bytes or 0) < least:
            return (
                f"Only {self.free_bytes} bytes are free in {self._folder}, and inbox.min_free_bytes is {least}. "
                "Free space there."
            )
        inodes, fewest = free_inodes(self._found), self._limits.min_free_inodes
        if inodes is not None and inodes < fewest:
            return (
                f"Only {inodes} more files can be made in {self._folder} (free inodes), and inbox.min_free_inodes "
                f"is {fewest}. Remove files there."
            )
        return None

    def configure(self, limits: Inbox) -> None:
        """Go by other limits from now on."""
        self._limits = limits

    async def watch(self) -> None:
        """Look again and again until cancelled."""
        async with asyncio.TaskGroup() as group:
            for storage in self._others:
                group.create_task(_look_on(storage))
            while True:
                await self.measure()
                await asyncio.sleep(_INTERVAL)

    async def measure(self) -> None:
        """Look at the jobs folder once."""
        self._found = await self._jobs.look() or self._found


async def _look_on(storage: Storage) -> None:
    while True:
        await storage.look()
        await asyncio.sleep(_INTERVAL)
