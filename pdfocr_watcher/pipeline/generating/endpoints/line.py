"""The line in which pages wait for a server: urgent ones first, else first come, first served.

It is bounded by its callers: each of them waits for one page.
"""

import asyncio
import heapq
import itertools
from collections.abc import Sequence
from dataclasses import dataclass, field

from pdfocr_watcher.pipeline.generating.endpoints.fleet import choose
from pdfocr_watcher.pipeline.generating.endpoints.post import Post


@dataclass(frozen=True, slots=True, order=True)
class _Ticket:
    """A page's place in the line."""

    rank: tuple[bool, int]
    losses: int = field(compare=False)
    turn: asyncio.Future[Post] = field(compare=False)


class Line:
    """Pages that wait, and the servers that they wait for.

    Attributes:
        posts: the servers.
    """

    def __init__(self) -> None:
        self.posts: Sequence[Post] = ()
        self._tickets: list[_Ticket] = []
        self._serial = itertools.count()
        self._last = -1
        self._closed = False

    def rank(self, *, urgent: bool) -> tuple[bool, int]:
        """The place of a page that comes now; it keeps it when it has to wait again."""
        return (not urgent, next(self._serial))

    async def turn(self, rank: tuple[bool, int], losses: int) -> Post:
        """Wait for a server with room; the page counts as being there until `Post.free`.

        Args:
            rank: the page's place.
            losses: how often its server was lost with it.

        Raises:
            CancelledError: the line was closed.
        """
        if self._closed:
            raise asyncio.CancelledError
        ticket = _Ticket(rank, losses, asyncio.get_running_loop().create_future())
        heapq.heappush(self._tickets, ticket)
        self.advance()
        try:
            return await ticket.turn
        except asyncio.CancelledError:
            if ticket.turn.done() and not ticket.turn.cancelled():  # in the very moment
                ticket.turn.result().free(losses)
                self.advance()
            raise

    def advance(self) -> None:
        """Give servers as many pages as they have room for."""
        loads = [post.load() for post in self.posts]
        held = []
        while self._tickets and any(load.takes(0) for load in loads):
            ticket = heapq.heappop(self._tickets)
            if ticket.turn.done():
                continue
            index = choose(loads, self._last, ticket.losses)
            if index is None:
                held.append(ticket)
                continue
            self._last = index
            self.posts[index].take(ticket.losses)
            loads[index] = self.posts[index].load()
            ticket.turn.set_result(self.posts[index])
        for ticket in held:
            heapq.heappush(self._tickets, ticket)

    def close(self) -> None:
        """Cancel all that wait, and whoever comes later."""
        self._closed = True
        while self._tickets:
            self._tickets.pop().turn.cancel()
