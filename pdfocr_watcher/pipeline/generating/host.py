"""The process that holds a generative engine: has many pages read at a time, until its input ends.

Requests come as lines on standard input, answers go as lines to standard output (see `protocol`); everything that a
library prints goes to standard error. The engine's own processes end with this one, and it ends with its daemon.
"""

import asyncio
import contextlib
import os
import shutil
import signal
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

from PIL import Image

from pdfocr_watcher.engines.base import EngineInfo
from pdfocr_watcher.engines.generation import Generation, GenerationRequest
from pdfocr_watcher.engines.vllm.recipe import MEETING_PLACE, HostSettings
from pdfocr_watcher.engines.vllm.runtime import EngineGoneError, VllmEngine
from pdfocr_watcher.errors import ErrorCode, PdfocrError
from pdfocr_watcher.jobs.probe import refusal
from pdfocr_watcher.pipeline.child import end_with_parent, ignore_stops, offer_first, protocol_channels
from pdfocr_watcher.pipeline.generating import session
from pdfocr_watcher.pipeline.generating.protocol import (
    BEAT_INTERVAL,
    LINE_BYTES,
    Answer,
    Beat,
    Ready,
    answer_line,
    beat_line,
    gone_line,
    read_request,
    ready_line,
    refusal_line,
)

#: The exit status of a process whose engine has died.
_GONE = 70
#: Seconds that what cleans up after the engine's processes has for it, and between two looks at whether it has.
_CLEANING_UP = 5.0
_LOOK = 0.05


class HeldEngine(Protocol):
    """What is held: see `engines.vllm.runtime.VllmEngine`."""

    @property
    def info(self) -> EngineInfo:
        """Who reads."""
        ...

    @property
    def figures(self) -> dict[str, Any]:
        """With what it really runs."""
        ...

    @property
    def notes(self) -> Sequence[str]:
        """What is not as it was asked for."""
        ...

    @property
    def tokens(self) -> int | None:
        """All tokens that were written; None where that is not known."""
        ...

    @property
    def gone(self) -> bool:
        """Whether it has died."""
        ...

    async def generate(self, number: int, request: GenerationRequest, picture: Image.Image) -> Generation:
        """Have a page read."""
        ...


class Host:
    """Has requests answered by an engine, each in a task of its own.

    Args:
        engine: who reads.
        lines: the requests.
        answers: where the answers go.
    """

    def __init__(self, engine: HeldEngine, lines: asyncio.StreamReader, answers: asyncio.StreamWriter) -> None:
        self._engine = engine
        self._lines = lines
        self._answers = answers
        self._tasks: dict[int, asyncio.Task[None]] = {}
        self._over = asyncio.Event()

    async def serve(self) -> bool:
        """Say that the engine is ready, and answer until the input ends or the engine is gone.

        Returns:
            Whether the engine is still there.
        """
        await self._say(ready_line(Ready(self._engine.info, self._engine.figures, tuple(self._engine.notes))))
        helpers = [asyncio.create_task(work) for work in (self._take(), self._beat())]
        await self._over.wait()
        tasks = [*helpers, *self._tasks.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        return not self._engine.gone

    async def _say(self, line: bytes) -> None:
        try:
            self._answers.write(line)
            await self._answers.drain()
        except ConnectionError:  # the daemon is no longer there
            self._over.set()

    async def _take(self) -> None:
        try:
            while line := await self._lines.readline():
                number, request = read_request(line)
                if request is not None:
                    self._begin(number, request)
                elif number in self._tasks:
                    self._tasks[number].cancel()
        finally:  # a daemon that speaks rubbish is none
            self._over.set()

    def _begin(self, number: int, request: GenerationRequest) -> None:
        task = self._tasks[number] = asyncio.create_task(self._answer(number, request))
        task.add_done_callback(lambda _done: self._tasks.pop(number, None))

    async def _answer(self, number: int, request: GenerationRequest) -> None:
        outcome: Generation | PdfocrError
        try:
            picture = await asyncio.to_thread(_open, request.picture)
            outcome = await self._engine.generate(number, request, picture)
        except EngineGoneError as error:
            await self._say(gone_line(str(error)))
            self._over.set()
            return
        except PdfocrError as error:
            outcome = error
        except Exception as error:  # noqa: BLE001 - one page's trouble must not end the engine
            outcome = PdfocrError(ErrorCode.INTERNAL, f"{type(error).__name__}: {error}")
        await self._say(answer_line(Answer(number, outcome)))

    async def _beat(self) -> None:
        """Say every second that all is well, and notice an engine that has died while it had nothing to do."""
        while True:
            await asyncio.sleep(BEAT_INTERVAL)
            if self._engine.gone:
                await self._say(gone_line("Its engine process has ended."))
                self._over.set()
                return
            await self._say(beat_line(Beat(len(self._tasks), self._engine.tokens)))


def _open(path: Path) -> Image.Image:
    """The picture of a page, RGB.

    Raises:
        PdfocrError: the file cannot be read (STORAGE_FAILED), or is no picture (ENGINE_FAILED).
    """
    try:
        with Image.open(path) as picture:
            return picture.convert("RGB")
    except OSError as error:
        if error.errno is None:  # Pillow's own, about what is in the file
            raise PdfocrError(ErrorCode.ENGINE_FAILED, f"{path.name}: {error}") from error
        raise PdfocrError(ErrorCode.STORAGE_FAILED, refusal(error, path.parent)) from error


def guard(meeting_place: str) -> None:
    """Leave a process behind that ends all of this process's group when this one ends, however it ends.

    The kernel ends this process with its daemon, but not what an engine has started.

    Args:
        meeting_place: a folder that is then removed; none if empty.
    """
    host = os.getpid()
    if os.getpgrp() != host or os.fork():  # a group that is not its own has others in it
        return
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGUSR1})
    for number in range(3):  # who waits for the end of the host's pipes must not wait for this process
        with contextlib.suppress(OSError):
            os.close(number)
    end_with_parent(host, signal.SIGUSR1)
    signal.sigwait({signal.SIGUSR1})
    if meeting_place:
        shutil.rmtree(meeting_place, ignore_errors=True)
    deadline = time.monotonic() + _CLEANING_UP
    while len(session.members(host)) > 1 and time.monotonic() < deadline:
        session.end(host)
        time.sleep(_LOOK)
    os.killpg(0, signal.SIGKILL)


async def _run(settings: HostSettings) -> int:
    loop = asyncio.get_running_loop()
    tasks, answers = protocol_channels()
    transport, protocol = await loop.connect_write_pipe(asyncio.streams.FlowControlMixin, answers)
    writer = asyncio.StreamWriter(transport, protocol, None, loop)
    try:
        engine = VllmEngine(settings)
        await engine.load()
    except Exception as error:  # noqa: BLE001 - whatever vLLM raises is told; the daemon knows what to advise
        failure = error if isinstance(error, PdfocrError) else None
        writer.write(
            refusal_line(failure or PdfocrError(ErrorCode.ENGINE_UNAVAILABLE, f"{type(error).__name__}: {error}"))
        )
        with contextlib.suppress(ConnectionError):
            await writer.drain()
        return 1
    reader = asyncio.StreamReader(limit=LINE_BYTES)
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), tasks)
    whole = await Host(engine, reader, writer).serve()
    engine.close()
    return 0 if whole else _GONE


def main() -> None:
    """Run as `python -m pdfocr_watcher.pipeline.generating.host SETTINGS DAEMON_PID`."""
    ignore_stops()
    end_with_parent(int(sys.argv[2]))
    offer_first()
    guard(os.environ.get(MEETING_PLACE, ""))
    status = asyncio.run(_run(HostSettings.from_json(sys.argv[1])))
    # A library's threads must not keep a process that has said its last word.
    sys.stderr.flush()
    os._exit(status)


if __name__ == "__main__":
    main()
