"""One server with its pages: looked after without a pause, and given up where it is gone. Every wait has a limit."""

import asyncio
import contextlib
from collections import Counter
from collections.abc import Callable

import structlog

from pdfocr_watcher.engines.generation import Generation, GenerationRequest
from pdfocr_watcher.errors import ErrorCode, PdfocrError
from pdfocr_watcher.pipeline.generating.endpoints.endpoint import Endpoint
from pdfocr_watcher.pipeline.generating.endpoints.fault import Fault, FaultKind, RefusedError, UnansweredError
from pdfocr_watcher.pipeline.generating.endpoints.fleet import Load
from pdfocr_watcher.pipeline.generating.endpoints.standing import Standing

_log = structlog.get_logger(__name__)

#: Seconds that a server has to say that it is well.
_HEALTH = 10.0
#: Seconds that it has to say what it has.
_MEETING = 30.0


class Post:
    """A server, how it stands, and what it has in hand.

    Args:
        endpoint: the server.
        limit: pages that it may have at a time.
        interval: seconds between two looks while it is well.
        changed: called when it may take more pages, or no more.
    """

    def __init__(self, endpoint: Endpoint, limit: int, interval: float, changed: Callable[[], None]) -> None:
        self.endpoint = endpoint
        self.standing = Standing()
        self.in_flight = 0
        self._suspects: Counter[int] = Counter()
        self._limit = limit
        self._interval = interval
        self._changed = changed
        self._doubted = asyncio.Event()
        self._deadlines: set[asyncio.Timeout] = set()
        self._waker: asyncio.TimerHandle | None = None
        self._closed = False

    def __str__(self) -> str:
        return str(self.endpoint.address)

    def load(self) -> Load:
        """What it has in hand, and may have."""
        now = asyncio.get_running_loop().time()
        room = self.standing.room(self._limit, now)
        return Load(self.in_flight, room, self.standing.failures(now), tuple(self._suspects.elements()))

    @property
    def overdue(self) -> float:
        """Seconds by which the oldest request that it has is over its time limit; 0 or less if none is."""
        now = asyncio.get_running_loop().time()
        return max((now - (deadline.when() or now) for deadline in self._deadlines), default=0.0)

    def take(self, losses: int) -> None:
        """A page comes to it, whose servers were lost with it so often."""
        self.in_flight += 1
        if losses:
            self._suspects[losses] += 1

    def free(self, losses: int) -> None:
        """That page is no longer with it."""
        self.in_flight -= 1
        if losses:
            self._suspects[losses] -= 1

    async def ask(self, request: GenerationRequest, timeout: float) -> Generation:  # noqa: ASYNC109 - see Generator
        """Have a page read, which was taken.

        Raises:
            UnansweredError: it was not answered, and may be asked elsewhere.
            RefusedError: the server refuses this request.
            PdfocrError: it took longer than `timeout` seconds (ENGINE_TIMEOUT), or the picture cannot be read.
        """
        spell = self.standing.spell
        try:
            async with asyncio.timeout(timeout) as deadline:
                self._deadlines.add(deadline)
                try:
                    generation = await self.endpoint.ask(request)
                finally:
                    self._deadlines.discard(deadline)
        except UnansweredError as error:
            fault = error.fault
        except RefusedError:
            self.standing.answered()
            raise
        except TimeoutError:
            if self._closed:
                raise asyncio.CancelledError from None
            self.standing.took_too_long(asyncio.get_running_loop().time())
            if await self._is_well():
                raise PdfocrError(ErrorCode.ENGINE_TIMEOUT, f"The limit is {timeout:g} s.") from None
            fault = Fault(FaultKind.LOST, "it does not answer any more")
        else:
            self.standing.answered()
            return generation
        self._let_down(spell, fault)
        raise UnansweredError(fault)

    async def _is_well(self) -> bool:
        """Whether a server that is silent about a page is there at all."""
        if not self.standing.well:
            return False
        try:
            async with asyncio.timeout(_HEALTH):
                await self.endpoint.see_health()
        except (UnansweredError, TimeoutError):
            return False
        return True

    def _let_down(self, spell: int, fault: Fault) -> None:
        """Put it aside for what it did not do."""
        loop = asyncio.get_running_loop()
        if not self.standing.left_unanswered(spell, fault, loop.time()):
            return
        _log.warning("server.let_down", server=str(self), reason=fault.reason, pages=self.in_flight)
        self._doubted.set()
        if self._waker is not None:
            self._waker.cancel()
        self._waker = loop.call_at(self.standing.rests_until, self._changed)
        self._changed()

    async def watch(self) -> None:
        """Look after it until it is closed."""
        while not self._closed:
            self._doubted.clear()
            await self._look()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self.standing.next_look(self._interval)):
                    await self._doubted.wait()

    async def _look(self) -> None:
        spell, anew = self.standing.spell, not self.standing.well
        try:
            async with asyncio.timeout(_HEALTH):
                await self.endpoint.see_health()
            if anew:
                async with asyncio.timeout(_MEETING):
                    await self.endpoint.meet()
        except UnansweredError as error:
            self._found_unwell(error.fault)
        except TimeoutError:
            self._found_unwell(Fault(FaultKind.UNREACHED, "it does not answer"))
        except Exception as error:  # noqa: BLE001 - a look that ended would leave the server aside for ever
            _log.exception("server.defect", server=str(self))
            self._found_unwell(Fault(FaultKind.BROKEN, f"{type(error).__name__}"))
        else:
            if self.standing.found_well(spell) and anew and (dialect := self.endpoint.dialect) is not None:
                told = {"model": dialect.model, "version": self.endpoint.version, "repetition": dialect.guarded_by}
                _log.info("server.ready", server=str(self), **told)
        self._changed()

    def _found_unwell(self, fault: Fault) -> None:
        before = self.standing.fault
        self.standing.found_unwell(fault)
        if self.standing.looks_failed == 1 or before is None or before.kind is not fault.kind:
            _log.warning("server.unwell", server=str(self), reason=fault.reason, pages=self.in_flight)
        if self.standing.gone:
            self._end_all()

    def _end_all(self) -> None:
        """End the requests that it has: they have waited long enough."""
        now = asyncio.get_running_loop().time()
        for deadline in self._deadlines:
            if not deadline.expired():
                deadline.reschedule(now)
        self._deadlines.clear()

    def close(self) -> None:
        """Cancel the requests that it has, and look after it no longer."""
        self._closed = True
        self._doubted.set()
        self._end_all()
        if self._waker is not None:
            self._waker.cancel()
