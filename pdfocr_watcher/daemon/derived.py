"""What is rewritten every few seconds and derived from the rest: health.json and the index.

Both lie below the root, which may be a share that is full or hangs: that is told in the log, once, and tried again.
"""

import asyncio
import contextlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import structlog

from pdfocr_watcher.config.model import Config
from pdfocr_watcher.daemon.changes import reindex
from pdfocr_watcher.daemon.deliveries import Deliveries
from pdfocr_watcher.daemon.recovering import tidy_root
from pdfocr_watcher.jobs.index import INDEX_NAME, JobIndex
from pdfocr_watcher.service.health import HEALTH_NAME, Health, write_health

_log = structlog.get_logger(__name__)
_T = TypeVar("_T")

#: Seconds that the last writes of each may take.
_LAST_WRITES = 1.0


class Derived:
    """Keeps health.json and the index.

    Args:
        config: where they lie, and how often they are written.
        index: the index.
        deliveries: told what was completed before this daemon started.
        health: says how the daemon is.
    """

    def __init__(self, config: Config, index: JobIndex, deliveries: Deliveries, health: Callable[[], Health]) -> None:
        self._config = config
        self._folders = config.folders
        self._index = index
        self._deliveries = deliveries
        self._health = health
        # Each of its own: reading all jobs for the index may hang, and of that health.json is to tell.
        self._health_thread = ThreadPoolExecutor(1, "health")
        self._index_threads = ThreadPoolExecutor(2, "index")
        self._health_refused = False
        self._closed = False
        self._changed = asyncio.Event()

    def configure(self, config: Config) -> None:
        """Write as often as this says from now on; where, stays."""
        self._config = config
        before, self._changed = self._changed, asyncio.Event()
        before.set()

    async def _rest(self, seconds: float) -> None:
        """Wait so long, or until it is to be done more or less often."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._changed.wait()

    async def keep_health(self) -> None:
        """Write health.json again and again, until it is closed."""
        while not self._closed:
            await self._write_health()
            await self._rest(self._config.service.health_interval)

    async def keep_index(self) -> None:
        """Rebuild the index if that is needed, then write what changes, until cancelled."""
        whole = self._index.found
        while not whole:
            whole = await self._index_step(reindex, self._folders, self._index) is not None
            if not whole:
                await self._rest(self._config.index.flush_seconds)
        loop = asyncio.get_running_loop()
        self._deliveries.remember(await loop.run_in_executor(self._index_threads, self._index.entries))
        refused = False
        while True:
            await self._rest(self._config.index.flush_seconds)
            written = await self._index_step(self._flush, refused, tell=not refused)
            refused = written is None

    async def close(self, close_journal: Callable[[], None]) -> None:
        """Write both for the last time, as far as that is quick: what is not written is rebuilt at the next start.

        Args:
            close_journal: ends the writing of status files, of which the index is told.
        """

        def last() -> bool:
            close_journal()
            self._index.flush(force=True)
            return True

        # Nothing may begin after the last write: the process ends then, whatever its threads do.
        self._closed = True
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_LAST_WRITES):
                await self._index_step(last)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_LAST_WRITES):
                await self._write_health()

    def tidy(self) -> None:
        """Remove what an earlier daemon left of their writes; blocking."""
        for name in (HEALTH_NAME, INDEX_NAME):
            tidy_root(self._folders.root, name)

    def _flush(self, refused: bool) -> bool:
        self._index.flush()
        if refused:
            tidy_root(self._folders.root, INDEX_NAME)
        return True

    async def _index_step(self, step: Callable[..., _T], *arguments: object, tell: bool = True) -> _T | None:
        """Do something in a thread; None if the file system refused."""
        try:
            return await asyncio.get_running_loop().run_in_executor(self._index_threads, step, *arguments)
        except OSError as error:
            if tell:
                _log.warning("index.refused", error=str(error))
            return None

    async def _write_health(self) -> None:
        health = self._health()

        def write() -> None:
            write_health(self._folders.root, health)
            if self._health_refused:
                tidy_root(self._folders.root, HEALTH_NAME)

        try:
            await asyncio.get_running_loop().run_in_executor(self._health_thread, write)
        except OSError as error:
            if not self._health_refused:
                _log.warning("health.refused", error=str(error))
            self._health_refused = True
        else:
            self._health_refused = False
