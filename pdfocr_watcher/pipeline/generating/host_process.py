"""The process that holds an engine, as the daemon sees it: started, asked, heard, ended. Every wait has a limit.

What runs inside it is in `host`, what is asked when and what becomes of it when it dies in `local`.
"""

import asyncio
import contextlib
import os
import re
import shutil
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor

import structlog

from pdfocr_watcher.engines.vllm.recipe import MEETING_PLACE, PREFERRED, HostSettings
from pdfocr_watcher.errors import ErrorCode, PdfocrError
from pdfocr_watcher.pipeline.child_process import ChildProcess
from pdfocr_watcher.pipeline.generating import session
from pdfocr_watcher.pipeline.generating.protocol import LINE_BYTES, Answer, Beat, Gone, Ready, read_line, read_start
from pdfocr_watcher.pipeline.wire import NO_MESSAGE, Wire, kill_group

_log = structlog.get_logger(__name__)

#: Bytes of the error output that are kept: what is wrong with an engine stands above pages of traceback.
_SAID_BYTES = 1 << 17
#: In which older releases of vLLM speak whatever they are told.
_COLOURS = re.compile(r"\x1b\[[\d;]*m")
#: Seconds that an ended engine's processes have to be gone; they hold the GPU's memory until then.
_GROUP_GONE = 10.0
#: Seconds between two looks at whether they are.
_LOOK = 0.1
#: Seconds that a process which said that its engine has died has to end by itself.
_LAST_BREATH = 3.0


class HostProcess(ChildProcess):
    """One process with an engine, the leader of a session of its own. It can be started again when it has ended."""

    _lost = "engine.lost"

    def __init__(self) -> None:
        super().__init__(LINE_BYTES, _SAID_BYTES)
        self._folder: str | None = None
        #: Its process group, as long as that may have a member: afterwards its number may be somebody else's.
        self._group: int | None = None
        # A thread of its own, since a look at processes may hang in the device in which one of them hangs.
        self._thread = ThreadPoolExecutor(1, "engine-end")
        #: What became of it, in a sentence; empty while it lives.
        self.end = ""

    @property
    def said(self) -> str:
        """The end of what it told to people."""
        return _COLOURS.sub("", self._wire.said.decode(errors="replace")) if self._wire is not None else ""

    async def start(self, settings: HostSettings, timeout: float) -> Ready:  # noqa: ASYNC109 - part of what is asked
        """Start the process and wait until its engine has loaded.

        Raises:
            PdfocrError: it did not load (ENGINE_UNAVAILABLE, or the code that the process told), within `timeout`
                seconds; nothing is left of it but what it `said`.
        """
        self.end = ""
        if self._wire is not None:
            self._wire.said.clear()  # what the one before said explains nothing of this one
        wire = await self._spawn(settings)
        line = b""
        try:
            async with asyncio.timeout(timeout):
                line = await wire.line()
            started = read_start(line)
        except TimeoutError:
            await self.kill()
            raise PdfocrError(ErrorCode.ENGINE_UNAVAILABLE, f"It did not load within {timeout:g} s.") from None
        except NO_MESSAGE:
            how = await self.end_of(wire, line)
            await self.kill()
            raise PdfocrError(ErrorCode.ENGINE_UNAVAILABLE, f"While it loaded: {how}") from None
        except BaseException:
            await self.kill()
            raise
        if isinstance(started, PdfocrError):
            await self._let_end(wire)
            raise started
        wire.said.clear()  # what was said until then explains no later failure
        self._loaded = True
        return started

    async def _spawn(self, settings: HostSettings) -> Wire:
        if not self.alive:
            try:
                self._folder = await asyncio.to_thread(tempfile.mkdtemp, prefix="pdfocr-")
            except OSError as error:
                raise PdfocrError(ErrorCode.ENGINE_UNAVAILABLE, f"No temporary folder for it: {error}.") from error
        command = (sys.executable, "-P", "-m", "pdfocr_watcher.pipeline.generating.host", settings.to_json())
        preferred = {name: value for name, value in PREFERRED.items() if name not in os.environ}
        environment = {**preferred, **settings.environment, MEETING_PLACE: self._folder or tempfile.gettempdir()}
        try:
            wire = await self.spawn((*command, str(os.getpid())), environment)
        except BaseException:
            await self._clear()
            raise
        self._group = self.pid
        return wire

    def send(self, line: bytes) -> None:
        """Give the process a line; one that has ended does not get it."""
        if self._wire is not None:
            self._wire.write(line)

    async def hear(self) -> Answer | Beat | None:
        """What it says next; None when it is gone: it ended, its engine did, or it said what is no message."""
        if self._wire is None:
            return None
        line = await self._wire.line()
        try:
            said = read_line(line)
            if not isinstance(said, Gone) and not self.end:
                return said
        except NO_MESSAGE:
            self.end = self.end or await self.end_of(self._wire, line)
            if line:
                await self.kill()
        else:
            if isinstance(said, Gone):
                _log.warning(self._lost, pid=self.pid, detail=said.detail)
                self.end = self.end or f"Its engine died: {said.detail}"
        await self._let_end(self._wire)
        return None

    async def condemn(self, why: str) -> None:
        """End it now.

        Args:
            why: in a sentence.
        """
        self.end = why
        await self.kill()

    async def _let_end(self, wire: Wire) -> None:
        """Give a process that has said its last the time to tell people why, and end it."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_LAST_BREATH):
                await wire.last_words()
        await self.kill()

    async def kill(self) -> None:
        """End it and all that it started, and wait until that is gone; bounded, see `ChildProcess.kill`."""
        group = self._group
        self._end_leader()
        await super().kill()
        if group is not None:
            await self._end_of_group(group)
            self._group = None
        await self._clear()

    async def stop(self, grace: float) -> None:
        """Let it end by itself within `grace` seconds, or kill it; who gives up waiting kills it too."""
        try:
            await super().stop(grace)
        finally:
            self._end_leader()

    def _end_leader(self) -> None:
        """End the process itself, at once; what it has started ends when it is gone, see `host.guard`."""
        if self.alive and self._wire is not None and self._wire.transport is not None:
            with contextlib.suppress(ProcessLookupError):
                self._wire.transport.kill()

    async def _end_of_group(self, group: int) -> None:
        """End all that is left of a group, and wait until it is gone."""
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(_GROUP_GONE):
                while await loop.run_in_executor(self._thread, session.end, group):  # noqa: ASYNC110 - no event of ours
                    await asyncio.sleep(_LOOK)
        except TimeoutError:
            kill_group(group)

    def _end_group(self, leader: int) -> None:
        """End all but what removes the shared memory of the others: no name of it must be left."""
        self._thread.submit(session.end, leader)

    async def _clear(self) -> None:
        """Leave nothing of it on disk; also where two end it at a time, and one of them is told not to go on."""
        folder = self._folder
        if folder is not None:
            await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)
            self._folder = None if self._folder == folder else self._folder
