"""Claimed files that somebody still writes: their jobs wait until the files have come to rest in their folders."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import structlog

from pdfocr_watcher.inbox.claim import at_rest
from pdfocr_watcher.inbox.sweep import Signature
from pdfocr_watcher.pipeline.active import ActiveJob, utc_now

_log = structlog.get_logger(__name__)


class Settling:
    """Waits for the rest of claimed files.

    Args:
        interval: seconds between two looks; a file that is the same at both is at rest.
        settled: takes a job whose file is at rest.
    """

    def __init__(self, interval: float, settled: Callable[[ActiveJob], None]) -> None:
        self._interval = interval
        self._settled = settled
        self._threads = ThreadPoolExecutor(1, "settling")
        self._tasks: set[asyncio.Task[None]] = set()

    def __len__(self) -> int:
        return len(self._tasks)

    def configure(self, interval: float) -> None:
        """Wait so long between two looks from now on."""
        self._interval = interval

    def add(self, job: ActiveJob) -> None:
        """Wait for a job's file, in the background."""
        _log.warning("job.still_written", job_id=job.job_id)
        task = asyncio.create_task(self._settle(job))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def is_written(self, job: ActiveJob) -> bool:
        """Whether somebody still writes a claimed file."""
        try:
            return await self._look(job) is None
        except OSError:
            return False  # opening the job says what is wrong with it

    def stop(self) -> None:
        """Wait no more; the next start does."""
        for task in self._tasks:
            task.cancel()
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def _settle(self, job: ActiveJob) -> None:
        last = None
        while True:
            try:
                found = await self._look(job)
            except OSError:
                break  # gone: opening the job says so
            if found is not None and found == last:
                job.change(utc_now(), bytes=found.size)
                break
            last = found
            await asyncio.sleep(self._interval)
        self._settled(job)

    async def _look(self, job: ActiveJob) -> Signature | None:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads, at_rest, job.folder, job.status.filename)
