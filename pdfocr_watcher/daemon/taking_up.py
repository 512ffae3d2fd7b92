"""The jobs that an earlier daemon left are taken up: at once, or as soon as the disk lets them be looked at."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

from pdfocr_watcher.config.model import Config
from pdfocr_watcher.daemon.deliveries import Deliveries
from pdfocr_watcher.daemon.recovering import recover, tidy_mirror
from pdfocr_watcher.daemon.settling import Settling
from pdfocr_watcher.errors import ErrorCode, PdfocrError
from pdfocr_watcher.pipeline.active import utc_now
from pdfocr_watcher.pipeline.process import Pipeline
from pdfocr_watcher.pipeline.storage import Storage

_T = TypeVar("_T")


class TakingUp:
    """Hands the jobs that are found to who goes on with them.

    Args:
        config: where they lie, and how often one may be begun.
        storage: the jobs folder.
        mirror: where status files are mirrored; None if they are not.
        deliveries, settling, pipeline: who goes on.
    """

    def __init__(
        self,
        config: Config,
        storage: Storage,
        mirror: Path | None,
        deliveries: Deliveries,
        settling: Settling,
        pipeline: Pipeline,
    ) -> None:
        self._config = config
        self._storage = storage
        self._mirror = mirror
        self._deliveries = deliveries
        self._settling = settling
        self._pipeline = pipeline
        self._threads = ThreadPoolExecutor(1, "recovery")
        self._rest: asyncio.Task[None] | None = None

    async def run(self) -> None:
        """Take up all jobs; what the disk refuses now follows later, not at the next start, months away maybe."""
        refused = await self._some(None)
        while refused is None:
            refused = await self._some(None)
        self._rest = asyncio.create_task(self._follow(refused))

    def stop(self) -> None:
        """Leave what was not taken up to the next start."""
        if self._rest is not None:
            self._rest.cancel()
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def _follow(self, left: list[str]) -> None:
        while left:
            await self._storage.wait_out(PdfocrError(ErrorCode.STORAGE_FAILED, f"{len(left)} jobs cannot be taken up."))
            refused = await self._some(left)
            left = left if refused is None else refused

    async def _some(self, only: list[str] | None) -> list[str] | None:
        """Take up jobs; those that the file system refused, None if it refused to tell which there are."""
        folders, attempts = self._config.folders, self._config.job.max_attempts
        try:
            found = await self._in_thread(recover, folders.jobs, attempts, utc_now(), only)
        except OSError as error:
            await self._storage.wait_out(error)
            return None
        if only is None and self._mirror is not None:
            await self._in_thread(tidy_mirror, self._mirror, found.jobs)
        for job in found.jobs:
            if job.status.status.finished:
                await self._deliveries.begin(job)
            elif job.status.started_at is None and await self._settling.is_written(job):
                self._settling.add(job)
            else:
                self._pipeline.add(job)
        return found.refused

    async def _in_thread(self, function: Callable[..., _T], *arguments: object) -> _T:
        return await asyncio.get_running_loop().run_in_executor(self._threads, function, *arguments)
