"""What the tests of the pipeline and of the daemon share: a renderer that does as it is told, and jobs in folders.

The renderer draws pages that differ from each other, so that outputs that were mixed up are not equal.
"""

import asyncio
import os
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from pdfocr_watcher.errors import ErrorCode, PdfocrError
from pdfocr_watcher.jobs.folder import JobFolder
from pdfocr_watcher.jobs.model import JobStatus, Stage, Status
from pdfocr_watcher.jobs.status_file import write_status
from pdfocr_watcher.pipeline.active import ActiveJob
from pdfocr_watcher.pipeline.rendering import PageSize
from pdfocr_watcher.pipeline.tasks import PageTask
from pdfocr_watcher.pipeline.worker import WorkerSettings

#: When the jobs of the tests were claimed.
CLAIMED = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
#: A small page, in points.
CARD = PageSize(72.0, 108.0)
#: A worker that reads nothing, at once.
NULL_WORKER = WorkerSettings(engine="null", threads=1, layout_dpi=72, jpeg_quality=80)
#: Seconds after which a test gives up waiting for what has to come.
PATIENCE = 20.0
#: Seconds that a worker has to start in a test.
START = 30.0

_WIDTH, _HEIGHT = 20, 30


def ppm(index: int) -> bytes:
    """The raster of a page: one colour, another one for each page."""
    return b"P6\n%d %d\n255\n" % (_WIDTH, _HEIGHT) + bytes((index * 37 % 256, index * 91 % 256, 80)) * _WIDTH * _HEIGHT


def pending_status(number: int = 1, filename: str = "letter.pdf", source: str | None = None) -> JobStatus:
    """What a claim writes; the jobs with higher numbers are the later ones."""
    return JobStatus(
        job_id=f"20260102T03{number // 60:02d}{number % 60:02d}Z-{number:08x}",
        status=Status.PENDING,
        stage=Stage.QUEUED,
        filename=filename,
        source=source or filename,
        bytes=13,
        created_at=CLAIMED,
        updated_at=CLAIMED,
    )


def claimed_job(
    jobs: Path,
    number: int = 1,
    filename: str = "letter.pdf",
    source: str | None = None,
    content: bytes = b"%PDF-1.7 card",
) -> ActiveJob:
    """A job as a claim leaves it: its folder with the PDF and a pending status.json."""
    status = pending_status(number, filename, source)
    folder = JobFolder(jobs / status.job_id)
    folder.path.mkdir(parents=True)
    folder.input(filename).write_bytes(content)
    write_status(folder.path, status)
    return ActiveJob(status, folder)


def worker_in_task(fifo: Path) -> int | None:
    """The writing end of a raster that is a FIFO, once a worker has begun to read it; None before."""
    with suppress(OSError):
        return os.open(fifo, os.O_WRONLY | os.O_NONBLOCK)
    return None


async def until(condition: Callable[[], object], patience: float = PATIENCE) -> None:
    """Wait for what other processes and threads do."""
    give_up = time.monotonic() + patience
    while not condition():
        assert time.monotonic() < give_up, "it never came"
        await asyncio.sleep(0.005)


def page_task(folder: JobFolder, index: int = 0) -> PageTask:
    """The task of reading a page, whose raster is made."""
    path = folder.rasters / f"{index:04d}.ppm"
    path.write_bytes(ppm(index))
    return PageTask(str(folder.path), index, str(path), 72.0)


async def outcome(call: Awaitable[object]) -> ErrorCode | None:
    """The code of a call's failure, None if it was done."""
    try:
        async with asyncio.timeout(PATIENCE):
            await call
    except PdfocrError as error:
        return error.code
    return None


@dataclass
class FakeRasterizer:
    """Renders pages as told, to small rasters; thread-safe as far as the tests need it.

    Attributes:
        sizes: of the pages of every document.
        name: as the configuration would have it.
        never: pages that do not come.
        held: pages whose raster is a FIFO: the worker that takes one waits until `release`.
        trouble: called with the pages before they are rendered; what it gives is raised.
        turns: what it was asked for, with the resolution.
        most: the most rasters that lay on disk when it had just rendered.
    """

    sizes: tuple[PageSize, ...] = (CARD,)
    name: str = "first"
    never: frozenset[int] = frozenset()
    held: frozenset[int] = frozenset()
    trouble: Callable[[range], Exception | None] = lambda _pages: None
    inspecting: Callable[[Path], Exception | None] = lambda _pdf: None
    turns: list[tuple[range, float]] = field(default_factory=list)
    most: int = 0
    _writers: dict[int, int] = field(default_factory=dict)
    _fifos: dict[int, Path] = field(default_factory=dict)

    @property
    def pages(self) -> list[int]:
        """The pages that it was asked for, one after the other."""
        return [page for pages, _ in self.turns for page in pages]

    def inspect(self, pdf: Path, max_pages: int, timeout: float) -> tuple[PageSize, ...]:
        """The sizes, whatever is in the file."""
        del timeout
        if (error := self.inspecting(pdf)) is not None:
            raise error
        if len(self.sizes) > max_pages:
            raise PdfocrError(ErrorCode.TOO_MANY_PAGES, f"It has {len(self.sizes)}.")
        return self.sizes

    def render(self, pdf: Path, pages: range, dpi: float, folder: Path, timeout: float) -> dict[int, Path]:
        """Small rasters, but for the pages that are to make trouble."""
        del timeout
        assert pdf.is_file()
        self.turns.append((pages, dpi))
        if (error := self.trouble(pages)) is not None:
            raise error
        rendered = {index: folder / f"{index:04d}.ppm" for index in pages if index not in self.never}
        for index, path in rendered.items():
            if index in self.held:
                os.mkfifo(path)
                self._fifos[index] = path
            else:
                path.write_bytes(ppm(index))
        self.most = max(self.most, len(list(pdf.parent.parent.glob("*/rasters/*/*.ppm"))))
        return rendered

    def in_hand(self, index: int) -> bool:
        """Whether a worker has the held page in hand."""
        if index not in self._writers and index in self._fifos:
            writer = worker_in_task(self._fifos[index])
            if writer is not None:
                self._writers[index] = writer
        return index in self._writers

    async def release(self, index: int) -> None:
        """Let the worker that has the held page go on."""
        await until(lambda: self.in_hand(index))
        os.set_blocking(self._writers[index], True)
        with os.fdopen(self._writers.pop(index), "wb") as writer:
            writer.write(ppm(index))

    def let_go(self) -> None:
        """Close what is still held."""
        for writer in self._writers.values():
            os.close(writer)
        self._writers.clear()
