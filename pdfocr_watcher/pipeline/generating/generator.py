"""What the pipeline knows of a generative engine, wherever it runs."""

from typing import Protocol

from pdfocr_watcher.engines.base import EngineInfo
from pdfocr_watcher.engines.generation import Generation, GenerationRequest
from pdfocr_watcher.errors import PdfocrError
from pdfocr_watcher.pipeline.reader import EngineState


class Generator(Protocol):
    """Has pages read, many at a time; supervises what does it.

    `state`, `failure` and `info` say how it is; they change by themselves.
    """

    state: EngineState
    failure: PdfocrError | None
    info: EngineInfo | None

    @property
    def pids(self) -> list[int]:
        """The processes of its own that are alive."""
        ...

    @property
    def capacity(self) -> int:
        """Requests that it answers at a time; more of them wait, urgent ones first."""
        ...

    @property
    def overdue(self) -> float:
        """Seconds by which the oldest request that it was given is over its time limit; 0 or less if none is."""
        ...

    @property
    def notes(self) -> tuple[str, ...]:
        """What is not as it was configured, in sentences."""
        ...

    def start(self) -> None:
        """Begin to look after the engine."""
        ...

    async def settled(self) -> None:
        """Wait until the engine is ready or has failed for the first time; bounded."""
        ...

    async def generate(
        self,
        request: GenerationRequest,
        timeout: float,  # noqa: ASYNC109 - it counts from when the engine is given the request
        *,
        urgent: bool = False,
    ) -> Generation:
        """Have a picture read.

        An engine that is not there (yet, or any more) is waited for without a limit, and a request that it took down
        with it is asked again: the caller sees only the answer. Cancelling the call takes the request back.

        Args:
            request: what is asked.
            timeout: seconds that the engine may take from when it is given the request.
            urgent: before those that are not.

        Raises:
            PdfocrError: ENGINE_TIMEOUT; ENGINE_FAILED, the engine refused this request; STORAGE_FAILED, its picture
                cannot be read; ENGINE_CRASHED or ENGINE_OUT_OF_GPU_MEMORY, the engine ended when it was given this
                request and no other.
        """
        ...

    def drain(self) -> None:
        """Give the engine no further requests; those that wait are cancelled, those that it has go on."""
        ...

    async def stop(self) -> None:
        """End it, with all that it started."""
        ...
