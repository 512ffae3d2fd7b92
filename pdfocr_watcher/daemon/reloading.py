"""The configuration is read again while the daemon runs (SIGHUP), and what may change then is given to who uses it."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import structlog

from pdfocr_watcher.config.changing import change
from pdfocr_watcher.config.model import Config
from pdfocr_watcher.daemon.reporting import Reporting
from pdfocr_watcher.errors import PdfocrError

_log = structlog.get_logger(__name__)

#: Seconds that reading may take: folders are looked at too, and may lie on a mount that hangs.
_LIMIT = 30.0


class Reloading:
    """Reads the configuration again.

    Args:
        running: what is in force, as it was read.
        read: reads it again; blocking.
        apply: takes what is in force from then on.
    """

    def __init__(self, running: Config, read: Callable[[], Config], apply: Callable[[Config], None]) -> None:
        self._running = running
        self._read = read
        self._apply = apply
        #: Set by whoever wants it read again.
        self.wanted = asyncio.Event()
        self._thread = ThreadPoolExecutor(1, "reload")
        #: What of the file is not in force, in sentences.
        self.notes: tuple[str, ...] = ()

    async def run(self, reporting: Reporting) -> None:
        """Read it as often as that is wanted, until cancelled.

        Args:
            reporting: tells the service manager.
        """
        while True:
            await self.wanted.wait()
            self.wanted.clear()
            reporting.reloading()
            await self.reload()
            reporting.reloaded()

    async def reload(self) -> None:
        """Take up what may change; a configuration with a mistake changes nothing."""
        try:
            async with asyncio.timeout(_LIMIT):
                read = await asyncio.get_running_loop().run_in_executor(self._thread, self._read)
        except PdfocrError as error:
            self._refuse(error.detail)
        except (OSError, TimeoutError) as error:
            self._refuse(str(error) or f"It could not be read within {_LIMIT:g} s.")
        else:
            done = change(self._running, read)
            self._running = done.config
            self.notes = tuple(f"{key} was changed and waits for a restart." for key in done.waiting)
            _log.info("config.reloaded", applied=done.applied, restart_needed=done.waiting)
            self._apply(done.config)

    def _refuse(self, why: str) -> None:
        _log.error("config.refused", detail=why)
        self.notes = (f"The changed configuration has mistakes, and the old one is in force: {why}",)
