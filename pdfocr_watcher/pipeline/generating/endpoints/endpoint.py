"""One server, over HTTP: how it is looked at, what it has, and how it is asked. Every answer is bounded in size.

When it is asked, and what a fault of it means for the page, is decided elsewhere. Time limits are the caller's: all of
this may be cancelled at any moment.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from concurrent.futures import Executor
from typing import Any

import httpx
import structlog

from pdfocr_watcher.engines.generation import Generation, GenerationRequest
from pdfocr_watcher.engines.profiles import Profile
from pdfocr_watcher.engines.server_address import Address
from pdfocr_watcher.engines.vllm.recipe import STANDARD_PROCESSOR, Guard
from pdfocr_watcher.engines.vllm.releases import Ability, Release
from pdfocr_watcher.pipeline.generating.endpoints.chat import (
    Dialect,
    around_picture,
    fields_of,
    message_of,
    read_answer,
    without,
)
from pdfocr_watcher.pipeline.generating.endpoints.described import (
    served_models,
    token_ids,
    version_of,
)
from pdfocr_watcher.pipeline.generating.endpoints.fault import (
    Fault,
    FaultKind,
    RefusedError,
    Reply,
    UnansweredError,
    fault_of_error,
    fault_of_reply,
)
from pdfocr_watcher.pipeline.generating.endpoints.picture import upload

_log = structlog.get_logger(__name__)

_OK = 200
#: What servers answer that do not know a path.
_UNKNOWN = frozenset({404, 405, 501})
#: What servers answer that do not like a field.
_UNLIKED = frozenset({400, 422})
#: Bytes of an answer: a page of 100 000 tokens has less than one MB.
_MOST_BYTES = 8 << 20
#: Bytes of an error that are looked at.
_ERROR_BYTES = 1 << 16
#: Models that are named of those that it serves.
_NAMED = 5
#: Seconds for finding out whether a server has the no-repeat rule, and what is said to it. It is no shorter, for of two
#: tokens vLLM 0.32's build for CPUs dies on a processor with AMX.
_TRIAL = 10.0
_TRIAL_TEXT = "Say nothing. " * 16
_CHAT = "/v1/chat/completions"
_JSON = {"Content-Type": "application/json"}


class Endpoint:
    """One server.

    Args:
        address: where it is.
        client: what it is reached with; not closed here.
        threads: where pictures are read.
        profile: the model's.
        model: the name that the server has for the model; empty for the one that it serves.
        api_key: what it asks for; empty for none.
    """

    def __init__(
        self,
        address: Address,
        client: httpx.AsyncClient,
        threads: Executor,
        profile: Profile,
        model: str,
        api_key: str,
    ) -> None:
        self.address = address
        self._threads = threads
        self.version = ""
        self.dialect: Dialect | None = None
        self._client = client
        self._profile = profile
        self._model = model
        # Nothing compressed: a few bytes could become an answer of any size.
        self._headers = {"Accept": "application/json", "Accept-Encoding": "identity"}
        if (authorization := address.authorization(api_key)) is not None:
            self._headers["Authorization"] = authorization
        self._has_health = True
        self._told: set[str] = set()

    async def see_health(self) -> None:
        """See whether it is well: by /health, which load balancers and other servers than vLLM may not have.

        Raises:
            UnansweredError: it is not.
        """
        if self._has_health:
            reply = await self._exchange("GET", "/health")
            if reply.status not in _UNKNOWN:
                if reply.status != _OK:
                    raise _unanswered(reply)
                return
            self._has_health = False
        await self._served()

    async def meet(self) -> None:
        """Find out what it has, at first and whenever it may have been started anew.

        Raises:
            UnansweredError: it cannot be used.
        """
        model, length = await self._served()
        self.version = await self._version()
        guards: list[Guard] = []
        whitelist: tuple[int, ...] = ()
        if _may_be_ruled(self._profile) and await self._has_rule(model):
            guards.append(Guard.NGRAM)
            whitelist = await self._token_ids(model)
        if Release(self.version).can(Ability.REPETITION_DETECTION):
            guards.append(Guard.DETECTION)
        self.dialect = Dialect(model, length or self._profile.max_model_len, tuple(guards), whitelist)
        if self._profile.sampling.ngram_size is not None and Guard.NGRAM not in guards:
            self._tell_once("server.no_ngram_rule", instead=self.dialect.guarded_by)

    async def ask(self, request: GenerationRequest) -> Generation:
        """Have a page read.

        Raises:
            UnansweredError: it was not answered, and may be asked elsewhere.
            RefusedError: the server refuses this request.
            PdfocrError: the picture cannot be read (STORAGE_FAILED).
        """
        if (met := self.dialect) is None:
            raise UnansweredError(Fault(FaultKind.UNREACHED, "it was not met yet"))
        dialect = met
        while True:
            fields = fields_of(request, self._profile.server, dialect)
            before, after = around_picture(fields)
            body = await upload(before, request.picture, after, self._threads)
            length = {"Content-Length": str(body.length)}
            reply = await self._exchange("POST", _CHAT, content=body.pieces, headers=_JSON | length)
            if reply.status == _OK:
                break
            said = message_of(reply.body)
            learnt = without(dialect, fields, said) if reply.status in _UNLIKED else None
            if learnt is None:
                fault = fault_of_reply(reply, said)
                raise RefusedError(reply.status, said) if fault is None else UnansweredError(fault)
            dialect = learnt  # a field less at every turn
        if dialect is not met and self.dialect is met:
            self.dialect = dialect
            _log.info(
                "server.learnt", server=str(self.address), guards=[*dialect.guards], max_tokens=dialect.max_tokens
            )
        try:
            generation = read_answer(reply.body)
        except ValueError as error:
            raise UnansweredError(Fault(FaultKind.BROKEN, f"its answer to a page is none: {error}")) from error
        if generation is None:
            raise UnansweredError(Fault(FaultKind.LOST, "it was stopped while it wrote"))
        return generation

    async def _served(self) -> tuple[str, int | None]:
        """The model's name there, and the most tokens of a page as far as it tells."""
        reply = await self._exchange("GET", "/v1/models")
        if reply.status in _UNKNOWN and self._model:
            return self._model, None
        if reply.status != _OK:
            raise _unanswered(reply)
        try:
            served = served_models(reply.body)
        except ValueError:
            raise UnansweredError(
                Fault(FaultKind.FOREIGN, "what it says it serves cannot be read: see servers.urls")
            ) from None
        wanted = self._model or (self._profile.model if self._profile.model in served else "")
        if not wanted and len(served) == 1:
            wanted = next(iter(served))
        if wanted not in served:
            names = ", ".join(list(served)[:_NAMED]) or "nothing"
            what = f"not {wanted}" if wanted else "and it is not said which is meant"
            raise UnansweredError(Fault(FaultKind.NO_MODEL, f"it serves {names}, {what}: see engine.model"))
        return wanted, served[wanted]

    async def _version(self) -> str:
        """The version of vLLM; empty where it is something else."""
        reply = await self._exchange("GET", "/version")
        return version_of(reply.body) if reply.status == _OK else ""

    async def _has_rule(self, model: str) -> bool:
        """Whether it was started with the no-repeat rule; else it would ignore the rule's settings.

        The rule of vLLM's releases looks at its settings before anything is computed, and refuses a size of 0. So a
        server that answers has no rule. Other rules are not tried in this way, for they may not look.
        """
        if not (self._profile.ngram_processor or STANDARD_PROCESSOR).startswith("vllm."):
            return True
        fields = {
            "model": model,
            "messages": [{"role": "user", "content": _TRIAL_TEXT}],
            "max_tokens": 1,
            "temperature": 0,
            "vllm_xargs": {"ngram_size": 0},
        }
        try:
            async with asyncio.timeout(_TRIAL):
                reply = await self._exchange("POST", _CHAT, content=json.dumps(fields).encode(), headers=_JSON)
        except TimeoutError:
            return True  # it is busy with others' pages
        ignored = reply.status == _OK
        unknown = reply.status in _UNLIKED and "ngram_size" not in message_of(reply.body)
        return not ignored and not unknown

    async def _token_ids(self, model: str) -> tuple[int, ...]:
        """The ids of the tokens that the no-repeat rule never forbids; none where it does not tell."""
        ids: list[int] = []
        for token in self._profile.whitelist:
            fields = {"model": model, "prompt": token, "add_special_tokens": False}
            reply = await self._exchange("POST", "/tokenize", content=json.dumps(fields).encode(), headers=_JSON)
            found = token_ids(reply.body) if reply.status == _OK else ()
            if len(found) != 1:
                self._tell_once("server.no_whitelist", token=token, status=reply.status)
                return ()
            ids += found
        return tuple(ids)

    def _tell_once(self, event: str, **values: Any) -> None:
        if event not in self._told:
            self._told.add(event)
            _log.warning(event, server=str(self.address), **values)

    async def _exchange(
        self,
        method: str,
        path: str,
        content: bytes | AsyncIterator[bytes] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Reply:
        """Send a request and take the answer.

        Raises:
            UnansweredError: there was none, or it is too large.
        """
        try:
            async with self._client.stream(
                method, self.address.url(path), content=content, headers={**self._headers, **(headers or {})}
            ) as response:
                return Reply(response.status_code, response.headers, await _body(response))
        except httpx.HTTPError as error:
            raise UnansweredError(fault_of_error(error)) from error


async def _body(response: httpx.Response) -> bytes:
    """The body of an answer, or the begin of that of an error."""
    if response.headers.get("content-encoding", "identity") != "identity":
        raise UnansweredError(Fault(FaultKind.BROKEN, "its answer is compressed, for which it was not asked"))
    body = bytearray()
    async for piece in response.aiter_raw():
        body += piece
        if response.status_code != _OK and len(body) >= _ERROR_BYTES:
            break
        if len(body) > _MOST_BYTES:
            raise UnansweredError(Fault(FaultKind.BROKEN, f"its answer has more than {_MOST_BYTES >> 20} MB"))
    return bytes(body)


def _may_be_ruled(profile: Profile) -> bool:
    """Whether a page may be read with the no-repeat rule, at first or when it is read again."""
    sizes = (profile.sampling.ngram_size, *(retry.ngram_size for retry in profile.retries))
    return any(size is not None for size in sizes)


def _unanswered(reply: Reply) -> UnansweredError:
    """What a reply other than 200 says about a server that was not asked for a page."""
    refused = Fault(FaultKind.FOREIGN, f"it refuses to tell what it is (HTTP {reply.status}): see servers.urls")
    return UnansweredError(fault_of_reply(reply, message_of(reply.body)) or refused)
