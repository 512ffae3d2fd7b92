"""What /proc says of a process and its descendants: processor time, memory. Linux only, nothing is started here."""

import contextlib
import os
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from typing import Self

_TICKS = os.sysconf("SC_CLK_TCK")
_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")


@dataclass(frozen=True, slots=True)
class Cpu:
    """Processor time in seconds.

    Attributes:
        own: of the process itself, all threads.
        reaped: of the children that ended and were waited for, with theirs.
    """

    own: float
    reaped: float


def cpu_of(pid: int) -> Cpu:
    """Processor time that a process has used so far; zero if it is gone."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return Cpu(0.0, 0.0)
    user, system, reaped_user, reaped_system = (int(ticks) / _TICKS for ticks in fields[11:15])
    return Cpu(user + system, reaped_user + reaped_system)


def children_of(pid: int) -> list[int]:
    """The children that a process has now."""
    found: list[int] = []
    with contextlib.suppress(OSError):  # it may end while one looks
        for thread in os.listdir(f"/proc/{pid}/task"):
            with contextlib.suppress(OSError):
                found += [int(child) for child in Path(f"/proc/{pid}/task/{thread}/children").read_text().split()]
    return found


def tree_of(pid: int) -> Iterator[int]:
    """A process and all of its descendants."""
    yield pid
    for child in children_of(pid):
        yield from tree_of(child)


def pss_of(pid: int) -> int:
    """Bytes of memory of a process, pages that it shares divided among those who share them; 0 if it is gone."""
    try:
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) * 1024
    except OSError:
        return 0
    return 0


def rss_of(pid: int) -> int:
    """Bytes of memory of a process, pages that it shares counted whole; 0 if it is gone."""
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * _PAGE_BYTES
    except OSError:
        return 0


class Sampler:
    """Calls a function every few milliseconds in a thread and keeps the greatest values that it gave.

    Args:
        sample: gives named numbers.
        interval: seconds between two calls.
    """

    def __init__(self, sample: Callable[[], dict[str, int]], interval: float = 0.02) -> None:
        self._sample = sample
        self._interval = interval
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self.peaks: dict[str, int] = {}
        self.samples = 0

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def _run(self) -> None:
        due = monotonic()
        while not self._ended.wait(max(0.0, due - monotonic())):
            for name, value in self._sample().items():
                self.peaks[name] = max(value, self.peaks.get(name, 0))
            self.samples += 1
            due = max(due + self._interval, monotonic())
