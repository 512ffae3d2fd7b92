"""How a model that writes reads a page: prepared by a worker, asked, judged, asked again differently, kept by a worker.

The workers and the model are busy with different pages at the same time; what bounds them are the rasters that may
exist.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import structlog

from pdfocr_watcher.engines.attempts import Attempt, attempts
from pdfocr_watcher.engines.base import EngineInfo
from pdfocr_watcher.engines.generation import Generation, GenerationRequest
from pdfocr_watcher.engines.profiles import Profile
from pdfocr_watcher.engines.runaway import Verdict, judge
from pdfocr_watcher.errors import ErrorCode, PdfocrError
from pdfocr_watcher.pipeline.generating.generator import Generator
from pdfocr_watcher.pipeline.reader import EngineState, UnreadablePageError
from pdfocr_watcher.pipeline.tasks import Answer, KeepTask, PageTask, Prepared, PrepareTask, Task
from pdfocr_watcher.pipeline.workers import WorkerPool

_log = structlog.get_logger(__name__)

#: Seconds that a worker may take to make a picture, or to write a checkpoint.
_WORKER_SECONDS = 120.0
#: How often a page may take too long: once may be the others' doing.
_LATE = 2
#: What is noted of an answer that says that the page is turned.
_TURNED = "turned"


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
    def notes(self) -> tuple[str, ...]:
        """What of the model is not as it was configured."""
        return self._generator.notes

    @property
    def overdue(self) -> float:
        """Of what the workers and the model have in hand; see `Reader.overdue`."""
        return max(self._pool.overdue, self._generator.overdue)

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
        page = _Page(task)
        late = 0
        for attempt in self._attempts:
            try:
                if (answer := await self._try(page, attempt, timeout, urgent=urgent)) is not None:
                    return answer
            except PdfocrError as error:
                page.tries.append(attempt.record(None, error.code))
                late += error.code is ErrorCode.ENGINE_TIMEOUT
                if error.code is not ErrorCode.ENGINE_TIMEOUT or late == _LATE:
                    raise UnreadablePageError(error, page.reading, final=late == _LATE) from error
            verdict = page.tries[-1]["verdict"]
            _log.warning("page.again", page=task.index + 1, verdict=verdict, attempt=len(page.tries), mode=attempt.mode)
        ended = ", ".join(str(record["verdict"]) for record in page.tries)
        failure = PdfocrError(ErrorCode.ENGINE_RUNAWAY, f"It was asked for {len(page.tries)} times: {ended}.")
        raise UnreadablePageError(failure, page.reading, final=True)

    async def _try(
        self,
        page: "_Page",
        attempt: Attempt,
        timeout: float,  # noqa: ASYNC109 - see Reader
        *,
        urgent: bool,
    ) -> Answer | None:
        """Ask for a page in one way; None if the answer is no good, which is noted."""
        while True:
            picture = await self._picture(page, attempt.mode, urgent=urgent)
            request = GenerationRequest(Path(picture.picture), attempt.prompt, attempt.sampling)
            generation = await self._generator.generate(request, timeout, urgent=urgent)
            verdict = judge(generation.text, generation.finish_reason, attempt.parser)
            if verdict not in {None, Verdict.EMPTY}:
                page.tries.append(attempt.record(generation, verdict))
                return None
            kept = await self._keep(page, picture, attempt, generation, if_blank=verdict is Verdict.EMPTY)
            if kept["kept"]:
                return kept
            turn = int(kept.get("turn", 0))
            page.tries.append(attempt.record(generation, verdict or _TURNED))
            if not turn:
                return None
            page.turn_by(turn)  # as the model itself says

    async def _picture(self, page: "_Page", mode: str, *, urgent: bool) -> Prepared:
        """The page's picture for a mode; it is made if it was not yet."""
        if mode not in page.pictures:
            task, lie = page.task, page.lie
            turn, skew = (lie.turn, lie.skew) if lie is not None else (None, None)
            order = PrepareTask(task.job, task.raster, mode, turn, skew)
            page.pictures[mode] = Prepared.of(await self._pool.call(order, _WORKER_SECONDS, urgent=urgent))
            page.lie = page.pictures[mode]
        if self._draining:
            raise asyncio.CancelledError
        return page.pictures[mode]

    async def _keep(
        self, page: "_Page", picture: Prepared, attempt: Attempt, generation: Generation, *, if_blank: bool
    ) -> Answer:
        order = KeepTask(
            page.task.job,
            page.task.index,
            page.task.raster,
            page.task.dpi,
            picture.turn,
            picture.skew,
            attempt.mode,
            attempt.parser,
            generation.text,
            (*page.tries, attempt.record(generation, None)),
            if_blank,
            if_upright=not page.turned,
        )
        # Urgent: a page that is done with makes room for another one.
        return await self._pool.call(order, _WORKER_SECONDS, urgent=True)


@dataclass(slots=True)
class _Page:
    """A page that is being read.

    Attributes:
        task: what is to be done.
        pictures: what was made of it, by mode.
        lie: how it is made upright; None until that was found out.
        turned: whether it was turned because the model said so, which it may do once.
        tries: how it was asked for, and what came of that.
    """

    task: PageTask
    pictures: dict[str, Prepared] = field(default_factory=dict)
    lie: Prepared | None = None
    turned: bool = False
    tries: list[Mapping[str, Any]] = field(default_factory=list)

    @property
    def reading(self) -> dict[str, object]:
        """For the checkpoint of a page that is not read."""
        return {"tries": self.tries}

    def turn_by(self, degrees: int) -> None:
        """Have it turned further, clockwise."""
        if self.lie is not None:
            self.lie = replace(self.lie, turn=(self.lie.turn + degrees) % 360)
        self.turned = True
        self.pictures.clear()
