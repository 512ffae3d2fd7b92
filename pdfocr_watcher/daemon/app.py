"""The whole daemon: wires the rooms together, starts them, and stops them in good order."""

import asyncio
import contextlib
import os
import secrets
import signal
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import structlog

from pdfocr_watcher.config.folder_rules import FolderRules
from pdfocr_watcher.config.model import Config
from pdfocr_watcher.config.permissions import policy_of
from pdfocr_watcher.daemon.aftermath import Aftermath
from pdfocr_watcher.daemon.changes import Changes, index_of
from pdfocr_watcher.daemon.claiming import TellingClaimer
from pdfocr_watcher.daemon.condition import Condition, Snapshot
from pdfocr_watcher.daemon.deliveries import Deliveries
from pdfocr_watcher.daemon.derived import Derived
from pdfocr_watcher.daemon.hooks import Hooks
from pdfocr_watcher.daemon.reading import decided, make_reader, make_unlocker, text_layers
from pdfocr_watcher.daemon.reloading import Reloading
from pdfocr_watcher.daemon.reporting import Reporting
from pdfocr_watcher.daemon.retaining import Retaining
from pdfocr_watcher.daemon.settling import Settling
from pdfocr_watcher.daemon.space import Space
from pdfocr_watcher.daemon.taking_up import TakingUp
from pdfocr_watcher.engines.registry import resolve_engine
from pdfocr_watcher.errors import ErrorCode, PdfocrError
from pdfocr_watcher.inbox.claim import Claim
from pdfocr_watcher.inbox.intake import Intake
from pdfocr_watcher.jobs.durable import make_folders
from pdfocr_watcher.jobs.folder import SHOWN_NAME
from pdfocr_watcher.jobs.lock import DaemonLock
from pdfocr_watcher.jobs.model import Status
from pdfocr_watcher.jobs.overview import Overview
from pdfocr_watcher.jobs.probe import owner_of, try_access
from pdfocr_watcher.jobs.requests import forget_old
from pdfocr_watcher.pipeline.active import ActiveJob, utc_now
from pdfocr_watcher.pipeline.journal import StatusJournal
from pdfocr_watcher.pipeline.opening import Opener
from pdfocr_watcher.pipeline.process import Pipeline
from pdfocr_watcher.pipeline.rendering import choose_protection, choose_rasterizers
from pdfocr_watcher.pipeline.sizing import render_workers
from pdfocr_watcher.pipeline.storage import Storage
from pdfocr_watcher.service.health import DaemonState
from pdfocr_watcher.service.logs import set_level
from pdfocr_watcher.service.notify import Notifier

_log = structlog.get_logger(__name__)

#: Seconds of the shutdown time that are kept for putting jobs back and ending processes.
_SHUTDOWN_RESERVE = 10.0
_DELIVERIES_GRACE = 2.0
_HOOKS_GRACE = 1.0
_POOL_GRACE = 5.0
#: Seconds between two looks at whether `once` is through.
_ONCE_INTERVAL = 0.1
EX_OK, EX_SOME_FAILED = 0, 1


class Daemon:
    """One daemon on one set of folders.

    Args:
        config: everything it needs to know.
        once: work off the inbox, then end.
        notifier: the service manager, if there is one.
        read: reads the configuration again, on SIGHUP; None where that signal is left as it is.
    """

    def __init__(
        self,
        config: Config,
        *,
        once: bool = False,
        notifier: Notifier | None = None,
        read: Callable[[], Config] | None = None,
    ) -> None:
        self._engine = resolve_engine(config.engine.name)
        self._reloading = Reloading(config, read, self._configure) if read is not None else None
        self._config = config = decided(config, self._engine)
        self._folders = config.folders
        self._once = once
        self._stop = asyncio.Event()
        self._state = DaemonState.STARTING
        self._disk = ThreadPoolExecutor(1, "daemon")
        render = config.render
        rules = FolderRules.of(config, self._engine)
        protection = choose_protection(render.sandbox)
        rasterizers = choose_rasterizers(render.renderer, render.memory_bytes, render.max_pixels, protection)
        self._reader = make_reader(config, self._engine)
        self._index = index_of(config)
        shared = self._folders.jobs.is_relative_to(self._folders.root)
        self._mirror = None if shared else self._folders.root / SHOWN_NAME
        self._owner = owner_of(self._folders.jobs)
        mark = f"{self._owner}-{secrets.token_hex(4)}"
        self._jobs = Storage(self._folders.jobs, mark)
        self._source = Storage(self._folders.inbox, mark, try_access)
        self._journal = StatusJournal(self._index, self._mirror, utc_now, self._jobs)
        self._policy = policy_of(config.permissions)
        self._hooks = Hooks(config.hooks, lambda *failure: self._changes.note_hook(*failure))  # noqa: PLW0108 - is made later
        self._deliveries = Deliveries(
            self._folders, self._index, self._journal, self._jobs, mark, self._policy, self._hooks.delivered
        )
        self._pipeline = Pipeline(
            config,
            rasterizers,
            self._reader,
            self._journal,
            self._jobs,
            Opener(config, rasterizers, self._deliveries.earlier, make_unlocker(render, protection), rules),
            self._deliveries.begin,
            utc_now,
            render_workers(config.render),
            text_layers(config, self._engine, protection),
        )
        self._changes = Changes(self._folders, self._pipeline, self._index, self._deliveries.has, self._policy)
        self._settling = Settling(config.inbox.settle_seconds, self._pipeline.add)
        self._space = Space(self._folders.jobs, self._jobs, self._deliveries.storages, config.inbox)
        self._taking_up = TakingUp(
            config, self._jobs, self._mirror, self._came_to_nothing, self._deliveries, self._settling, self._pipeline
        )
        self._condition = Condition(
            config,
            self._engine,
            self._reader,
            self._pipeline,
            self._deliveries,
            self._space,
            self._source,
            self._settling,
            self._taking_up,
            self._hooks,
        )
        self._aftermath = Aftermath(self._folders.jobs, self._jobs, self._source)
        claimer = TellingClaimer(
            self._folders.inbox,
            self._folders.jobs,
            self._folders.outbox,
            self._folders.failed,
            self._taking_up.unfinished,
            self._aftermath,
            keep_private=config.permissions.keep_private,
        )
        self._intake = Intake(
            self._folders.inbox,
            config.inbox,
            config.job.max_bytes,
            claimer,
            self._condition.hold,
            self._claimed,
            utc_now,
            rules,
        )
        self._condition.watch(self._intake)
        self._derived = Derived(config, self._index, self._deliveries, self._look)
        self._retaining = Retaining(config, self._changes.purge, utc_now)
        self._reporting = Reporting(notifier or Notifier(), lambda: self._look(Overview()).health, self._reader)

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
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stop.set)
        if self._reloading is not None:
            loop.add_signal_handler(signal.SIGHUP, self._reloading.wanted.set)
        lock = DaemonLock(self._folders.jobs, self._folders.root)
        # Any of it may hang on a dead mount, which must not keep the daemon from being stopped.
        if not await self._unless_stopped(self._in_thread(self._take_folders, lock)):
            return EX_OK
        try:
            _log.info("daemon.starting", root=str(self._folders.root), engine=self._engine)
            # These go on to the end: the pages in hand still have something to say after the stop.
            lasting = [
                asyncio.create_task(self._journal.run(self._pipeline.in_work)),
                asyncio.create_task(self._derived.keep_health()),
                asyncio.create_task(self._reporting.run()),
            ]
            try:
                if await self._unless_stopped(self._begin()):
                    self._reader.start()
                    lasting.append(asyncio.create_task(self._deliveries.tidy(self._owner)))
                    return await self._work()
                return EX_OK
            finally:
                await self._shut_down()
                for task in lasting:
                    task.cancel()
        finally:
            lock.release()

    async def _unless_stopped(self, work: Coroutine[Any, Any, Any]) -> bool:
        """Whether something was done before the daemon was told to stop."""
        doing = asyncio.create_task(work)
        stop = asyncio.create_task(self._stop.wait())
        await asyncio.wait({doing, stop}, return_when=asyncio.FIRST_COMPLETED)
        stop.cancel()
        if not doing.done():
            doing.cancel()
            return False
        doing.result()
        return True

    def _take_folders(self, lock: DaemonLock) -> None:
        """Make the folders that are missing, and take the jobs for this daemon alone; blocking.

        The inbox is not made: it may be a mount that is not there yet.
        """
        for folder in (self._folders.jobs, self._folders.outbox, self._folders.failed):
            try:
                make_folders(folder)
            except OSError as error:
                raise PdfocrError(ErrorCode.FOLDER_UNUSABLE, f"{folder}: {error.strerror}.") from error
            if not os.access(folder, os.W_OK | os.X_OK):
                raise PdfocrError(ErrorCode.FOLDER_UNUSABLE, f"{folder} cannot be written.")
        lock.acquire()
        for storage in (self._jobs, *self._deliveries.storages):
            storage.check_mounted()
        forget_old(self._folders.jobs)
        self._derived.tidy()
        self._index.open()

    async def _begin(self) -> None:
        await self._space.measure()
        await self._taking_up.run()

    async def _work(self) -> int:
        self._state = DaemonState.RUNNING
        rooms: list[Coroutine[Any, Any, None]] = [
            self._intake.run(),
            self._taking_up.mend(),
            self._pipeline.run(),
            self._changes.run(),
            self._retaining.run(once=self._once),
            self._space.watch(),
            self._aftermath.run(),
            self._derived.keep_index(),
            self._stop_wanted(),
        ]
        if self._reloading is not None:
            rooms.append(self._reloading.run(self._reporting))
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
        if not self._condition.through and (stuck := self._condition.stuck) is not None:
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
            if self._once and (self._condition.through or self._condition.stuck is not None):
                return
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_ONCE_INTERVAL if self._once else None):
                    await self._stop.wait()

    async def _shut_down(self) -> None:
        """Put the jobs back, end the processes, say goodbye; within `service.shutdown_seconds`."""
        _log.info("daemon.stopping")
        self._reporting.stopping()
        limit = self._config.service.shutdown_seconds
        grace = max(limit / 3, limit - _SHUTDOWN_RESERVE)
        self._settling.stop()
        self._taking_up.stop()
        await self._pipeline.stop(grace)
        # A process that waits for a disk that hangs does not even die before that answers.
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_POOL_GRACE):
                await self._reader.stop()
        await self._deliveries.stop(_DELIVERIES_GRACE)
        await self._hooks.stop(_HOOKS_GRACE)
        for storage in (self._jobs, self._source):
            storage.stop()
        self._state = DaemonState.STOPPED
        await self._derived.close(self._journal.close)
        _end_children()
        _log.info("daemon.stopped")

    def _look(self, overview: Overview) -> Snapshot:
        notes = self._reloading.notes if self._reloading is not None else ()
        return self._condition.snapshot(self._state, overview, notes)

    def _configure(self, config: Config) -> None:
        """Give the rooms a configuration in which only keys of `config.changing.RELOADABLE` have changed."""
        self._config = config = decided(config, self._engine)
        set_level(config.service.log_level)
        self._intake.configure(config.inbox, config.job.max_bytes, FolderRules.of(config, self._engine))
        self._settling.configure(config.inbox.settle_seconds)
        self._space.configure(config.inbox)
        for room in (self._condition, self._pipeline, self._derived, self._retaining):
            room.configure(config)

    def _came_to_nothing(self, job_id: str) -> None:
        """A claim was undone."""
        self._index.drop(job_id)  # who rebuilds the index meanwhile may have seen its folder
        self._intake.look_again()  # and who sweeps the inbox may not have seen its file

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
            self._settling.add(job)

    async def _in_thread(self, function: Any, *arguments: Any) -> Any:
        return await asyncio.get_running_loop().run_in_executor(self._disk, function, *arguments)


def _end_children() -> None:
    """Kill what is left of our processes: a renderer that hangs must not outlive the daemon."""
    for children in Path("/proc/self/task").glob("*/children"):
        with contextlib.suppress(OSError):
            for pid in children.read_text().split():
                with contextlib.suppress(ProcessLookupError):
                    os.kill(int(pid), signal.SIGKILL)
