"""What is rewritten every few seconds and derived from the rest: health.json, the metrics, the dashboard, the index.

They lie below the root, which may be a share that is full or hangs: that is told in the log, once, and tried again.
"""

import asyncio
import contextlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from time import monotonic
from typing import TypeVar

import structlog

from pdfocr_watcher.config.model import Config
from pdfocr_watcher.daemon.changes import reindex
from pdfocr_watcher.daemon.condition import Snapshot
from pdfocr_watcher.daemon.deliveries import Deliveries
from pdfocr_watcher.daemon.recovering import tidy_root
from pdfocr_watcher.daemon.showing import Showing, dashboard_file
from pdfocr_watcher.jobs.durable import remove_quietly
from pdfocr_watcher.jobs.index import INDEX_NAME, JobIndex
from pdfocr_watcher.jobs.overview import Overview, overview_of
from pdfocr_watcher.service.health import HEALTH_NAME, write_health
from pdfocr_watcher.service.metrics import METRICS_NAME, write_metrics

_log = structlog.get_logger(__name__)
_T = TypeVar("_T")

#: Seconds that the last writes of each may take.
_LAST_WRITES = 1.0
#: Going through the whole index for its overview may take this share of the time.
_DUTY = 0.005


class _Rewritten:
    """A file that is rewritten again and again.

    Args:
        event: what its refusals are called in the log.
        path: the file.
        write: writes it; blocking.
    """

    def __init__(self, event: str, path: Path, write: Callable[[Snapshot], None]) -> None:
        self._event = event
        self._path = path
        self._write = write
        # Of its own: it may hang, and of that the others are to tell.
        self._thread = ThreadPoolExecutor(1, event)
        self._refused = False

    def tidy(self) -> None:
        """Remove what was left of writes that were broken off; blocking."""
        tidy_root(self._path.parent, self._path.name)

    async def rewrite(self, snapshot: Snapshot) -> None:
        """Write it; that it was not possible is told the first time."""
        try:
            await asyncio.get_running_loop().run_in_executor(self._thread, self._step, snapshot)
        except OSError as error:
            if not self._refused:
                _log.warning(f"{self._event}.refused", error=str(error))
            self._refused = True
        except Exception:  # noqa: BLE001 - a defect of ours costs this file alone
            if not self._refused:
                _log.exception(f"{self._event}.defect")
            self._refused = True
        else:
            self._refused = False

    def _step(self, snapshot: Snapshot) -> None:
        self._write(snapshot)
        if self._refused:
            self.tidy()


class Derived:
    """Keeps health.json, the metrics, the dashboard and the index.

    Args:
        config: where they lie, and how often they are written.
        index: the index.
        deliveries: told what was completed before this daemon started.
        look: says how the daemon is, given what the index says of the jobs.
    """

    def __init__(
        self, config: Config, index: JobIndex, deliveries: Deliveries, look: Callable[[Overview], Snapshot]
    ) -> None:
        self._config = config
        self._folders = config.folders
        self._index = index
        self._deliveries = deliveries
        self._look = look
        self._index_threads = ThreadPoolExecutor(2, "index")
        self._files = [
            _Rewritten("health", self._folders.root / HEALTH_NAME, self._write_health),
            _Rewritten("metrics", metrics_file(config), self._write_metrics),
        ]
        self._showing = Showing(config) if config.service.dashboard else None
        if self._showing is not None:
            self._files.append(_Rewritten("dashboard", dashboard_file(config), self._showing.write))
        self._overview = Overview()
        self._overview_not_before = 0.0
        self._closed = False
        self._changed = asyncio.Event()

    def configure(self, config: Config) -> None:
        """Write as often as this says from now on; where, stays."""
        self._config = config
        if self._showing is not None:
            self._showing.configure(config)
        before, self._changed = self._changed, asyncio.Event()
        before.set()

    async def _rest(self, seconds: float) -> None:
        """Wait so long, or until it is to be done more or less often."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._changed.wait()

    async def keep_health(self) -> None:
        """Write health.json, the metrics and the dashboard again and again, until they are closed."""
        await asyncio.gather(*map(self._keep, self._files))

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
            if monotonic() >= self._overview_not_before:
                await self._index_step(self._take_overview)
            await self._rest(self._config.index.flush_seconds)
            written = await self._index_step(self._flush, refused, tell=not refused)
            refused = written is None

    async def close(self, close_journal: Callable[[], None]) -> None:
        """Write all for the last time, as far as that is quick: what is not written is rebuilt at the next start.

        Args:
            close_journal: ends the writing of status files, of which the index is told.
        """

        def last() -> bool:
            close_journal()
            self._index.flush(force=True)
            self._take_overview()
            return True

        # Nothing may begin after the last write: the process ends then, whatever its threads do.
        self._closed = True
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_LAST_WRITES):
                await self._index_step(last)
        snapshot = self._look(self._overview)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_LAST_WRITES):
                await asyncio.gather(*(file.rewrite(snapshot) for file in self._files))

    def tidy(self) -> None:
        """Remove what an earlier daemon left of their writes; blocking."""
        tidy_root(self._folders.root, INDEX_NAME)
        for file in self._files:
            file.tidy()
        if not self._config.service.dashboard:  # what it said would stay for ever
            remove_quietly(dashboard_file(self._config))

    async def _keep(self, file: _Rewritten) -> None:
        while not self._closed:
            await file.rewrite(self._look(self._overview))
            await self._rest(self._config.service.health_interval)

    def _write_health(self, snapshot: Snapshot) -> None:
        write_health(self._folders.root, snapshot.health)

    def _write_metrics(self, snapshot: Snapshot) -> None:
        write_metrics(metrics_file(self._config), snapshot.health, snapshot.figures)

    def _take_overview(self) -> None:
        """See what the index says of all jobs."""
        began = monotonic()
        self._overview = overview_of(self._index.entries())
        self._overview_not_before = monotonic() + (monotonic() - began) / _DUTY

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


def metrics_file(config: Config) -> Path:
    """Where the metrics are written."""
    return Path(config.service.metrics_file or config.folders.root / METRICS_NAME)
