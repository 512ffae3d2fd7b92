"""A small OpenAI-compatible server on loopback that does as it is told: over real sockets, with and without TLS.

Its text for a page is made of the page's picture, so that answers which went to the wrong page are seen.
"""

import asyncio
import base64
import contextlib
import json
import ssl
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

MODEL = "deepseek-ocr"
#: Seconds that a page may take where the test is not about that.
LONG = 100.0
#: Turns of the loop from the coming of a connection to its being served, and some more.
_TURNS = 10


@dataclass(frozen=True)
class Asked:
    """A request as it came."""

    method: str
    path: str
    headers: dict[str, str]
    body: Any

    @property
    def url(self) -> str:
        """The picture of a page as it was sent."""
        (picture,) = (part for part in self.body["messages"][-1]["content"] if part["type"] == "image_url")
        return str(picture["image_url"]["url"])

    @property
    def picture(self) -> bytes:
        """The picture of a page."""
        return base64.b64decode(self.url.partition(";base64,")[2])


@dataclass(frozen=True)
class Answer:
    """What is sent back.

    Attributes:
        status: the HTTP status.
        body: text as it is, anything else as JSON.
        headers: besides those that every answer has.
        length: the Content-Length that is promised; None for that of the body, and -1 for none.
        sent: bytes of the body that are sent before the connection is torn down; None for all, and no tearing.
    """

    status: int = 200
    body: Any = ""
    headers: dict[str, str] = field(default_factory=dict)
    length: int | None = None
    sent: int | None = None


Behaviour = Callable[["ModelServer", Asked], Awaitable[Answer | None]]


def chat(text: str | None, finish_reason: Any = "stop", **message: Any) -> Answer:
    """A chat completion."""
    choice = {"index": 0, "message": {"role": "assistant", "content": text, **message}, "finish_reason": finish_reason}
    usage = {"prompt_tokens": 939, "completion_tokens": 12, "total_tokens": 951}
    return Answer(body={"object": "chat.completion", "choices": [choice], "usage": usage})


def refusal(status: int, message: str) -> Answer:
    """An error as vLLM words it."""
    return Answer(status, {"error": {"message": message, "type": "BadRequestError", "code": status}})


async def read(server: "ModelServer", asked: Asked) -> Answer | None:
    """Read the page."""
    del server
    return chat(f"read {asked.picture.decode()}")


async def hold(server: "ModelServer", asked: Asked) -> Answer | None:
    """Read the page when it is released."""
    await server.released.wait()
    return await read(server, asked)


async def vanish(server: "ModelServer", asked: Asked) -> Answer | None:
    """Tear the connection down without a word."""
    del server, asked
    return None


def answer(reply: Answer) -> Behaviour:
    """Answer this, whatever the page."""

    async def behave(server: "ModelServer", asked: Asked) -> Answer | None:
        del server, asked
        return reply

    return behave


@dataclass
class ModelServer:
    """The server; its attributes may be changed while it runs.

    Attributes:
        models: what it serves, with the most tokens of a page; None for a server that has no list of them.
        version: of vLLM; None for a server that has no /version.
        health: the status of /health; None for a server that has none.
        tokens: ids of tokens; None for a server that has no /tokenize.
        ngram_rule: whether it was started with the no-repeat rule.
        key: what it asks for.
        behave: what it does with pages, after what `turns` says for the next ones.
        mute: whether it answers nothing at all, as a machine that is gone.
    """

    models: dict[str, int] | None = field(default_factory=lambda: {MODEL: 8192})
    version: str | None = "0.32.0"
    health: int | None = 200
    tokens: dict[str, int] | None = field(default_factory=lambda: {"<td>": 128821, "</td>": 128822})
    ngram_rule: bool = True
    key: str | None = None
    behave: Behaviour = read
    turns: deque[Behaviour] = field(default_factory=deque)
    mute: bool = False
    tls: ssl.SSLContext | None = None

    port: int = 0
    pages: list[Asked] = field(default_factory=list)
    asked: list[Asked] = field(default_factory=list)
    in_hand: int = 0
    most_in_hand: int = 0
    released: asyncio.Event = field(default_factory=asyncio.Event)
    _listener: asyncio.Server | None = None
    _writers: set[asyncio.StreamWriter] = field(default_factory=set)
    _handlers: set[asyncio.Task[None]] = field(default_factory=set)

    @property
    def url(self) -> str:
        """Its address."""
        return f"{'https' if self.tls else 'http'}://127.0.0.1:{self.port}"

    async def start(self) -> None:
        """Listen, on the same port as before."""
        self._listener = await asyncio.start_server(self._serve, "127.0.0.1", self.port, ssl=self.tls)
        self.port = self._listener.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """End as a process does that is killed."""
        if (listener := self._listener) is not None:
            self._listener = None
            for accepting in listener.sockets:
                asyncio.get_running_loop().remove_reader(accepting)
            for _ in range(_TURNS):  # asyncio loses a connection that came just before its listener is closed
                await asyncio.sleep(0)
            listener.close()
        for writer in list(self._writers):
            writer.transport.abort()
        handlers = list(self._handlers)
        for handler in handlers:
            handler.cancel()
        await asyncio.gather(*handlers, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        if self._listener is None:  # it was stopped when the connection had just come
            writer.transport.abort()
            return
        self._handlers.add(task)
        self._writers.add(writer)
        try:
            with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError, ssl.SSLError):
                while asked := await _request(reader):
                    if not await self._reply(asked, reader, writer):
                        return
                writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
                await writer.drain()
        except asyncio.CancelledError:
            pass
        finally:
            writer.transport.abort()
            self._writers.discard(writer)
            self._handlers.discard(task)

    async def _reply(self, asked: Asked, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """Answer, and say whether the connection goes on; who hangs up meanwhile is noticed."""
        self.asked.append(asked)
        work = asyncio.ensure_future(self._answer(asked))
        gone = asyncio.ensure_future(reader.read(1))
        try:
            await asyncio.wait({work, gone}, return_when=asyncio.FIRST_COMPLETED)
            if not work.done():
                return False
        finally:
            work.cancel()
            gone.cancel()
            await asyncio.gather(work, gone, return_exceptions=True)
        reply = work.result()
        if reply is None:
            return False
        await _send(writer, reply)
        return reply.sent is None and reply.length != -1

    async def _answer(self, asked: Asked) -> Answer | None:
        if self.mute:
            await asyncio.Event().wait()
        opened = self.key is None or asked.headers.get("authorization") == f"Bearer {self.key}"
        if asked.path.startswith("/v1") and not opened:
            return Answer(401, {"error": "Unauthorized"})
        if asked.path == "/v1/chat/completions":
            return await self._chat(asked)
        return self._told(asked)

    def _told(self, asked: Asked) -> Answer:
        match asked.method, asked.path:
            case "GET", "/health" if self.health is not None:
                return Answer(self.health)
            case "GET", "/version" if self.version is not None:
                return Answer(body={"version": self.version})
            case "GET", "/v1/models" if self.models is not None:
                models = [{"id": name, "object": "model", "max_model_len": most} for name, most in self.models.items()]
                return Answer(body={"object": "list", "data": models})
            case "POST", "/tokenize" if self.tokens is not None:
                return Answer(body={"count": 1, "tokens": [self.tokens[asked.body["prompt"]]]})
        return Answer(404, {"detail": "Not Found"})

    async def _chat(self, asked: Asked) -> Answer | None:
        if self.models is not None and asked.body["model"] not in self.models:
            return refusal(404, f"The model `{asked.body['model']}` does not exist.")
        if isinstance(asked.body["messages"][-1]["content"], str):
            if self.ngram_rule and asked.body.get("vllm_xargs", {}).get("ngram_size", 1) <= 0:
                return refusal(400, "`ngram_size` has to be a strictly positive integer, got 0.")
            return chat(".", "length")
        self.pages.append(asked)
        self.in_hand += 1
        self.most_in_hand = max(self.most_in_hand, self.in_hand)
        try:
            return await (self.turns.popleft() if self.turns else self.behave)(self, asked)
        finally:
            self.in_hand -= 1


async def _request(reader: asyncio.StreamReader) -> Asked | None:
    """The next request; None for what is none, as the begin of TLS."""
    begin = await reader.readexactly(1)
    if not begin.isalpha():
        return None
    head = begin + await reader.readuntil(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").split("\r\n")
    method, path, _ = first.split(" ", 2)
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines) if name}
    body = await reader.readexactly(int(headers.get("content-length", 0)))
    return Asked(method, path, headers, json.loads(body) if body else None)


async def _send(writer: asyncio.StreamWriter, reply: Answer) -> None:
    body = reply.body.encode() if isinstance(reply.body, str) else json.dumps(reply.body).encode()
    headers = {"Content-Type": "application/json", **reply.headers}
    if reply.length != -1:
        headers["Content-Length"] = str(len(body) if reply.length is None else reply.length)
    lines = [f"HTTP/1.1 {reply.status} Said", *(f"{name}: {value}" for name, value in headers.items()), "", ""]
    writer.write("\r\n".join(lines).encode("latin-1") + body[: reply.sent])
    await writer.drain()
    if reply.sent is not None or reply.length == -1:
        writer.write_eof() if writer.can_write_eof() else None
