"""When a file in the inbox has come to rest: a pure decision over the clock and what the sweeps saw.

Nothing here touches the disk or asks for the time. Who looks into a settled file is `inbox.admission`.

No single sign proves that a copy is complete. A Windows client makes an empty file and closes it, then sets
its final size while the data is still to come, and at the end sets the modification time back to an old
date; so neither "closed" nor "size unchanged" nor "old" means anything alone. The rules:

- A file rests while its whole signature (device, inode, size, mtime, blocks) stays what it was. Time counts
  from when the tracker first saw that signature, never from the mtime, which may lie anywhere.
- After `settle_seconds` of rest it may be looked into. That look can only ever end well: the file is complete
  if it begins as a PDF and has an end-of-file marker near its end. Every other conclusion (no marker, not a
  PDF, empty, too large) waits for `unmarked_settle_seconds`, for a copy may only have paused.
- Blocks are a sign of change only. A size with no blocks behind it is a preallocated file whose data has not
  come, or a tiny file kept in its inode, or a file system that always says 0: the number cannot tell them
  apart, but the look can. What was never written reads as zeros, which are neither a beginning nor a marker,
  so such a file falls under the longer wait by itself, and as soon as data comes its blocks change.
- An empty file is never complete. After the longer wait it is reported as empty.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from pdfocr_watcher.inbox.sweep import Signature

#: The longest pause, in seconds, before another look at a file that could not be read.
MAX_PAUSE = 60.0


class Readiness(StrEnum):
    """What is known of a file that is due."""

    #: At rest for `settle_seconds`; nobody has looked into it yet.
    RESTED = "rested"
    #: A look found its end-of-file marker, and it has not changed since.
    MARKED = "marked"
    #: A look did not find it complete, and it has now been at rest for `unmarked_settle_seconds`.
    UNMARKED = "unmarked"
    #: It has had no bytes for `unmarked_settle_seconds`.
    EMPTY = "empty"


@dataclass(frozen=True, slots=True)
class Settled:
    """A file that is due for judgement.

    Attributes:
        path: relative to the inbox, with `/` between the parts.
        signature: what the judgement holds for; a file with another one is to be left alone.
        readiness: what is known of it.
    """

    path: str
    signature: Signature
    readiness: Readiness


@dataclass(slots=True)
class _Entry:
    """What is remembered of one file.

    Attributes:
        first_seen: when the name appeared, whatever happened to the file since.
        rest_since: when the present signature was first seen.
        due: when the file is to be judged; infinite once nothing is left to judge.
        marker: what a look said of the present signature; None before any.
        pause: seconds until it is due again after a judgement that changed nothing.
    """

    signature: Signature
    first_seen: float
    rest_since: float
    due: float
    pause: float
    marker: bool | None = None


class StabilityTracker:
    """Remembers how long each file has been at rest; as many entries as there are files in the inbox.

    A file that was reported stays due, at intervals of `settle_seconds`, until it vanishes, changes, or one of
    `looked`, `dismiss` and `forget` says what became of it: a caller that fails half-way loses nothing.

    Args:
        settle_seconds: rest after which a file is looked into.
        unmarked_settle_seconds: rest after which any other conclusion than "complete" is drawn; not less than
            `settle_seconds` takes effect.
    """

    def __init__(self, settle_seconds: float, unmarked_settle_seconds: float) -> None:
        self._settle = settle_seconds
        self._long_settle = max(settle_seconds, unmarked_settle_seconds)
        self._entries: dict[str, _Entry] = {}

    def __len__(self) -> int:
        return len(self._entries)

    def observe(self, now: float, signatures: Mapping[str, Signature]) -> list[Settled]:
        """Take up a sweep and say which files are due.

        Args:
            now: the monotonic clock when the sweep began, in seconds.
            signatures: every file that it found; whatever is missing is forgotten.

        Returns:
            The files due for judgement, the longest waiting first.
        """
        for path in self._entries.keys() - signatures.keys():
            del self._entries[path]
        due: list[tuple[float, int, str]] = []
        for path, signature in signatures.items():
            entry = self._entries.get(path)
            if entry is None or entry.signature != signature:
                first_seen = now if entry is None else entry.first_seen
                self._entries[path] = self._begin(now, first_seen, signature)
            elif now >= entry.due:
                entry.due = now + entry.pause
                due.append((entry.first_seen, signature.mtime_ns, path))
        return [self._settled(path) for _, _, path in sorted(due)]

    def looked(self, settled: Settled, *, complete: bool) -> None:
        """Record what a look into the file said, so that it is not read again while it stays the same.

        Args:
            settled: what was looked into.
            complete: whether it begins and ends as a PDF. If so it stays due, as `MARKED`, until it was claimed;
                if not, it is due again, as `UNMARKED`, after the longer wait.
        """
        entry = self._same(settled)
        if entry is None:
            return
        asked = entry.due - entry.pause
        entry.pause = self._settle
        waits = not complete and entry.marker is None
        entry.due = entry.rest_since + self._long_settle if waits else asked + entry.pause
        entry.marker = complete

    def put_off(self, settled: Settled) -> None:
        """Record that the file could not be read now: each time the pause before the next look doubles."""
        entry = self._same(settled)
        if entry is not None:
            asked = entry.due - entry.pause
            entry.pause = min(entry.pause * 2, max(MAX_PAUSE, self._settle))
            entry.due = asked + entry.pause

    def dismiss(self, settled: Settled) -> None:
        """Record that the file stays where it is: it is not reported again unless it changes."""
        entry = self._same(settled)
        if entry is not None:
            entry.due = math.inf

    def forget(self, path: str) -> None:
        """Drop what is known of a file: if it is there at the next sweep, its rest begins anew."""
        self._entries.pop(path, None)

    def interrupted(self) -> None:
        """Nothing was seen for a while: all rest begins anew, but for the files that were dismissed."""
        self._entries = {path: entry for path, entry in self._entries.items() if entry.due == math.inf}

    def next_due(self, now: float) -> float | None:
        """Seconds until the next file is due, 0 when one is; None when none will be without a change."""
        due = min((entry.due for entry in self._entries.values()), default=math.inf)
        return None if due == math.inf else max(0.0, due - now)

    def longest_wait(self, now: float) -> float | None:
        """Seconds since the first of the files that are still to be judged was first seen; None if there is none."""
        seen = min((entry.first_seen for entry in self._entries.values() if entry.due != math.inf), default=None)
        return None if seen is None else max(0.0, now - seen)

    def _begin(self, now: float, first_seen: float, signature: Signature) -> _Entry:
        wait = self._settle if signature.size else self._long_settle
        return _Entry(signature, first_seen, rest_since=now, due=now + wait, pause=self._settle)

    def _settled(self, path: str) -> Settled:
        entry = self._entries[path]
        if not entry.signature.size:
            readiness = Readiness.EMPTY
        elif entry.marker is None:
            readiness = Readiness.RESTED
        else:
            readiness = Readiness.MARKED if entry.marker else Readiness.UNMARKED
        return Settled(path, entry.signature, readiness)

    def _same(self, settled: Settled) -> _Entry | None:
        """The entry, unless the file has changed or gone since it was reported."""
        entry = self._entries.get(settled.path)
        return entry if entry is not None and entry.signature == settled.signature else None
