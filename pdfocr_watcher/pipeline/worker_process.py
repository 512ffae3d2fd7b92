"""One worker process as the daemon sees it: given a task, judged by its answer. Every wait has a limit.

How many there are and which task goes to whom is in `workers`; what runs inside the process is in `worker`.
"""

import asyncio
import itertools
import os
import sys

from pdfocr_watcher.engines.base import EngineInfo
from pdfocr_watcher.errors import ErrorCode, PdfocrError
from pdfocr_watcher.pipeline.child_process import ChildProcess
from pdfocr_watcher.pipeline.memory import memory_of
from pdfocr_watcher.pipeline.tasks import (
    Answer,
    Assembled,
    AssembleTask,
    KeepTask,
    Prepared,
    PrepareTask,
    Task,
    task_line,
)
from pdfocr_watcher.pipeline.wire import NO_MESSAGE, Wire, message
from pdfocr_watcher.pipeline.worker import WorkerSettings

#: Bytes of a line that may be an answer; what is longer is none.
_LINE_BYTES = 1 << 16
#: Bytes of a worker's error output that are kept, to be logged if it dies.
_SAID_BYTES = 2048
#: glibc gives freed rasters back to the system at once and faults them in again for every page; not so with these.
_MALLOC = {"MALLOC_MMAP_THRESHOLD_": "268435456", "MALLOC_TRIM_THRESHOLD_": "268435456"}


class WorkerProcess(ChildProcess):
    """One worker process, the leader of a session of its own.

    Args:
        settings: what it is started with.
    """

    def __init__(self, settings: WorkerSettings) -> None:
        super().__init__(_LINE_BYTES, _SAID_BYTES)
        self._settings = settings
        self._verdict: PdfocrError | None = None
        self._serial = itertools.count(1)

    @property
    def fit(self) -> bool:
        """Whether a task can be given to it: it is ready, and has said nothing for which nobody asked."""
        return self.ready and self._wire is not None and not self._wire.unread

    @property
    def memory(self) -> int:
        """Bytes of memory that it and its children have; 0 if it is not alive."""
        return memory_of(self.pid) if self.pid is not None else 0

    async def start(self, timeout: float) -> EngineInfo:  # noqa: ASYNC109 - the limit is part of what is asked
        """Start the process and wait until its engine has loaded.

        Raises:
            PdfocrError: it did not load (ENGINE_UNAVAILABLE), within `timeout` seconds; nothing is left of it.
        """
        self._verdict = None
        command = (sys.executable, "-P", "-m", "pdfocr_watcher.pipeline.worker", self._settings.to_json())
        wire = await self.spawn(
            (*command, str(os.getpid())), {**_MALLOC, "OMP_NUM_THREADS": str(self._settings.threads)}
        )
        try:
            info = await self._load(wire, timeout)
        except BaseException:
            await self.kill()
            raise
        self._loaded = True
        return info

    async def _load(self, wire: Wire, timeout: float) -> EngineInfo:  # noqa: ASYNC109 - see start
        try:
            async with asyncio.timeout(timeout):
                line = await wire.line()
        except TimeoutError:
            raise PdfocrError(ErrorCode.ENGINE_UNAVAILABLE, f"It did not load within {timeout:g} s.") from None
        try:
            said = message(line)
            if said["ready"] is True:
                return EngineInfo(**{name: str(said["engine"][name]) for name in ("name", "model", "version")})
            failure = PdfocrError(ErrorCode(said["code"]), str(said["detail"]))
        except NO_MESSAGE:
            how = await self.end_of(wire, line)
            raise PdfocrError(ErrorCode.ENGINE_UNAVAILABLE, f"While it loaded: {how}") from None
        raise failure

    async def call(self, task: Task, timeout: float) -> Answer:  # noqa: ASYNC109 - see start
        """Have a task done.

        Raises:
            PdfocrError: the task failed with the worker's code; or it took longer than `timeout` seconds
                (ENGINE_TIMEOUT), or the process died or gave no answer to this task (ENGINE_CRASHED), or was ended
                with a code of its own (see `condemn`): then it is gone.
        """
        wire = self._wire
        if wire is None:
            raise PdfocrError(ErrorCode.INTERNAL, "The worker was not started.")
        number = next(self._serial)
        try:
            wire.write(task_line(task, number))
            # Not wait_for: on Python 3.11 it can swallow the cancellation that ends a worker's runner.
            async with asyncio.timeout(timeout):
                line = await wire.line()
        except TimeoutError:
            await self.kill()
            raise PdfocrError(ErrorCode.ENGINE_TIMEOUT, f"The limit is {timeout:g} s.") from None
        except asyncio.CancelledError:
            await self.kill()
            raise
        try:
            reply = _answer_to(task, number, line)
        except NO_MESSAGE:
            how = await self.end_of(wire, line)
            await self.kill()
            raise self._verdict or PdfocrError(ErrorCode.ENGINE_CRASHED, how) from None
        if isinstance(reply, PdfocrError):
            raise reply
        return reply

    async def condemn(self, verdict: PdfocrError) -> None:
        """End the process now; the task that it has in hand fails with `verdict`."""
        self._verdict = verdict
        await self.kill()


def _answer_to(task: Task, number: int, line: bytes) -> Answer | PdfocrError:
    """What a line says about a task.

    Raises:
        Exception: one of `NO_MESSAGE`, it is no answer to this task.
    """
    said = message(line)
    if said["number"] != number:
        raise ValueError("the answer to another task")
    if said["ok"] is not True:
        return PdfocrError(ErrorCode(said["code"]), str(said["detail"]))
    if isinstance(task, AssembleTask):
        Assembled.of(said)
    if isinstance(task, PrepareTask):
        Prepared.of(said)
    if isinstance(task, KeepTask) and type(said["kept"]) is not bool:
        raise TypeError("not said whether it was kept")
    return said
