"""The engine `vllm-server`: pages are read by a model behind one or many OpenAI-compatible servers.

Here a page goes back into the line where its server did not answer. The line is in `endpoints.line`, the choice among
many servers in `endpoints.fleet`, one server in `endpoints.post`, what it is asked in `endpoints.endpoint`.
"""

import asyncio
import contextlib
import ssl
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import httpx
import structlog

from pdfocr_watcher.engines.base import EngineInfo
from pdfocr_watcher.engines.generation import Generation, GenerationRequest
from pdfocr_watcher.engines.profiles import Profile
from pdfocr_watcher.engines.server_address import Address
from pdfocr_watcher.errors import ErrorCode, PdfocrError
from pdfocr_watcher.pipeline.generating.endpoints.endpoint import Endpoint
from pdfocr_watcher.pipeline.generating.endpoints.fault import RefusedError, UnansweredError
from pdfocr_watcher.pipeline.generating.endpoints.fleet import outlook
from pdfocr_watcher.pipeline.generating.endpoints.line import Line
from pdfocr_watcher.pipeline.generating.endpoints.post import Post
from pdfocr_watcher.pipeline.generating.endpoints.tries import Tries
from pdfocr_watcher.pipeline.reader import EngineState

_log = structlog.get_logger(__name__)

#: Seconds for a connection to come about.
_CONNECT = 5.0
#: Seconds that a connection is kept for the next page: less than servers keep them (vLLM 5), or else a page would be
#: sent into one that the server is just closing.
_KEEP_ALIVE = 2.0
#: Connections for looking at a server, beside those for its pages.
_LOOKS = 2
#: Pictures that are read from disk at a time.
_READERS = 4
#: Seconds that requests have to end when the engine is stopped, and connections to be closed.
_STOP = 2.0
#: Seconds that a look at a server may go on when the engine stops.
_LAST_LOOK = 0.2


@dataclass(frozen=True, slots=True)
class ServerCondition:
    """How one server is.

    Attributes:
        address: where it is, without a password.
        useful: whether pages can be expected from it.
        reason: what is wrong with it; empty for nothing.
        in_flight: pages that it has in hand.
    """

    address: str
    useful: bool
    reason: str
    in_flight: int


class Servers:
    """Servers that share a line of pages: urgent ones first, else first come, first served. A `Generator`.

    The line is bounded by its callers: by the rasters that may exist.

    Args:
        profile: how the model is asked.
        urls: the servers' addresses, with or without `/v1`.
        model: the name that they have for the model; empty for the one that they serve.
        api_key: what they ask for; empty for none. An address with a name and a password is opened by those.
        ca_file: certificates that theirs are checked against; empty for those of the system.
        verify_tls: whether they are checked.
        concurrency: pages that each of them has at a time.
        health_interval: seconds between two looks at each.
        start_grace: seconds that servers which do not answer yet may be starting, before that is called a failure.

    Raises:
        PdfocrError: an address or the key cannot be used (CONFIG_INVALID).
    """

    #: None: how a server was started is its own.
    notes: tuple[str, ...] = ()

    def __init__(
        self,
        profile: Profile,
        urls: Sequence[str],
        *,
        model: str = "",
        api_key: str = "",
        ca_file: str = "",
        verify_tls: bool = True,
        concurrency: int = 100,
        health_interval: float = 5.0,
        start_grace: float = 120.0,
    ) -> None:
        self._profile = profile
        self._addresses = _addresses(urls)
        self._model = model
        self._api_key = _key(api_key)
        self._ca_file = ca_file
        self._verify_tls = verify_tls
        self._concurrency = concurrency
        self._health_interval = health_interval
        self._start_grace = start_grace
        # Threads of its own: looking up the name of a host that cannot be found keeps those of the loop for minutes.
        self._threads = ThreadPoolExecutor(_READERS, "pictures")
        self._client: httpx.AsyncClient | None = None
        self._posts: list[Post] = []
        self._watchers: list[asyncio.Task[None]] = []
        self._patience: asyncio.TimerHandle | None = None
        self._line = Line()
        self._draining = False
        self._settled = asyncio.Event()
        self._freed = asyncio.Event()
        self.state = EngineState.LOADING
        self.failure: PdfocrError | None = None
        self.info: EngineInfo | None = None

    @property
    def pids(self) -> list[int]:
        """No processes of its own."""
        return []

    @property
    def capacity(self) -> int:
        """Requests that all servers together answer at a time, when all of them are well."""
        return self._concurrency * len(self._addresses)

    @property
    def overdue(self) -> float:
        """See `Generator.overdue`."""
        return max((post.overdue for post in self._posts), default=0.0)

    @property
    def conditions(self) -> tuple[ServerCondition, ...]:
        """How each server is."""
        return tuple(
            ServerCondition(
                str(post),
                post.standing.useful,
                post.standing.fault.reason if post.standing.fault is not None else "",
                post.in_flight,
            )
            for post in self._posts
        )

    def start(self) -> None:
        """Begin to look after the servers."""
        try:
            self._client = self._make_client()
        except OSError as error:  # an error of TLS is one too
            reason = getattr(error, "reason", None) or error.strerror or str(error)
            detail = f"servers.ca_file: {self._ca_file}: {reason}."
            self._set(EngineState.FAILED, PdfocrError(ErrorCode.ENGINE_UNREACHABLE, detail))
            return
        for address in self._addresses:
            endpoint = Endpoint(address, self._client, self._threads, self._profile, self._model, self._api_key)
            self._posts.append(Post(endpoint, self._concurrency, self._health_interval, self._changed))
        self._line.posts = self._posts
        self._patience = asyncio.get_running_loop().call_later(self._start_grace, self._lose_patience)
        self._watchers = [asyncio.create_task(post.watch()) for post in self._posts]

    def _make_client(self) -> httpx.AsyncClient:
        """What all servers are reached with.

        Proxies and passwords of the environment are not used: pages go where the configuration says, and nowhere else.
        """
        connections = self.capacity + _LOOKS * len(self._addresses)
        return httpx.AsyncClient(
            verify=ssl.create_default_context(cafile=self._ca_file or None) if self._verify_tls else False,
            trust_env=False,
            timeout=httpx.Timeout(None, connect=_CONNECT),
            limits=httpx.Limits(
                max_connections=connections, max_keepalive_connections=connections, keepalive_expiry=_KEEP_ALIVE
            ),
        )

    async def settled(self) -> None:
        """Wait until a server is ready or all have failed for the first time; bounded by `start_grace`."""
        await self._settled.wait()

    async def generate(
        self,
        request: GenerationRequest,
        timeout: float,  # noqa: ASYNC109 - the limit is part of what is asked
        *,
        urgent: bool = False,
    ) -> Generation:
        """Have a picture read by the next server that has room for it; see `Generator.generate`.

        Raises:
            PdfocrError: ENGINE_TIMEOUT; ENGINE_FAILED, the request was refused, or got three times what is no answer;
                ENGINE_CRASHED, three servers were lost with it, or one three times; STORAGE_FAILED, the picture cannot
                be read.
        """
        rank = self._line.rank(urgent=urgent)
        tries = Tries()
        while True:
            losses = tries.losses
            post = await self._line.turn(rank, losses)
            try:
                return await post.ask(request, timeout)
            except RefusedError as error:
                detail = f"{post}: HTTP {error.status}: {error.message}"
                raise PdfocrError(ErrorCode.ENGINE_FAILED, detail) from None
            except UnansweredError as error:
                if (failure := tries.after(error.fault, str(post))) is not None:
                    raise failure from None
            finally:
                post.free(losses)
                self._freed.set()
                self._changed()

    def _changed(self) -> None:
        """A server has more room or less, or stands otherwise than before."""
        if self._draining:
            return
        state, reason = outlook(
            [(str(post), post.standing) for post in self._posts], patient=self._patience is not None
        )
        self._set(state, PdfocrError(ErrorCode.ENGINE_UNREACHABLE, reason) if reason else None)
        self._line.advance()

    def _set(self, state: EngineState, failure: PdfocrError | None) -> None:
        if state is EngineState.READY:
            self._end_patience()
            self.info = self._info() or self.info
        if state is not EngineState.LOADING:
            self._settled.set()
        if state is not self.state:
            if state is EngineState.READY and self.info is not None:
                _log.info("engine.ready", engine=self.info.name, model=self.info.model)
            elif failure is None:
                _log.info("engine.state", state=state)
            else:
                _log.error("engine.state", state=state, detail=failure.detail)
        self.state, self.failure = state, failure

    def _info(self) -> EngineInfo | None:
        """Who reads, by the first server that does."""
        for post in self._posts:
            if post.standing.useful and (dialect := post.endpoint.dialect) is not None:
                return EngineInfo("vllm-server", dialect.model, post.endpoint.version or "unknown")
        return None

    def _lose_patience(self) -> None:
        self._end_patience()
        self._changed()

    def _end_patience(self) -> None:
        if self._patience is not None:
            self._patience.cancel()
            self._patience = None

    def drain(self) -> None:
        """Give the servers no further requests; those that wait are cancelled, those that they have go on."""
        self._draining = True
        self._line.close()

    async def stop(self) -> None:
        """Cancel the requests that the servers have, and let go of them."""
        self.drain()
        self._end_patience()
        self._settled.set()
        for post in self._posts:
            post.close()
        if self._watchers:  # a look that is cancelled may leave connections open that it was about to close
            await asyncio.wait(self._watchers, timeout=_LAST_LOOK)
        for watcher in self._watchers:
            watcher.cancel()
        await asyncio.gather(*self._watchers, return_exceptions=True)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_STOP):
                while any(post.in_flight for post in self._posts):
                    self._freed.clear()
                    await self._freed.wait()
        if self._client is not None:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_STOP):
                    await self._client.aclose()
        self._threads.shutdown(wait=False, cancel_futures=True)


def _addresses(urls: Sequence[str]) -> list[Address]:
    """The addresses, each once."""
    found: dict[str, Address] = {}
    for number, url in enumerate(urls, 1):
        try:
            address = Address.parse(url)
        except ValueError as error:
            # The address itself is not told: there may be a password in it.
            raise PdfocrError(ErrorCode.CONFIG_INVALID, f"servers.urls, entry {number}: {error}.") from None
        found.setdefault(address.base, address)
    if not found:
        raise PdfocrError(ErrorCode.CONFIG_INVALID, "servers.urls names no server.")
    return list(found.values())


def _key(text: str) -> str:
    """A key as it is sent."""
    key = text.strip()
    if not (key.isascii() and key.isprintable()):
        raise PdfocrError(ErrorCode.CONFIG_INVALID, "servers.api_key_file has more than one line, or no plain text.")
    return key
