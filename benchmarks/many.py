"""Whether a job costs the same however many there are: a thousand one-page PDFs dropped at once, null engine.

Every content must come out exactly once, and the time per job of each fifth, in the order in which they were
completed, shows whether the cost grows.
"""

import argparse
import hashlib
import tempfile
from collections import Counter
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from time import sleep, time
from typing import Any

from benchmarks.daemon import Daemon, Settings, moment, running
from benchmarks.documents import make_letters
from benchmarks.report import print_machine, print_table, print_target

#: The last fifth may take this much longer than the second (the first shares the machine with the claims).
TARGET = 1.25
#: The status files give times to this, in seconds: a few jobs may be completed within it.
RESOLUTION = 0.001
_FIFTHS = 5


def contents(files: Sequence[Path]) -> Counter[str]:
    """How often each content is there."""
    return Counter(hashlib.sha256(file.read_bytes()).hexdigest() for file in files)


def fifths(statuses: Sequence[dict[str, Any]]) -> list[float]:
    """Seconds per job in each fifth of the jobs, by when they were completed."""
    ended = sorted(moment(status["completed_at"]) for status in statuses)
    began = min(moment(status["started_at"]) for status in statuses)
    edges = [len(ended) * number // _FIFTHS for number in range(_FIFTHS + 1)]
    times = [began, *(ended[edge - 1] for edge in edges[1:])]
    return [
        (stop - start) / (last - first)
        for (start, stop), (first, last) in zip(pairwise(times), pairwise(edges), strict=True)
    ]


def measure(count: int, timeout: float, folder: Path) -> None:
    """Drop the PDFs, wait, check and print."""
    letters = make_letters(folder / "letters", count)
    settings: Settings = {"engine": {"name": "null"}, "inbox": {"settle_seconds": 0.5}}
    with running(folder / "root", settings) as daemon:
        staged = daemon.stage(letters)
        before, began = daemon.spent(), time()
        daemon.drop(staged)
        while len(daemon.results()) < count and time() < began + timeout:
            sleep(0.2)
        spent = daemon.spent() - before
        results = daemon.results()
        read = contents([folder / "input.pdf" for folder in results])
        left = [path for name in ("inbox", "jobs") for path in (daemon.root / name).iterdir() if path.name[0] != "."]
        statuses = daemon.take_statuses()
    _check(daemon, contents(letters), read, left, statuses)
    _print(count, began, statuses)
    print(
        f"CPU ms per job: renderers {1000 * spent.renderers / count:.1f}, workers {1000 * spent.workers / count:.1f}, "
        f"daemon {1000 * spent.daemon / count:.1f}"
    )


def _check(
    daemon: Daemon, dropped: Counter[str], read: Counter[str], left: Sequence[Path], statuses: Sequence[dict[str, Any]]
) -> None:
    """Hold what came out against what went in."""
    completed = sum(status["status"] == "completed" for status in statuses)
    twice = sum(count > dropped[content] for content, count in read.items())
    missing = sum(content not in read for content in dropped)
    print(f"dropped {dropped.total()}, completed {completed}, twice {twice}, missing {missing}, left over {len(left)}")
    if completed != dropped.total() or twice or missing or left:
        raise SystemExit(f"lost or doubled; see {daemon.root / 'log.jsonl'}")


def _print(count: int, began: float, statuses: Sequence[dict[str, Any]]) -> None:
    created = sorted(moment(status["created_at"]) for status in statuses)
    ended = max(moment(status["completed_at"]) for status in statuses)
    span = max(created[-1] - created[0], RESOLUTION)
    print(
        f"dropped to first claim {created[0] - began:.2f} s; claims {(count - 1) / span:.1f}/s over {span:.1f} s; "
        f"all done after {ended - began:.1f} s"
    )
    each = fifths(statuses)
    print_table(
        ("", *(f"fifth {number + 1}" for number in range(_FIFTHS))),
        [("ms per job", *(f"{1000 * seconds:.1f}" for seconds in each))],
    )
    print_target("time per job of the last fifth / of the second", each[-1] / max(each[1], RESOLUTION), "<=", TARGET)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.many", description=__doc__)
    parser.add_argument("--files", type=int, default=1000)
    parser.add_argument("--timeout", type=float, default=900.0, help="seconds after which it is given up")
    parser.add_argument("--folder", type=Path, help="work here; default: the temporary folder")
    given = parser.parse_args()
    if given.files < _FIFTHS:
        parser.error(f"--files must be at least {_FIFTHS}")
    print_machine()
    with tempfile.TemporaryDirectory(prefix="many-", dir=given.folder) as name:
        print(f"\n{given.files} one-page PDFs at once, null engine")
        measure(given.files, given.timeout, Path(name))


if __name__ == "__main__":
    main()
