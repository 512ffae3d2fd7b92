"""A process that works for the daemon, as the daemon sees it: started, heard, ended. Every wait has a limit.

What is said through its pipes is for `worker_process` and `generating.host_process` to know.
"""

import asyncio
import contextlib
import os
import signal
from collections.abc import Mapping, Sequence

import structlog

from pdfocr_watcher.errors import ErrorCode, PdfocrError
from pdfocr_watcher.pipeline.wire import Wire, kill_group

_log = structlog.get_logger(__name__)

#: Seconds that a killed process has to be gone; one that waits for a dead disk is not.
_KILLED = 5.0
#: Seconds that a process which closed its output has to end by itself, so that its exit status can be told.
_CLOSED = 0.5
#: Bytes of the error output of a process that are logged when it dies.
_LOGGED_BYTES = 2048


class ChildProcess:
    """One process, the leader of a session of its own. It can be started again when it has ended.

    Args:
        line_bytes: bytes of a line that it may say; what is longer is none.
        said_bytes: bytes of its error output that are kept.
    """

    #: Under which its end is logged.
    _lost = "worker.lost"

    def __init__(self, line_bytes: int, said_bytes: int) -> None:
        self._line_bytes = line_bytes
        self._said_bytes = said_bytes
        self._wire: Wire | None = None
        self._loaded = False

    @property
    def ready(self) -> bool:
        """Whether its engine has loaded and it is alive."""
        return self._loaded and self.alive

    @property
    def alive(self) -> bool:
        """Whether there is a process."""
        return self._wire is not None and not self._wire.exited.is_set()

    @property
    def pid(self) -> int | None:
        """The process, if it is alive."""
        return self._wire.transport.get_pid() if self.alive and self._wire and self._wire.transport else None

    async def spawn(self, command: Sequence[str], environment: Mapping[str, str]) -> Wire:
        """Start the process; it is not ready then.

        Args:
            command: the program and its arguments.
            environment: what is different from the daemon's.

        Raises:
            PdfocrError: it cannot be started, or the one before it cannot be ended (ENGINE_UNAVAILABLE).
        """
        if self.alive:  # a process that cannot be ended keeps its place: no more are heaped upon it
            raise PdfocrError(ErrorCode.ENGINE_UNAVAILABLE, f"Its process {self.pid} hangs in a disk or a device.")
        self._loaded = False
        try:
            _, self._wire = await asyncio.get_running_loop().subprocess_exec(
                lambda: Wire(self._line_bytes, self._said_bytes, self._end_group),
                *command,
                env={**os.environ, **environment},
                start_new_session=True,
            )
        except OSError as error:
            raise PdfocrError(ErrorCode.ENGINE_UNAVAILABLE, f"Its process cannot be started: {error}.") from error
        return self._wire

    async def end_of(self, wire: Wire, line: bytes) -> str:
        """What became of a process that said what is no message, in a sentence; it is logged.

        Args:
            wire: how it is heard.
            line: what it said instead; empty where its output has ended.
        """
        if not line:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_CLOSED):
                    await wire.exited.wait()
        status = wire.transport.get_returncode() if wire.transport is not None else None
        said = bytes(wire.said[-_LOGGED_BYTES:]).decode(errors="replace")
        _log.warning(self._lost, pid=self.pid, exit_status=status, said=said)
        if status is None:
            return "Its process closed its output." if not line else "Its process said what is no answer."
        if status < 0:
            hint = " (the system kills so for lack of memory)" if -status == signal.SIGKILL else ""
            return f"Its process was ended by signal {-status}{hint}."
        return f"Its process ended with exit status {status}."

    def _end_group(self, leader: int) -> None:
        """End the process and what it has started in its session."""
        kill_group(leader)

    async def kill(self) -> None:
        """End the process now, with all that it has started in its session.

        Returns after a few seconds even if the process cannot be ended, as when it waits for a disk that is gone;
        it stays `alive` then until it is.
        """
        if self._wire is None or self._wire.transport is None:
            return
        self._loaded = False
        if self.alive:
            self._end_group(self._wire.transport.get_pid())
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_KILLED):
                await self._wire.last_words()
        self._wire.transport.close()

    async def stop(self, grace: float) -> None:
        """Let the process end by itself within `grace` seconds, or kill it."""
        if self.alive and self._wire is not None:
            self._loaded = False
            self._wire.close_input()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(grace):
                    await self._wire.exited.wait()
        await self.kill()
