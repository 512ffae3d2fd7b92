"""Whether a daemon can run for years: thousands of documents and disturbances without end, null engine.

Every drop must have exactly one result with the bytes that were dropped, and what the daemon holds on to (descriptors,
threads, memory, processes, temporary files, inotify instances, its index) must not grow. In the first sixth of the
time the daemon is killed and restarted, too; then one daemon has to last to the end, under all other disturbances.
"""

import argparse
import contextlib
import random
import shutil
import subprocess
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from time import monotonic, sleep

from benchmarks.daemon import Daemon, Settings
from benchmarks.disturbances import Disturbances
from benchmarks.growth import Sample, count_files, count_temporary, judge, take_sample
from benchmarks.ledger import Ledger
from benchmarks.report import print_machine, print_table

#: The share of the time in which the daemon itself is killed and restarted.
_RESTARTS = 1 / 6
#: Files that are on their way at a time: more than may wait as jobs, so that there is back-pressure all the time.
_ON_THEIR_WAY, _WAITING_JOBS = 120, 40
_DISK_BYTES = 128_000_000
_LOOK = 0.25
_DRAIN_SECONDS = 300.0
_CALM_SECONDS = 5.0

_SETTINGS: Settings = {
    "inbox": {
        "settle_seconds": 0.5,
        # Longer than a slow writer ever pauses, also where this benchmark itself has to wait for its turn.
        "unmarked_settle_seconds": 10.0,
        "rescan_interval": 2.0,
        "max_waiting_jobs": _WAITING_JOBS,
        "min_free_bytes": 20_000_000,
    },
    # Disturbances may meet the same page again and again; that is not what is measured.
    "job": {"page_attempts": 6, "max_attempts": 100},
    "render": {"dpi": 72, "timeout_seconds": 5.0},
    "engine": {"name": "null", "page_timeout_seconds": 5.0},
    # Full long before the end, so that it does not grow.
    "index": {"flush_seconds": 1.0, "max_jobs": 40},
    "service": {"health_interval": 0.5},
}


class Soak:
    """One run.

    Args:
        folder: an empty folder to work in.
        disk: the small file system for the jobs; None to have them with everything else.
        seed: of all that is left to chance.
    """

    def __init__(self, folder: Path, disk: Path | None, seed: int) -> None:
        chance = random.Random(seed)  # noqa: S311 - the same run at every call is wanted
        self._chance = chance
        self._root = folder / "root"
        self._temporary = folder / "tmp"
        self._temporary.mkdir()
        self._jobs = disk / "jobs" if disk is not None else self._root / "jobs"
        settings: Settings = {**_SETTINGS, "folders": {"jobs": str(self._jobs)}}
        self.daemon = Daemon(self._root, settings, {"TMPDIR": str(self._temporary)})
        self.ledger = Ledger(self._root, self._jobs, chance)
        self.disturbances = Disturbances(self.daemon, self.ledger, self._jobs, disk, chance)
        self.samples: list[Sample] = []
        self.states: Counter[str] = Counter()

    def run(self, seconds: float) -> None:
        """Drop and disturb for so long, then wait until all is done."""
        self.daemon.start()
        self.daemon.wait_until_up()
        began = monotonic()
        restarts_end = began + seconds * _RESTARTS
        gap = max(1.0, min(5.0, seconds / 60))
        sample_gap = max(0.5, seconds / 300)
        next_disturbance, next_sample = began + gap, restarts_end + sample_gap
        while (now := monotonic()) < began + seconds:
            self._keep_busy()
            if now >= next_disturbance:
                alone = now > restarts_end
                self.disturbances.disturb(self.disturbances.small + ([] if alone else self.disturbances.large * 4))
                next_disturbance = monotonic() + self._chance.uniform(0.5, 1.5) * gap
            if now >= next_sample:
                self._sample()
                next_sample = now + sample_gap
            sleep(_LOOK)
        self.ledger.write_on(at_once=True)
        self._drain()

    def _keep_busy(self) -> None:
        self.ledger.write_on()
        self.ledger.take_results()
        for _ in range(max(0, _ON_THEIR_WAY - len(self.ledger.open))):
            self.ledger.drop()

    def _sample(self) -> None:
        roots = [self._root, *([] if self._jobs.is_relative_to(self._root) else [self._jobs])]
        self.samples.append(take_sample(self.daemon.pid, roots, self._temporary, self._root / "index.json"))
        health = self.daemon.health()
        reason = " (back-pressure)" if "jobs wait already" in (health.get("reason") or "") else ""
        self.states[f"{health.get('state')}{reason}"] += 1

    def _drain(self) -> None:
        deadline = monotonic() + _DRAIN_SECONDS
        while self.ledger.open and monotonic() < deadline:
            self.ledger.take_results()
            sleep(_LOOK)
        # What a person deleted, or tried again, may still be on its way.
        while any(self._jobs.glob("*/status.json")) and monotonic() < deadline:
            sleep(_LOOK)
        sleep(_CALM_SECONDS)
        self.ledger.take_results(all_of_them=True)

    def close(self) -> int:
        """Stop the daemon; how many temporary files it leaves."""
        self.daemon.stop()
        if self.disturbances.done["kill daemon"]:
            # What a killed daemon left is removed by a later one only when it is some time old.
            for folder in self._temporary.glob("pdfocr-watcher-launchers-*"):
                shutil.rmtree(folder)
        return count_temporary(self._root) + count_temporary(self._jobs) + count_files(self._temporary)

    def left_over(self) -> list[str]:
        """Files in the inbox and jobs that nobody has finished."""
        inbox = [path for path in (self._root / "inbox").rglob("*") if path.is_file()]
        jobs = [path for path in self._jobs.iterdir() if path.is_dir() and not path.name.startswith(".")]
        return [str(path) for path in (*inbox, *jobs)]


def report(soak: Soak, left: list[str], temporary: int) -> bool:
    """Print what came of a run; whether it is as it should be."""
    ledger, disturbed = soak.ledger, soak.ledger.disturbed
    deleted = sum(drop.deleted for drop in ledger.drops.values())
    print(f"dropped {len(ledger.drops)}, of them deleted by a person {deleted}, slowest result {ledger.slowest:.0f} s")
    _print_counts("results", ledger.outcomes)
    _print_counts("disturbances", soak.disturbances.done)
    _print_counts("health.json", soak.states)
    _print_counts("pages of good documents that disturbances cost", disturbed)
    log = (soak.daemon.root / "log.jsonl").stat().st_size
    print(f"log: {log / max(1, len(ledger.drops)):.0f} bytes a document")
    rows = judge(soak.samples)
    cells = [
        (name, f"{second:.1f}", f"{last:.1f}", f"{limit:.1f}", "flat" if flat else "GROWS")
        for name, second, last, limit, flat in rows
    ]
    print_table((f"median of {len(soak.samples)} samples", "2nd quarter", "last quarter", "limit", ""), cells)
    missing = ledger.open
    print(f"\nmissing {len(missing)}, wrong {len(ledger.wrong)}, left over {len(left)}, temporary files {temporary}")
    for line in (*missing, *ledger.wrong, *left):
        print(f"  {line}")
    whole = not (missing or ledger.wrong or left or temporary)
    return whole and all(flat for *_, flat in rows)


def _print_counts(name: str, counts: Counter[str]) -> None:
    print(f"{name}: " + (", ".join(f"{what} {count}" for what, count in sorted(counts.items())) or "none"))


@contextlib.contextmanager
def small_disk(folder: Path) -> Iterator[Path | None]:
    """A small file system of its own; None where none can be mounted."""
    disk = folder / "disk"
    disk.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", f"size={_DISK_BYTES}", "tmpfs", str(disk)]
    try:
        mounted = subprocess.run(command, capture_output=True, check=False).returncode == 0
    except OSError:
        mounted = False
    try:
        yield disk if mounted else None
    finally:
        if mounted:
            subprocess.run(["umount", "--lazy", str(disk)], check=False)


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=20.0)
    parser.add_argument("--seed", type=int, default=1, help="of all that is left to chance")
    parser.add_argument("--folder", type=Path, help="work here; default: the temporary folder")
    given = parser.parse_args()
    print_machine()
    with tempfile.TemporaryDirectory(prefix="soak-", dir=given.folder) as name, small_disk(Path(name)) as disk:
        print(f"\n{given.minutes:g} minutes, null engine, seed {given.seed}")
        if disk is None:
            print("no file system can be mounted here: the disk of the jobs is never full")
        soak = Soak(Path(name), disk, given.seed)
        try:
            soak.run(60 * given.minutes)
            left = soak.left_over()
        finally:
            temporary = soak.close()
        good = report(soak, left, temporary)
    print("as it should be" if good else "NOT as it should be")
    raise SystemExit(0 if good else 1)


if __name__ == "__main__":
    main()
