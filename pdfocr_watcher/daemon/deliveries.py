"""Finished jobs on their way to the outbox or the failed folder: tried until the file system takes them."""

import asyncio
import contextlib
import functools
from collections import deque
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import structlog

from pdfocr_watcher.config.model import Folders
from pdfocr_watcher.jobs.delivery import deliver
from pdfocr_watcher.jobs.index import Entry, JobIndex
from pdfocr_watcher.jobs.model import Status
from pdfocr_watcher.jobs.ownership import Policy
from pdfocr_watcher.jobs.status_file import read_status
from pdfocr_watcher.pipeline.active import ActiveJob
from pdfocr_watcher.pipeline.journal import StatusJournal
from pdfocr_watcher.pipeline.opening import Earlier

_log = structlog.get_logger(__name__)

#: Seconds between two tries, doubled up to the last.
_BACKOFF = (1.0, 60.0)
#: Results of which the content's checksum is remembered, the newest ones.
_REMEMBERED = 100_000
_LATEST = 20


class Deliveries:
    """Delivers finished jobs and remembers what was completed.

    Args:
        folders: where results go.
        index: told where they lie.
        journal: told that a job has left the jobs folder.
        policy: whose the results are and who may read them.
    """

    def __init__(self, folders: Folders, index: JobIndex, journal: StatusJournal, policy: Policy | None = None) -> None:
        self._folders = folders
        self._policy = policy or Policy()
        self._index = index
        self._journal = journal
        # Threads of their own: an outbox on a mount that hangs must not keep the inbox waiting.
        self._threads = ThreadPoolExecutor(2, "outbox")
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._results: dict[str, Path] = {}
        self.completed = 0
        self.failed = 0
        #: The last results, for who waits for the end of `once`.
        self.latest: deque[Path] = deque(maxlen=_LATEST)
        #: Why a delivery does not succeed at present; None if all do.
        self.trouble: str | None = None

    @property
    def waiting(self) -> int:
        """Jobs that are not delivered yet."""
        return len(self._tasks)

    def has(self, job_id: str) -> bool:
        """Whether a job is on its way."""
        return job_id in self._tasks

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
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _note(self, sha256: str, folder: Path) -> None:
        self._results.pop(sha256, None)
        self._results[sha256] = folder
        if len(self._results) > _REMEMBERED:
            del self._results[next(iter(self._results))]

    async def _deliver(self, job: ActiveJob) -> None:
        delay, longest = _BACKOFF
        folders = self._folders
        move = functools.partial(deliver, job.folder, job.status, folders.outbox, folders.failed, self._policy)
        while True:
            try:
                async with job.lock:  # no status is written while the folder moves
                    result = await asyncio.get_running_loop().run_in_executor(self._threads, move)
                    self._journal.gone(job)
            except OSError as error:
                if isinstance(error, FileNotFoundError) and not job.folder.path.exists():
                    _log.warning(
                        "job.folder_gone", job_id=job.job_id
                    )  # somebody removed it: there is nothing to deliver
                    self._journal.gone(job)
                    self._index.drop(job.job_id)
                    return
                # Everybody may read this in health.json: the result's name is not for everybody.
                root = folders.outbox if job.status.status is Status.COMPLETED else folders.failed
                self.trouble = f"A result cannot be delivered to {root}: {error.strerror or error}."
                _log.warning("delivery.refused", job_id=job.job_id, error=str(error), retry_in=delay)
                await asyncio.sleep(delay)
                delay = min(2 * delay, longest)
            else:
                break
        self.trouble = None
        self.latest.append(result)
        status = job.status
        self._index.put(status, result)
        with contextlib.suppress(OSError):  # the next flush of the daemon says so
            await asyncio.get_running_loop().run_in_executor(self._threads, self._index.flush)
        if status.status is Status.COMPLETED:
            self.completed += 1
            if status.sha256 is not None:
                self._note(status.sha256, result)
        else:
            self.failed += 1
        _log.info("job.delivered", job_id=job.job_id, status=status.status.value, folder=str(result))
