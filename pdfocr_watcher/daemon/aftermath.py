"""What a disk in trouble leaves behind is found and removed once it is well again, not only at the next start.

A removal that is refused may leave what it had begun to remove; claims that are are mended by `taking_up`. It is
looked into here too whether a refused claim was the file's fault or a folder's.
"""

import asyncio
import contextlib
import os
import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import structlog

from pdfocr_watcher.jobs.durable import TEMPORARY_PREFIX, TEMPORARY_SUFFIX, remove_tree
from pdfocr_watcher.jobs.model import JOB_ID
from pdfocr_watcher.pipeline.storage import Storage

_log = structlog.get_logger(__name__)

#: Seconds between two looks at whether there was trouble.
_INTERVAL = 1.0
#: Job folders that are being removed.
_DYING = re.compile(f"{re.escape(TEMPORARY_PREFIX)}{JOB_ID.pattern}[.][0-9]+-[0-9]+{re.escape(TEMPORARY_SUFFIX)}")


class Aftermath:
    """Looks after the jobs folder.

    Args:
        folder, jobs: the jobs folder.
        source: the inbox.
    """

    def __init__(self, folder: Path, jobs: Storage, source: Storage) -> None:
        self._folder = folder
        self._jobs = jobs
        self._source = source
        self._threads = ThreadPoolExecutor(1, "aftermath")
        self._loop = asyncio.get_running_loop()
        self._looked_for = asyncio.Event()
        self._suspects: set[Storage] = set()
        self._told = ""

    def claim_refused(self) -> None:
        """A claim was refused; called in the claimer's thread."""
        self._suspect(self._jobs, self._source)

    def file_not_had(self) -> None:
        """A file could not be taken out of the inbox; called in the claimer's thread."""
        self._suspect(self._source)

    def _suspect(self, *storages: Storage) -> None:
        def note() -> None:
            self._suspects.update(storages)
            self._looked_for.set()

        with contextlib.suppress(RuntimeError):  # the loop is closed
            self._loop.call_soon_threadsafe(note)

    async def run(self) -> None:
        """Look into refusals and clean up after them, until cancelled."""
        seen, unclean = self._jobs.refusals, False
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_INTERVAL):
                    await self._looked_for.wait()
            self._looked_for.clear()
            unclean = unclean or self._jobs in self._suspects
            await self._look_into_refusal()
            unclean = unclean or seen != self._jobs.refusals
            seen = self._jobs.refusals
            if unclean and not self._jobs.closed:
                unclean = not await self._loop.run_in_executor(self._threads, self._clean)
                await asyncio.sleep(_INTERVAL)

    async def _look_into_refusal(self) -> None:
        """If it is a folder that refuses, and not the one file's trouble, hold all claims."""
        while self._suspects:
            storage = self._suspects.pop()
            if not storage.closed and (refused := await storage.tried()) is not None:
                storage.close(refused)

    def _clean(self) -> bool:
        """Remove what was being removed; whether all of it is gone. Blocking."""
        try:
            for name in os.listdir(self._folder):
                if _DYING.fullmatch(name):
                    remove_tree(self._folder / name)
        except FileNotFoundError:
            return False  # somebody else removes it: look again
        except OSError as error:
            path = str(error.filename or self._folder)
            if path != self._told:
                _log.warning("leftover.kept", path=path, error=str(error))
            self._told = path
            return False
        return True
