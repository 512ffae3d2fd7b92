"""Whether memory grows with a document's pages: a long PDF against a short one, and how many rasters are alive.

Each run is `once` on a folder of its own. The daemon, its workers and its renderers are looked at every 20 ms; what
counts is the greatest sum of their memory, shared pages divided among those who share them (PSS). Short and long take
turns; the medians over the rounds are compared.
"""

import argparse
import os
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from time import monotonic

from benchmarks.daemon import Daemon, Settings
from benchmarks.documents import Document, first_pages, text_pdf
from benchmarks.processes import Sampler, pss_of, rss_of, tree_of
from benchmarks.report import print_machine, print_table, print_target
from pdfocr_watcher.config.model import Render

#: The most memory that the long PDF may take, as a multiple of the short one's.
TARGET = 1.25
#: Pages of the long PDF where none is asked for: the embedded engine needs half a second and more for each.
_PAGES = {"null": 600, "rapidocr": 200}
_PAGE_SECONDS = 30.0
_MIB = 1 << 20


def watch(document: Document, settings: Settings, root: Path) -> dict[str, int]:
    """Have a document read by `once`, and give the greatest values seen.

    Returns:
        `pss` and `rss` of all processes together, `daemon` and `worker` (the largest) by themselves, `rasters` alive:
        bytes and a count.
    """
    daemon = Daemon(root, settings)
    daemon.drop(daemon.stage([document.path]))
    daemon.start("once")
    with Sampler(lambda: _sample(daemon.pid, root / "jobs")) as sampler:
        code = daemon.wait(120 + _PAGE_SECONDS * document.pages)
    statuses = daemon.take_statuses()
    if code or [status["processed_pages"] for status in statuses] != [document.pages]:
        raise SystemExit(f"the daemon ended with {code}; see {root / 'log.jsonl'}")
    return sampler.peaks


def _sample(pid: int, jobs: Path) -> dict[str, int]:
    pids = list(tree_of(pid))
    sizes = {child: pss_of(child) for child in pids}
    return {
        "pss": sum(sizes.values()),
        "rss": sum(rss_of(child) for child in pids),
        "daemon": sizes[pid],
        "child": max((size for child, size in sizes.items() if child != pid), default=0),
        "rasters": _rasters(jobs),
    }


def _rasters(jobs: Path) -> int:
    """Page rasters on disk, those that are being written included."""
    return sum(name.endswith(".ppm") for _, _, files in os.walk(jobs) for name in files)


def measure(engine: str, documents: Sequence[Document], rounds: int, queue_pages: int, folder: Path) -> None:
    """Run one comparison and print it."""
    short, long = documents
    print(f"\n{engine}: {short.pages} pages against {long.pages}, render.queue_pages {queue_pages}, {rounds} rounds")
    settings: Settings = {
        "engine": {"name": engine},
        "render": {"queue_pages": queue_pages, "range_pages": min(queue_pages, Render().range_pages)},
        "inbox": {"settle_seconds": 0.2},
    }
    peaks: dict[int, list[dict[str, int]]] = {0: [], 1: []}
    rows = []
    for number in range(rounds):
        for which, document in enumerate(documents):
            root = folder / f"{engine}-{number}-{which}"
            began = monotonic()
            found = watch(document, settings, root)
            took = monotonic() - began
            shutil.rmtree(root)
            peaks[which].append(found)
            sizes = [f"{found[name] / _MIB:.0f}" for name in ("pss", "rss", "daemon", "child")]
            rows.append((f"round {number + 1}, {document.pages} pages", *sizes, str(found["rasters"]), f"{took:.1f}"))
    print_table(("", "PSS MiB", "RSS MiB", "daemon", "largest child", "rasters", "seconds"), rows)
    ratio = median(found["pss"] for found in peaks[1]) / median(found["pss"] for found in peaks[0])
    print_target(f"{engine}: peak memory of {long.pages} pages / of {short.pages}", ratio, "<=", TARGET)
    most = max(found["rasters"] for group in peaks.values() for found in group)
    print_target(f"{engine}: rasters alive at a time", most, "<=", queue_pages)


def main() -> None:
    """Run the comparisons that the command line asks for."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.memory", description=__doc__)
    parser.add_argument("--engine", choices=["null", "rapidocr"], action="append", help="default: both")
    parser.add_argument("--pages", type=int, help="pages of the long PDF; default: 600, with the embedded engine 200")
    parser.add_argument("--short-pages", type=int, default=20)
    parser.add_argument("--pdf", type=Path, help="take the long PDF's first pages from this one")
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--queue-pages", type=int, default=Render().queue_pages)
    parser.add_argument("--folder", type=Path, help="work here; default: the temporary folder")
    given = parser.parse_args()
    print_machine()
    with tempfile.TemporaryDirectory(prefix="memory-", dir=given.folder) as name:
        folder = Path(name)
        for engine in given.engine or ["null", "rapidocr"]:
            pages = given.pages or _PAGES[engine]
            source = given.pdf
            if source is None:
                source = folder / "made.pdf"
                source.write_bytes(text_pdf(pages, 1))
            long = first_pages(source, pages, folder / "long.pdf")
            short = first_pages(source, given.short_pages, folder / "short.pdf")
            measure(engine, (short, long), given.rounds, given.queue_pages, folder)


if __name__ == "__main__":
    main()
