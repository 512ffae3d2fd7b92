"""The pipes of a process that works for the daemon: lines of its output, the end of its error output, its end. Bounded.

What the lines mean is for `worker_process` and `generating.host_process` to say.
"""

import asyncio
import contextlib
import json
import os
import signal
from collections.abc import Callable
from typing import Any

#: Seconds between two looks at a pipe that is written without end; a look takes what a pipe holds, 64 KiB.
_REST = 0.01
#: Seconds for what an ended process wrote to arrive, where a child that it left behind holds its pipe open.
_LAST_WORDS = 1.0

#: What comes of reading a line that is no message, one of brackets within brackets included.
NO_MESSAGE = (ValueError, LookupError, TypeError, RecursionError)


class Wire(asyncio.SubprocessProtocol):
    """What comes from a process. It is read no faster than somebody asks for its lines.

    Args:
        line_bytes: bytes of a line that may be a message; what is longer is none.
        said_bytes: bytes of the error output that are kept, the last ones.
        end_group: ends what the process has left behind in its session, given the process.
    """

    def __init__(self, line_bytes: int, said_bytes: int, end_group: Callable[[int], None]) -> None:
        self._end_group = end_group
        self._line_bytes = line_bytes
        self._said_bytes = said_bytes
        self.exited = asyncio.Event()
        self.said = bytearray()
        self.transport: asyncio.SubprocessTransport | None = None
        self._received = bytearray()
        self._news = asyncio.Event()
        self._silent = asyncio.Event()
        self._full = False
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
        """Keep what may be a message, and the last of what it told to people."""
        if fd == 1:
            self._received += data
            self._news.set()
            if len(self._received) > self._line_bytes and (pipe := self._reading(fd)) is not None:
                pipe.pause_reading()
                self._full = True
        else:
            self.said += data
            del self.said[: -self._said_bytes]
            self._rest(fd)

    def _reading(self, fd: int) -> asyncio.ReadTransport | None:
        pipe = self.transport.get_pipe_transport(fd) if self.transport is not None else None
        return pipe if isinstance(pipe, asyncio.ReadTransport) else None

    def _rest(self, fd: int) -> None:
        """Let a pipe wait a moment: a process that writes without end must not keep the daemon busy."""
        if (pipe := self._reading(fd)) is not None:
            pipe.pause_reading()
            asyncio.get_running_loop().call_later(_REST, pipe.resume_reading)

    def pipe_connection_lost(self, fd: int, exc: Exception | None) -> None:
        """Nothing more comes from there."""
        del exc
        if fd == 1:
            self._end()
        elif fd == 2:  # noqa: PLR2004 - the error output
            self._silent.set()

    def process_exited(self) -> None:
        """End what the process has left behind in its session, which would keep its memory and its pipes."""
        if self.transport is not None:
            self._end_group(self.transport.get_pid())
        self.exited.set()
        asyncio.get_running_loop().call_later(_LAST_WORDS, self._give_up)

    def _end(self) -> None:
        self._over = True
        self._news.set()

    def _give_up(self) -> None:
        self._end()
        self._silent.set()

    async def last_words(self) -> None:
        """Wait until all that an ended process told to people is there."""
        await self.exited.wait()
        await self._silent.wait()

    async def line(self) -> bytes:
        """The next line; what there was instead where the output ended, or a line is too long to be a message."""
        while (end := self._received.find(b"\n")) < 0 and len(self._received) <= self._line_bytes and not self._over:
            self._news.clear()
            await self._news.wait()
        line = bytes(self._received[: end + 1] if end >= 0 else self._received)
        del self._received[: len(line)]
        if self._full and len(self._received) <= self._line_bytes:
            self._full = False
            if (pipe := self._reading(1)) is not None:
                pipe.resume_reading()
        return line

    def write(self, line: bytes) -> bool:
        """Send a line to the process; whether its input is open."""
        stdin = self.transport.get_pipe_transport(0) if self.transport is not None else None
        if not isinstance(stdin, asyncio.WriteTransport) or stdin.is_closing():
            return False
        stdin.write(line)
        return True

    def close_input(self) -> None:
        """Let the process see the end of its input."""
        stdin = self.transport.get_pipe_transport(0) if self.transport is not None else None
        if stdin is not None:
            stdin.close()


def kill_group(leader: int) -> None:
    """Kill a session's first process and whatever it started that has not left its process group."""
    # Its number is not given to another process while the group has a member; without one this finds nothing.
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(leader, signal.SIGKILL)


def message(line: bytes) -> dict[str, Any]:
    """A line as a JSON object.

    Raises:
        Exception: one of `NO_MESSAGE`, it is none.
    """
    value = json.loads(line)
    if not isinstance(value, dict):
        raise ValueError("not an object")  # noqa: TRY004 - what came is wrong, not what was called
    return value
