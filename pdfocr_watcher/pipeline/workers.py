"""The pool of worker processes: which task goes to whom, and a new process for one that died, hangs or grew."""

import asyncio
import itertools
import math
from dataclasses import dataclass, field

import structlog

from pdfocr_watcher.engines.base import EngineInfo
from pdfocr_watcher.errors import ErrorCode, PdfocrError
from pdfocr_watcher.pipeline.backoff import BACKOFF as _BACKOFF
from pdfocr_watcher.pipeline.backoff import pause
from pdfocr_watcher.pipeline.reader import EngineState
from pdfocr_watcher.pipeline.tasks import Answer, Task
from pdfocr_watcher.pipeline.worker import WorkerSettings
from pdfocr_watcher.pipeline.worker_process import WorkerProcess

_log = structlog.get_logger(__name__)

#: Seconds that a worker has to end by itself once its input is closed.
_GRACE = 2.0
#: Seconds between two looks at the workers' memory, and at whether the idle ones are still well.
_WATCH_INTERVAL = 0.5
#: A worker that has more than this share of its memory limit after a task is replaced before it meets the limit.
_RENEWAL = 0.8


@dataclass(slots=True, eq=False)
class _Place:
    """A worker's place in the pool.

    Attributes:
        worker: who has it now.
        failures: starts in a row after which no task was taken.
        idle: expires the wait for a task; None while it does not wait for one.
        busy: whether it has a task in hand.
        deadline: until when that must be answered, by the clock of the loop.
    """

    worker: WorkerProcess
    failures: int = 0
    idle: asyncio.Timeout | None = None
    busy: bool = False
    deadline: float = math.inf


@dataclass(frozen=True, slots=True, order=True)
class _Order:
    rank: tuple[bool, int]
    task: Task = field(compare=False)
    timeout: float = field(compare=False)
    result: asyncio.Future[Answer] = field(compare=False)


class WorkerPool:
    """Worker processes that share a queue of tasks: urgent ones first, else first come, first served.

    The queue is bounded by its callers: by the rasters that may exist, and one assembly a job.

    Args:
        settings: what each worker is started with.
        size: how many.
        start_timeout: seconds that an engine may take to load.
        memory_bytes: the most memory that a worker may have; None for as much as it wants.
    """

    def __init__(
        self, settings: WorkerSettings, size: int, start_timeout: float, memory_bytes: int | None = None
    ) -> None:
        self._places = [_Place(WorkerProcess(settings)) for _ in range(size)]
        self._memory_bytes = memory_bytes
        # Where a model reads elsewhere, that is the engine.
        self._ready = "engine.ready" if settings.profile is None else "worker.ready"
        self._start_timeout = start_timeout
        self._orders: asyncio.PriorityQueue[_Order] = asyncio.PriorityQueue()
        self._serial = itertools.count()
        self._runners: list[asyncio.Task[None]] = []
        self._settled = asyncio.Event()
        self._draining = False
        self.state = EngineState.LOADING
        self.failure: PdfocrError | None = None
        self.info: EngineInfo | None = None

    @property
    def notes(self) -> tuple[str, ...]:
        """What is not as it was configured: nothing."""
        return ()

    @property
    def in_hand(self) -> int:
        """Rasters that are kept besides those that may wait: none, each goes from its queue to a worker."""
        return 0

    @property
    def overdue(self) -> float:
        """See `Reader.overdue`."""
        if not self._draining and any(runner.done() for runner in self._runners):
            return math.inf
        now = asyncio.get_running_loop().time()
        return max((now - place.deadline for place in self._places if place.busy), default=0.0)

    @property
    def pids(self) -> list[int]:
        """The worker processes that are alive."""
        return [place.worker.pid for place in self._places if place.worker.pid is not None]

    def start(self) -> None:
        """Begin to start the workers."""
        self._runners = [asyncio.create_task(work) for work in (*map(self._run, self._places), self._watch())]

    async def settled(self) -> None:
        """Wait until the engine is ready or has failed for the first time; bounded by the start's limit."""
        await self._settled.wait()

    async def call(
        self,
        task: Task,
        timeout: float,  # noqa: ASYNC109 - see WorkerProcess.start
        *,
        urgent: bool = False,
    ) -> Answer:
        """Have a task done by the next free worker.

        Args:
            task: what to do.
            timeout: seconds, from when a worker takes it.
            urgent: before the tasks that are not.

        Raises:
            PdfocrError: it failed; see `WorkerProcess.call`.
        """
        rank = (not urgent, next(self._serial))
        order = _Order(rank, task, timeout, asyncio.get_running_loop().create_future())
        if self._draining:
            order.result.cancel()
        else:
            self._orders.put_nowait(order)
        return await order.result

    def drain(self) -> None:
        """Cancel the tasks that no worker has taken, and take no more; those that are being done go on."""
        self._draining = True
        while not self._orders.empty():
            self._orders.get_nowait().result.cancel()

    async def stop(self) -> None:
        """End all workers."""
        self.drain()
        for runner in self._runners:
            runner.cancel()
        await asyncio.gather(*self._runners, return_exceptions=True)
        await asyncio.gather(*(place.worker.stop(_GRACE) for place in self._places))

    async def _run(self, place: _Place) -> None:
        while not self._draining:
            await self._ensure_started(place)
            order = await self._next_order(place)
            if order is None:
                await self._replace_idle(place)
            elif not order.result.done():
                place.failures = 0
                place.busy, place.deadline = True, asyncio.get_running_loop().time() + order.timeout
                await self._do(place.worker, order)
                place.busy = False
                await self._renew(place.worker)

    async def _next_order(self, place: _Place) -> _Order | None:
        """The next order for a worker; None if it is no longer fit to be given one."""
        try:
            async with asyncio.timeout(None) as place.idle:
                order = await self._orders.get()
        except TimeoutError:
            return None
        finally:
            place.idle = None
        if place.worker.fit:
            return order
        self._orders.put_nowait(order)  # what happened to the worker before is not the task's fault
        return None

    async def _replace_idle(self, place: _Place) -> None:
        """A worker ended, spoke without being asked, or grew too large while it had nothing to do."""
        place.failures += 1
        failure = PdfocrError(ErrorCode.ENGINE_UNAVAILABLE, "Its process does not live until it is given a page.")
        _log.warning("worker.replaced", pid=place.worker.pid, bytes=place.worker.memory)
        await place.worker.kill()
        if place.failures > 1:  # once may be anybody's doing
            self._note_failure(failure)

    async def _do(self, worker: WorkerProcess, order: _Order) -> None:
        """Have a worker do an order; whatever happens, the order gets its result."""
        try:
            reply = await worker.call(order.task, order.timeout)
        except asyncio.CancelledError:
            order.result.cancel()
            raise
        except PdfocrError as error:
            failure = error
        except Exception as error:  # noqa: BLE001 - a runner that ended would leave its pages waiting for ever
            _log.exception("worker.defect")
            await worker.kill()
            failure = PdfocrError(ErrorCode.ENGINE_CRASHED, f"{type(error).__name__}.")
        else:
            if not order.result.done():
                order.result.set_result(reply)
            return
        if not order.result.done():
            order.result.set_exception(failure)

    async def _renew(self, worker: WorkerProcess) -> None:
        """Replace a worker that has grown from page to page before it meets its limit in the middle of one."""
        if self._memory_bytes is not None and (memory := worker.memory) > _RENEWAL * self._memory_bytes:
            _log.info("worker.renewed", pid=worker.pid, bytes=memory, limit=self._memory_bytes)
            await worker.stop(_GRACE)

    async def _ensure_started(self, place: _Place) -> None:
        while not place.worker.ready:
            if place.failures:
                await asyncio.sleep(pause(place.failures, _BACKOFF))
            try:
                self.info = await place.worker.start(self._start_timeout)
            except PdfocrError as error:
                place.failures += 1
                _log.error("engine.failed", code=error.code, detail=error.detail, failures=place.failures)
                self._note_failure(error)
            else:
                _log.info(self._ready, pid=place.worker.pid, engine=self.info.name, model=self.info.model)
                self.state, self.failure = EngineState.READY, None
                self._settled.set()

    def _note_failure(self, error: PdfocrError) -> None:
        if not any(place.worker.ready for place in self._places):  # the others go on without it
            self.state, self.failure = EngineState.FAILED, error
        self._settled.set()

    async def _watch(self) -> None:
        """Look after the workers until cancelled: none may take more memory than it is allowed, nor die unnoticed."""
        while True:
            await asyncio.sleep(_WATCH_INTERVAL)
            for place in self._places:
                worker, limit = place.worker, self._memory_bytes
                too_large = limit is not None and (memory := worker.memory) > limit
                if place.idle is not None and (too_large or not worker.fit):
                    place.idle.reschedule(0)
                    place.idle = None
                elif place.busy and too_large:
                    detail = f"It had {memory} bytes, and {limit} are allowed."
                    await worker.condemn(PdfocrError(ErrorCode.ENGINE_OUT_OF_MEMORY, detail))
