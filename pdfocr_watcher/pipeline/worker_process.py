"""One worker process as the daemon sees it: started, given a task, judged by its answer, ended. Every wait has a limit.

How many there are and which task goes to whom is in `workers`; what runs inside the process is in `worker`.
"""

import asyncio
import contextlib
import itertools
import json
import os
import signal
import sys
from typing import Any

import structlog

from pdfocr_watcher.engines.base import EngineInfo
from pdfocr_watcher.errors import ErrorCode, PdfocrError
from pdfocr_watcher.pipeline.memory import memory_of
from pdfocr_watcher.pipeline.tasks import Answer, AssembleTask, Prepared, PrepareTask, Task, task_line
from pdfocr_watcher.pipeline.worker import WorkerSettings

_log = structlog.get_logger(__name__)

#: Bytes of a line that may be an answer; what is longer is none.
_LINE_BYTES = 1 << 16
#: Bytes of a worker's error output that are kept, to be logged if it dies.
_SAID_BYTES = 2048
#: Seconds between two looks at what it says there; a look takes what a pipe holds, 64 KiB.
_REST = 0.01
#: Seconds for what an ended process wrote to arrive, where a child that it left behind holds its pipe open.
_LAST_WORDS = 1.0
#: Seconds that a killed process has to be gone; one that waits for a dead disk is not.
_KILLED = 5.0
#: Seconds that a process which closed its output has to end by itself, so that its exit status can be told.
_CLOSED = 0.5
#: What comes of reading a line that is no answer, one of brackets within brackets included.
_NO_ANSWER = (ValueError, LookupError, TypeError, RecursionError)
#: glibc gives freed rasters back to the system at once and faults them in again for every page; not so with these.
_MALLOC = {"MALLOC_MMAP_THRESHOLD_": "268435456", "MALLOC_TRIM_THRESHOLD_": "268435456"}


class _Wire(asyncio.SubprocessProtocol):
    """What comes from a process: lines of its output, the end of its error output, its end. All of it bounded."""

    def __init__(self) -> None:
        self.exited = asyncio.Event()
        self.said = bytearray()
        self.transport: asyncio.SubprocessTransport | None = None
        self._received = bytearray()
        self._news = asyncio.Event()
        self._over = False

    @property
    def unread(self) -> bool:
        """Whether something came for which nobody asked, or nothing can come any more."""
        return bool(self._received) or self._over

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep what the process is reached by."""
        assert isinstance(transport, asyncio.SubprocessTransport)  # noqa: S101 - what subprocess_exec gives
        self.transport = transport

    def pipe_data_received(self, fd: int, data: bytes) -> None:
        """Keep what may be an answer, and the last of what it told to people."""
        if fd == 1:
            self._received += data[: max(0, _LINE_BYTES + 1 - len(self._received))]
            self._news.set()
        else:
            self.said += data
            del self.said[:-_SAID_BYTES]
            self._rest(fd)

    def _rest(self, fd: int) -> None:
        """Let a pipe wait a moment: a process that writes without end must not keep the daemon busy."""
        pipe = self.transport.get_pipe_transport(fd) if self.transport is not None else None
        if isinstance(pipe, asyncio.ReadTransport):
            pipe.pause_reading()
            asyncio.get_running_loop().call_later(_REST, pipe.resume_reading)

    def pipe_connection_lost(self, fd: int, exc: Exception | None) -> None:
        """Nothing more comes from there."""
        del exc
        if fd == 1:
            self._end()

    def process_exited(self) -> None:
        """End what the process has left behind in its session, which would keep its memory and its pipes."""
        if self.transport is not None:
            kill_group(self.transport.get_pid())
        self.exited.set()
        asyncio.get_running_loop().call_later(_LAST_WORDS, self._end)

    def _end(self) -> None:
        self._over = True
        self._news.set()

    async def line(self) -> bytes:
        """The next line; what there was instead where the output ended, or a line is too long to be an answer."""
        while (end := self._received.find(b"\n")) < 0 and len(self._received) <= _LINE_BYTES and not self._over:
            self._news.clear()
            await self._news.wait()
        line = bytes(self._received[: end + 1] if end >= 0 else self._received)
        del self._received[: len(line)]
        return line


class WorkerProcess:
    """One worker process, the leader of a session of its own.

    Args:
        settings: what it is started with.
    """

    def __init__(self, settings: WorkerSettings) -> None:
        self._settings = settings
        self._wire: _Wire | None = None
        self._loaded = False
        self._verdict: PdfocrError | None = None
        self._serial = itertools.count(1)

    @property
    def ready(self) -> bool:
        """Whether its engine has loaded and it is alive."""
        return self._loaded and self.alive

    @property
    def alive(self) -> bool:
        """Whether there is a process."""
        return self._wire is not None and not self._wire.exited.is_set()

    @property
    def fit(self) -> bool:
        """Whether a task can be given to it: it is ready, and has said nothing for which nobody asked."""
        return self.ready and self._wire is not None and not self._wire.unread

    @property
    def pid(self) -> int | None:
        """The process, if it is alive."""
        return self._wire.transport.get_pid() if self.alive and self._wire and self._wire.transport else None

    @property
    def memory(self) -> int:
        """Bytes of memory that it and its children have; 0 if it is not alive."""
        return memory_of(self.pid) if self.pid is not None else 0

    async def start(self, timeout: float) -> EngineInfo:  # noqa: ASYNC109 - the limit is part of what is asked
        """Start the process and wait until its engine has loaded.

        Raises:
            PdfocrError: it did not load (ENGINE_UNAVAILABLE), within `timeout` seconds; nothing is left of it.
        """
        if self.alive:  # a process that cannot be ended keeps its place: no more are heaped upon it
            raise PdfocrError(ErrorCode.ENGINE_UNAVAILABLE, f"Its process {self.pid} hangs in a disk or a device.")
        self._loaded = False
        self._verdict = None
        command = (sys.executable, "-P", "-m", "pdfocr_watcher.pipeline.worker", self._settings.to_json())
        try:
            _, self._wire = await asyncio.get_running_loop().subprocess_exec(
                _Wire,
                *(*command, str(os.getpid())),
                env={**os.environ, **_MALLOC, "OMP_NUM_THREADS": str(self._settings.threads)},
                start_new_session=True,
            )
        except OSError as error:
            raise PdfocrError(ErrorCode.ENGINE_UNAVAILABLE, f"Its process cannot be started: {error}.") from error
        try:
            info = await self._load(self._wire, timeout)
        except BaseException:
            await self.kill()
            raise
        self._loaded = True
        return info

    async def _load(self, wire: _Wire, timeout: float) -> EngineInfo:  # noqa: ASYNC109 - see start
        try:
            async with asyncio.timeout(timeout):
                line = await wire.line()
        except TimeoutError:
            raise PdfocrError(ErrorCode.ENGINE_UNAVAILABLE, f"It did not load within {timeout:g} s.") from None
        try:
            message = _message(line)
            if message["ready"] is True:
                return EngineInfo(**{name: str(message["engine"][name]) for name in ("name", "model", "version")})
            failure = PdfocrError(ErrorCode(message["code"]), str(message["detail"]))
        except _NO_ANSWER:
            how = await self._end_of(wire, line)
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
        stdin = wire.transport.get_pipe_transport(0) if wire is not None and wire.transport is not None else None
        if wire is None or not isinstance(stdin, asyncio.WriteTransport):
            raise PdfocrError(ErrorCode.INTERNAL, "The worker was not started.")
        number = next(self._serial)
        try:
            stdin.write(task_line(task, number))
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
        except _NO_ANSWER:
            how = await self._end_of(wire, line)
            await self.kill()
            raise self._verdict or PdfocrError(ErrorCode.ENGINE_CRASHED, how) from None
        if isinstance(reply, PdfocrError):
            raise reply
        return reply

    async def condemn(self, verdict: PdfocrError) -> None:
        """End the process now; the task that it has in hand fails with `verdict`."""
        self._verdict = verdict
        await self.kill()

    async def _end_of(self, wire: _Wire, line: bytes) -> str:
        """What became of a process that gave no answer, in a sentence."""
        if not line:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_CLOSED):
                    await wire.exited.wait()
        status = wire.transport.get_returncode() if wire.transport is not None else None
        _log.warning("worker.lost", pid=self.pid, exit_status=status, said=wire.said.decode(errors="replace"))
        if status is None:
            return "Its process closed its output." if not line else "Its process said what is no answer."
        if status < 0:
            hint = " (the system kills so for lack of memory)" if -status == signal.SIGKILL else ""
            return f"Its process was ended by signal {-status}{hint}."
        return f"Its process ended with exit status {status}."

    async def kill(self) -> None:
        """End the process now, with all that it has started in its session.

        Returns after a few seconds even if the process cannot be ended, as when it waits for a disk that is gone;
        it stays `alive` then until it is.
        """
        if self._wire is None or self._wire.transport is None:
            return
        self._loaded = False
        if self.alive:
            kill_group(self._wire.transport.get_pid())
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_KILLED):
                    await self._wire.exited.wait()
        self._wire.transport.close()

    async def stop(self, grace: float) -> None:
        """Let the process end by itself within `grace` seconds, or kill it."""
        if self.alive and self._wire is not None and self._wire.transport is not None:
            self._loaded = False
            stdin = self._wire.transport.get_pipe_transport(0)
            if stdin is not None:
                stdin.close()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(grace):
                    await self._wire.exited.wait()
        await self.kill()


def kill_group(leader: int) -> None:
    """Kill a session's first process and whatever it started that has not left its process group."""
    # Its number is not given to another process while the group has a member; without one this finds nothing.
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(leader, signal.SIGKILL)


def _message(line: bytes) -> dict[str, Any]:
    """A line of a worker as a JSON object.

    Raises:
        ValueError: it is none.
    """
    message = json.loads(line)
    if not isinstance(message, dict):
        raise ValueError("not an object")  # noqa: TRY004 - what came is wrong, not what was called
    return message


def _answer_to(task: Task, number: int, line: bytes) -> Answer | PdfocrError:
    """What a line says about a task.

    Raises:
        Exception: one of `_NO_ANSWER`, it is no answer to this task.
    """
    message = _message(line)
    if message["number"] != number:
        raise ValueError("the answer to another task")
    if message["ok"] is not True:
        return PdfocrError(ErrorCode(message["code"]), str(message["detail"]))
    if isinstance(task, AssembleTask) and type(message["images"]) is not int:
        raise TypeError("no number of images")
    if isinstance(task, PrepareTask):
        Prepared.of(message)
    return message
