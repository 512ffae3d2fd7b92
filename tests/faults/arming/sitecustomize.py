"""Arms the crash points of a daemon and its workers; on their PYTHONPATH, so that Python itself imports it.

What to do stands in the environment variable `PDFOCR_FAULTS` (see `tests.faults.armed`); without it, nothing.
"""

import json
import os
import signal
import subprocess
from pathlib import Path
from typing import Any

import power
from roles import role

from pdfocr_watcher.jobs import steps
from pdfocr_watcher.jobs.steps import Point, Step


class Faults:
    """Traces the points that are reached, and acts at one of them.

    Args:
        order: `trace`, a file that gets a line for each point; and `at` with `nth`, the point at which the daemon
            ends, by its line and how often it came; `cut`, a program that is run there first; `disks`, whose state at
        each point is kept (see `power`); `without`, the lines before which an fsync is left out.
    """

    def __init__(self, order: dict[str, Any]) -> None:
        self._trace = order["trace"]
        self._at = order.get("at")
        self._nth = order.get("nth", 1)
        self._cut = order.get("cut")
        self._without = order.get("without", ())
        self._disks = power.DiskStates(**order["disks"]) if "disks" in order else None
        if self._without:
            power.allow_leaving_out()

    def __call__(self, step: Step, point: Point, path: Path) -> None:
        """Stand at a point."""
        line = f"{point} {step} {role(path)}"
        self._note(f"{line}\t{path}\n")
        if line == self._at and self._count(line) >= self._nth:
            if self._cut is not None:
                subprocess.run(self._cut, check=True)
            _end_all()
        if self._disks is not None:
            self._disks.note(line)
        if line in self._without:
            power.leave_out_next()

    def _note(self, line: str) -> None:
        # Appended in one write: the daemon's threads and its workers all write here.
        descriptor = os.open(self._trace, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        try:
            os.write(descriptor, os.fsencode(line))
        finally:
            os.close(descriptor)

    def _count(self, line: str) -> int:
        start = os.fsencode(f"{line}\t")
        return sum(noted.startswith(start) for noted in Path(self._trace).read_bytes().splitlines())


def _is_worker() -> bool:
    return b"pdfocr_watcher.pipeline.worker" in Path("/proc/self/cmdline").read_bytes()


def _end_all() -> None:
    """Kill the daemon with its process group, and this process, if it is one of its workers."""
    os.killpg(os.getpgid(os.getppid()) if _is_worker() else os.getpgrp(), signal.SIGKILL)
    os.kill(os.getpid(), signal.SIGKILL)


def _find_something() -> None:
    """Have the null engine find a figure and a line on every page, so that all outputs are written."""
    from pdfocr_watcher.analysis.lines import Line  # noqa: PLC0415 - see below
    from pdfocr_watcher.document.model import Block, Box, Label  # noqa: PLC0415 - the daemon needs none of it
    from pdfocr_watcher.engines.base import Reading  # noqa: PLC0415 - the same
    from pdfocr_watcher.engines.null import NullEngine  # noqa: PLC0415 - the same

    line = Line(10, 10, 90, 30, "a line of text", 0.9)
    figure = Block(Label.IMAGE, (Box(100, 100, 900, 500),), "")
    NullEngine.recognize = lambda *_page: Reading((figure,), (line,))  # type: ignore[method-assign]


if order := os.environ.get("PDFOCR_FAULTS"):
    steps.watcher = Faults(json.loads(order))
    if _is_worker():
        _find_something()
