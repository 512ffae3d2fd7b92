"""The service manager is told how the daemon is: ready, alive, what it does. Without a manager nothing is done."""

import asyncio
from collections.abc import Callable

import structlog

from pdfocr_watcher.pipeline.reader import EngineState, Reader
from pdfocr_watcher.service.health import DaemonState, Health
from pdfocr_watcher.service.notify import Notifier
from pdfocr_watcher.service.progress import standstill, status_line

_log = structlog.get_logger(__name__)

#: Seconds between two reports, where the manager does not want signs of life more often.
_INTERVAL = 5.0
#: The same until the daemon is ready, for which others may wait.
_STARTING_INTERVAL = 0.5
#: Seconds that the start may take from each report on, as long as the loop turns.
_EXTENSION = 60.0
#: Signs of life in the time in which the manager wants one.
_SIGNS = 3


class Reporting:
    """Tells the service manager.

    Args:
        notifier: how it is told.
        health: how the daemon is.
        reader: who reads.
    """

    def __init__(self, notifier: Notifier, health: Callable[[], Health], reader: Reader) -> None:
        self._notifier = notifier
        self._health = health
        self._reader = reader
        self._ready = False
        self._said = ""
        self._stuck = False

    async def run(self) -> None:
        """Tell it again and again until cancelled."""
        pause = min(_INTERVAL, (self._notifier.watchdog or _INTERVAL * _SIGNS) / _SIGNS)
        while self._notifier.listened_to:
            self.report()
            await asyncio.sleep(pause if self._ready else min(pause, _STARTING_INTERVAL))

    def report(self) -> None:
        """Tell it once.

        It is called by the loop: a loop that does not turn gives no sign of life.
        """
        health = self._health()
        self._begin(health)
        reason = standstill(self._reader.overdue)
        if reason is None:
            self._notifier.alive()
        elif not self._stuck:
            _log.error("daemon.standstill", reason=reason)
        self._stuck = reason is not None
        if (said := reason or status_line(health)) != self._said:
            self._notifier.status(said)
        self._said = said

    def _begin(self, health: Health) -> None:
        """Tell that the daemon is ready once it looks at its inbox and its engine has loaded, or failed to.

        An engine that failed is tried again for ever, and files are claimed meanwhile: that is no failed start. Nor is
        one that waits for a disk, or has many jobs to look at: who ends it then only has it begin again.
        """
        if self._ready or health.state is DaemonState.STOPPING:
            return
        if health.state is DaemonState.STARTING or health.engine_state == EngineState.LOADING:
            self._notifier.extend(_EXTENSION)
            return
        self._ready = True
        self._notifier.ready()

    def reloading(self) -> None:
        """The configuration is being read again."""
        if self._ready:
            self._notifier.reloading()

    def reloaded(self) -> None:
        """That is over, whatever came of it."""
        if self._ready:
            self._notifier.ready()

    def stopping(self) -> None:
        """The daemon ends."""
        self._notifier.stopping()
