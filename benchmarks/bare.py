"""The bare sides of the comparisons: pdftoppm alone, and the engine alone, each in a given number of processes.

As a module of its own (`python -m benchmarks.bare THREADS`) it is one process of the bare engine: paths of rasters
come as lines, an answer goes as a line for each.
"""

import os
import queue
import resource
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from time import monotonic
from typing import TypeVar

from benchmarks.documents import Document
from benchmarks.processes import cpu_of
from pdfocr_watcher.engines.policy import ReadingPolicy
from pdfocr_watcher.weights.folder import folder_in_force

_T = TypeVar("_T")
#: What the program sets for its workers; the bare engine is to be no slower for the lack of it.
_MALLOC = {"MALLOC_MMAP_THRESHOLD_": "268435456", "MALLOC_TRIM_THRESHOLD_": "268435456"}


@dataclass(frozen=True, slots=True)
class Timed:
    """What a run took, in seconds.

    Attributes:
        wall: from the first begin to the last end.
        cpu: processor time of all processes.
    """

    wall: float
    cpu: float


def bare_pdftoppm(documents: Sequence[Document], dpi: int, processes: int, folder: Path) -> Timed:
    """Render documents with so many pdftoppm processes at a time, each document in as many slices.

    The rasters stay in `folder`: removing them is not part of what is timed.
    """
    tasks = [(document, part) for document in documents for part in _slices(document.pages, processes)]

    def render(task: tuple[Document, range]) -> None:
        document, pages = task
        prefix = folder / f"{document.path.stem}-{pages.start}"
        first, last = str(pages.start + 1), str(pages.stop)
        command = ["pdftoppm", "-r", str(dpi), "-f", first, "-l", last, "-cropbox", str(document.path), str(prefix)]
        subprocess.run(command, check=True, stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    before = _children_cpu()
    wall = _share_out(tasks, [render] * processes)
    return Timed(wall, _children_cpu() - before)


class BareEngine:
    """Processes of the embedded engine without anything around it.

    Args:
        processes: how many.
        threads: threads in each that read one page.
    """

    def __init__(self, processes: int, threads: int) -> None:
        self._processes = [_start(threads) for _ in range(processes)]
        for process in self._processes:
            _answer(process)

    def read(self, rasters: Sequence[Path]) -> Timed:
        """Read rasters, each by the next free process."""

        def reader(process: subprocess.Popen[bytes]) -> Callable[[Path], None]:
            def read(raster: Path) -> None:
                assert process.stdin is not None
                process.stdin.write(os.fsencode(raster) + b"\n")
                process.stdin.flush()
                _answer(process)

            return read

        before = self._cpu()
        wall = _share_out(list(rasters), [reader(process) for process in self._processes])
        return Timed(wall, self._cpu() - before)

    def close(self) -> None:
        """End the processes."""
        for process in self._processes:
            process.communicate()

    def _cpu(self) -> float:
        return sum(cpu_of(process.pid).own for process in self._processes)


def _slices(pages: int, count: int) -> list[range]:
    """About equal runs of pages, in order; none is empty."""
    edges = [pages * number // count for number in range(count + 1)]
    return [range(start, stop) for start, stop in pairwise(edges) if stop > start]


def _share_out(tasks: Sequence[_T], doers: Sequence[Callable[[_T], None]]) -> float:
    """Have tasks done, each by the next free doer; the seconds from the first begin to the last end."""
    waiting: queue.SimpleQueue[_T] = queue.SimpleQueue()
    for task in tasks:
        waiting.put(task)
    failures: list[BaseException] = []

    def work(do: Callable[[_T], None]) -> None:
        try:
            while True:
                do(waiting.get_nowait())
        except queue.Empty:
            return
        except BaseException as error:  # noqa: BLE001 - raised again below, in the thread that called
            failures.append(error)

    threads = [threading.Thread(target=work, args=(do,)) for do in doers]
    began = monotonic()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    wall = monotonic() - began
    for failure in failures:
        raise failure
    return wall


def _children_cpu() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def _start(threads: int) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", "benchmarks.bare", str(threads)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**os.environ, **_MALLOC, "OMP_NUM_THREADS": str(threads)},
    )


def _answer(process: subprocess.Popen[bytes]) -> None:
    assert process.stdout is not None
    if process.stdout.readline() != b"done\n":
        raise SystemExit("the bare engine ended")


def _serve(threads: int) -> None:
    """Load the engine, and read a page for every line."""
    from pdfocr_watcher.engines.registry import Setup, create_engine  # noqa: PLC0415 - the parent process must not load it
    from pdfocr_watcher.pipeline.rendering import keep_raster_memory, load_raster  # noqa: PLC0415

    keep_raster_memory()
    engine = create_engine("rapidocr", Setup(threads, folder_in_force(""), ReadingPolicy.BALANCED))
    with os.fdopen(os.dup(1), "wb", buffering=0) as channel:
        os.dup2(2, 1)  # what the libraries print must not pass for an answer
        channel.write(b"done\n")
        for line in sys.stdin.buffer:
            engine.recognize(load_raster(Path(os.fsdecode(line.rstrip(b"\n")))))
            channel.write(b"done\n")


if __name__ == "__main__":
    _serve(int(sys.argv[1]))
