"""Commands that are run when a job was completed or has failed: a few at a time, off the loop, and never to its harm.

Each is run once, after the result was delivered: what a crash, a stop or too long a queue keeps from being run is not
made up for. A failure is told in the log and in the result's status.json.
"""

import asyncio
import functools
import os
import threading
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import structlog

from pdfocr_watcher.config.model import Hooks as Settings
from pdfocr_watcher.daemon.hook_process import Ended, hook_environment, run_command
from pdfocr_watcher.jobs.model import HookFailure, JobStatus, Status

_log = structlog.get_logger(__name__)

#: Hooks that may wait for their turn.
_MOST_WAITING = 1000
#: Takes a job's status, its result's folder and what failed.
Record = Callable[[JobStatus, Path, HookFailure], Awaitable[None]]


class Hooks:
    """Runs the configured commands.

    Args:
        settings: which they are, and their limits.
        record: notes a failure in the result.
    """

    def __init__(self, settings: Settings, record: Record) -> None:
        self._settings = settings
        self._record = record
        self._threads = ThreadPoolExecutor(settings.max_parallel, "hooks")
        self._tasks: set[asyncio.Task[None]] = set()
        self._stop = threading.Event()
        #: How many have failed.
        self.failed = 0

    def __len__(self) -> int:
        """Those that wait or run."""
        return len(self._tasks)

    def delivered(self, status: JobStatus, result: Path) -> None:
        """Run the hook of a job that was delivered, if there is one; in the background."""
        if command := self._command(status):
            task = asyncio.create_task(self._run(command, status, result, full=len(self) >= _MOST_WAITING))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def stop(self, grace: float) -> None:
        """Give those that run `grace` seconds, then end them; those that wait are not run."""
        self._threads.shutdown(wait=False, cancel_futures=True)
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=grace)
        self._stop.set()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=1.0)

    def _command(self, status: JobStatus) -> tuple[str, ...]:
        return self._settings.completed if status.status is Status.COMPLETED else self._settings.failed

    async def _run(self, command: tuple[str, ...], status: JobStatus, result: Path, *, full: bool) -> None:
        log = _log.bind(job_id=status.job_id, command=command[0])
        ended = Ended(None, f"{_MOST_WAITING} others waited already.", "")
        if not full:
            environment = hook_environment(status, result, os.environ)
            work = functools.partial(run_command, command, environment, self._settings.timeout_seconds, self._stop)
            try:
                ended = await asyncio.get_running_loop().run_in_executor(self._threads, work)
            except (asyncio.CancelledError, RuntimeError):  # the threads were shut down
                log.warning("hook.not_run", reason="The daemon was stopped before its turn.")
                return
        if not ended.trouble:
            log.info("hook.done", output=ended.output)
            return
        self.failed += 1
        log.warning("hook.failed", status=ended.exit_status, reason=ended.trouble, output=ended.output)
        try:
            failure = HookFailure(command=command[0], exit_status=ended.exit_status, message=ended.trouble)
            await self._record(status, result, failure)
        except (OSError, RuntimeError) as error:
            log.warning("hook.not_noted", error=str(error))
