"""The jobs that an earlier daemon, or a broken-off claim, left are taken up: now, or as soon as that is possible."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

import structlog

from pdfocr_watcher.config.model import Config
from pdfocr_watcher.daemon.deliveries import Deliveries
from pdfocr_watcher.daemon.recovering import Recovered, mend, recover, tidy_mirror
from pdfocr_watcher.daemon.settling import Settling
from pdfocr_watcher.jobs.folder import JobFolder
from pdfocr_watcher.pipeline.active import ActiveJob, utc_now
from pdfocr_watcher.pipeline.process import Pipeline
from pdfocr_watcher.pipeline.storage import Storage

_log = structlog.get_logger(__name__)
_T = TypeVar("_T")

#: Seconds between two tries at what could not be taken up.
_INTERVAL = 2.0


class TakingUp:
    """Hands the jobs that are found to who goes on with them.

    Args:
        config: where they lie, and how often one may be begun.
        storage: the jobs folder.
        mirror: where status files are mirrored; None if they are not.
        nothing: called with the id of a job that came to nothing; its file, if there is one, is in the inbox.
        deliveries, settling, pipeline: who goes on.
    """

    def __init__(
        self,
        config: Config,
        storage: Storage,
        mirror: Path | None,
        nothing: Callable[[str], None],
        deliveries: Deliveries,
        settling: Settling,
        pipeline: Pipeline,
    ) -> None:
        self._folders = config.folders
        self._max_attempts = config.job.max_attempts
        self._storage = storage
        self._mirror = mirror
        self._nothing = nothing
        self._deliveries = deliveries
        self._settling = settling
        self._pipeline = pipeline
        # A thread of its own: it may hang on the inbox's mount.
        self._threads = ThreadPoolExecutor(1, "recovery")
        self._told: dict[str, str] = {}
        #: The ids of the jobs that are to be mended; the claimer adds those that it could neither finish nor undo.
        self.unfinished: set[str] = set()
        #: Why a job cannot be mended at present; None if none was tried in vain.
        self.trouble: str | None = None

    async def run(self) -> None:
        """Take up the jobs that an earlier daemon left, as soon as the disk says which there are."""
        while (found := await self._recover()) is None:
            pass
        if self._mirror is not None:
            await self._in_thread(tidy_mirror, self._mirror, found.jobs)
        self.unfinished.update(found.unfinished)
        for job in found.jobs:
            await self._take_up(job)

    async def mend(self) -> None:
        """Try to mend what is unfinished, again and again, until cancelled: no start waits for a mount or a disk."""
        while True:
            await self._storage.usable()
            troubles = [await self._mend(job_id) for job_id in sorted(self.unfinished)]
            self.trouble = next(filter(None, troubles), None)
            await asyncio.sleep(_INTERVAL)

    def stop(self) -> None:
        """Leave what was not taken up to the next start."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def _recover(self) -> Recovered | None:
        """What an earlier daemon left; None if the file system refused to tell, which was waited out."""
        try:
            return await self._in_thread(recover, self._folders.jobs, self._max_attempts, utc_now())
        except OSError as error:
            await self._storage.wait_out(error)
            return None

    async def _mend(self, job_id: str) -> str | None:
        """Mend one job; why that is not possible now, None if it was done."""
        folder = JobFolder(self._folders.jobs / job_id)
        try:
            job = await self._in_thread(mend, folder, self._max_attempts, utc_now())
        except OSError as error:
            # Where it is the whole folder that refuses, that is what is told, and waited for.
            if not self._storage.closed and (refused := await self._storage.tried()) is not None:
                self._storage.close(refused)
            trouble = f"Job {job_id} cannot be taken up: {error}"
            if self._told.get(job_id) != trouble:
                _log.warning("job.unreadable", job_id=job_id, error=str(error))
            self._told[job_id] = trouble
            return trouble
        if job is not None:
            await self._take_up(job)
        else:
            self._nothing(job_id)
        self.unfinished.discard(job_id)
        self._told.pop(job_id, None)
        return None

    async def _take_up(self, job: ActiveJob) -> None:
        if job.status.status.finished:
            await self._deliveries.begin(job)
        elif job.status.started_at is None and await self._settling.is_written(job):
            self._settling.add(job)
        else:
            self._pipeline.add(job)

    async def _in_thread(self, function: Callable[..., _T], *arguments: object) -> _T:
        return await asyncio.get_running_loop().run_in_executor(self._threads, function, *arguments)
