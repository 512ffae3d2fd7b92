"""A folder that may refuse: full, read-only, gone, hanging. Who was refused waits here until it is usable again.

After a refusal the folder is tried. If it refuses that too it is closed for all who ask, and tried again by one probe
every few seconds, not by every page and job there is; if not, the trouble is that step's alone. What a refused step
does then is its caller's.
"""

import asyncio
import errno
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from time import monotonic
from typing import TypeVar

import structlog

from pdfocr_watcher.errors import ErrorCode, PdfocrError
from pdfocr_watcher.jobs.mounts import is_mount_point, mount_point
from pdfocr_watcher.jobs.probe import refusal, try_reading, try_writing

_log = structlog.get_logger(__name__)
_T = TypeVar("_T")

#: Seconds between two tries of a folder that refuses.
_RETRY = 2.0
#: Seconds before a step is tried again that alone was refused.
_ALONE = 5.0
#: Seconds after which a folder counts as not answering: when it is only looked at, and when it is tried, which takes
#: some twenty steps and may be slow.
_LOOK_SECONDS = 10.0
_TRY_SECONDS = 60.0
#: So long after a refusal the trouble is told, in seconds: what is refused again and again is not fine in between.
_LINGER = 6.0

#: Failures that a disk in trouble can look like.
_SUSPICIOUS = frozenset(
    {
        ErrorCode.RENDER_FAILED,
        ErrorCode.RENDER_TIMEOUT,
        ErrorCode.ENGINE_CRASHED,
        ErrorCode.ENGINE_TIMEOUT,
        ErrorCode.PDF_DAMAGED,
        ErrorCode.PDF_NO_PAGES,
        ErrorCode.PDF_TIMEOUT,
        ErrorCode.INPUT_MISSING,
    }
)


class Storage:
    """The folder in which the daemon works, or one in which it puts something.

    Args:
        folder: the folder.
        mark: this run of the daemon (see `jobs.probe.owner_of`).
        attempt: tries the folder; blocking, raises OSError.
    """

    def __init__(self, folder: Path, mark: str, attempt: Callable[[Path, str], None] = try_writing) -> None:
        self._folder = folder
        self._mark = mark
        self._attempt = attempt
        self._threads = ThreadPoolExecutor(1, "probe")
        self._usable = asyncio.Event()
        self._usable.set()
        self._prober: asyncio.Task[None] | None = None
        self._trial: asyncio.Task[OSError | None] | None = None
        self._mount: Path | None = None
        self._reason = ""
        self._refused_at = float("-inf")
        #: How often something was refused.
        self.refusals = 0

    @property
    def trouble(self) -> str | None:
        """What was refused lately, or is refused still; None if nothing was."""
        return self._reason if self.closed or monotonic() < self._refused_at + _LINGER else None

    @property
    def closed_because(self) -> str | None:
        """Why the folder cannot be used at present; None if it can."""
        return self._reason if self.closed else None

    @property
    def closed(self) -> bool:
        """Whether the folder refuses at present."""
        return not self._usable.is_set()

    async def usable(self) -> None:
        """Wait until the folder does not refuse."""
        await self._usable.wait()

    async def wait_out(self, error: Exception) -> None:
        """A step was refused: wait until it is worth while to try it again, a few seconds at least."""
        if not self.closed:
            self._tell(self._words(error))
            refused = await self.tried()
            if refused is None:
                await asyncio.sleep(_ALONE)
                return
            self.close(refused)
        await self._usable.wait()

    def close(self, error: OSError) -> None:
        """The folder cannot be used: nobody shall go on until it can."""
        self._tell(self._words(error))
        if self._prober is None:
            self._usable.clear()
            self._prober = asyncio.create_task(self._probe())

    async def suspect(self, error: PdfocrError, *files: Path) -> PdfocrError:
        """The failure itself, or STORAGE_FAILED if the disk is in trouble, which makes others fail.

        Args:
            error: what failed.
            files: what had to be read for it.
        """
        if error.code not in _SUSPICIOUS:
            return error
        try:
            await self._within(_TRY_SECONDS, self._try_all, files)
        except OSError as refused:
            return PdfocrError(ErrorCode.STORAGE_FAILED, refusal(refused, self._folder))
        return error

    async def look(self) -> os.statvfs_result | None:
        """See whether the folder answers, and what it says of its space; None while it does not."""
        if self.closed:
            return None
        try:
            return await self._within(_LOOK_SECONDS, self._space)
        except OSError as error:
            self.close(error)
            return None

    async def tried(self) -> OSError | None:
        """Try the folder now; why it cannot be used, None if it can."""
        if self._trial is None or self._trial.done():  # one is enough for all who ask at a time
            self._trial = asyncio.create_task(self._try())
        return await asyncio.shield(self._trial)

    async def _try(self) -> OSError | None:
        try:
            await self._within(_TRY_SECONDS, self._try_all, ())
        except OSError as error:
            return error
        return None

    def check_mounted(self) -> None:
        """Make sure that the folder is not the empty one below a mount that was dropped; blocking.

        Raises:
            OSError: what was mounted when this was asked for the first time no longer is.
        """
        if self._mount is None:
            self._mount = mount_point(self._folder)
        self._mount.lstat()  # what is mounted there may be dead
        if not is_mount_point(self._mount):
            raise OSError(errno.ESTALE, "it is no longer mounted", str(self._mount))

    def is_gone(self, below: Path) -> bool:
        """Whether somebody removed a folder in this one; a disk in trouble does not count. Blocking."""
        try:
            below.lstat()
        except FileNotFoundError:
            try:
                self.check_mounted()
            except OSError:
                return False
            return self._folder.is_dir()
        except OSError:
            return False
        return False

    def stop(self) -> None:
        """Try no more."""
        if self._prober is not None:
            self._prober.cancel()
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _space(self) -> os.statvfs_result:
        self.check_mounted()
        return os.statvfs(self._folder)

    def _try_all(self, files: tuple[Path, ...]) -> None:
        self.check_mounted()
        self._attempt(self._folder, self._mark)
        for path in files:
            try:
                try_reading(path)
            except FileNotFoundError:
                continue  # that is another failure, and has its own name

    async def _within(self, limit: float, step: Callable[..., _T], *arguments: object) -> _T:
        """Do something in a thread.

        Raises:
            TimeoutError: it takes longer than so many seconds; it goes on all the same.
        """
        try:
            async with asyncio.timeout(limit):
                return await asyncio.get_running_loop().run_in_executor(self._threads, step, *arguments)
        except TimeoutError:
            raise TimeoutError(errno.ETIMEDOUT, f"not within {limit:g} s") from None

    async def _probe(self) -> None:
        """Try the folder until it is usable."""
        while True:
            error = await self.tried()
            if error is not None:
                self._tell(self._words(error))
            await asyncio.sleep(_RETRY)
            if error is None:
                break
        _log.info("storage.usable", folder=str(self._folder))
        self._prober = None
        self._usable.set()

    def _words(self, error: Exception) -> str:
        if isinstance(error, OSError):
            return refusal(error, self._folder)
        return error.detail if isinstance(error, PdfocrError) else str(error)

    def _tell(self, reason: str) -> None:
        if reason != self._reason or not self.trouble:
            _log.warning("storage.refused", folder=str(self._folder), reason=reason)
        self._reason, self._refused_at = reason, monotonic()
        self.refusals += 1
