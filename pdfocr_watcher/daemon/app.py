"""The whole daemon: wires the rooms together, starts them, and stops them in good order."""

import asyncio
import contextlib
import os
import shutil
import signal
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import structlog

from pdfocr_watcher.config.model import Config
from pdfocr_watcher.config.permissions import policy_of
from pdfocr_watcher.daemon.changes import Changes, index_of, reindex
from pdfocr_watcher.daemon.deliveries import Deliveries
from pdfocr_watcher.daemon.recovering import recover, tidy
from pdfocr_watcher.daemon.retaining import Retaining
from pdfocr_watcher.engines.registry import resolve_engine
from pdfocr_watcher.errors import ErrorCode, PdfocrError
from pdfocr_watcher.inbox.claim import Claim, Claimer, at_rest
from pdfocr_watcher.inbox.intake import Intake
from pdfocr_watcher.jobs.durable import make_folders
from pdfocr_watcher.jobs.lock import DaemonLock
from pdfocr_watcher.jobs.model import Status
from pdfocr_watcher.jobs.requests import forget_old
from pdfocr_watcher.pipeline.active import ActiveJob, utc_now
from pdfocr_watcher.pipeline.journal import StatusJournal
from pdfocr_watcher.pipeline.opening import Opener
from pdfocr_watcher.pipeline.process import Pipeline
from pdfocr_watcher.pipeline.rendering import choose_rasterizers
from pdfocr_watcher.pipeline.sizing import engine_share, render_workers
from pdfocr_watcher.pipeline.worker import WorkerSettings
from pdfocr_watcher.pipeline.workers import EngineState, WorkerPool
from pdfocr_watcher.service.health import DaemonState, Health, write_health

_log = structlog.get_logger(__name__)

#: Seconds of the shutdown time that are kept for putting jobs back and ending processes.
_SHUTDOWN_RESERVE = 10.0
_DELIVERIES_GRACE = 2.0
_LAST_WRITES = 1.0
#: Seconds between two looks at whether `once` is through.
_ONCE_INTERVAL = 0.1
#: Seconds between two looks at the free space.
_SPACE_INTERVAL = 1.0
#: The folder below the root in which the status of jobs can be followed where the jobs lie elsewhere.
MIRROR_NAME = "status"
EX_OK, EX_SOME_FAILED = 0, 1


class Daemon:
    """One daemon on one set of folders.

    Args:
        config: everything it needs to know.
        once: work off the inbox, then end.
    """

    def __init__(self, config: Config, *, once: bool = False) -> None:
        self._config = config
        self._folders = config.folders
        self._once = once
        self._stop = asyncio.Event()
        self._state = DaemonState.STARTING
        self._started_at = utc_now()
        self._disk = ThreadPoolExecutor(2, "daemon")
        self._jobs_disk = ThreadPoolExecutor(2, "jobs")
        self._settling: set[asyncio.Task[None]] = set()
        self._free_bytes: int | None = None
        self._engine = resolve_engine(config.engine.name)
        rasterizers = choose_rasterizers(config.render.renderer, config.render.memory_bytes, config.render.max_pixels)
        share = engine_share(self._engine, config.engine)
        settings = WorkerSettings(self._engine, share.threads, config.output.layout_dpi, config.output.jpeg_quality)
        self._pool = WorkerPool(settings, share.processes, config.engine.start_timeout_seconds)
        self._index = index_of(config)
        shared = self._folders.jobs.is_relative_to(self._folders.root)
        self._mirror = None if shared else self._folders.root / MIRROR_NAME
        self._journal = StatusJournal(self._index, self._mirror, utc_now)
        self._deliveries = Deliveries(self._folders, self._index, self._journal, policy_of(config.permissions))
        self._pipeline = Pipeline(
            config,
            rasterizers,
            self._pool,
            self._journal,
            Opener(config, rasterizers, self._deliveries.earlier),
            self._deliveries.begin,
            utc_now,
            render_workers(config.render),
        )
        claimer = Claimer(
            self._folders.inbox,
            self._folders.jobs,
            self._folders.outbox,
            self._folders.failed,
            config.permissions.keep_private,
        )
        self._intake = Intake(
            self._folders.inbox, config.inbox, config.job.max_bytes, claimer, self._hold, self._claimed, utc_now
        )

    @property
    def deliveries(self) -> Deliveries:
        """What has become of the jobs."""
        return self._deliveries

    async def run(self) -> int:
        """Work until told to stop (SIGTERM, SIGINT), or until nothing is left to do with `once`.

        Returns:
            The exit status.

        Raises:
            PdfocrError: the daemon cannot work (another one runs, a folder cannot be used, no engine).
        """
        self._check_folders()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stop.set)
        with DaemonLock(self._folders.jobs, self._folders.root):
            _log.info("daemon.starting", root=str(self._folders.root), engine=self._engine)
            await self._recover()
            self._pool.start()
            # The journal goes on to the end: the pages in hand still have something to say after the stop.
            journal = asyncio.create_task(self._journal.run(self._pipeline.in_work))
            try:
                return await self._work()
            finally:
                await self._shut_down()
                journal.cancel()

    def _check_folders(self) -> None:
        """Make the folders that are missing, but for the inbox: it may be a mount that is not there yet."""
        for folder in (self._folders.jobs, self._folders.outbox, self._folders.failed):
            try:
                make_folders(folder)
            except OSError as error:
                raise PdfocrError(ErrorCode.FOLDER_UNUSABLE, f"{folder}: {error.strerror}.") from error
            if not os.access(folder, os.W_OK | os.X_OK):
                raise PdfocrError(ErrorCode.FOLDER_UNUSABLE, f"{folder} cannot be written.")

    async def _recover(self) -> None:
        await self._measure_space()
        forget_old(self._folders.jobs)
        recovered = await self._in_thread(recover, self._folders.jobs, self._config.job.max_attempts, utc_now())
        await self._in_thread(tidy, self._folders.root, self._mirror, recovered)
        for job in recovered:
            if job.status.status.finished:
                await self._deliveries.begin(job)
            elif job.status.started_at is None and await self._in_thread(_is_written, job):
                self._wait_for_rest(job)
            else:
                self._pipeline.add(job)

    async def _work(self) -> int:
        self._state = DaemonState.RUNNING
        changes = Changes(self._folders, self._pipeline, self._index, self._deliveries.has)
        rooms: list[Coroutine[Any, Any, None]] = [
            self._intake.run(),
            self._pipeline.run(),
            changes.run(),
            Retaining(self._config, changes.purge, utc_now).run(once=self._once),
            self._watch_space(),
            self._write_health(),
            self._flush_index(),
            self._stop_wanted(),
        ]
        tasks = [asyncio.create_task(room) for room in rooms]
        try:
            # None of them ends by itself but the last; one that does has a defect, which is raised here.
            ended, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in ended:
                task.result()
        finally:
            self._state = DaemonState.STOPPING
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        if self._once:
            return self._outcome()
        return EX_OK

    def _outcome(self) -> int:
        if not self._through() and (stuck := self._stuck()) is not None:
            raise stuck
        for source in self._intake.left:
            _log.warning("inbox.left", source=source)
        done = self._deliveries
        _log.info("once.done", completed=done.completed, failed=done.failed, left=len(self._intake.left))
        all_done = not (done.failed or self._intake.unreadable or self._stop.is_set())
        return EX_OK if all_done else EX_SOME_FAILED

    async def _stop_wanted(self) -> None:
        """Wait until the daemon is told to stop, or has nothing left to do."""
        while not self._stop.is_set():
            if self._once and (self._through() or self._stuck() is not None):
                return
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_ONCE_INTERVAL if self._once else None):
                    await self._stop.wait()

    def _stuck(self) -> PdfocrError | None:
        """Why `once` would wait for ever; None if it would not."""
        if self._pool.state is EngineState.FAILED:
            return self._pool.failure
        if self._intake.unreachable is not None:
            return PdfocrError(ErrorCode.FOLDER_UNUSABLE, f"{self._folders.inbox}: {self._intake.unreachable}")
        if self._intake.swept.is_set() and not self._busy() and (reason := self._hold()) is not None:
            return PdfocrError(ErrorCode.STORAGE_FAILED, reason)
        return None

    def _busy(self) -> bool:
        return bool(self._settling or self._pipeline.jobs or self._deliveries.waiting)

    def _through(self) -> bool:
        return self._intake.quiet and not self._busy()

    async def _shut_down(self) -> None:
        """Put the jobs back, end the processes, say goodbye; within `service.shutdown_seconds`."""
        _log.info("daemon.stopping")
        limit = self._config.service.shutdown_seconds
        grace = max(limit / 3, limit - _SHUTDOWN_RESERVE)
        for task in self._settling:
            task.cancel()
        await self._pipeline.stop(grace)
        await self._pool.stop()
        await self._deliveries.stop(_DELIVERIES_GRACE)
        self._state = DaemonState.STOPPED
        # Each may lie on a share that hangs: what is not written is rebuilt at the next start.
        with contextlib.suppress(OSError, TimeoutError):
            await asyncio.wait_for(self._in_thread(self._close_files), _LAST_WRITES)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._say_how_it_is(), _LAST_WRITES)
        _end_children()
        _log.info("daemon.stopped")

    def _close_files(self) -> None:
        self._journal.close()
        self._index.flush(force=True)

    def _hold(self) -> str | None:
        """Why nothing may be claimed now."""
        if len(self._pipeline.jobs) >= self._config.inbox.max_waiting_jobs:
            return f"{len(self._pipeline.jobs)} jobs wait already."
        least = self._config.inbox.min_free_bytes
        if self._free_bytes is None:
            return "The free space where the jobs lie is not known."
        if self._free_bytes < least:
            return f"Only {self._free_bytes} bytes are free where the jobs lie, and inbox.min_free_bytes is {least}."
        return None

    async def _claimed(self, claim: Claim, refusal: PdfocrError | None) -> None:
        _log.info("job.pending", job_id=claim.status.job_id, source=claim.status.source, bytes=claim.status.bytes)
        job = ActiveJob(claim.status, claim.folder)
        self._index.put(claim.status, claim.folder.path)
        if refusal is not None:
            job.end(Status.FAILED, utc_now(), refusal)
            await self._journal.commit(job)
            _log.warning("job.failed", job_id=job.job_id, pages=None, code=refusal.code)
            await self._deliveries.begin(job)
        elif claim.settled:
            self._pipeline.add(job)
        else:
            self._wait_for_rest(job)

    def _wait_for_rest(self, job: ActiveJob) -> None:
        task = asyncio.create_task(self._settle(job))
        self._settling.add(task)
        task.add_done_callback(self._settling.discard)

    async def _settle(self, job: ActiveJob) -> None:
        """Wait until a claimed file that was still being written has come to rest in its job's folder."""
        _log.warning("job.still_written", job_id=job.job_id)
        last = None
        while True:
            try:
                found = await self._in_thread(at_rest, job.folder, job.status.filename)
            except OSError:
                break  # gone: opening the job says so
            if found is not None and found == last:
                job.change(utc_now(), bytes=found.size)
                break
            last = found
            await asyncio.sleep(self._config.inbox.settle_seconds)
        self._pipeline.add(job)

    async def _flush_index(self) -> None:
        whole = self._index.found
        while not whole:
            try:
                await self._in_thread(reindex, self._folders, self._index)
                whole = True
            except OSError as error:
                _log.warning("index.refused", error=str(error))
                await asyncio.sleep(self._config.index.flush_seconds)
        self._deliveries.remember(self._index.entries())
        while True:
            await asyncio.sleep(self._config.index.flush_seconds)
            try:
                await self._in_thread(self._index.flush)
            except OSError as error:
                _log.warning("index.refused", error=str(error))

    async def _write_health(self) -> None:
        while True:
            await self._say_how_it_is()
            await asyncio.sleep(self._config.service.health_interval)

    async def _watch_space(self) -> None:
        while True:
            await self._measure_space()
            await asyncio.sleep(_SPACE_INTERVAL)

    async def _measure_space(self) -> None:
        try:
            # Not in the threads that write to the root: that may be a share that hangs.
            usage = asyncio.get_running_loop().run_in_executor(self._jobs_disk, shutil.disk_usage, self._folders.jobs)
            self._free_bytes = (await usage).free
        except OSError as error:
            self._free_bytes = None
            _log.warning("jobs.unreadable", error=str(error))

    async def _say_how_it_is(self) -> None:
        health = self._health()
        try:
            await self._in_thread(write_health, self._folders.root, health)
        except OSError as error:
            _log.warning("health.refused", error=str(error))

    def _health(self) -> Health:
        state, reason = self._state, None
        if state is DaemonState.RUNNING:
            if self._intake.unreachable is not None:
                state, reason = DaemonState.UNREACHABLE, self._intake.unreachable
            elif (reason := self._hold() or self._deliveries.trouble or self._pipeline.trouble) is not None:
                state = DaemonState.PAUSED
            elif self._pool.failure is not None:
                state, reason = DaemonState.PAUSED, str(self._pool.failure)
        jobs = list(self._pipeline.jobs.values())
        in_work = sum(job.status.status is Status.PROCESSING for job in jobs)
        return Health(
            state=state,
            reason=reason,
            heartbeat=utc_now(),
            started_at=self._started_at,
            engine=self._engine,
            engine_state=self._pool.state,
            jobs_waiting=len(jobs) - in_work,
            jobs_in_work=in_work,
            files_in_inbox=self._intake.waiting,
            pages_done=self._pipeline.pages_done,
            free_bytes=self._free_bytes or 0,
            events_lost=self._intake.events_lost,
        )

    async def _in_thread(self, function: Any, *arguments: Any) -> Any:
        return await asyncio.get_running_loop().run_in_executor(self._disk, function, *arguments)


def _is_written(job: ActiveJob) -> bool:
    """Whether somebody still writes a claimed file; blocking."""
    try:
        return at_rest(job.folder, job.status.filename) is None
    except OSError:
        return False  # opening the job says what is wrong with it


def _end_children() -> None:
    """Kill what is left of our processes: a renderer that hangs must not outlive the daemon."""
    for children in Path("/proc/self/task").glob("*/children"):
        with contextlib.suppress(OSError):
            for pid in children.read_text().split():
                with contextlib.suppress(ProcessLookupError):
                    os.kill(int(pid), signal.SIGKILL)
