"""A daemon that ends at a crash point of one's choice, and what it says of the points that it passed.

How it is done inside the daemon stands in `tests/faults/arming`, which Python imports there by itself.
"""

import json
import multiprocessing
import os
import runpy
import sys
import threading
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

_ARMING = Path(__file__).with_name("arming")
_LIMIT = 120.0
#: To import what the daemon is made of takes longer than what it does here, and is done hundreds of times: it is begun
#: from a process that has imported it. From there on it is a process like any other.
_nursery = multiprocessing.get_context("forkserver")
_nursery.set_forkserver_preload(["pdfocr_watcher.cli.app", "pdfocr_watcher.daemon.app"])
#: A process that is started looks after those that have ended, which has to be done by one thread at a time.
_looking = threading.Lock()


@dataclass(frozen=True, slots=True)
class CrashPoint:
    """A point of a run.

    Attributes:
        name: its side, its step and what that is about, as `after rename JOB/input.pdf`.
        number: how often it came, from 1.
    """

    name: str
    number: int


@dataclass(frozen=True, slots=True)
class Run:
    """How a run of the daemon came out.

    Attributes:
        returncode: its exit status; -9 where it ended at its crash point.
        passed: the names of the points that it passed, each with its path, in order.
        log: what it wrote to standard error.
    """

    returncode: int
    passed: tuple[tuple[str, str], ...]
    log: str

    def points(self) -> list[CrashPoint]:
        """The points, numbered."""
        seen: Counter[str] = Counter()
        found = []
        for name, _path in self.passed:
            seen[name] += 1
            found.append(CrashPoint(name, seen[name]))
        return found


def armed(order: Mapping[str, Any]) -> dict[str, str]:
    """The environment of a daemon that does what is ordered (see `tests/faults/arming`)."""
    path = os.pathsep.join([str(_ARMING), *filter(None, [os.environ.get("PYTHONPATH")])])
    return {**os.environ, "PYTHONPATH": path, "PDFOCR_FAULTS": json.dumps(order)}


def run_once(config: Path, trace: Path, at: CrashPoint | None = None, cut: Sequence[str] = (), **more: Any) -> Run:
    """Run `pdfocr-watcher once` with an engine that finds a figure on each page.

    Args:
        config: the configuration.
        trace: a file for the points that are passed; not there yet.
        at: where the daemon and its workers are killed; nowhere by default.
        cut: a command that is run at that point before they are.
        more: what else is ordered.
    """
    order = {"trace": str(trace), "cut": [*cut] or None, **more}
    if at is not None:
        order |= {"at": at.name, "nth": at.number}
    log = trace.with_name(f"{trace.name}.log")
    process = _nursery.Process(target=_become, args=(["once", "--config", str(config)], armed(order), log))
    with _looking:
        process.start()
    give_up = time.monotonic() + _LIMIT
    while (returncode := _exit_status(process)) is None:
        if time.monotonic() > give_up:
            process.kill()
            raise TimeoutError(f"it did not end; {log}")
        time.sleep(0.01)  # to wait in `join` would keep the other threads from looking
    lines = os.fsdecode(trace.read_bytes()).splitlines() if trace.exists() else []
    passed = tuple((name, where) for name, _, where in (line.partition("\t") for line in lines))
    return Run(returncode, passed, log.read_text(errors="replace"))


def _exit_status(process: BaseProcess) -> int | None:
    with _looking:
        return process.exitcode


def _become(arguments: Sequence[str], environment: Mapping[str, str], log: Path) -> None:
    """Become the command line, in a session of its own."""
    os.setsid()
    os.environ.clear()
    os.environ.update(environment)
    with log.open("wb") as file:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
    sys.path.insert(0, str(_ARMING))
    runpy.run_path(str(_ARMING / "sitecustomize.py"))
    sys.argv[1:] = arguments
    runpy.run_module("pdfocr_watcher", run_name="__main__")
