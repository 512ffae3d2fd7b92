"""Pages are read by real servers of vLLM, two at a time: all texts exact and at their place, whatever ends a server."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import replace
from pathlib import Path

import httpx
import pytest

from pdfocr_watcher.engines.generation import FinishReason, GenerationRequest, Sampling
from pdfocr_watcher.engines.profiles import Profile, builtin_profiles
from pdfocr_watcher.engines.vllm.recipe import Guard
from pdfocr_watcher.errors import ErrorCode, PdfocrError
from pdfocr_watcher.pipeline.generating.servers import Servers
from pdfocr_watcher.pipeline.reader import EngineState
from tests.pipeline.doubles import until
from tests.vllm.kit.pages import picture
from tests.vllm.kit.scripts import SCRIPTS
from tests.vllm.server import VllmServer

pytestmark = pytest.mark.vllm

MAX_TOKENS = 120
#: Seconds for what the servers have to do.
PATIENCE = 300.0
#: Pages that each server has at a time.
AT_A_TIME = 4
#: Three jobs, by the scripts of their pages.
JOBS = (
    ("report", "table", "letter", "loop", "notice", "formula"),
    ("columns", "list", "endless", "notes", "table", "report", "garbled"),
    ("letter", "stutter", "cells", "empty", "loop", "columns", "list", "notice"),
)

MakeEngine = Callable[..., Awaitable[Servers]]
Ask = Callable[[str, int], GenerationRequest]


def written(name: str) -> tuple[str, FinishReason]:
    """The text that a page gets, and why it ends."""
    if name in {"endless", "cells"}:
        return SCRIPTS[name].beginning(MAX_TOKENS), FinishReason.LENGTH
    return SCRIPTS[name].ruled(30), FinishReason.STOP


@pytest.fixture
def profile() -> Profile:
    """The model's, but for shorter texts."""
    real = builtin_profiles()["deepseek-ocr"]
    return real.model_copy(update={"sampling": real.sampling.model_copy(update={"max_tokens": MAX_TOKENS})})


@pytest.fixture
def ask(tmp_path: Path, profile: Profile) -> Ask:
    """Ask for a page of a script; the number makes its picture another one."""

    def make(name: str, number: int = 1) -> GenerationRequest:
        path = tmp_path / f"{name}-{number}.jpg"
        if not path.exists():
            picture(name, (640, 905), number).save(path, "JPEG", quality=95)
        return GenerationRequest(path, profile.prompt, profile.sampling_for())

    return make


@pytest.fixture
async def make_engine(profile: Profile) -> AsyncIterator[MakeEngine]:
    """Start the engine before some servers."""
    engines: list[Servers] = []

    async def make(*servers: VllmServer) -> Servers:
        engines.append(
            Servers(profile, [f"{server.url}/v1" for server in servers], concurrency=AT_A_TIME, health_interval=1.0)
        )
        engines[-1].start()
        await engines[-1].settled()
        return engines[-1]

    yield make
    for engine in engines:
        await engine.stop()


class Reading:
    """Three jobs whose pages are read at the same time, one page of each after the other."""

    def __init__(self, engine: Servers, ask: Ask, jobs: Sequence[Sequence[str]] = JOBS) -> None:
        self.done = 0
        self._jobs = jobs
        turns = [(job, index) for index in range(max(map(len, jobs))) for job in range(len(jobs))]
        self._pages = {
            (job, index): asyncio.create_task(self._read(engine, ask(jobs[job][index], 100 * job + index)))
            for job, index in turns
            if index < len(jobs[job])
        }

    async def _read(self, engine: Servers, request: GenerationRequest) -> tuple[str, FinishReason]:
        generation = await engine.generate(request, PATIENCE)
        self.done += 1
        return generation.text, generation.finish_reason

    async def pages(self) -> list[list[tuple[str, FinishReason]]]:
        """What was read, job by job."""
        return [
            [await self._pages[number, index] for index in range(len(job))] for number, job in enumerate(self._jobs)
        ]

    async def in_the_middle(self) -> None:
        """Wait until some pages are read, and many are not."""
        begun = self.done
        await until(lambda: self.done > begun + 2, PATIENCE)
        assert self.done < sum(map(len, self._jobs)) - 2 * AT_A_TIME


EXPECTED = [[written(name) for name in job] for job in JOBS]


async def test_no_page_is_lost_whatever_ends_a_server(serve, make_engine, ask) -> None:
    first, second = await asyncio.to_thread(serve, 2)
    engine = await make_engine(first, second)
    await until(lambda: all(condition.useful for condition in engine.conditions), PATIENCE)

    reading = Reading(engine, ask)
    await reading.in_the_middle()
    assert all(condition.in_flight for condition in engine.conditions)
    await asyncio.to_thread(first.kill)  # as a machine that loses its power
    assert await reading.pages() == EXPECTED
    assert engine.state is EngineState.READY
    assert [condition.useful for condition in engine.conditions] == [False, True]

    reading = Reading(engine, ask)
    await reading.in_the_middle()
    done = reading.done
    await asyncio.to_thread(second.stop)  # as one that is asked to end; it was the last
    await until(lambda: str(engine.failure).count("no connection") == 2, PATIENCE)
    assert engine.state is EngineState.UNREACHABLE
    assert reading.done - done <= AT_A_TIME
    first.start()
    assert await reading.pages() == EXPECTED
    assert (engine.state, engine.failure) == (EngineState.READY, None)


async def test_what_a_server_has_is_found_out(server, make_engine, ask, tmp_path) -> None:
    engine = await make_engine(server)
    dialect = engine._posts[0].endpoint.dialect
    assert (dialect.model, dialect.max_model_len) == (server.model, 4096)
    assert dialect.guards == (Guard.NGRAM, Guard.DETECTION)
    assert len(dialect.whitelist) == 2
    assert engine.info.version.startswith("0.")
    broken = tmp_path / "broken.jpg"
    broken.write_bytes(b"no picture")
    request = ask("letter", 1)

    with pytest.raises(PdfocrError) as failure:
        await engine.generate(GenerationRequest(broken, request.prompt, request.sampling), PATIENCE)
    assert failure.value.code is ErrorCode.ENGINE_FAILED
    assert "HTTP 400" in failure.value.detail
    # A page that is taken back is no longer worked on.
    call = asyncio.create_task(engine.generate(ask("endless", 1), PATIENCE))
    await until(lambda: engine.conditions[0].in_flight, PATIENCE)
    call.cancel()
    await until(lambda: _running(server) == 0, PATIENCE)
    # More tokens than there is room for, beside the picture and at all.
    for most in (4000, 8192):
        long = GenerationRequest(request.picture, request.prompt, _with_tokens(request, most))
        assert (await engine.generate(long, PATIENCE)).text == written("letter")[0]


async def test_a_server_without_the_rule_ends_what_repeats_itself(serve, make_engine, ask) -> None:
    (server,) = await asyncio.to_thread(serve, 1, rule=False)
    engine = await make_engine(server)
    assert engine._posts[0].endpoint.dialect.guards == (Guard.DETECTION,)

    loop = ask("loop", 1)
    looped = await engine.generate(GenerationRequest(loop.picture, loop.prompt, _with_tokens(loop, 1000)), PATIENCE)
    letter = await engine.generate(ask("letter", 1), PATIENCE)

    assert (looped.finish_reason, looped.completion_tokens < 1000) == (FinishReason.REPETITION, True)
    assert (letter.text, letter.finish_reason) == written("letter")


def _with_tokens(request: GenerationRequest, max_tokens: int) -> Sampling:
    return replace(request.sampling, max_tokens=max_tokens)


def _running(server: VllmServer) -> float:
    """Pages that a server works on."""
    lines = httpx.get(f"{server.url}/metrics", timeout=30).text.splitlines()
    return sum(float(line.rsplit(" ", 1)[1]) for line in lines if line.startswith("vllm:num_requests_running"))
