"""Finished jobs on their way to the outbox or the failed folder: tried until the file system takes them."""

import asyncio
import contextlib
from collections import deque
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

import structlog

from pdfocr_watcher.config.model import Folders
from pdfocr_watcher.jobs.delivery import deliver, remove_broken_off
from pdfocr_watcher.jobs.index import Entry, JobIndex
from pdfocr_watcher.jobs.model import JobStatus, Status
from pdfocr_watcher.jobs.ownership import Policy
from pdfocr_watcher.jobs.status_file import read_status
from pdfocr_watcher.pipeline.active import ActiveJob
from pdfocr_watcher.pipeline.journal import StatusJournal
from pdfocr_watcher.pipeline.opening import Earlier
from pdfocr_watcher.pipeline.storage import Storage

_log = structlog.get_logger(__name__)
_T = TypeVar("_T")

#: Seconds between two tries of a job that is refused though its folder is usable, doubled up to the last.
_BACKOFF = (1.0, 10.0)
#: Results of which the content's checksum is remembered, the newest ones.
_REMEMBERED = 100_000
_LATEST = 20


class Deliveries:
    """Delivers finished jobs and remembers what was completed.

    Args:
        folders: where results go.
        index: told where they lie.
        journal: told that a job has left the jobs folder.
        storage: the jobs folder.
        mark: this run of the daemon, on what it leaves in the outbox (see `jobs.probe.owner_of`).
        policy: whose the results are and who may read them.
        delivered: told of each job that has reached its place.
    """

    def __init__(
        self,
        folders: Folders,
        index: JobIndex,
        journal: StatusJournal,
        storage: Storage,
        mark: str,
        policy: Policy | None = None,
        delivered: Callable[[JobStatus, Path], None] = lambda _status, _result: None,
    ) -> None:
        self._folders = folders
        self._policy = policy or Policy()
        self._delivered = delivered
        self._index = index
        self._journal = journal
        self._jobs = storage
        self._mark = mark
        self._outbox = Storage(folders.outbox, mark)
        self._failed = Storage(folders.failed, mark)
        self._refused: dict[str, str] = {}
        # Threads of their own: an outbox on a mount that hangs must not keep the inbox waiting.
        self._threads = ThreadPoolExecutor(2, "outbox")
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._results: dict[str, Path] = {}
        self.completed = 0
        self.failed = 0
        #: The last results, for who waits for the end of `once`.
        self.latest: deque[Path] = deque(maxlen=_LATEST)

    @property
    def waiting(self) -> int:
        """Jobs that are not delivered yet."""
        return len(self._tasks)

    @property
    def storages(self) -> tuple[Storage, Storage]:
        """The folders that results go to."""
        return self._outbox, self._failed

    @property
    def blocked(self) -> str | None:
        """Why no result of one kind can be delivered; None if they can."""
        return self._outbox.closed_because or self._failed.closed_because

    @property
    def trouble(self) -> str | None:
        """Why a delivery does not succeed at present; None if all do."""
        return self._outbox.trouble or self._failed.trouble or next(iter(self._refused.values()), None)

    def has(self, job_id: str) -> bool:
        """Whether a job is on its way."""
        return job_id in self._tasks

    async def tidy(self, owner: str) -> None:
        """Remove what earlier runs of this daemon left of deliveries that were broken off."""
        for root in (self._folders.outbox, self._folders.failed):
            await self._in_thread(remove_broken_off, root, owner, self._mark)

    async def begin(self, job: ActiveJob) -> None:
        """Deliver a job, in the background."""
        task = asyncio.create_task(self._deliver(job))
        self._tasks[job.job_id] = task
        task.add_done_callback(lambda _: self._tasks.pop(job.job_id, None))

    def remember(self, entries: Iterable[Entry]) -> None:
        """Take up what was completed before this daemon started."""
        for entry in entries:
            if entry["status"] == Status.COMPLETED and entry["sha256"]:
                self._note(entry["sha256"], Path(entry["folder"]))

    def earlier(self, sha256: str) -> Earlier | None:
        """A completed job with this content whose result is still there; blocking, called in threads."""
        folder = self._results.get(sha256)
        if folder is None or (status := read_status(folder)) is None or status.status is not Status.COMPLETED:
            return None
        return Earlier(status, folder)

    async def stop(self, timeout: float) -> None:  # noqa: ASYNC109 - how long is the caller's to say
        """Give the deliveries under way `timeout` seconds; what is not done then is done at the next start."""
        if self._tasks:
            await asyncio.wait(self._tasks.values(), timeout=timeout)
        for task in list(self._tasks.values()):
            task.cancel()
        for storage in self.storages:
            storage.stop()
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _note(self, sha256: str, folder: Path) -> None:
        self._results.pop(sha256, None)
        self._results[sha256] = folder
        if len(self._results) > _REMEMBERED:
            del self._results[next(iter(self._results))]

    async def _deliver(self, job: ActiveJob) -> None:
        try:
            result = await self._moved(job)
        finally:
            self._refused.pop(job.job_id, None)
        if result is None:
            self._journal.gone(job)
            self._index.drop(job.job_id)
            return
        self.latest.append(result)
        status = job.status
        self._index.put(status, result)
        with contextlib.suppress(OSError):  # the next flush of the daemon says so
            await self._in_thread(self._index.flush)
        if status.status is Status.COMPLETED:
            self.completed += 1
            if status.sha256 is not None:
                self._note(status.sha256, result)
        else:
            self.failed += 1
        _log.info("job.delivered", job_id=job.job_id, status=status.status.value, folder=str(result))
        self._delivered(status, result)

    async def _moved(self, job: ActiveJob) -> Path | None:
        """Move a job to its place, however often that takes; its result, None if somebody removed the job."""
        delay, longest = _BACKOFF
        target = self._outbox if job.status.status is Status.COMPLETED else self._failed
        while True:
            await target.usable()
            try:
                async with job.lock:  # no status is written while the folder moves
                    result = await self._in_thread(self._move, job, target)
                    self._journal.gone(job)
                    return result
            except OSError as error:
                refused = error
            if isinstance(refused, FileNotFoundError) and await self._in_thread(self._jobs.is_gone, job.folder.path):
                return await self._find_delivered(job, target)
            if await self._waited_for_a_folder(target):
                continue
            # Everybody may read this in health.json: the result's name is not for everybody.
            place, why = self._folders.outbox if target is self._outbox else self._folders.failed, refused.strerror
            self._refused[job.job_id] = f"A result cannot be delivered to {place}: {why}. The daemon tries again."
            _log.warning("delivery.refused", job_id=job.job_id, error=str(refused), retry_in=delay)
            await asyncio.sleep(delay)
            delay = min(2 * delay, longest)

    async def _find_delivered(self, job: ActiveJob, target: Storage) -> Path | None:
        """The result of a job whose folder is gone; None if somebody removed it before it was delivered.

        What was left of the folder may have been cleared away while the delivery was still removing it.
        """
        try:
            result = await self._in_thread(self._move, job, target)
        except OSError:
            _log.warning("job.folder_gone", job_id=job.job_id)
            return None
        self._journal.gone(job)
        return result

    def _move(self, job: ActiveJob, target: Storage) -> Path:
        target.check_mounted()
        return deliver(job.folder, job.status, self._folders.outbox, self._folders.failed, self._mark, self._policy)

    async def _waited_for_a_folder(self, target: Storage) -> bool:
        """Whether it was one of the folders that refused, and not this job alone: it is usable then."""
        for storage in (target, self._jobs):
            if (refused := await storage.tried()) is not None:
                await storage.wait_out(refused)
                return True
        return False

    async def _in_thread(self, function: Callable[..., _T], *arguments: object) -> _T:
        return await asyncio.get_running_loop().run_in_executor(self._threads, function, *arguments)
