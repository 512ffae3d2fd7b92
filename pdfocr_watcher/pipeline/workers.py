"""The pool of worker processes as the daemon sees it: supervised, replaceable, every wait with a limit."""

import asyncio
import contextlib
import itertools
import json
import os
import sys
from asyncio.subprocess import PIPE, Process
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import structlog

from pdfocr_watcher.engines.base import EngineInfo
from pdfocr_watcher.errors import ErrorCode, PdfocrError
from pdfocr_watcher.pipeline.worker import Answer, Task, WorkerSettings, task_line

_log = structlog.get_logger(__name__)

#: Seconds between two tries to start an engine that does not start: doubled up to the last.
_BACKOFF = (1.0, 60.0)
#: Seconds that a worker has to end by itself once its input is closed.
_GRACE = 2.0
#: glibc gives freed rasters back to the system at once and faults them in again for every page; not so with these.
_MALLOC = {"MALLOC_MMAP_THRESHOLD_": "268435456", "MALLOC_TRIM_THRESHOLD_": "268435456"}


class EngineState(StrEnum):
    """How the engine is."""

    LOADING = "loading"
    READY = "ready"
    FAILED = "failed"


class WorkerProcess:
    """One worker process.

    Args:
        settings: what it is started with.
    """

    def __init__(self, settings: WorkerSettings) -> None:
        self._settings = settings
        self._process: Process | None = None
        self._loaded = False

    @property
    def ready(self) -> bool:
        """Whether its engine has loaded and it is alive."""
        return self._loaded and self.alive

    @property
    def alive(self) -> bool:
        """Whether there is a process that can take a task."""
        return self._process is not None and self._process.returncode is None

    @property
    def pid(self) -> int | None:
        """The process, if it is alive."""
        return self._process.pid if self.alive and self._process else None

    async def start(self, timeout: float) -> EngineInfo:  # noqa: ASYNC109 - the limit is part of what is asked
        """Start the process and wait until its engine has loaded.

        Raises:
            PdfocrError: it did not load (ENGINE_UNAVAILABLE), within `timeout` seconds.
        """
        self._loaded = False
        command = (sys.executable, "-P", "-m", "pdfocr_watcher.pipeline.worker", self._settings.to_json())
        try:
            self._process = await asyncio.create_subprocess_exec(
                *(*command, str(os.getpid())),
                stdin=PIPE,
                stdout=PIPE,
                env={**os.environ, **_MALLOC, "OMP_NUM_THREADS": str(self._settings.threads)},
                start_new_session=True,
            )
        except OSError as error:
            raise PdfocrError(ErrorCode.ENGINE_UNAVAILABLE, f"Its process cannot be started: {error}.") from error
        try:
            async with asyncio.timeout(timeout):
                ready = await self._read()
        except TimeoutError:
            await self.kill()
            raise PdfocrError(ErrorCode.ENGINE_UNAVAILABLE, f"It did not load within {timeout:g} s.") from None
        except PdfocrError:
            raise PdfocrError(ErrorCode.ENGINE_UNAVAILABLE, "Its process ended while it loaded.") from None
        if not ready["ready"]:
            await self.kill()
            raise PdfocrError(ErrorCode(ready["code"]), ready["detail"])
        self._loaded = True
        return EngineInfo(**ready["engine"])

    async def call(self, task: Task, timeout: float) -> Answer:  # noqa: ASYNC109 - see start
        """Have a task done.

        Raises:
            PdfocrError: the task failed with the worker's code, or took longer than `timeout` seconds
                (ENGINE_TIMEOUT), or the process died (ENGINE_CRASHED); in these two cases it is gone.
        """
        if self._process is None or self._process.stdin is None:
            raise PdfocrError(ErrorCode.INTERNAL, "The worker was not started.")
        try:
            self._process.stdin.write(task_line(task))
            # Not wait_for: on Python 3.11 it can swallow the cancellation that ends a worker's runner.
            async with asyncio.timeout(timeout):
                reply = await self._read()
        except TimeoutError:
            await self.kill()
            raise PdfocrError(ErrorCode.ENGINE_TIMEOUT, f"The limit is {timeout:g} s.") from None
        except asyncio.CancelledError:
            await self.kill()
            raise
        if not reply["ok"]:
            raise PdfocrError(ErrorCode(reply["code"]), reply["detail"])
        return reply

    async def _read(self) -> dict[str, Any]:
        """The next line of the worker.

        Raises:
            PdfocrError: the process ended, or what came is no answer (ENGINE_CRASHED).
        """
        if self._process is None or self._process.stdout is None:
            raise PdfocrError(ErrorCode.INTERNAL, "The worker was not started.")
        try:
            reply = json.loads(await self._process.stdout.readline())
        except ValueError:  # no JSON, or a line longer than any answer
            reply = None
        if isinstance(reply, dict):
            return reply
        await self.kill()
        raise PdfocrError(ErrorCode.ENGINE_CRASHED, f"Exit status {self._process.returncode}.")

    async def kill(self) -> None:
        """End the process now."""
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError):
                self._process.kill()
            await self._process.wait()

    async def stop(self) -> None:
        """Let the process end by itself, or kill it."""
        if self._process is not None and self._process.stdin is not None and self.alive:
            self._process.stdin.close()
            try:
                async with asyncio.timeout(_GRACE):
                    await self._process.wait()
            except TimeoutError:
                await self.kill()


@dataclass(frozen=True, slots=True, order=True)
class _Order:
    rank: tuple[bool, int]
    task: Task = field(compare=False)
    timeout: float = field(compare=False)
    result: asyncio.Future[Answer] = field(compare=False)


class WorkerPool:
    """Worker processes that share a queue of tasks: urgent ones first, else first come, first served.

    The queue is bounded by its callers: by the rasters that may exist, and one assembly a job.

    Args:
        settings: what each worker is started with.
        size: how many.
        start_timeout: seconds that an engine may take to load.
    """

    def __init__(self, settings: WorkerSettings, size: int, start_timeout: float) -> None:
        self._workers = [WorkerProcess(settings) for _ in range(size)]
        self._start_timeout = start_timeout
        self._orders: asyncio.PriorityQueue[_Order] = asyncio.PriorityQueue()
        self._serial = itertools.count()
        self._runners: list[asyncio.Task[None]] = []
        self._settled = asyncio.Event()
        self._draining = False
        self.state = EngineState.LOADING
        self.failure: PdfocrError | None = None
        self.info: EngineInfo | None = None

    @property
    def pids(self) -> list[int]:
        """The worker processes that are alive."""
        return [worker.pid for worker in self._workers if worker.pid is not None]

    def start(self) -> None:
        """Begin to start the workers."""
        self._runners = [asyncio.create_task(self._run(worker)) for worker in self._workers]

    async def settled(self) -> None:
        """Wait until the engine is ready or has failed for the first time; bounded by the start's limit."""
        await self._settled.wait()

    async def call(
        self,
        task: Task,
        timeout: float,  # noqa: ASYNC109 - see WorkerProcess.start
        *,
        urgent: bool = False,
    ) -> Answer:
        """Have a task done by the next free worker.

        Args:
            task: what to do.
            timeout: seconds, from when a worker takes it.
            urgent: before the tasks that are not.

        Raises:
            PdfocrError: it failed; see `WorkerProcess.call`.
        """
        rank = (not urgent, next(self._serial))
        order = _Order(rank, task, timeout, asyncio.get_running_loop().create_future())
        if self._draining:
            order.result.cancel()
        else:
            self._orders.put_nowait(order)
        return await order.result

    def drain(self) -> None:
        """Cancel the tasks that no worker has taken, and take no more; those that are being done go on."""
        self._draining = True
        while not self._orders.empty():
            self._orders.get_nowait().result.cancel()

    async def stop(self) -> None:
        """End all workers."""
        self.drain()
        for runner in self._runners:
            runner.cancel()
        await asyncio.gather(*self._runners, return_exceptions=True)
        await asyncio.gather(*(worker.stop() for worker in self._workers))

    async def _run(self, worker: WorkerProcess) -> None:
        while not self._draining:
            await self._ensure_started(worker)
            order = await self._orders.get()
            if order.result.done():
                continue
            if not worker.alive:  # it died while it was idle: that is not the task's fault
                self._orders.put_nowait(order)
                continue
            await self._do(worker, order)

    async def _do(self, worker: WorkerProcess, order: _Order) -> None:
        """Have a worker do an order; whatever happens, the order gets its result."""
        try:
            reply = await worker.call(order.task, order.timeout)
        except asyncio.CancelledError:
            order.result.cancel()
            raise
        except PdfocrError as error:
            failure = error
        except Exception as error:  # noqa: BLE001 - a runner that ended would leave its pages waiting for ever
            _log.exception("worker.defect")
            await worker.kill()
            failure = PdfocrError(ErrorCode.ENGINE_CRASHED, f"{type(error).__name__}.")
        else:
            if not order.result.done():
                order.result.set_result(reply)
            return
        if not order.result.done():
            order.result.set_exception(failure)

    async def _ensure_started(self, worker: WorkerProcess) -> None:
        delay, longest = _BACKOFF
        while not worker.alive:
            try:
                self.info = await worker.start(self._start_timeout)
            except PdfocrError as error:
                _log.error("engine.failed", code=error.code, detail=error.detail, retry_in=delay)
                if not any(other.ready for other in self._workers):  # the others go on without it
                    self.state, self.failure = EngineState.FAILED, error
                self._settled.set()
                await asyncio.sleep(delay)
                delay = min(2 * delay, longest)
            else:
                _log.info("engine.ready", pid=worker.pid, engine=self.info.name, model=self.info.model)
                self.state, self.failure = EngineState.READY, None
                self._settled.set()
