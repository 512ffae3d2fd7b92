"""The generative engine on this machine: one process, supervised, that has many pages in hand.

Whatever becomes of the process, each request gets an answer: it is asked again, or fails if it was the cause. How the
process is spoken with is in `host_process`, what its failures mean in `engines.vllm.advice`.
"""

import asyncio
import itertools
import math
from typing import Any

import structlog

from pdfocr_watcher.engines.base import EngineInfo
from pdfocr_watcher.engines.generation import Generation, GenerationRequest
from pdfocr_watcher.engines.vllm.advice import Advice, Phase, advise, root_cause
from pdfocr_watcher.engines.vllm.recipe import HostSettings
from pdfocr_watcher.errors import ErrorCode, PdfocrError
from pdfocr_watcher.pipeline.backoff import BACKOFF as _BACKOFF
from pdfocr_watcher.pipeline.backoff import pause
from pdfocr_watcher.pipeline.generating.host_process import HostProcess
from pdfocr_watcher.pipeline.generating.protocol import Answer, Beat, cancel_line, request_line
from pdfocr_watcher.pipeline.generating.waiting import Order, Waiting, culprit
from pdfocr_watcher.pipeline.reader import EngineState

_log = structlog.get_logger(__name__)

#: Seconds that the process has to end by itself once its input is closed. vLLM's own end takes longer, about 5 s, and
#: is worth no more than being killed: nothing is kept there, and the driver gives the GPU's memory back. The daemon
#: waits little longer than this.
_GRACE = 3.0
#: Seconds between two looks at whether a request takes too long, or the engine hangs.
_WATCH_INTERVAL = 0.5
#: An engine that has written no token for so many seconds hangs, if a request is over its time limit meanwhile. A
#: picture is looked at in a few.
_STALLED = 60.0
#: A process that has not said for so many seconds that it lives hangs.
_SILENT = 60.0
#: Characters of what a process told to people that are logged.
_LOGGED = 2000


class LocalEngine:
    """A `Generator` with an engine in a process of its own.

    Args:
        settings: what the process is started with.
        capacity: requests that it is given at a time.
        start_timeout: seconds that the engine may take to load.
    """

    def __init__(self, settings: HostSettings, capacity: int, start_timeout: float) -> None:
        self._settings = settings
        self._configured = settings
        self._capacity = capacity
        self._start_timeout = start_timeout
        self._process = HostProcess()
        self._waiting = Waiting()
        self._in_hand: dict[int, Order] = {}
        self._serial = itertools.count()
        self._given = 0
        self._runner: asyncio.Task[None] | None = None
        self._settled = asyncio.Event()
        self._draining = False
        #: Starts in a row after which no request was answered.
        self._failures = 0
        self._hung = False
        self._beat = self._progress = 0.0
        self._tokens: int | None = None
        self._changes: list[str] = []
        self._notes: tuple[str, ...] = ()
        self.state = EngineState.LOADING
        self.failure: PdfocrError | None = None
        self.info: EngineInfo | None = None
        #: With what the engine really runs, by vLLM's names; empty until it has loaded.
        self.figures: dict[str, Any] = {}

    @property
    def pids(self) -> list[int]:
        """The engine's process, if it is alive."""
        return [self._process.pid] if self._process.pid is not None else []

    @property
    def capacity(self) -> int:
        """Requests that the engine is given at a time; fewer where it had to be started with less."""
        return max(1, math.ceil(self._capacity * self._settings.max_num_seqs / self._configured.max_num_seqs))

    @property
    def overdue(self) -> float:
        """See `Generator.overdue`."""
        now = asyncio.get_running_loop().time()
        return max((now - order.given - order.timeout for order in self._in_hand.values()), default=0.0)

    @property
    def notes(self) -> tuple[str, ...]:
        """What is not as it was configured, in sentences."""
        return (*self._changes, *self._notes)

    def start(self) -> None:
        """Begin to start the engine."""
        self._runner = asyncio.create_task(self._run())

    async def settled(self) -> None:
        """Wait until the engine is ready or has failed for the first time; bounded by the start's limit."""
        await self._settled.wait()

    async def generate(self, request: GenerationRequest, timeout: float, *, urgent: bool = False) -> Generation:  # noqa: ASYNC109 - see Generator
        """Have a picture read; see `Generator.generate`."""
        rank = (not urgent, next(self._serial))
        order = Order(rank, request, timeout, asyncio.get_running_loop().create_future())
        if self._draining:
            order.result.cancel()
        else:
            self._waiting.put(order)
            self._give()
        try:
            return await order.result
        except asyncio.CancelledError:
            self._take_back(order)
            raise

    def drain(self) -> None:
        """Cancel the requests that the engine was not given, and give it no more; those that it has go on."""
        self._draining = True
        for order in self._waiting.clear():
            order.result.cancel()

    async def stop(self) -> None:
        """End the engine."""
        self.drain()
        if self._runner is not None:
            self._runner.cancel()
            await asyncio.gather(self._runner, return_exceptions=True)
        self._give_up_in_hand()
        await self._process.stop(_GRACE)

    def _give(self) -> None:
        """Give the engine what it may be given."""
        while self._process.ready and (order := self._waiting.take(self._in_hand.values(), self.capacity)) is not None:
            self._given += 1
            order.given = asyncio.get_running_loop().time()
            self._in_hand[self._given] = order
            self._process.send(request_line(self._given, order.request))

    def _take_back(self, order: Order) -> None:
        for number in [number for number, one in self._in_hand.items() if one is order]:
            del self._in_hand[number]
            self._process.send(cancel_line(number))
        self._give()

    def _give_up_in_hand(self) -> None:
        for order in self._in_hand.values():
            order.result.cancel()
        self._in_hand.clear()

    async def _run(self) -> None:
        while not self._draining:
            try:
                await asyncio.sleep(pause(self._failures, _BACKOFF))
                if await self._load():
                    await self._serve()
                    self._bury()
            except Exception as error:  # noqa: BLE001 - a runner that ended would leave its pages waiting for ever
                _log.exception("engine.defect")
                await self._process.condemn(f"{type(error).__name__}.")
                self._failures += 1
                self._return(PdfocrError(ErrorCode.INTERNAL, f"{type(error).__name__}: {error}"))

    async def _load(self) -> bool:
        """Start the process; whether its engine is ready."""
        try:
            ready = await self._process.start(self._settings, self._start_timeout)
        except PdfocrError as error:
            self._failures += 1
            advice = advise(self._process.said, error.detail, self._settings, Phase.LOADING)
            # It does not count as failed yet where it will be started with less.
            hopeful = advice is not None and advice.step is not None
            state = EngineState.LOADING if hopeful else EngineState.FAILED
            self._note_failure(_explained(error, advice, self._process.said), state)
            self._step_down(advice)
            return False
        self.info, self.figures, self._notes = ready.info, ready.figures, ready.notes
        self.state, self.failure = EngineState.READY, None
        self._tokens = None
        self._hung = False
        self._beat = self._progress = asyncio.get_running_loop().time()
        engine, model = ready.info.name, ready.info.model
        _log.info("engine.ready", pid=self._process.pid, engine=engine, model=model, figures=ready.figures)
        for note in self.notes:
            _log.warning("engine.not_as_configured", note=note)
        self._settled.set()
        return True

    async def _serve(self) -> None:
        """Give the engine requests and take its answers until it is gone."""
        watch = asyncio.create_task(self._watch())
        try:
            self._give()
            while (said := await self._process.hear()) is not None:
                await self._take(said)
        finally:
            watch.cancel()
            await asyncio.gather(watch, return_exceptions=True)

    async def _take(self, said: Answer | Beat) -> None:
        now = asyncio.get_running_loop().time()
        self._beat = now
        if isinstance(said, Beat):
            if said.tokens is not None and said.tokens > (self._tokens or 0):
                self._progress = now
            self._tokens = said.tokens
            return
        order = self._in_hand.pop(said.number, None)
        if order is not None:
            self._progress = now
            self._failures = 0
            _settle(order, said.outcome)
            self._give()
        elif said.number > self._given:  # the others were taken back
            await self._process.condemn("Its process answered what nobody had asked.")

    async def _watch(self) -> None:
        """End what takes too long: the request, where the engine works on others; else the engine."""
        while True:
            await asyncio.sleep(_WATCH_INTERVAL)
            now = asyncio.get_running_loop().time()
            late = {number: order for number, order in self._in_hand.items() if now - order.given > order.timeout}
            if now - self._beat > _SILENT or any(self._stalled(order, now) for order in late.values()):
                self._hung = True
                _log.error("engine.hung", pid=self._process.pid, requests=len(self._in_hand), late=len(late))
                await self._process.condemn("It hung, and was ended.")
                return
            for number, order in late.items():
                del self._in_hand[number]
                self._process.send(cancel_line(number))
                _settle(order, PdfocrError(ErrorCode.ENGINE_TIMEOUT, f"The limit is {order.timeout:g} s."))
            if late:
                self._give()

    def _stalled(self, order: Order, now: float) -> bool:
        """Whether the engine has done nothing for so long that a request's lateness is not the request's own."""
        patience = order.timeout if self._tokens is None else min(order.timeout, _STALLED)
        return now - self._progress > patience

    def _bury(self) -> None:
        """The engine is gone: say why, and have what it had in hand asked again."""
        said, end = self._process.said, self._process.end
        self._failures += 1
        advice = advise(said, end, self._settings, Phase.WORKING)
        failure = _explained(PdfocrError(ErrorCode.ENGINE_CRASHED, end), advice, said)
        with_less = self._step_down(advice)
        blamed = self._return(failure, with_less=with_less)
        # It does not count as failed where the next one has what this one lacked, or is about to be without the page
        # that ended it; and once may be anybody's doing.
        hopeful = with_less or blamed or self._waiting.suspicion
        if self._failures > 1:
            self._note_failure(failure, EngineState.LOADING if hopeful else EngineState.FAILED)
        else:
            self.state = EngineState.LOADING

    def _return(self, failure: PdfocrError, *, with_less: bool = False) -> bool:
        """Have what a dead engine had in hand asked again, but for what it died of.

        Args:
            failure: how it died.
            with_less: whether the next engine is started so that it should not die in that way again.

        Returns:
            Whether one was found that it died of.
        """
        orders = [order for order in self._in_hand.values() if not order.result.done()]
        if self._draining:
            self._give_up_in_hand()
            return False
        self._in_hand.clear()
        blamed = None if with_less else culprit(orders)
        for order in orders:
            if order is not blamed:
                order.deaths += 0 if with_less else 1
                self._waiting.put(order)
        if blamed is not None:
            self._blame(blamed, failure)
        return blamed is not None

    def _blame(self, order: Order, failure: PdfocrError) -> None:
        if self._hung:
            failure = PdfocrError(ErrorCode.ENGINE_TIMEOUT, f"The engine hung; the limit is {order.timeout:g} s.")
        _log.error("engine.died_of_page", picture=str(order.request.picture), code=failure.code, detail=failure.detail)
        _settle(order, failure)
        self._waiting.acquit()

    def _step_down(self, advice: Advice | None) -> bool:
        """Start with less from now on, if that is advised; whether it was."""
        if advice is None or advice.step is None or self._failures < advice.step.tries:
            return False
        self._settings = advice.step.settings
        self._changes.append(advice.step.change)
        _log.warning("engine.stepped_down", change=advice.step.change, because=advice.failure.detail)
        return True

    def _note_failure(self, failure: PdfocrError, state: EngineState) -> None:
        self.state, self.failure = state, failure
        said = self._process.said[-_LOGGED:]
        _log.error("engine.failed", code=failure.code, detail=failure.detail, failures=self._failures, said=said)
        if state is EngineState.FAILED:
            self._settled.set()


def _settle(order: Order, outcome: Generation | PdfocrError) -> None:
    """Tell a caller what came of a request, if it still waits."""
    if order.result.done():
        return
    if isinstance(outcome, PdfocrError):
        order.result.set_exception(outcome)
    else:
        order.result.set_result(outcome)


def _explained(error: PdfocrError, advice: Advice | None, said: str) -> PdfocrError:
    """A failure with what it means, or else with what the engine said of it last."""
    if advice is not None:
        return advice.failure
    cause = root_cause(said)
    known = not cause or cause in error.detail
    return error if known else PdfocrError(error.code, f"{error.detail} It said: {cause}")
