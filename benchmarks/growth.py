"""What a daemon holds on to, looked at every few seconds, and whether it grows. Linux only.

The rule: the median of the last quarter of the samples may be at most a tenth above that of the second quarter, and
a small allowance that each figure has of its own. The first quarter is the warming up.
"""

import contextlib
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from benchmarks.processes import rss_of, tree_of

_MIB = 1 << 20
_GROWTH = 1.10


@dataclass(frozen=True, slots=True)
class Figure:
    """Something that must not grow.

    Attributes:
        name: what it is.
        spare: so much more than a tenth is allowed, in its unit.
        unit: what one is, in bytes or things.
    """

    name: str
    spare: float
    unit: int = 1


FIGURES = (
    Figure("descriptors of the daemon", 8),
    Figure("descriptors in all", 40),
    Figure("threads of the daemon", 6),
    Figure("threads in all", 16),
    Figure("processes", 5),
    Figure("memory of the daemon, MiB", 8, _MIB),
    Figure("memory of the largest child, MiB", 24, _MIB),
    Figure("inotify instances", 1),
    Figure("temporary files", 12),
    # Its journal grows until it is put into the index: a saw whose teeth have some hundred changes.
    Figure("index, KiB", 1024, 1 << 10),
)

Sample = dict[str, float]


def take_sample(pid: int, roots: Sequence[Path], temporary: Path, index: Path) -> Sample:
    """Look at a daemon and at its folders.

    Args:
        pid: the daemon.
        roots: where it writes; files with temporary names are counted there.
        temporary: the system's temporary folder as the daemon sees it; everything in it counts.
        index: its index; the journal beside it counts with it.
    """
    tree = list(tree_of(pid))
    open_files = {process: _descriptors(process) for process in tree}
    values = (
        len(open_files[pid]),
        sum(map(len, open_files.values())),
        _threads(pid),
        sum(map(_threads, tree)),
        len(tree),
        rss_of(pid),
        max((rss_of(process) for process in tree if process != pid), default=0),
        sum("inotify" in target for target in open_files[pid]),
        sum(map(count_temporary, roots)) + count_files(temporary),
        sum(_size(file) for file in (index, index.with_suffix(".journal"))),
    )
    return {figure.name: value / figure.unit for figure, value in zip(FIGURES, values, strict=True)}


def judge(samples: Sequence[Sample]) -> list[tuple[str, float, float, float, bool]]:
    """Each figure's median in the second quarter, in the last, its limit, and whether it kept it."""
    quarter = max(1, len(samples) // 4)
    rows = []
    for figure in FIGURES:
        second, last = (median(sample[figure.name] for sample in part) for part in _parts(samples, quarter))
        limit = second * _GROWTH + figure.spare
        rows.append((figure.name, second, last, limit, last <= limit))
    return rows


def _parts(samples: Sequence[Sample], quarter: int) -> tuple[Sequence[Sample], Sequence[Sample]]:
    return samples[quarter : 2 * quarter] or samples, samples[-quarter:]


def count_temporary(root: Path) -> int:
    """Files and folders that are still being written, or were left so."""
    found = 0
    for _folder, below, files in os.walk(root):
        found += sum(name.endswith(".tmp") for name in (*below, *files))
    return found


def count_files(folder: Path) -> int:
    """Everything that lies in a folder."""
    return sum(len(below) + len(files) for _, below, files in os.walk(folder))


def _descriptors(pid: int) -> list[str]:
    """What a process has open; some may be gone while one looks."""
    found = []
    with contextlib.suppress(OSError):
        for link in Path(f"/proc/{pid}/fd").iterdir():
            with contextlib.suppress(FileNotFoundError):
                found.append(str(link.readlink()))
    return found


def _threads(pid: int) -> int:
    try:
        return len(os.listdir(f"/proc/{pid}/task"))
    except OSError:
        return 0


def _size(file: Path) -> int:
    try:
        return file.stat().st_size
    except OSError:
        return 0
