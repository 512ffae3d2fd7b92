"""What may be changed about jobs: retry, delete, purge, reindex. One place for it, with and without a daemon.

A running daemon does it when asked by a request file (`jobs.requests`), one thing after the other; without one the
command line does it itself, holding the daemon's locks.
"""

import asyncio
import contextlib
import functools
import os
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from pathlib import Path

import structlog

from pdfocr_watcher.config.model import Config, Folders
from pdfocr_watcher.config.permissions import file_mode, policy_of
from pdfocr_watcher.errors import ErrorCode, PdfocrError
from pdfocr_watcher.jobs.amending import note_hook
from pdfocr_watcher.jobs.catalogue import entries_from_disk, find_job
from pdfocr_watcher.jobs.delivery import deliver, remove_result, take_back
from pdfocr_watcher.jobs.folder import JobFolder
from pdfocr_watcher.jobs.index import INDEX_NAME, JobIndex
from pdfocr_watcher.jobs.model import HookFailure, JobStatus, Status
from pdfocr_watcher.jobs.ownership import Policy
from pdfocr_watcher.jobs.requests import Answer, Request, Verb, give_answer, pending_requests
from pdfocr_watcher.jobs.retention import Ages, Place, Purged, Roots, purge
from pdfocr_watcher.jobs.status_file import read_status
from pdfocr_watcher.pipeline.active import ActiveJob, utc_now
from pdfocr_watcher.pipeline.process import Pipeline

_log = structlog.get_logger(__name__)

#: Seconds between two looks for requests.
_INTERVAL = 0.25


def retry(folders: Folders, job_id: str, now: datetime) -> ActiveJob:
    """Make a failed job pending again; blocking.

    Raises:
        PdfocrError: there is no such job, or it is not failed.
        OSError: a file system refused.
    """
    found = find_job(job_id, folders.jobs, folders.outbox, folders.failed)
    if found.status.status is not Status.FAILED or found.folder.is_relative_to(folders.jobs):
        raise PdfocrError(
            ErrorCode.JOB_STATUS_CONFLICT, f"It is {found.status.status.value}; only a failed job is retried."
        )
    if not found.folder.is_relative_to(folders.failed):
        detail = f"It lies in {found.folder}, and only what lies below {folders.failed} is retried."
        raise PdfocrError(ErrorCode.JOB_STATUS_CONFLICT, detail)
    folder, status = take_back(found.folder, folders.failed, folders.jobs, found.status, now)
    return ActiveJob(status, folder)


def delete(folders: Folders, job_id: str) -> None:
    """Remove a job's files, wherever they lie; blocking. In a running daemon the job was dropped before.

    Raises:
        PdfocrError: there is no such job, or its file is still on its way out of the inbox.
        OSError: a file system refused.
    """
    folder = find_job(job_id, folders.jobs, folders.outbox, folders.failed).folder
    if os.path.lexists(JobFolder(folder).claim_note):  # which alone says where the file is
        raise PdfocrError(ErrorCode.JOB_STATUS_CONFLICT, "Its file is not all taken from the inbox; ask again later.")
    root = next(root for root in (folders.jobs, folders.outbox, folders.failed) if folder.is_relative_to(root))
    remove_result(folder, root)


def reindex(folders: Folders, index: JobIndex) -> int:
    """Rebuild the index from the status files; blocking.

    Returns:
        How many jobs it holds.

    Raises:
        OSError: a file system refused.
    """
    return index.rebuild(lambda: entries_from_disk(folders.jobs, folders.outbox, folders.failed))


def return_to_failed(folders: Folders, job_id: str, policy: Policy) -> None:
    """Bring a job back whose retry was broken off on its way to jobs/; blocking.

    Nobody else works on it: no daemon runs, or the one that runs had its own retry refused half-way.

    Raises:
        OSError: a file system refused.
    """
    folder = JobFolder(folders.jobs / job_id)
    if (status := read_status(folder.path)) is not None and status.status is Status.FAILED:
        deliver(folder, status, folders.outbox, folders.failed, policy=policy)


def roots_of(folders: Folders) -> Roots:
    """Where results lie."""
    return Roots(folders.outbox, folders.failed, folders.jobs)


def purge_without_daemon(config: Config, places: Iterable[Place], ages: Ages, now: datetime) -> Purged:
    """Remove results that are old enough, holding the daemon's locks; blocking.

    Raises:
        OSError: the index cannot be written.
    """
    folders = config.folders
    index = index_of(config)
    index.open()
    done = purge(roots_of(folders), places, ages, now)
    if not index.found:
        reindex(folders, index)
    for job_id in done.job_ids:
        index.drop(job_id)
    index.flush(force=True)
    return done


def index_of(config: Config) -> JobIndex:
    """The index of a configuration's jobs, opened to be changed."""
    mode = file_mode(config.permissions.index_mode)
    return JobIndex(config.folders.root / INDEX_NAME, config.index.max_jobs, mode=mode)


def change_without_daemon(config: Config, verb: Verb, job_id: str) -> str:
    """Do what is asked, holding the daemon's locks; blocking.

    Returns:
        What was done, in words.

    Raises:
        PdfocrError: it cannot be done.
        OSError: a file system refused.
    """
    folders = config.folders
    index = index_of(config)
    index.open()
    count = reindex(folders, index) if verb is Verb.REINDEX or not index.found else 0
    done = _reindexed(count)
    if verb is Verb.RETRY:
        return_to_failed(folders, job_id, policy_of(config.permissions))
        job = retry(folders, job_id, utc_now())
        index.put(job.status, job.folder.path)
        done = _done(verb, job_id)
    elif verb is Verb.DELETE:
        delete(folders, job_id)
        index.drop(job_id)
        done = _done(verb, job_id)
    index.flush(force=True)
    return done


class Changes:
    """Does what request files ask of the daemon.

    Args:
        folders: where the jobs lie.
        pipeline: has the jobs in work.
        index: the index.
        delivering: whether a job is on its way to its result's place.
        policy: whose results are and who may read them.
    """

    def __init__(
        self,
        folders: Folders,
        pipeline: Pipeline,
        index: JobIndex,
        delivering: Callable[[str], bool],
        policy: Policy,
    ) -> None:
        self._folders = folders
        self._policy = policy
        self._pipeline = pipeline
        self._index = index
        self._delivering = delivering
        self._threads = ThreadPoolExecutor(1, "changes")
        #: Jobs whose retry the file system refused on their way.
        self._halfway: set[str] = set()

    async def purge(self, places: Iterable[Place], ages: Ages) -> Purged:
        """Remove results that are old enough; the index follows."""
        work = functools.partial(purge, roots_of(self._folders), tuple(places), ages, utc_now())
        done = await asyncio.get_running_loop().run_in_executor(self._threads, work)
        for job_id in done.job_ids:
            self._index.drop(job_id)
        return done

    async def note_hook(self, status: JobStatus, result: Path, failure: HookFailure) -> None:
        """Say in a result that its hook failed.

        Raises:
            OSError: the file system refused.
        """
        root = self._folders.outbox if status.status is Status.COMPLETED else self._folders.failed
        work = functools.partial(note_hook, result, root, status.job_id, failure, utc_now())
        await asyncio.get_running_loop().run_in_executor(self._threads, work)

    async def run(self) -> None:
        """Look for requests and answer them until cancelled."""
        loop = asyncio.get_running_loop()
        refused = False
        while True:
            try:
                for request in await loop.run_in_executor(self._threads, pending_requests, self._folders.jobs):
                    answer = await self._answer(request)
                    await loop.run_in_executor(self._threads, give_answer, self._folders.jobs, request, answer)
                refused = False
            except OSError as error:
                if not refused:
                    _log.warning("requests.refused", error=str(error))
                refused = True
            await asyncio.sleep(_INTERVAL)

    async def _answer(self, request: Request) -> Answer:
        _log.info("request", verb=request.verb.value, job_id=request.job_id or None)
        try:
            return Answer(None, await self._do(request))
        except PdfocrError as error:
            return Answer(error.code, error.detail)
        except OSError as error:
            return Answer(ErrorCode.STORAGE_FAILED, f"{error}.")
        except Exception as error:  # noqa: BLE001 - a defect of ours, or what somebody forged, costs the request alone
            _log.exception("request.defect", verb=request.verb.value)
            return Answer(ErrorCode.INTERNAL, f"{type(error).__name__}: {error}")

    async def _do(self, request: Request) -> str:
        loop = asyncio.get_running_loop()
        folders, job_id = self._folders, request.job_id
        match request.verb:
            case Verb.REINDEX:
                return _reindexed(await loop.run_in_executor(self._threads, reindex, self._folders, self._index))
            case Verb.PURGE:
                return (await self.purge(request.places, Ages(request.age, request.age, request.own))).to_json()
            case Verb.RETRY:
                job = await self._retry(job_id)
                self._index.put(job.status, job.folder.path)
                self._pipeline.add(job)
            case Verb.DELETE:
                find = functools.partial(find_job, job_id, folders.jobs, folders.outbox, folders.failed)
                job_id = (await loop.run_in_executor(self._threads, find)).status.job_id
                if self._delivering(job_id):
                    raise PdfocrError(ErrorCode.JOB_STATUS_CONFLICT, "It is just being moved; ask again in a moment.")
                await self._pipeline.cancel(job_id)
                await loop.run_in_executor(self._threads, delete, self._folders, job_id)
                self._index.drop(job_id)
        return _done(request.verb, job_id)

    async def _retry(self, job_id: str) -> ActiveJob:
        """Retry a job; one that gets stuck between its two places is brought back, now or when it is asked again."""
        run = functools.partial(asyncio.get_running_loop().run_in_executor, self._threads)
        if job_id in self._halfway:
            await run(return_to_failed, self._folders, job_id, self._policy)
            self._halfway.discard(job_id)
        try:
            return await run(retry, self._folders, job_id, utc_now())
        except OSError:
            self._halfway.add(job_id)
            with contextlib.suppress(OSError):
                await run(return_to_failed, self._folders, job_id, self._policy)
                self._halfway.discard(job_id)
            raise


def _done(verb: Verb, job_id: str) -> str:
    return f"{job_id} waits for its turn again." if verb is Verb.RETRY else f"{job_id} is gone."


def _reindexed(count: int) -> str:
    return f"The index holds {count} jobs."
