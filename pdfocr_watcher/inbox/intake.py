"""The loop that turns files in the inbox into claims: sweep, settle, judge, claim, again.

Everything that touches a file system runs in a thread with a time limit, for the inbox may be a mount that
hangs. What a claimed job becomes is the caller's.
"""

import asyncio
import contextlib
import functools
import math
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path, PurePosixPath
from time import monotonic
from typing import TypeVar

import structlog

from pdfocr_watcher.config.choices import NotPdf
from pdfocr_watcher.config.folder_rules import FolderRules
from pdfocr_watcher.config.model import Inbox
from pdfocr_watcher.errors import ErrorCode, PdfocrError
from pdfocr_watcher.inbox.admission import REFUSALS, Decision, Probe, Verdict, conclude, has_pdf_name, probe
from pdfocr_watcher.inbox.claim import Claim, Claimer
from pdfocr_watcher.inbox.folder_settings import BadSettingsError, FolderProblem, FolderSettings, HeldError
from pdfocr_watcher.inbox.lease import has_writer
from pdfocr_watcher.inbox.mount_memory import MountMemory
from pdfocr_watcher.inbox.observer import Noticer
from pdfocr_watcher.inbox.stability import Settled, StabilityTracker
from pdfocr_watcher.inbox.sweep import Sweep, sweep
from pdfocr_watcher.jobs.descent import descend
from pdfocr_watcher.jobs.folder import displayable

_log = structlog.get_logger(__name__)
_T = TypeVar("_T")

#: Seconds between the begin of two sweeps, however many events come.
_GAP = 0.05
#: A sweep may take this share of the time: a large inbox is swept less often.
_DUTY = 0.2
#: Bytes a second that a file is copied with at the least, before the inbox counts as hanging.
_SLOWEST = 1_000_000
#: Seconds after which a file that another host began to claim counts as left behind.
_STRANDED_AFTER = 3600.0


@dataclass(frozen=True, slots=True)
class _Judged:
    """What became of a settled file.

    Attributes:
        decision: what was decided.
        probe: what was found in it.
        claim: the job it became; None if it became none.
        refusal: why that job is failed at once; None if it is not.
    """

    decision: Decision
    probe: Probe
    claim: Claim | None = None
    refusal: PdfocrError | None = None


class Intake:
    """Watches an inbox and claims what has come to rest there.

    Args:
        root: the inbox.
        settings: how files are noticed and judged.
        max_bytes: the largest PDF that is taken.
        claimer: makes the jobs.
        hold: says why nothing may be claimed now; None if something may.
        claimed: takes a claim; with a failure, if the job is to be failed at once.
        now: the clock of the status files.
        rules: what the settings of folders may say.
    """

    def __init__(
        self,
        root: Path,
        settings: Inbox,
        max_bytes: int,
        claimer: Claimer,
        hold: Callable[[], str | None],
        claimed: Callable[[Claim, PdfocrError | None], Awaitable[None]],
        now: Callable[[], datetime],
        rules: FolderRules | None = None,
    ) -> None:
        self._root = root
        self._settings = settings
        self._max_bytes = max_bytes
        self._claimer = claimer
        self._hold = hold
        self._claimed = claimed
        self._now = now
        self._tracker = StabilityTracker(settings.settle_seconds, settings.unmarked_settle_seconds)
        self._folder_settings = FolderSettings(root, rules or FolderRules(), settings.settle_seconds)
        self._threads = ThreadPoolExecutor(1, "inbox")
        self._stopping = ThreadPoolExecutor(1, "inbox-stop")
        self._wake = asyncio.Event()
        self._loop = asyncio.get_running_loop()
        self._noticer = Noticer(
            root,
            mode=settings.observer,
            poll_interval=settings.poll_interval,
            wake=self._from_thread(self._wake.set),
            lost=self._from_thread(self._lost),
        )
        self._left: set[str] = set()
        self._unreadable: set[str] = set()
        self._unseen: set[str] = set()
        self._mount = MountMemory(root, claimer.jobs)
        self._claims_seen: dict[str, float] = {}
        self.events_lost = 0
        #: Why the inbox cannot be looked at; None if it can.
        self.unreachable: str | None = None
        self.swept = asyncio.Event()
        self._behind = False

    @property
    def waiting(self) -> int:
        """Files that are neither claimed nor left for good."""
        return len(self._tracker) - len(self._left)

    @property
    def longest_wait(self) -> float | None:
        """Seconds since the first of the waiting files was first seen; None if none waits."""
        return self._tracker.longest_wait(monotonic())

    @property
    def left(self) -> list[str]:
        """Files that will not become jobs by themselves, and those that cannot be read at present."""
        return sorted(self._left | self._unreadable)

    @property
    def unreadable(self) -> bool:
        """Whether files lie there that could be neither read nor claimed."""
        return bool(self._unreadable or self._unseen)

    @property
    def folder_problems(self) -> tuple[FolderProblem, ...]:
        """The folders whose settings cannot be used; what lies there is left until they are mended."""
        return self._folder_settings.problems

    @property
    def quiet(self) -> bool:
        """Whether nothing in the inbox will become a job without a change there."""
        return self.swept.is_set() and len(self._tracker) == len(self._left | self._unreadable)

    def look_again(self) -> None:
        """Something was put into the inbox that a sweep under way may have passed: nothing is known before the next."""
        self._behind = True
        self.swept.clear()
        self._wake.set()

    def configure(self, settings: Inbox, max_bytes: int, rules: FolderRules) -> None:
        """Notice and judge by other settings from now on; what was left where it lies is judged anew."""
        self._settings, self._max_bytes = settings, max_bytes
        self._tracker = StabilityTracker(settings.settle_seconds, settings.unmarked_settle_seconds)
        self._folder_settings.configure(rules, settings.settle_seconds)
        self._left.clear()
        self.look_again()

    async def run(self) -> None:
        """Watch and claim until cancelled."""
        self._noticer.start()
        try:
            while True:
                self._wake.clear()
                self._behind = False
                began = monotonic()
                found = await self._sweep()
                spent = monotonic() - began
                if found is not None:
                    await self._take_up(began, found)
                    if not self._behind:
                        self.swept.set()
                await self._pause(began, spent)
        finally:
            await self._loop.run_in_executor(self._stopping, self._noticer.stop, 2.0)
            for threads in (self._threads, self._stopping):
                threads.shutdown(wait=False, cancel_futures=True)

    def _from_thread(self, call: Callable[..., None]) -> Callable[..., None]:
        """The call as other threads may make it; nothing happens once the loop is closed."""

        def deferred(*arguments: object) -> None:
            with contextlib.suppress(RuntimeError):
                self._loop.call_soon_threadsafe(call, *arguments)

        return deferred

    async def _pause(self, began: float, spent: float) -> None:
        """Wait for an event, the next file that is due, or the next full sweep; never less than the gap.

        Args:
            began: when the last sweep began.
            spent: seconds that it took.
        """
        await asyncio.sleep(max(0.0, began + max(_GAP, spent / _DUTY) - monotonic()))
        due = self._tracker.next_due(monotonic())
        limit = began + self._settings.rescan_interval - monotonic()
        try:
            async with asyncio.timeout(max(0.0, limit if due is None else min(limit, due))):
                await self._wake.wait()
        except TimeoutError:
            return

    async def _sweep(self) -> Sweep | None:
        """Walk through the inbox; None if that is not possible now."""
        try:
            (found, missing), slow = await self._reach(self._settings.sweep_timeout_seconds, self._walk)
        except OSError as error:
            self._cannot(f"{error.strerror or error}.")
            return None
        if slow:  # what it saw is old by now
            return None
        if missing is not None:  # the empty folder below a mount that was dropped
            self._cannot(missing)
            return None
        unseen = {*(part.path for part in found.unread), *found.too_deep}
        for path in sorted(unseen - self._unseen):
            _log.warning("inbox.not_seen", source=displayable(path))
        self._unseen = unseen
        self._watch_claims(found.claimed)
        if self.unreachable is not None:
            _log.info("inbox.reachable", path=str(self._root))
            self.unreachable = None
        return found

    def _walk(self) -> tuple[Sweep, str | None]:
        """A sweep, and why it may not be believed; blocking. In this order, or a mount could be dropped between."""
        return sweep(self._root, self._settings.ignore), self._mount.missing()

    def _watch_claims(self, claimed: tuple[str, ...]) -> None:
        """Say once of each file that a claim was begun with it and not finished for long: its host may be gone."""
        now = monotonic()
        self._claims_seen = {path: self._claims_seen.get(path, now) for path in claimed}
        for path, since in self._claims_seen.items():
            if now - since > _STRANDED_AFTER:
                _log.warning("inbox.claim_stranded", source=displayable(path))
                self._claims_seen[path] = math.inf

    async def _reach(self, limit: float, step: Callable[..., _T], *arguments: object) -> tuple[_T, bool]:
        """Do something in the inbox, in a thread; whether it took longer than `limit` seconds.

        A step that hangs on a dead mount cannot be broken off, and none is begun beside it: the inbox counts as
        unreachable until it returns, and the rest of the daemon goes on.
        """
        work = self._loop.run_in_executor(self._threads, functools.partial(step, *arguments))
        done, _ = await asyncio.wait({work}, timeout=limit)
        if not done:
            self._cannot(f"It does not answer within {limit:g} s.")
        return await work, not done

    def _cannot(self, reason: str) -> None:
        if self.unreachable != reason:
            _log.warning("inbox.unreachable", path=str(self._root), reason=reason)
        self.unreachable = reason
        self._tracker.interrupted()

    def _lost(self, reason: str) -> None:
        self.events_lost += 1
        _log.warning("inbox.events_lost", reason=reason)
        self._wake.set()

    async def _take_up(self, began: float, found: Sweep) -> None:
        limit = self._settings.sweep_timeout_seconds
        changed, _ = await self._reach(limit, self._folder_settings.observe, began, found.settings)
        for path in [path for path in self._unreadable if any(map(PurePosixPath(path).is_relative_to, changed))]:
            self._tracker.forget(path)  # what was held for its folder's settings need not wait for its next turn
            self._unreadable.discard(path)
        due = self._tracker.observe(began, found.files)
        self._left &= found.files.keys()
        self._unreadable &= found.files.keys()
        for settled in due:
            self._left.discard(settled.path)
            self._unreadable.discard(settled.path)
            if self._hold() is None:
                limit = self._settings.sweep_timeout_seconds + settled.signature.size // _SLOWEST
                judged, _ = await self._reach(limit, self._judge, settled)
                await self._follow(settled, judged)

    def _judge(self, settled: Settled) -> _Judged:
        """Look into a file and claim it if it is to become a job; blocking."""
        found = probe(self._root, settled.path, settled.signature, self._max_bytes)
        decision = conclude(settled.readiness, found.verdict)
        refusal: PdfocrError | None = None
        if decision is Decision.REFUSE:
            if self._is_left(settled.path, found.verdict):
                return _Judged(decision, found)
            refusal = PdfocrError(REFUSALS[found.verdict], found.detail)
        elif decision is not Decision.CLAIM:
            return _Judged(decision, found)
        try:
            folder_settings = self._folder_settings.of(settled.path)
            if self._is_written(settled.path):
                return _Judged(Decision.WAIT, found)
            claim = self._claimer.claim(settled.path, settled.signature, self._now(), None, folder_settings)
        except HeldError as held:
            return _Judged(Decision.LATER if isinstance(held, BadSettingsError) else Decision.WAIT, found)
        except OSError as error:
            _log.warning("claim.refused", source=settled.path, error=str(error))
            return _Judged(Decision.LATER, found)
        return _Judged(decision if claim else Decision.LATER, found, claim, refusal)

    def _is_written(self, path: str) -> bool:
        inside = PurePosixPath(path)
        with descend(self._root, inside.parent.parts) as way:
            return has_writer(way.here / inside.name) is True

    def _is_left(self, path: str, verdict: Verdict) -> bool:
        if not has_pdf_name(path):
            return True
        return self._settings.not_pdf is NotPdf.LEAVE and verdict is not Verdict.TOO_LARGE

    async def _follow(self, settled: Settled, judged: _Judged) -> None:
        if judged.claim is not None:
            # In this order: as long as a file is not in its job's hands it counts as waiting.
            await self._claimed(judged.claim, judged.refusal)
            self._tracker.forget(settled.path)
            return
        match judged.decision:
            case Decision.WAIT | Decision.CLAIM:
                self._tracker.looked(settled, complete=judged.probe.verdict is Verdict.COMPLETE)
            case Decision.RESTART:
                self._tracker.forget(settled.path)
            case Decision.LATER:
                self._tracker.put_off(settled)
                self._unreadable.add(settled.path)
            case Decision.REFUSE:
                self._tracker.dismiss(settled)
                self._left.add(settled.path)
                code = REFUSALS.get(judged.probe.verdict, ErrorCode.NOT_A_PDF)
                _log.info("inbox.left", source=settled.path, code=code, detail=judged.probe.detail)
