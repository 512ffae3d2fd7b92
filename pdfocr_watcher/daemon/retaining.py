"""Once a day the results that were kept long enough are removed, a few at a time.

Which they are, and how they are removed, is in `jobs.retention`; here is only when. Days are counted by UTC, the
time of day is the machine's. A clock that has jumped removes nothing (see `Retaining`).
"""

import asyncio
import itertools
import json
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from typing import Any

import structlog

from pdfocr_watcher.config.choices import FolderKey
from pdfocr_watcher.config.model import Config
from pdfocr_watcher.daemon.changes import roots_of
from pdfocr_watcher.jobs.durable import write_durably
from pdfocr_watcher.jobs.model import Status
from pdfocr_watcher.jobs.retention import BATCH, Ages, Place, Purged, candidates
from pdfocr_watcher.pipeline.active import Now

_log = structlog.get_logger(__name__)

#: When the last round was; in the jobs folder.
NOTE_NAME = ".retention.json"
#: Seconds between two looks at the clock.
_INTERVAL = 30.0
#: More time than this between two rounds is taken for a clock that was wrong, or is: one round is left out.
_PLAUSIBLE = timedelta(days=10)
#: Results that stay though they are old enough, each named in the log, a round.
_NAMED = 20


def next_round(last: datetime, at: time) -> datetime:
    """The first time of day `at` after a moment, by the machine's time zone, in UTC.

    A time that the clocks leave out in spring comes an hour earlier on that day, one that comes twice in autumn is
    taken the first time.
    """
    day = last.astimezone().date()
    moments = (datetime.combine(day + timedelta(days=days), at).astimezone(UTC) for days in itertools.count(-1))
    return next(moment for moment in moments if moment > last)


def ages_of(config: Config) -> Ages:
    """The configured ages; 0 days are none. Jobs may have their own, where folders may set them."""
    days = (config.retention.completed_days, config.retention.failed_days)
    completed, failed = (timedelta(days=number) if number else None for number in days)
    return Ages(completed, failed, own=FolderKey.RETENTION in config.folder_settings.allow)


class Retaining:
    """Removes what is due at its time of day; a round that was missed is made up for after the next start.

    If the clock jumps, everything looks old. So a round that comes more than ten days after the one before is left
    out: the next day the jump is either mended or meant.

    Args:
        config: the ages, the time of day, the folders.
        purge: removes those of some results that are old enough.
        now: the clock.
    """

    def __init__(self, config: Config, purge: Callable[[list[Place], Ages], Awaitable[Purged]], now: Now) -> None:
        self._roots = roots_of(config.folders)
        self._note = config.folders.jobs / NOTE_NAME
        self.configure(config)
        self._purge = purge
        self._now = now
        # A thread of its own: an outbox on a mount that hangs must not keep others waiting.
        self._thread = ThreadPoolExecutor(1, "retention")

    def configure(self, config: Config) -> None:
        """Keep results so long from now on; where they lie stays."""
        self._ages, self._at = ages_of(config), config.retention.at

    async def run(self, *, once: bool = False) -> None:
        """Look at the clock and remove what is due until cancelled.

        Args:
            once: remove nothing: this daemon only works off its inbox.
        """
        if once:
            await asyncio.Event().wait()
        last, known = None, False
        try:
            while True:
                if any(map(self._ages.concern, (Status.COMPLETED, Status.FAILED))):
                    last = await self.look(last if known else await self._in_thread(_read_note, self._note))
                    known = True
                await asyncio.sleep(_INTERVAL)
        finally:
            self._thread.shutdown(wait=False, cancel_futures=True)

    async def look(self, last: datetime | None) -> datetime:
        """Look at the clock, and have the round if it is due.

        Args:
            last: when the last round was, or would have been counted from; None if that is not known.

        Returns:
            The same for the next look.
        """
        now = self._now()
        if last is not None and last <= now < next_round(last, self._at):
            return last
        if last is not None and now - last > _PLAUSIBLE:
            _log.warning("retention.clock_jumped", last=str(last), now=str(now))
        elif last is not None and last <= now:
            await self._round(now)
        try:
            await self._in_thread(_write_note, self._note, now)
        except OSError as error:
            _log.warning("retention.note_refused", error=str(error))
        return now

    async def _round(self, now: datetime) -> None:
        jobs, size, kept = 0, 0, 0
        found = candidates(self._roots, self._ages, now)
        while batch := await self._in_thread(list, itertools.islice(found, BATCH)):
            done = await self._purge(batch, self._ages)
            for line in done.kept[: max(0, _NAMED - kept)]:
                _log.warning("retention.kept", result=line)
            jobs, size, kept = jobs + len(done.job_ids), size + done.bytes, kept + len(done.kept)
        _log.info("retention.removed", jobs=jobs, bytes=size, kept=kept)

    async def _in_thread(self, function: Any, *arguments: Any) -> Any:
        return await asyncio.get_running_loop().run_in_executor(self._thread, function, *arguments)


def _read_note(path: Path) -> datetime | None:
    """When the last round was; None if nothing says so."""
    try:
        last = datetime.fromisoformat(json.loads(path.read_bytes())["last_round"])
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return last if last.tzinfo is not None else None


def _write_note(path: Path, last: datetime) -> None:
    write_durably(path, json.dumps({"last_round": last.isoformat()}).encode() + b"\n")
