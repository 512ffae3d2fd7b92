"""How much memory a process has, with its children, as /proc says it. Linux only."""

import contextlib
import os
from pathlib import Path

#: Files that are mapped count for nobody: the system takes that memory back when it needs it.
_OWN = ("RssAnon:", "RssShmem:")


def memory_of(pid: int, proc: Path = Path("/proc")) -> int:
    """Bytes that a process and its descendants have to themselves; 0 for one that is gone.

    Args:
        pid: the process.
        proc: where /proc is.
    """
    total = 0
    waiting, seen = [pid], set()
    while waiting:
        process = waiting.pop()
        if process in seen:
            continue
        seen.add(process)
        total += _own(proc / str(process))
        waiting += _children(proc / str(process) / "task")
    return total


def _children(tasks: Path) -> list[int]:
    """The children that a process has now; its threads, and it itself, may end at any moment of the look."""
    found: list[int] = []
    with contextlib.suppress(OSError):
        for thread in os.listdir(tasks):
            with contextlib.suppress(OSError):
                children = (tasks / thread / "children").read_text(encoding="ascii")
                found += [int(child) for child in children.split()]
    return found


def _own(process: Path) -> int:
    try:
        lines = (process / "status").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return 0
    return sum(int(line.split()[1]) * 1024 for line in lines if line.startswith(_OWN))
