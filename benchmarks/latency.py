"""How long a person waits for the program to take notice: dropped file to claim, and the time that `submit` takes.

A file is dropped by one rename into the inbox of a daemon that has nothing else to do (native events, null engine).
Seen from outside, by looking every millisecond: when its job's `pending` status.json is on disk. From that the settle
time is taken off, so what is left is all that the program adds: the event, waiting for the next look, the look into
the file, the claim, the write with its fsyncs. The next file is dropped at a random moment after the result came.
"""

import argparse
import contextlib
import json
import os
import random
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from time import monotonic, sleep, time

from benchmarks.daemon import Daemon, Settings, moment, running
from benchmarks.documents import make_letters
from benchmarks.report import print_machine, print_table, print_target, quantile

#: Seconds that a claim may take longer than the settle time, at most.
CLAIM_TARGET = 0.5
#: Seconds from a settled file to its pending status on disk, at the median.
PENDING_TARGET = 0.030
#: Seconds in which `submit` returns.
SUBMIT_TARGET = 1.0

_LOOK = 0.001
_GIVE_UP = 60.0


@dataclass(frozen=True, slots=True)
class Drop:
    """What happened to one file, in seconds.

    Attributes:
        pending: from the settle time's end, counted from the drop, to the pending status on disk.
        write: of that, from the begin of the claim, as its status says, to the status on disk.
        claimed: from the settle time's end to the file's being gone from the inbox.
        result: from the settle time's end to the result in the outbox.
    """

    pending: float
    write: float
    claimed: float
    result: float


def drop_one(daemon: Daemon, staged: Path, settle: float) -> Drop:
    """Drop a file and watch it until its result is there."""
    jobs, source = daemon.root / "jobs", daemon.root / "inbox" / staged.name
    results = len(daemon.results())
    daemon.drop([staged])
    due = time() + settle
    deadline = monotonic() + _GIVE_UP
    pending = written = claimed = 0.0
    while not (pending and claimed):
        if not pending and (status := _new_status(jobs)) is not None:
            pending = time()
            written = moment(str(status["created_at"]))
        if not claimed and not source.exists():
            claimed = time()
        if monotonic() > deadline:
            raise SystemExit("the daemon did not claim a file")
        sleep(_LOOK)
    ended = daemon.wait_for_results(results + 1, _GIVE_UP)
    return Drop(pending - due, pending - written, claimed - due, ended - due)


def _new_status(jobs: Path) -> dict[str, object] | None:
    """The status of the only job in work; None if there is none."""
    for name in os.listdir(jobs):
        with contextlib.suppress(OSError, ValueError):
            found = json.loads((jobs / name / "status.json").read_bytes())
            return dict(found)
    return None


def measure_drops(folder: Path, count: int, settle: float) -> list[Drop]:
    """Drop files one after the other."""
    letters = make_letters(folder / "letters", count + 1)
    settings: Settings = {
        "engine": {"name": "null"},
        "inbox": {"settle_seconds": settle, "observer": "native"},
    }
    with running(folder / "root", settings) as daemon:
        staged = daemon.stage(letters)
        drop_one(daemon, staged[0], settle)
        drops = []
        for file in staged[1:]:
            sleep(random.uniform(0.05, 1.0))  # noqa: S311 - so that drops do not keep step with the daemon
            drops.append(drop_one(daemon, file, settle))
    return drops


def measure_submits(folder: Path, count: int) -> list[float]:
    """The seconds that `submit` takes as a process of its own; nobody watches the inbox."""
    letters = make_letters(folder / "letters", count)
    daemon = Daemon(folder / "root", {})
    taken = []
    for letter in letters:
        began = monotonic()
        subprocess.run(
            [sys.executable, "-m", "pdfocr_watcher", "submit", "-c", str(daemon.config), str(letter)],
            check=True,
            stdout=subprocess.DEVNULL,
        )
        taken.append(monotonic() - began)
    return taken


def _row(name: str, seconds: Sequence[float]) -> tuple[str, ...]:
    figures = (median(seconds), quantile(seconds, 0.95), max(seconds))
    return (name, *(f"{1000 * value:.1f}" for value in figures))


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.latency", description=__doc__)
    parser.add_argument("--drops", type=int, default=50)
    parser.add_argument("--submits", type=int, default=11)
    parser.add_argument("--settle", type=float, default=1.0, help="settle_seconds of the daemon")
    parser.add_argument("--folder", type=Path, help="work here; default: the temporary folder")
    given = parser.parse_args()
    print_machine()
    with tempfile.TemporaryDirectory(prefix="latency-", dir=given.folder) as name:
        print(f"\n{given.drops} drops, settle_seconds {given.settle:g} (taken off below); {given.submits} submits")
        drops = measure_drops(Path(name) / "drops", given.drops, given.settle)
        submits = measure_submits(Path(name) / "submits", given.submits)
    pending = [drop.pending for drop in drops]
    print_table(
        ("milliseconds", "median", "p95", "most"),
        [
            _row("settled to pending on disk", pending),
            _row("  of it: claim begun to pending on disk", [drop.write for drop in drops]),
            _row("settled to gone from the inbox", [drop.claimed for drop in drops]),
            _row("settled to result in the outbox", [drop.result for drop in drops]),
            _row("submit, the whole process", submits),
        ],
    )
    print_target("settled to pending, median", 1000 * median(pending), "<=", 1000 * PENDING_TARGET, " ms")
    claims = [drop.claimed for drop in drops]
    print_target("dropped to claim less settle_seconds, p95", quantile(claims, 0.95), "<=", CLAIM_TARGET, " s")
    print_target("submit, slowest", max(submits), "<=", SUBMIT_TARGET, " s")


if __name__ == "__main__":
    main()
