"""What the program costs beside its engine and its renderer: the daemon against each of them bare, on the same pages.

Null engine: against pdftoppm alone with as many processes. Embedded engine: against the engine alone with as many
processes and threads, given rasters that were rendered beforehand. Both sides are warm, take turns within one run
(A B A B ...), and the medians over the rounds are compared, once by the clock and once by processor time, which
other programs on the machine disturb less.
"""

import argparse
import os
import shutil
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from benchmarks.bare import BareEngine, Timed, bare_pdftoppm
from benchmarks.daemon import Daemon, Settings, Spent, moment, running
from benchmarks.documents import Document, documents_in, first_pages, make_documents, page_count
from benchmarks.report import print_machine, print_table, print_target

#: The least that the daemon reaches of its bare engine, and with the null engine of bare pdftoppm.
TARGETS = {"rapidocr": 0.95, "null": 0.85}
_BARE_NAME = {"rapidocr": "bare engine", "null": "bare pdftoppm"}
#: Pages of each document that is made: enough that begin and end do not matter, and that a run ends today.
_PAGES = {"rapidocr": 16, "null": 50}
#: Seconds that a page may take before the benchmark is given up.
_PAGE_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Plan:
    """What is run.

    Attributes:
        engine: `null` or `rapidocr`.
        documents: what is read, the same in every round.
        dpi: of the rasters.
        processes: renderers, workers and bare processes at a time.
        threads: threads that read one page.
        rounds: how often each side takes its turn.
    """

    engine: str
    documents: Sequence[Document]
    dpi: int
    processes: int
    threads: int
    rounds: int

    @property
    def settings(self) -> Settings:
        """The daemon's configuration: its defaults, but for what makes both sides equal and the wait short."""
        return {
            "engine": {"name": self.engine, "max_concurrency": self.processes, "threads": self.threads},
            "render": {"dpi": self.dpi, "workers": self.processes, "renderer": "poppler"},
            "inbox": {"settle_seconds": 0.2},
        }


@dataclass(frozen=True, slots=True)
class DaemonTimed:
    """A round of the daemon: from the first page's begin to the last result in the outbox."""

    wall: float
    spent: Spent


def run_daemon(daemon: Daemon, documents: Sequence[Document]) -> DaemonTimed:
    """Have the daemon read documents.

    The time until they are found complete in the inbox is left out; the processor time of that is not.
    """
    staged = daemon.stage(document.path for document in documents)
    before = daemon.spent()
    daemon.drop(staged)
    ended = daemon.wait_for_results(len(staged), 60 + _PAGE_SECONDS * page_count(documents))
    spent = daemon.spent() - before
    statuses = daemon.take_statuses()
    for status in statuses:
        if status["status"] != "completed" or status["failed_pages"]:
            print(f"not read whole: {status['filename']}: {status['error_code'] or status['failed_pages']}")
    if sum(status["processed_pages"] for status in statuses) != page_count(documents):
        raise SystemExit("the daemon did not do all pages")
    return DaemonTimed(ended - min(moment(status["started_at"]) for status in statuses), spent)


def measure(plan: Plan, folder: Path) -> None:
    """Run one comparison and print it."""
    pages = page_count(plan.documents)
    print(
        f"\n{plan.engine}: {len(plan.documents)} documents, {pages} pages, {plan.dpi} dpi, {plan.processes} processes "
        f"x {plan.threads} threads, {plan.rounds} rounds"
    )
    warm_up = first_pages(plan.documents[0].path, 2 * plan.processes, folder / "warm-up.pdf")
    rounds: list[tuple[Timed, DaemonTimed]] = []
    bare, close = _bare_side(plan, folder)
    try:
        with running(folder / f"root-{plan.engine}", plan.settings) as daemon:
            run_daemon(daemon, [warm_up])
            bare(warm_up)
            for number in range(plan.rounds):
                rounds.append((bare(None), run_daemon(daemon, plan.documents)))
                _print_round(number, pages, rounds[-1])
    finally:
        close()
    _print_comparison(plan, pages, rounds)


def _bare_side(plan: Plan, folder: Path) -> tuple[Callable[[Document | None], Timed], Callable[[], None]]:
    """A turn of the bare side, on one document or on all, and what ends it."""
    rasters = folder / "rasters"

    def render(document: Document | None) -> Timed:
        rasters.mkdir()
        return bare_pdftoppm([document] if document else plan.documents, plan.dpi, plan.processes, rasters)

    if plan.engine == "rapidocr":
        render(None)
        files = sorted(rasters.iterdir())
        engine = BareEngine(plan.processes, plan.threads)
        return lambda document: engine.read(files[: document.pages] if document else files), engine.close

    def render_and_remove(document: Document | None) -> Timed:
        timed = render(document)
        shutil.rmtree(rasters)
        return timed

    return render_and_remove, lambda: None


def _print_round(number: int, pages: int, timed: tuple[Timed, DaemonTimed]) -> None:
    bare, daemon = timed
    print(
        f"round {number + 1}: bare {pages / bare.wall:.2f} pages/s, daemon {pages / daemon.wall:.2f} pages/s, "
        f"ratio {bare.wall / daemon.wall:.3f} by the clock, {bare.cpu / daemon.spent.total:.3f} by processor time",
        flush=True,
    )


def _print_comparison(plan: Plan, pages: int, rounds: Sequence[tuple[Timed, DaemonTimed]]) -> None:
    def each(seconds: Callable[[tuple[Timed, DaemonTimed]], float]) -> float:
        """Milliseconds a page, the median over the rounds."""
        return 1000 * median(seconds(timed) for timed in rounds) / pages

    bare_wall, daemon_wall = each(lambda timed: timed[0].wall), each(lambda timed: timed[1].wall)
    bare_cpu, daemon_cpu = each(lambda timed: timed[0].cpu), each(lambda timed: timed[1].spent.total)
    print_table(
        ("", "pages/s", "ms/page", "CPU ms/page", "renderers", "workers", "daemon"),
        [
            (_BARE_NAME[plan.engine], f"{1000 / bare_wall:.2f}", f"{bare_wall:.1f}", f"{bare_cpu:.1f}", "", "", ""),
            (
                "daemon",
                f"{1000 / daemon_wall:.2f}",
                f"{daemon_wall:.1f}",
                f"{daemon_cpu:.1f}",
                f"{each(lambda timed: timed[1].spent.renderers):.1f}",
                f"{each(lambda timed: timed[1].spent.workers):.1f}",
                f"{each(lambda timed: timed[1].spent.daemon):.1f}",
            ),
        ],
    )
    ratio = median(bare.wall / daemon.wall for bare, daemon in rounds)
    by_cpu = median(bare.cpu / daemon.spent.total for bare, daemon in rounds)
    what = f"{plan.engine}: daemon / {_BARE_NAME[plan.engine]}"
    print_target(f"{what}, pages per second", ratio, ">=", TARGETS[plan.engine])
    print_target(f"{what}, pages per second of processor time", by_cpu, ">=", TARGETS[plan.engine])


def main() -> None:
    """Run the comparisons that the command line asks for."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.overhead", description=__doc__)
    parser.add_argument("--engine", choices=["null", "rapidocr"], action="append", help="default: both")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--documents", type=int, default=4, help="documents to make, texts and scans by turns")
    parser.add_argument("--pages", type=int, help="pages of each; default: 50, with the embedded engine 16")
    parser.add_argument("--pdfs", type=Path, help="read the PDFs of this folder instead")
    parser.add_argument("--max-pages", type=int, default=40, help="leave out longer ones")
    parser.add_argument("--dpi", type=int, default=200)
    parser.add_argument("--processes", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--folder", type=Path, help="work here; default: the temporary folder")
    given = parser.parse_args()
    print_machine()
    with tempfile.TemporaryDirectory(prefix="overhead-", dir=given.folder) as name:
        folder = Path(name)
        for engine in given.engine or ["null", "rapidocr"]:
            if given.pdfs is not None:
                documents = documents_in(given.pdfs, given.dpi, given.max_pages)
            else:
                documents = make_documents(folder / f"pdfs-{engine}", given.documents, given.pages or _PAGES[engine])
            if not documents:
                parser.error(f"{given.pdfs} has no PDF of at most {given.max_pages} pages")
            plan = Plan(engine, documents, given.dpi, given.processes, given.threads, given.rounds)
            measure(plan, folder)


if __name__ == "__main__":
    main()
