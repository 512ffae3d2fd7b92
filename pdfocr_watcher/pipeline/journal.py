"""Status files written behind the work: each change at once if the disk is free, the latest one if it is not.

`note` is for progress: the newest status of a job is written as soon as the one before it is. `commit` is for
what must be on disk before the next step. The index and the mirror follow what was written.
"""

import asyncio
import contextlib
import functools
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from time import monotonic

import structlog

from pdfocr_watcher.jobs.durable import make_folders, remove_file
from pdfocr_watcher.jobs.folder import mirror_names
from pdfocr_watcher.jobs.granting import write_mirror
from pdfocr_watcher.jobs.index import JobIndex
from pdfocr_watcher.jobs.model import JobStatus
from pdfocr_watcher.jobs.status_file import status_json, write_status
from pdfocr_watcher.pipeline.active import ActiveJob, Now
from pdfocr_watcher.pipeline.storage import Storage

_log = structlog.get_logger(__name__)

#: A job in work says so at least this often, in seconds, even if no page was finished.
_HEARTBEAT = 0.9
#: Seconds between two writes of a job's progress to the mirror, which may lie on a slow share.
_MIRROR_INTERVAL = 1.0


class StatusJournal:
    """Writes the status files of the jobs that the daemon has in hand.

    Args:
        index: told of every status that was written.
        mirror: a folder that people see, where the jobs folder is not; None if they see the jobs folder.
        now: the clock of the status files.
        storage: the jobs folder.
    """

    def __init__(self, index: JobIndex, mirror: Path | None, now: Now, storage: Storage) -> None:
        self._index = index
        self._mirror = mirror
        self._now = now
        self._storage = storage
        self._dirty: dict[str, ActiveJob] = {}
        self._wake = asyncio.Event()
        self._waiting: set[asyncio.Task[None]] = set()
        self._disk = ThreadPoolExecutor(2, "status")
        self._mirror_disk = ThreadPoolExecutor(1, "mirror")
        self._mirroring: dict[str, tuple[JobStatus, Path | None]] = {}  # None once the job is gone
        self._mirror_queued: set[str] = set()
        self._mirror_due: dict[str, float] = {}
        self._mirror_lock = threading.Lock()
        self._mirror_refused = False

    def note(self, job: ActiveJob) -> None:
        """Write the job's status soon."""
        self._dirty[job.job_id] = job
        self._wake.set()

    async def commit(self, job: ActiveJob) -> None:
        """Write the job's status durably before going on; waits as long as the disk refuses."""
        while True:
            async with job.lock:
                self._dirty.pop(job.job_id, None)
                try:
                    await self._write(job, name_too=True)
                except OSError as error:
                    if await self._is_gone(job, error):
                        # Somebody removed the job's folder: there is nothing to say any more.
                        _log.warning("job.folder_gone", job_id=job.job_id)
                        return
                    refused = error
                else:
                    return
            await self._storage.wait_out(refused)

    async def run(self, in_work: Callable[[], list[ActiveJob]]) -> None:
        """Write what was noted, and a heartbeat for jobs in work, until cancelled."""
        heartbeat = asyncio.create_task(self._beat(in_work))
        try:
            while True:
                await self._wake.wait()
                self._wake.clear()
                while self._dirty:
                    await self._storage.usable()
                    await asyncio.gather(*(self._write_noted(job_id) for job_id in list(self._dirty)[:8]))
        finally:
            heartbeat.cancel()

    def gone(self, job: ActiveJob) -> None:
        """The job is no longer in the jobs folder: its mirror goes too."""
        self._dirty.pop(job.job_id, None)
        if self._mirror is not None:
            self._enqueue_mirror(self._mirror, job.status, None, urgent=True)
            self._mirror_due.pop(job.job_id, None)

    def close(self) -> None:
        """Wait for the writes that have begun; not for the mirror, which may lie on a share that hangs."""
        self._disk.shutdown()
        self._mirror_disk.shutdown(wait=False, cancel_futures=True)

    async def _beat(self, in_work: Callable[[], list[ActiveJob]]) -> None:
        while True:
            await asyncio.sleep(_HEARTBEAT / 3)
            for job in in_work():
                if monotonic() - job.written_at >= _HEARTBEAT * 2 / 3 and job.job_id not in self._dirty:
                    job.change(self._now())
                    self.note(job)

    async def _write_noted(self, job_id: str) -> None:
        job = self._dirty.get(job_id)
        if job is None:
            return
        async with job.lock:
            if self._dirty.pop(job_id, None) is None:
                return
            try:
                await self._write(job, name_too=False)
            except OSError as error:
                if not await self._is_gone(job, error):  # else it was delivered or deleted
                    task = asyncio.create_task(self._note_again(job, error))
                    self._waiting.add(task)
                    task.add_done_callback(self._waiting.discard)

    async def _note_again(self, job: ActiveJob, error: OSError) -> None:
        """Write a status that was refused, as soon as that is worth while; the other jobs do not wait for it."""
        await self._storage.wait_out(error)
        self.note(job)

    async def _is_gone(self, job: ActiveJob, error: OSError) -> bool:
        """Whether a write was refused because somebody removed the job's folder."""
        if not isinstance(error, FileNotFoundError):
            return False
        return await asyncio.get_running_loop().run_in_executor(self._disk, self._storage.is_gone, job.folder.path)

    async def _write(self, job: ActiveJob, *, name_too: bool) -> None:
        status = job.status
        write = functools.partial(write_status, job.folder.path, status, name_too=name_too)
        await asyncio.get_running_loop().run_in_executor(self._disk, write)
        job.written_at = monotonic()
        self._index.put(status, job.folder.path)
        if self._mirror is not None:
            self._enqueue_mirror(self._mirror, status, job.folder.path, urgent=name_too)

    def _enqueue_mirror(self, mirror: Path, status: JobStatus, folder: Path | None, *, urgent: bool) -> None:
        """Have the mirror follow, without waiting: it may lie on a share that hangs. Progress may be a second late."""
        job_id, now = status.job_id, monotonic()
        with self._mirror_lock:
            waiting = job_id in self._mirroring
            self._mirroring[job_id] = status, folder
        due = self._mirror_due.get(job_id, now)
        if urgent or due <= now:
            self._submit_mirror(mirror, job_id)
        elif not waiting:
            asyncio.get_running_loop().call_later(due - now, self._submit_mirror, mirror, job_id)

    def _submit_mirror(self, mirror: Path, job_id: str) -> None:
        with self._mirror_lock:
            if job_id in self._mirror_queued or job_id not in self._mirroring:
                return
            self._mirror_queued.add(job_id)
        self._mirror_due[job_id] = monotonic() + _MIRROR_INTERVAL
        with contextlib.suppress(RuntimeError):  # after the end
            self._mirror_disk.submit(self._follow, mirror, job_id)

    def _follow(self, mirror: Path, job_id: str) -> None:
        with self._mirror_lock:
            self._mirror_queued.discard(job_id)
            status, folder = self._mirroring.pop(job_id)
        names = mirror_names(status)
        try:
            if folder is None:
                for name in names:
                    remove_file(mirror / name, missing_ok=True)
            else:
                make_folders(mirror)
                with contextlib.suppress(FileNotFoundError):  # it was delivered meanwhile
                    write_mirror(folder, mirror, names, status_json(status))
        except OSError as error:
            if not self._mirror_refused:
                _log.warning("mirror.refused", job_id=job_id, error=str(error))
            self._mirror_refused = True
        else:
            self._mirror_refused = False
