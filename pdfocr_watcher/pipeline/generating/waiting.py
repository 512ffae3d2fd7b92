"""The requests that wait for a generative engine, and which of them it may be given. Who gives them is `local`."""

import asyncio
import heapq
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

from pdfocr_watcher.engines.generation import Generation, GenerationRequest

#: A request that was in the engine's hands at so many of its deaths is suspected of being their cause.
_SUSPICIOUS = 2


@dataclass(slots=True, order=True)
class Order:
    """A request on its way.

    Attributes:
        rank: urgent ones first, then first come, first served.
        request: what is asked.
        timeout: seconds that the engine may take.
        result: what the caller waits for.
        deaths: how often the engine died with it in its hands.
        given: when the engine was given it, by the loop's clock.
    """

    rank: tuple[bool, int]
    request: GenerationRequest = field(compare=False)
    timeout: float = field(compare=False)
    result: asyncio.Future[Generation] = field(compare=False)
    deaths: int = field(default=0, compare=False)
    given: float = field(default=0.0, compare=False)

    @property
    def suspect(self) -> bool:
        """Whether it is to be alone with the engine."""
        return self.deaths >= _SUSPICIOUS


class Waiting:
    """A queue of requests, urgent ones first. What is suspected of killing the engine goes before, and alone.

    It is bounded by the callers: each of them waits for one.
    """

    def __init__(self) -> None:
        self._suspects: list[Order] = []
        self._others: list[Order] = []

    @property
    def suspicion(self) -> bool:
        """Whether it is about to be found out what kills the engine."""
        _forget_done(self._suspects)
        return bool(self._suspects)

    def put(self, order: Order) -> None:
        """Have a request wait."""
        heapq.heappush(self._suspects if order.suspect else self._others, order)

    def take(self, in_hand: Collection[Order], capacity: int) -> Order | None:
        """The next request that the engine may be given; None if it is to be given none now.

        Args:
            in_hand: what it has.
            capacity: requests that it may have.
        """
        if any(order.suspect for order in in_hand):
            return None
        _forget_done(self._suspects)
        if self._suspects:
            return None if in_hand else heapq.heappop(self._suspects)
        _forget_done(self._others)
        return heapq.heappop(self._others) if self._others and len(in_hand) < capacity else None

    def acquit(self) -> None:
        """Clear those that are suspected: the one that it was is found."""
        for order in self._suspects:
            order.deaths = 0
            heapq.heappush(self._others, order)
        self._suspects.clear()

    def clear(self) -> list[Order]:
        """All that wait, and wait no longer."""
        orders = [*self._suspects, *self._others]
        self._suspects.clear()
        self._others.clear()
        return orders


def _forget_done(heap: list[Order]) -> None:
    """Drop requests from the top that nobody waits for any more."""
    while heap and heap[0].result.done():
        heapq.heappop(heap)


def culprit(in_hand: Sequence[Order]) -> Order | None:
    """The request that the engine died of: the one that it had alone, if it had died with it before.

    Args:
        in_hand: what it had when it died, this death not yet counted.
    """
    return in_hand[0] if len(in_hand) == 1 and in_hand[0].deaths else None
