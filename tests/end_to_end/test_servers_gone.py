"""The daemon with its model behind a server: jobs are read, wait while no server answers, and go on when one does."""

import asyncio
import sys
from collections.abc import AsyncIterator

import pytest

from tests.conftest import MakeSite
from tests.end_to_end.harness import Site, wait_for
from tests.end_to_end.markup import pages_of
from tests.pdfs import born_digital
from tests.pipeline.generating.model_server import ModelServer, answer, chat

_TEXT = "<|ref|>text<|/ref|><|det|>[[80, 90, 900, 300]]<|/det|>\nDear reader."
_WAITING = {"pending", "processing"}


@pytest.fixture
async def server() -> AsyncIterator[ModelServer]:
    server = ModelServer(behave=answer(chat(_TEXT)))
    await server.start()
    yield server
    await server.stop()


def _settings(server: ModelServer, **engine: float) -> dict[str, dict[str, object]]:
    return {
        "engine": {"name": "vllm-server", **engine},
        "servers": {"urls": [server.url], "health_interval": 0.2},
        "render": {"dpi": 60},
    }


def _read(site: Site, name: str, pages: int) -> None:
    job = site.result(name)
    assert (job.status["status"], job.status["failed_pages"]) == ("completed", [])
    assert pages_of(job.text()) == ["Dear reader."] * pages
    assert job.status["engine"]["name"] == "vllm-server"


async def test_jobs_wait_while_no_server_answers_and_go_on_when_one_does(
    make_site: MakeSite, server: ModelServer
) -> None:
    site = make_site(_settings(server))
    await asyncio.to_thread(site.start)
    site.drop("before.pdf", born_digital(2))
    await asyncio.to_thread(_read, site, "before.pdf", 2)

    await server.stop()
    await asyncio.to_thread(wait_for, lambda: site.health()["engine_state"] == "unreachable", "the server is missed")
    site.drop("meanwhile.pdf", born_digital(3))
    await asyncio.to_thread(wait_for, site.in_work, "the job is claimed")
    health = site.health()
    assert (health["state"], "no connection" in health["reason"]) == ("paused", True)
    (job,) = site.in_work()
    assert job.status["status"] in _WAITING

    await server.start()
    await asyncio.to_thread(_read, site, "meanwhile.pdf", 3)
    await asyncio.to_thread(wait_for, lambda: site.health()["state"] == "running", "all is well again")


async def test_once_gives_up_when_no_server_answers_and_the_next_run_reads_the_page(
    make_site: MakeSite, server: ModelServer
) -> None:
    site = make_site(_settings(server, start_timeout_seconds=1.0))
    site.drop("letter.pdf", born_digital())
    await server.stop()
    status, said = await _once(site)
    assert status == 69
    assert "engine_unreachable" in said
    assert site.results() == []

    await server.start()
    status, said = await _once(site)
    assert status == 0, said
    _read(site, "letter.pdf", 1)


async def _once(site: Site) -> tuple[int | None, str]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "pdfocr_watcher", "once", "-c", str(site.config)),
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
    )
    _, said = await asyncio.wait_for(process.communicate(), 60)
    return process.returncode, said.decode()
