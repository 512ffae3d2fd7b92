"""A server that stands for a GPU: it answers pages at a set rate and counts the time that it had none to read.

It speaks as much of the interface of `vllm serve` as the engine `vllm-server` asks for, and reads no picture.
"""

import asyncio
import json
from dataclasses import dataclass, field
from time import monotonic

#: A page of text in DeepSeek-OCR's markup, about as long as a real one (1,000 tokens).
_BLOCK = "<|ref|>text<|/ref|><|det|>[[90, {top}, 910, {bottom}]]<|/det|>\n{words}\n\n"
_WORDS = "the committee of the harbour met in the long winter and read the minutes of every several quiet meeting " * 3
_PAGE = "".join(
    _BLOCK.format(top=top, bottom=top + 80, words=f"Paragraph {top}: {_WORDS.strip()}.") for top in range(60, 900, 90)
)


@dataclass(slots=True)
class Served:
    """What the server saw.

    Attributes:
        pages: requests that were answered.
        first, last: when the first came and the last was answered, by the monotonic clock.
        idle: seconds in between in which it had nothing to read.
        most: the most requests that it had at a time.
    """

    pages: int = 0
    first: float | None = None
    last: float = 0.0
    idle: float = 0.0
    most: int = 0
    waiting: int = field(default=0)

    @property
    def seconds(self) -> float:
        """From the first request to the last answer."""
        return self.last - self.first if self.first is not None else 0.0


class ModelServer:
    """Answers so many pages a second, however many there are at a time.

    Args:
        rate: pages per second.
    """

    def __init__(self, rate: float) -> None:
        self._seconds = 1 / rate
        self._free_at = 0.0
        self._server: asyncio.Server | None = None
        self.served = Served()

    async def start(self) -> str:
        """Listen on a free port; the address."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        return f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}/v1"

    async def stop(self) -> None:
        """Listen no more."""
        if self._server is not None:
            self._server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                start, *lines = head.decode("latin-1").split("\r\n")
                headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
                await reader.readexactly(int(headers.get("content-length", 0)))
                body = json.dumps(await self._answer(start.split()[1])).encode()
                writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n")
                writer.write(b"content-length: %d\r\n\r\n" % len(body) + body)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    async def _answer(self, path: str) -> dict[str, object]:
        if path.endswith("/chat/completions"):
            await self._read()
            choice = {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": _PAGE}}
            usage = {"prompt_tokens": 939, "completion_tokens": 1000, "total_tokens": 1939}
            return {"object": "chat.completion", "model": "stub", "choices": [choice], "usage": usage}
        if path.endswith("/models"):
            return {"object": "list", "data": [{"id": "stub", "object": "model", "max_model_len": 8192}]}
        if path.endswith("/version"):
            return {"version": "0.32.0"}
        return {"tokens": [1], "count": 1, "max_model_len": 8192}

    async def _read(self) -> None:
        """Take the next free moment of the GPU."""
        served, now = self.served, monotonic()
        if served.first is None:
            served.first = now
        elif now > self._free_at:
            served.idle += now - self._free_at
        self._free_at = max(now, self._free_at) + self._seconds
        served.waiting += 1
        served.most = max(served.most, served.waiting)
        await asyncio.sleep(self._free_at - now)
        served.waiting -= 1
        served.pages += 1
        served.last = self._free_at
