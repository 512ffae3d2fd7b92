"""The tests' model answers every page as its script says, in vLLM's engine and behind vLLM's server."""

import asyncio
import base64
import gc
import io
from pathlib import Path
from typing import Any

import httpx
import pytest
from PIL import Image

from tests.vllm.kit.pages import picture
from tests.vllm.kit.scripts import SCRIPTS
from tests.vllm.server import VllmServer
from tests.vllm.settings import ENGINE_ARGUMENTS, NGRAM_PROCESSOR

pytestmark = [
    pytest.mark.vllm,
    pytest.mark.filterwarnings("ignore"),  # vLLM's own, and those of what it imports
]

PROMPT = "<|grounding|>Convert the document to markdown."
MAX_TOKENS = 120
NAMES = [name for name, script in SCRIPTS.items() if script.tint is not None]
#: Those that the rule against repetition does not end.
ENDLESS = ("endless", "cells")
SMALL = (453, 640)


def written(name: str, ngram_size: int = 30) -> tuple[str, str]:
    """The text that a page gets, and why it ends."""
    script = SCRIPTS[name]
    return (script.beginning(MAX_TOKENS), "length") if name in ENDLESS else (script.ruled(ngram_size), "stop")


class Engine:
    """vLLM's own asynchronous engine, in a process beside this one."""

    def __init__(self, checkpoint: Path) -> None:
        from vllm import AsyncEngineArgs, AsyncLLMEngine  # noqa: PLC0415 - costs seconds

        arguments = AsyncEngineArgs(model=str(checkpoint), logits_processors=[NGRAM_PROCESSOR], **ENGINE_ARGUMENTS)
        self.engine = AsyncLLMEngine.from_engine_args(arguments)
        self.cells = self.engine.get_tokenizer().convert_tokens_to_ids(["<td>", "</td>"])

    async def read(self, page: Image.Image, prompt: str = PROMPT, **rule: Any) -> tuple[str, str]:
        from vllm import SamplingParams  # noqa: PLC0415
        from vllm.sampling_params import RequestOutputKind  # noqa: PLC0415

        rule = {"ngram_size": 30, "window_size": 90, "whitelist_token_ids": self.cells} | rule
        sampling = SamplingParams(
            temperature=0,
            max_tokens=MAX_TOKENS,
            skip_special_tokens=False,
            output_kind=RequestOutputKind.FINAL_ONLY,
            extra_args=rule,
        )
        asked = {"prompt": f"<image>\n{prompt}", "multi_modal_data": {"image": page}}
        answers = [answer async for answer in self.engine.generate(asked, sampling, str(id(page)))]
        return answers[-1].outputs[0].text, answers[-1].outputs[0].finish_reason

    def close(self) -> None:
        self.engine.shutdown()
        # Else it does that again when the interpreter is about to end, and says that it cannot.
        del self.engine
        gc.collect()


@pytest.mark.usefixtures("vllm_environment")
async def test_the_engine_writes_the_script_of_each_page(checkpoint) -> None:
    engine = Engine(checkpoint)
    try:
        # In the model's full size, and in that of a second try.
        for size in ((1191, 1684), SMALL):
            answers = await asyncio.gather(*(engine.read(picture(name, size)) for name in NAMES))
            assert dict(zip(NAMES, answers, strict=True)) == {name: written(name) for name in NAMES}
        # With a rule that is stricter, and with one that spares no token.
        assert await engine.read(picture("stutter", SMALL), ngram_size=20, window_size=50) == written("stutter", 20)
        assert "came to the point" in written("stutter", 20)[0]
        ruled = SCRIPTS["cells"].ruled(30)
        assert await engine.read(picture("cells", SMALL), whitelist_token_ids=[]) == (ruled, "stop")
        assert await engine.read(picture("table"), "Free OCR.") == (SCRIPTS["plain"].text, "stop")
    finally:
        engine.close()


def request(server: VllmServer, name: str) -> dict[str, Any]:
    encoded = io.BytesIO()
    picture(name).save(encoded, "JPEG", quality=95)
    url = "data:image/jpeg;base64," + base64.b64encode(encoded.getvalue()).decode()
    content = [{"type": "image_url", "image_url": {"url": url}}, {"type": "text", "text": PROMPT}]
    return {
        "model": server.model,
        "messages": [{"role": "user", "content": content}],
        "temperature": 0,
        "max_tokens": MAX_TOKENS,
        "skip_special_tokens": False,
        "vllm_xargs": {"ngram_size": 30, "window_size": 90},
    }


async def test_a_server_writes_the_script_of_each_of_two_pages(server) -> None:
    names = ("letter", "loop")
    async with httpx.AsyncClient(base_url=server.url, timeout=60) as client:
        asked = (client.post("/v1/chat/completions", json=request(server, name)) for name in names)
        choices = [answer.json()["choices"][0] for answer in await asyncio.gather(*asked)]
    assert [(choice["message"]["content"], choice["finish_reason"]) for choice in choices] == [
        written(name) for name in names
    ]
