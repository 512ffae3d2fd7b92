"""How a model that writes reads a page: prepared by a worker, asked, judged, asked again differently, kept by a worker.

The workers and the model are busy with different pages at the same time; what bounds them are the rasters that may
exist.
"""

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import structlog

from pdfocr_watcher.engines.attempts import Attempt, attempts
from pdfocr_watcher.engines.base import EngineInfo
from pdfocr_watcher.engines.generation import GenerationRequest
from pdfocr_watcher.engines.profiles import Profile
from pdfocr_watcher.engines.runaway import Verdict, judge
from pdfocr_watcher.errors import ErrorCode, PdfocrError
from pdfocr_watcher.pipeline.generating.generator import Generator
from pdfocr_watcher.pipeline.reader import UnreadablePageError
from pdfocr_watcher.pipeline.tasks import Answer, KeepTask, PageTask, Prepared, PrepareTask, Task
from pdfocr_watcher.pipeline.workers import EngineState, WorkerPool

_log = structlog.get_logger(__name__)

#: Seconds that a worker may take to make a picture, or to write a checkpoint.
_WORKER_SECONDS = 120.0


class GenerativeReader:
    """Has pages read by a model.

    Args:
        pool: the workers; they have no engine of their own, but the profile.
        generator: the model.
        profile: how it is asked and read.
    """

    def __init__(self, pool: WorkerPool, generator: Generator, profile: Profile) -> None:
        self._pool = pool
        self._generator = generator
        self._attempts = tuple(attempts(profile))
        self._draining = False

    @property
    def state(self) -> EngineState:
        """How the model is, unless it is the workers that do not work."""
        return self._pool.state if self._pool.state is not EngineState.READY else self._generator.state

    @property
    def failure(self) -> PdfocrError | None:
        """Why nothing is read at present."""
        return self._pool.failure or self._generator.failure

    @property
    def info(self) -> EngineInfo | None:
        """The model."""
        return self._generator.info

    @property
    def in_hand(self) -> int:
        """The pages that the model reads at a time."""
        return self._generator.capacity

    def start(self) -> None:
        """Begin to start the workers and the model."""
        self._pool.start()
        self._generator.start()

    def drain(self) -> None:
        """Ask the model for nothing more; the pages that it has in hand are kept when it's done with them."""
        self._draining = True
        self._generator.drain()

    async def stop(self) -> None:
        """End the model and the workers."""
        self.drain()
        await asyncio.gather(self._generator.stop(), self._pool.stop())

    async def call(self, task: Task, timeout: float, *, urgent: bool = False) -> Answer:  # noqa: ASYNC109 - see Reader
        """Have a task done.

        Args:
            task: what to do.
            timeout: for a page, seconds for each time that the model is asked.
            urgent: before the tasks that are not.

        Raises:
            PdfocrError: it failed; `UnreadablePageError` where the model answered, and never well enough.
        """
        if isinstance(task, PageTask):
            return await self._read(task, timeout, urgent=urgent)
        return await self._pool.call(task, timeout, urgent=urgent)

    async def _read(self, task: PageTask, timeout: float, *, urgent: bool) -> Answer:  # noqa: ASYNC109 - see Reader
        pictures: dict[str, Prepared] = {}
        tries: list[Mapping[str, Any]] = []
        for attempt in self._attempts:
            if attempt.mode not in pictures:
                known = next(iter(pictures.values()), None)
                pictures[attempt.mode] = await self._prepare(task, attempt.mode, known, urgent=urgent)
            picture = pictures[attempt.mode]
            if self._draining:
                raise asyncio.CancelledError
            request = GenerationRequest(Path(picture.picture), attempt.prompt, attempt.sampling)
            generation = await self._generator.generate(request, timeout, urgent=urgent)
            verdict = judge(generation.text, generation.finish_reason, attempt.parser)
            if verdict in {None, Verdict.EMPTY}:
                tried = (*tries, attempt.record(generation, None))
                answer = await self._keep(task, picture, attempt, generation.text, tried, if_blank=verdict is not None)
                if answer["kept"]:
                    return answer
            tries.append(attempt.record(generation, verdict))
            _log.warning("page.runaway", page=task.index + 1, verdict=verdict, attempt=len(tries), mode=attempt.mode)
        ended = ", ".join(f"{record['verdict']} after {record['completion_tokens']} tokens" for record in tries)
        failure = PdfocrError(ErrorCode.ENGINE_RUNAWAY, f"It was asked {len(tries)} times: {ended}.")
        raise UnreadablePageError(failure, {"tries": tries})

    async def _prepare(self, task: PageTask, mode: str, known: Prepared | None, *, urgent: bool) -> Prepared:
        turn, skew = (known.turn, known.skew) if known is not None else (None, None)
        order = PrepareTask(task.job, task.raster, mode, turn, skew)
        return Prepared.of(await self._pool.call(order, _WORKER_SECONDS, urgent=urgent))

    async def _keep(
        self,
        task: PageTask,
        picture: Prepared,
        attempt: Attempt,
        text: str,
        tries: tuple[Mapping[str, Any], ...],
        *,
        if_blank: bool,
    ) -> Answer:
        order = KeepTask(
            task.job,
            task.index,
            task.raster,
            task.dpi,
            picture.turn,
            picture.skew,
            attempt.mode,
            attempt.parser,
            text,
            tries,
            if_blank,
        )
        # Urgent: a page that is done with makes room for another one.
        return await self._pool.call(order, _WORKER_SECONDS, urgent=True)
