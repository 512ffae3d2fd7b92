"""Pages go through: turns are rendered, rasters are read by the workers, outcomes are counted, jobs are ended.

The event loop decides; rendering and disk work run in threads and processes. Every queue is bounded by the rasters that
may exist, `render.queue_pages` and those that the reader has in hand: a turn is begun only when there is room for its
rasters.
"""

import asyncio
import contextlib
import functools
import os
from collections.abc import Awaitable, Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from typing import Any, TypeVar

import structlog

from pdfocr_watcher.config.model import Config
from pdfocr_watcher.document.model import FailedPage
from pdfocr_watcher.errors import ErrorCode, PdfocrError
from pdfocr_watcher.jobs.checkpoint import write_failed_page
from pdfocr_watcher.jobs.model import EngineStatus, Stage, Status
from pdfocr_watcher.pipeline.active import ActiveJob, Now
from pdfocr_watcher.pipeline.finishing import Finisher
from pdfocr_watcher.pipeline.journal import StatusJournal
from pdfocr_watcher.pipeline.opening import Opened, Opener
from pdfocr_watcher.pipeline.priorities import PriorityScheduler
from pdfocr_watcher.pipeline.ranges import RangeRenderer
from pdfocr_watcher.pipeline.reader import Reader, UnreadablePageError
from pdfocr_watcher.pipeline.rendering import Rasterizer, TextLayers
from pdfocr_watcher.pipeline.scheduler import Turn
from pdfocr_watcher.pipeline.slots import RasterSlots
from pdfocr_watcher.pipeline.storage import Storage
from pdfocr_watcher.pipeline.tasks import Answer, PageTask
from pdfocr_watcher.pipeline.throughput import PageFailure, Throughput

_log = structlog.get_logger(__name__)
_T = TypeVar("_T")

#: Seconds that a stop waits for a disk that refuses.
_PUT_BACK_SECONDS = 2.0
#: What trying the page once more does not change.
_FINAL = frozenset({ErrorCode.RENDER_BUDGET})


@dataclass(frozen=True, slots=True)
class _Raster:
    job: ActiveJob
    index: int
    path: Path
    dpi: float
    quick: bool


class Pipeline:
    """Takes claimed jobs and ends them completed or failed.

    Args:
        config: limits and sizes.
        rasterizers: who renders; the second is tried where the first failed.
        reader: who reads.
        journal: where the statuses are written.
        storage: the jobs folder.
        opener: looks at a PDF before its pages are rendered.
        ended: called with a job that is completed or failed, its status written; it is the caller's from then on.
        now: the clock of the status files.
        render_workers: renderers at work at a time.
        layers: who tells the text layers of the pages; None where they are not wanted.
    """

    def __init__(
        self,
        config: Config,
        rasterizers: tuple[Rasterizer, ...],
        reader: Reader,
        journal: StatusJournal,
        storage: Storage,
        opener: Opener,
        ended: Callable[[ActiveJob], Awaitable[None]],
        now: Now,
        render_workers: int,
        layers: TextLayers | None = None,
    ) -> None:
        self._config = config
        self._reader = reader
        self._journal = journal
        self._storage = storage
        self._opener = opener
        self._ended = ended
        self._now = now
        self._render_workers = render_workers
        self._threads = ThreadPoolExecutor(render_workers + 2, "render")
        limit = config.job.max_render_seconds
        self._ranges = RangeRenderer(config.render, limit, rasterizers, self._threads, layers)
        self._scheduler = PriorityScheduler(config.render.range_pages)
        self._slots = RasterSlots(config.render.queue_pages + reader.in_hand)
        self._finisher = Finisher(
            reader, storage, self._storage_trouble, config.output.write, config.job.min_page_success, now
        )
        self._wake = asyncio.Event()
        self._jobs: dict[str, ActiveJob] = {}
        self._ending: set[str] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._turns: set[asyncio.Task[None]] = set()
        self.throughput = Throughput(monotonic())

    def configure(self, config: Config) -> None:
        """Go by these limits from now on: how often and how long a page may be tried, and what a document may have."""
        self._config = config
        self._opener.configure(config)

    @property
    def jobs(self) -> dict[str, ActiveJob]:
        """The jobs in hand, by id."""
        return self._jobs

    @property
    def busy(self) -> bool:
        """Whether a job is in hand, or has ended and was not handed on yet."""
        return bool(self._jobs or self._ending)

    @property
    def trouble(self) -> str | None:
        """Why nothing goes on at present; None if it does."""
        return self._storage.trouble

    @property
    def rasters_peak(self) -> int:
        """The most rasters that existed at a time."""
        return self._slots.peak

    def in_work(self) -> list[ActiveJob]:
        """The jobs of which something is being worked on now."""
        return [job for job in self._jobs.values() if job.in_flight and not job.cancelled]

    def add(self, job: ActiveJob) -> None:
        """Take a pending job."""
        self._jobs[job.job_id] = job
        self._scheduler.add(job.job_id, job.priority)
        self._wake.set()

    async def cancel(self, job_id: str) -> ActiveJob | None:
        """Drop a job; returns once nothing of it is in flight. None if it is not here."""
        job = self._jobs.pop(job_id, None)
        if job is None:
            return None
        job.cancelled = True
        self._scheduler.remove(job_id)
        # What is being rendered or read goes on and comes to nothing: nobody waits for a page that hangs.
        await asyncio.sleep(0)  # a task that has not begun yet could not give back what it holds
        for task in list(job.tasks):
            task.cancel()
        while job.in_flight:
            await job.idle.wait()
        self._journal.gone(job)
        return job

    async def run(self) -> None:
        """Begin turns as there is room for them, until cancelled."""
        free = asyncio.Semaphore(self._render_workers)
        while True:
            await free.acquire()
            await self._storage.usable()
            turn = await self._next_turn()
            job = self._jobs[turn.job_id]
            await self._slots.take(len(turn.pages))
            if job.cancelled:  # while there was no room for it
                for _ in turn.pages:
                    self._slots.free()
                free.release()
                continue
            job.enter()
            task = self._spawn(job, self._turn(job, turn))
            self._turns.add(task)
            task.add_done_callback(self._turns.discard)
            task.add_done_callback(lambda _: free.release())

    async def stop(self, grace: float) -> None:
        """Stop in good order, once `run` was cancelled: the pages in the workers' hands have `grace` seconds.

        Rasters that still wait are dropped, and the jobs put back to pending.
        """
        for job in self._jobs.values():
            self._scheduler.remove(job.job_id)
        self._reader.drain()
        await asyncio.sleep(0)  # see cancel
        for turn in self._turns:  # what is only rendered would be rendered again
            turn.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=grace)
        for task in self._tasks:
            task.cancel()
        with contextlib.suppress(TimeoutError):  # a status that says processing is resumed all the same
            async with asyncio.timeout(_PUT_BACK_SECONDS):
                await asyncio.gather(*self._tasks, return_exceptions=True)
                await self._put_back()
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def _put_back(self) -> None:
        """Say of the jobs that were begun that they wait again."""
        begun = [job for job in self._jobs.values() if job.status.status is Status.PROCESSING]

        async def put_back(job: ActiveJob) -> None:
            # A worker may have written a checkpoint and not have lived to say so.
            with contextlib.suppress(OSError):
                checkpointed = await self._in_thread(job.folder.checkpointed)
                job.put_back(self._now(), len(checkpointed))
                await self._journal.commit(job)

        await asyncio.gather(*map(put_back, begun))

    def _spawn(self, job: ActiveJob, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(self._guard(job, work))
        for tasks in (self._tasks, job.tasks):
            tasks.add(task)
            task.add_done_callback(tasks.discard)
        return task

    async def _guard(self, job: ActiveJob, work: Coroutine[Any, Any, None]) -> None:
        """A defect of this program costs the job that it met, and is told; nothing waits for ever."""
        try:
            await work
        except Exception as error:  # noqa: BLE001 - see above
            _log.exception("pipeline.defect", job_id=job.job_id)
            if job.job_id in self._jobs:
                await self._end(job, Status.FAILED, PdfocrError(ErrorCode.INTERNAL, f"{type(error).__name__}: {error}"))
                job.cancelled = True  # its other pages may still be in flight

    async def _next_turn(self) -> Turn:
        while (turn := self._scheduler.next()) is None:
            self._wake.clear()
            await self._wake.wait()
        return turn

    async def _in_thread(self, function: Callable[[], _T]) -> _T:
        return await asyncio.get_running_loop().run_in_executor(self._threads, function)

    async def _turn(self, job: ActiveJob, turn: Turn) -> None:
        try:
            if turn.pages:
                await self._render(job, turn)
            else:
                await self._open(job)
        finally:
            job.leave()

    async def _open(self, job: ActiveJob) -> None:
        """Look at the PDF and schedule the pages that have no checkpoint."""
        job.begin(self._now())
        await self._journal.commit(job)
        _log.info("job.processing", job_id=job.job_id, attempt=job.status.attempts)
        try:
            opened = await self._in_thread(functools.partial(self._opener.open, job.folder, job.status))
        except PdfocrError as error:
            error = await self._storage.suspect(error, job.input)
            if error.code is ErrorCode.STORAGE_FAILED:
                await self._open_again(job, error)
            else:
                await self._end(job, Status.FAILED, error)
        except OSError as error:
            await self._open_again(job, error)
        else:
            if not job.cancelled:
                await self._opened(job, opened)

    async def _open_again(self, job: ActiveJob, error: Exception) -> None:
        """The file system refused: the job waits for its turn again."""
        await self._storage_trouble(job, error)
        if not job.cancelled:
            job.put_back(self._now(), job.status.processed_pages)
            self._scheduler.add(job.job_id, job.priority)
            self._wake.set()

    async def _opened(self, job: ActiveJob, opened: Opened) -> None:
        now = self._now()
        job.change(now, sha256=opened.sha256, duplicate_of=opened.duplicate_of, engine=self._engine_status())
        if opened.reused is not None:
            outputs = opened.reused.outputs
            pages = opened.reused.total_pages or 0
            values = {
                "total_pages": pages,
                "processed_pages": pages,
                "outputs": outputs,
                "engine": opened.reused.engine,
            }
            job.change(now, failed_pages=opened.reused.failed_pages, **values)
            await self._end(job, Status.COMPLETED)
            return
        job.unlocked = opened.unlocked
        missing = job.opened(now, opened.sizes, opened.done, opened.failed)
        await self._journal.commit(job)
        if not missing:
            await self._finish(job)
            return
        resolutions = [self._ranges.resolution(job, index) for index in range(len(opened.sizes))]
        breaks = frozenset(i for i in range(1, len(resolutions)) if resolutions[i] != resolutions[i - 1])
        self._scheduler.opened(job.job_id, missing, breaks)
        self._wake.set()

    def _engine_status(self) -> EngineStatus | None:
        info = self._reader.info
        return EngineStatus(name=info.name, model=info.model, version=info.version) if info is not None else None

    async def _render(self, job: ActiveJob, turn: Turn) -> None:
        """Render a turn and hand its rasters to the workers; each raster's slot is freed when it is gone."""
        pages, dpi = turn.pages, self._ranges.resolution(job, turn.pages[0])
        try:
            rendered, error = ({}, None) if job.cancelled else await self._ranges.rasterize(job, pages, dpi)
        except asyncio.CancelledError:
            for _ in pages:
                self._slots.free()
            raise
        for index in pages:
            if index in rendered:
                job.enter()
                self._spawn(job, self._recognize(_Raster(job, index, rendered[index], dpi, turn.quick)))
            else:
                self._slots.free()
        error = error or PdfocrError(ErrorCode.RENDER_FAILED, "The renderer gave no picture.")
        if error.code is ErrorCode.STORAGE_FAILED:
            await self._storage_trouble(job, error)
        for index in (index for index in pages if index not in rendered):
            if error.code is ErrorCode.STORAGE_FAILED or (len(pages) > 1 and error.code not in _FINAL):
                self._again(job, index)  # of several pages nobody knows yet whose fault it was: each alone
            else:
                await self._page_trouble(job, index, error)

    async def _recognize(self, raster: _Raster) -> None:
        """Have a raster read; its slot is freed whatever happens."""
        job, index = raster.job, raster.index
        ready = monotonic()
        layer = self._ranges.text_layer(raster.path)
        task = PageTask(
            str(job.folder.path),
            index,
            str(raster.path),
            raster.dpi,
            text_layer=layer,
            languages=job.settings.languages or (),
            profile=job.settings.profile or "",
            prompt=job.settings.prompt or "",
        )
        if job.status.stage is Stage.RENDERING:
            job.advance(Status.PROCESSING, Stage.RECOGNIZING, self._now())
            self._journal.note(job)
        try:
            try:
                await self._storage.usable()
                if not job.cancelled:
                    limit = self._config.engine.page_timeout_seconds
                    self._note_remark(job, index, await self._reader.call(task, limit, urgent=raster.quick))
            finally:
                self._slots.free()
                self._remove_raster(raster.path)
        except PdfocrError as error:
            await self._page_trouble(job, index, error)
        else:
            self.throughput.took(monotonic() - ready)
            await self._page_done(job)
        finally:
            job.leave()

    def _note_remark(self, job: ActiveJob, index: int, answer: Answer) -> None:
        """Tell people what they may do to have more of a page read, once a job."""
        remark = str(answer.get("remark", ""))
        if remark and remark not in job.remarks:
            job.remarks.add(remark)
            _log.warning("page.remark", job_id=job.job_id, page=index + 1, remark=remark)

    def _again(self, job: ActiveJob, index: int) -> None:
        self._scheduler.again(job.job_id, index)
        self._wake.set()

    async def _page_trouble(self, job: ActiveJob, index: int, error: PdfocrError) -> None:
        """A page failed: try it again, or record it as failed."""
        error = await self._storage.suspect(error, job.input)
        if error.code is ErrorCode.STORAGE_FAILED:
            await self._storage_trouble(job, error)
            self._again(job, index)
            return
        if job.cancelled:
            return
        job.tries[index] = job.tries.get(index, 0) + 1
        attempts = self._config.job.page_attempts
        _log.warning("page.failed", job_id=job.job_id, page=index + 1, code=error.code, attempt=job.tries[index])
        final = error.code in _FINAL or (isinstance(error, UnreadablePageError) and error.final)
        if job.tries[index] < attempts and not final:
            self._again(job, index)
            return
        failed = FailedPage(index, error.code, str(error))
        reading = error.reading if isinstance(error, UnreadablePageError) else {}
        while not job.cancelled:
            try:
                await self._in_thread(functools.partial(write_failed_page, job.folder, failed, reading))
            except OSError as refused:
                await self._storage_trouble(job, refused)
            else:
                await self._page_done(job, failed)
                return

    async def _page_done(self, job: ActiveJob, failed: FailedPage | None = None) -> None:
        if job.cancelled:
            return
        now = self._now()
        failure = PageFailure(ErrorCode(failed.code), job.job_id, now) if failed else None
        self.throughput.done(monotonic(), failure)
        job.page_done(now, failed)
        self._journal.note(job)
        if not job.remaining:
            await self._finish(job)

    async def _finish(self, job: ActiveJob) -> None:
        """Put the outputs together and end the job."""
        job.advance(Status.PROCESSING, Stage.ASSEMBLING, self._now(), engine=self._engine_status())
        await self._journal.commit(job)
        error = await self._finisher.finish(job)
        await self._end(job, Status.FAILED if error else Status.COMPLETED, error)

    async def _end(self, job: ActiveJob, status: Status, error: PdfocrError | None = None) -> None:
        """The job is over: hand it to whoever delivers it."""
        if job.cancelled or job.status.status.finished:
            return
        job.end(status, self._now(), error)
        self._ending.add(job.job_id)
        self._jobs.pop(job.job_id, None)
        self._scheduler.remove(job.job_id)
        try:
            await self._journal.commit(job)
            code = error.code if error else None
            log = _log.info if error is None else _log.warning
            log(f"job.{status.value}", job_id=job.job_id, pages=job.status.total_pages, code=code)
            await self._ended(job)
        finally:
            self._ending.discard(job.job_id)

    async def _storage_trouble(self, job: ActiveJob, error: Exception) -> None:
        """The file system refused a step: nothing is lost, it is tried again after a while."""
        await self._storage.wait_out(error)
        if not job.cancelled and await self._in_thread(functools.partial(self._storage.is_gone, job.folder.path)):
            await self._end(job, Status.FAILED, PdfocrError(ErrorCode.INPUT_MISSING, str(job.folder.path)))
            job.cancelled = True  # every loop that waits for the disk ends with this

    def _remove_raster(self, path: Path) -> None:
        """Remove a raster and what was made of it, without waiting for a disk that may hang."""

        def remove() -> None:
            with contextlib.suppress(OSError):  # the delivery or the next start removes what is left
                for name in os.listdir(path.parent):
                    if name == path.name or name.startswith(f"{path.name}."):
                        (path.parent / name).unlink(missing_ok=True)

        with contextlib.suppress(RuntimeError):  # after the stop
            self._threads.submit(remove)
