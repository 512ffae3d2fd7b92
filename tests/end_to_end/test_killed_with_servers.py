"""A daemon killed while servers read its pages: what has a checkpoint is not asked again, and the outputs are equal."""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Awaitable, Callable

import psutil  # type: ignore[import-untyped]
import pytest

from tests.conftest import MakeSite
from tests.end_to_end.harness import Job, Site, wait_for
from tests.pdfs import born_digital
from tests.pipeline.generating.model_server import Answer, Asked, ModelServer, chat

_OUTPUTS = ("output.mmd", "output_det.mmd", "output_layouts.pdf", "output.json", "report.html", "input.pdf")
_PAGES = 12
#: Pages that are answered before the daemon is killed; the next ones are in hand then.
_ANSWERED = 5
_IN_HAND = 3


async def _read(server: ModelServer, asked: Asked) -> Answer | None:
    """The same text for the same picture, and another one for another picture."""
    del server
    name = hashlib.sha256(asked.picture).hexdigest()[:12]
    return chat(f"<|ref|>text<|/ref|><|det|>[[80, 90, 900, 300]]<|/det|>\nThis is {name}.")


def _first(count: int) -> Callable[[ModelServer, Asked], Awaitable[Answer | None]]:
    """Read so many pages; the others have to wait."""
    left = count

    async def behave(server: ModelServer, asked: Asked) -> Answer | None:
        nonlocal left
        left -= 1
        if left < 0:
            await server.released.wait()
        return await _read(server, asked)

    return behave


@pytest.fixture
async def server() -> AsyncIterator[ModelServer]:
    server = ModelServer(behave=_read)
    await server.start()
    yield server
    await server.stop()


def _settings(server: ModelServer) -> dict[str, dict[str, object]]:
    return {
        "engine": {"name": "vllm-server", "max_concurrency": _IN_HAND},
        "servers": {"urls": [server.url], "health_interval": 0.2},
        "render": {"dpi": 60},
    }


def _outputs(job: Job) -> dict[str, bytes]:
    assert (job.status["status"], job.status["failed_pages"]) == ("completed", [])
    return {name: (job.folder / name).read_bytes() for name in _OUTPUTS}


def _pictures(asked: list[Asked]) -> set[bytes]:
    return {page.picture for page in asked}


async def _undisturbed(site: Site, document: bytes) -> dict[str, bytes]:
    await asyncio.to_thread(site.start)
    site.drop("twelve.pdf", document)
    outputs = _outputs(await asyncio.to_thread(site.result, "twelve.pdf"))
    await asyncio.to_thread(site.stop)
    return outputs


async def test_pages_with_a_checkpoint_are_not_asked_again_and_the_outputs_are_the_same(
    make_site: MakeSite, server: ModelServer
) -> None:
    document = born_digital(_PAGES)
    wanted = await _undisturbed(make_site(_settings(server)), document)
    pictures = _pictures(server.pages)
    assert len(pictures) == len(server.pages) == _PAGES, "each page is asked once, and no two look the same"

    site = make_site(_settings(server))
    server.pages.clear()
    server.behave = _first(_ANSWERED)
    daemon = await asyncio.to_thread(site.start)
    site.drop("twelve.pdf", document)
    await asyncio.to_thread(site.processed, _ANSWERED)
    await asyncio.to_thread(wait_for, lambda: server.in_hand == _IN_HAND, "pages in hand")
    _gone, alive = await asyncio.to_thread(psutil.wait_procs, daemon.kill(), 10)
    assert not alive, "workers and renderers end with their daemon"
    (job,) = site.in_work()
    assert len(list((job.folder / "pages").glob("*.json"))) == _ANSWERED
    answered = _pictures(server.pages[:_ANSWERED])
    assert len(server.pages) == _ANSWERED + _IN_HAND

    server.pages.clear()
    server.behave = _read
    await asyncio.to_thread(site.start)
    result = await asyncio.to_thread(site.result, "twelve.pdf")
    assert result.job_id == job.job_id
    assert len(server.pages) == _PAGES - _ANSWERED
    assert _pictures(server.pages) == pictures - answered
    assert _outputs(result) == wanted
