"""Who reads pages, as the pipeline sees it: worker processes alone, or a model as well."""

from enum import StrEnum
from typing import Protocol

from pdfocr_watcher.engines.base import EngineInfo
from pdfocr_watcher.errors import PdfocrError
from pdfocr_watcher.pipeline.tasks import Answer, Task


class EngineState(StrEnum):
    """How the engine is."""

    LOADING = "loading"
    READY = "ready"
    #: It is on other machines, and none of them answers.
    UNREACHABLE = "unreachable"
    FAILED = "failed"


class Reader(Protocol):
    """Does tasks, many at a time, and looks after what does them. See `pipeline.workers.WorkerPool`."""

    @property
    def state(self) -> EngineState:
        """How the engine is."""
        ...

    @property
    def failure(self) -> PdfocrError | None:
        """Why it cannot read at present; None if it can, or has not begun yet."""
        ...

    @property
    def info(self) -> EngineInfo | None:
        """Who reads; None until that is known."""
        ...

    @property
    def notes(self) -> tuple[str, ...]:
        """What is not as it was configured, in sentences."""
        ...

    @property
    def overdue(self) -> float:
        """Seconds by which the oldest thing in its hands is over its time limit; 0 or less if none is.

        Infinite where what hands out the tasks has ended, which only a defect can bring about.
        """
        ...

    @property
    def in_hand(self) -> int:
        """Rasters that it keeps while it reads them, besides those that wait for it."""
        ...

    def start(self) -> None:
        """Begin to start what reads."""
        ...

    async def call(
        self,
        task: Task,
        timeout: float,  # noqa: ASYNC109 - it counts from when a worker takes the task
        *,
        urgent: bool = False,
    ) -> Answer:
        """Have a task done; see `WorkerPool.call`."""
        ...

    def drain(self) -> None:
        """Begin nothing more."""
        ...

    async def stop(self) -> None:
        """End it all."""
        ...


class UnreadablePageError(PdfocrError):
    """A page that a model was asked for, and that is not read.

    Args:
        error: what it failed with.
        reading: how it was tried, for its checkpoint (`jobs.checkpoint.Checkpoint.reading`).
        final: whether it was tried in every way that the profile has, so that trying it once more changes nothing.
    """

    def __init__(self, error: PdfocrError, reading: dict[str, object], *, final: bool) -> None:
        super().__init__(error.code, error.detail)
        self.reading = reading
        self.final = final
