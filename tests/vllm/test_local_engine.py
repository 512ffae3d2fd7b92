"""The engine in its own process is vLLM here: every page gets its own text, whatever becomes of vLLM's processes."""

import asyncio
import contextlib
import itertools
import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest
import pytest_asyncio

from pdfocr_watcher.config.model import Vllm
from pdfocr_watcher.engines.generation import FinishReason, GenerationRequest, Sampling
from pdfocr_watcher.engines.profiles import Profile
from pdfocr_watcher.engines.vllm.found import vllm_version
from pdfocr_watcher.engines.vllm.recipe import host_settings
from pdfocr_watcher.errors import ErrorCode, PdfocrError
from pdfocr_watcher.pipeline.generating.local import LocalEngine
from pdfocr_watcher.pipeline.reader import EngineState
from tests.pipeline.doubles import until
from tests.vllm.kit.pages import picture
from tests.vllm.kit.scripts import SCRIPTS
from tests.vllm.settings import ENGINE_ARGUMENTS, NGRAM_PROCESSOR, environment

pytestmark = [pytest.mark.vllm, pytest.mark.asyncio(loop_scope="module")]

PROFILE = Profile(
    name="tests",
    model="tests/scripted",
    parser="grounding",
    prompt="<|grounding|>Convert the document to markdown.",
    template="<image>\n{prompt}",
    ngram_processor=NGRAM_PROCESSOR,
    whitelist=("<td>", "</td>"),
)
RULED = Sampling(max_tokens=400, ngram_size=30, window_size=90)
SMALL = (453, 640)
#: Seconds that vLLM may take to load, and to read a page, on a machine that does other things as well.
START, READ = 400.0, 120.0
NAMES = [name for name, script in SCRIPTS.items() if script.tint is not None]
#: Those that end by themselves or by the rule.
ENDING = [name for name in NAMES if name not in {"endless", "cells"}]

numbers = itertools.count()


def settings(checkpoint, profile=PROFILE, **options):
    arguments = dict(ENGINE_ARGUMENTS)
    options = {name: arguments.pop(name) for name in ("dtype", "max_model_len", "enforce_eager")} | options
    options.setdefault("extra_args", arguments)
    return host_settings(profile, Vllm(**options), model=str(checkpoint), concurrency=6, version=vllm_version())


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def engine(checkpoint):
    with pytest.MonkeyPatch.context() as patch:
        for name, value in environment().items():
            patch.setenv(name, value)
        one = LocalEngine(settings(checkpoint), 6, START)
        one.start()
        await one.settled()
        assert one.state is EngineState.READY, one.failure
        yield one
        processes = [process for pid in one.pids for process in family(pid)]
        await one.stop()
        assert not any(map(_runs, processes))


def family(pid):
    process = psutil.Process(pid)
    return [process, *process.children(recursive=True)]


def core_of(engine):
    """vLLM's own process, in which the model is."""
    (core,) = [one for pid in engine.pids for one in family(pid) if "EngineCore" in "".join(one.cmdline())]
    return core.pid


@pytest.fixture
def read(engine, tmp_path):
    """Have a page of a script read; gives what was generated."""

    async def do(name, sampling=RULED, prompt=PROFILE.prompt, size=SMALL):
        path = tmp_path / f"{next(numbers)}.png"
        picture(name, size).save(path)
        return await engine.generate(GenerationRequest(path, prompt, sampling), READ)

    return do


async def test_it_says_with_what_it_runs(engine, checkpoint):
    assert (engine.info.name, engine.info.model) == ("vllm", str(checkpoint))
    assert engine.info.version == vllm_version()
    assert engine.notes == ()
    assert {
        name: engine.figures[name] for name in ("max_model_len", "max_num_seqs", "dtype", "repetition")
    } == {"max_model_len": 4096, "max_num_seqs": 4, "dtype": "bfloat16", "repetition": "ngram+detection"}  # fmt: skip
    assert engine.figures["kv_cache_tokens"] > 4096


async def test_pages_of_all_kinds_at_a_time_get_each_their_own_text(read):
    answers = await asyncio.gather(*(read(name) for name in [*ENDING, *reversed(ENDING)]))
    for name, answer in zip([*ENDING, *reversed(ENDING)], answers, strict=True):
        assert (answer.text, answer.finish_reason) == (SCRIPTS[name].ruled(30), FinishReason.STOP), name
    assert answers[0].prompt_tokens > 100
    assert answers[0].completion_tokens > 10


async def test_a_text_without_end_is_ended(read):
    endless = await read("endless")
    assert (endless.finish_reason, endless.completion_tokens) == (FinishReason.LENGTH, RULED.max_tokens)
    cells = await read("cells")
    assert cells.finish_reason is FinishReason.REPETITION, "what the rule spares is ended by vLLM's own watch"
    assert cells.completion_tokens < 200


async def test_more_may_be_asked_for_than_there_is_room(read):
    report = await read("report", Sampling(max_tokens=100_000, ngram_size=30))
    assert report.text == SCRIPTS["report"].text


async def test_each_request_has_settings_of_its_own(read):
    tighter = Sampling(max_tokens=400, ngram_size=20, window_size=50, temperature=0.2)
    assert (await read("stutter", tighter)).text == SCRIPTS["stutter"].ruled(20)
    assert (await read("table", prompt="Free OCR.")).text == SCRIPTS["plain"].text
    assert (await read("loop", Sampling(max_tokens=50))).finish_reason is FinishReason.LENGTH


async def test_a_page_that_is_no_picture_fails_alone(engine, read, tmp_path):
    broken = tmp_path / "broken.png"
    broken.write_bytes(b"no picture")
    call = asyncio.create_task(read("letter"))
    with pytest.raises(PdfocrError) as caught:
        await engine.generate(GenerationRequest(broken, PROFILE.prompt, RULED), READ)
    assert caught.value.code is ErrorCode.ENGINE_FAILED
    assert (await call).text == SCRIPTS["letter"].text


async def test_what_is_taken_back_leaves_the_engine_free(engine, read):
    long = Sampling(max_tokens=3000)
    calls = [asyncio.create_task(read("endless", long)) for _ in range(6)]
    await until(lambda: engine._tokens is not None and len(engine._in_hand) == 6, READ)
    for call in calls:
        call.cancel()
    assert (await read("report")).text == SCRIPTS["report"].text
    await asyncio.sleep(2)  # two beats
    before = engine._tokens
    await asyncio.sleep(2)
    assert engine._tokens == before, "nothing is written any more for those that were taken back"


@pytest.mark.parametrize("victim", ["the engine", "the process that holds it"])
async def test_a_kill_in_the_middle_of_pages_costs_nothing_but_time(engine, read, victim):
    host = engine.pids[0]
    calls = [asyncio.create_task(read(name)) for name in ENDING * 2]
    await until(lambda: any(call.done() for call in calls), READ)
    assert not all(call.done() for call in calls)

    os.kill(core_of(engine) if victim == "the engine" else host, signal.SIGKILL)

    answers = await asyncio.gather(*calls)
    assert [answer.text for answer in answers] == [SCRIPTS[name].ruled(30) for name in ENDING * 2]
    assert engine.pids not in ([], [host])
    assert engine.state is EngineState.READY


@pytest.mark.parametrize(("left_out", "advice"), [("config.json", "engine.model"), ("model.safetensors", "not whole")])
async def test_a_model_that_is_not_whole_is_said_with_what_to_do(checkpoint, tmp_path, left_out, advice):
    shutil.copytree(checkpoint, tmp_path / "model", ignore=shutil.ignore_patterns(left_out))
    engine = LocalEngine(settings(tmp_path / "model"), 6, START)
    engine.start()
    try:
        await engine.settled()
        assert (engine.state, engine.failure.code) == (EngineState.FAILED, ErrorCode.ENGINE_UNAVAILABLE)
        assert advice in engine.failure.detail
    finally:
        await engine.stop()


DAEMON = """
import asyncio, sys
from pathlib import Path
from pdfocr_watcher.engines.vllm.recipe import HostSettings
from pdfocr_watcher.pipeline.generating.local import LocalEngine

async def main():
    engine = LocalEngine(HostSettings.from_json(sys.argv[1]), 6, 400)
    engine.start()
    await engine.settled()
    print(engine.state, *engine.pids, flush=True)
    print(*engine.notes, flush=True)
    await asyncio.sleep(600)

asyncio.run(main())
"""


async def test_nothing_of_vllm_outlives_a_daemon_that_was_killed_and_a_rule_that_is_not_there_is_left_out(checkpoint):
    gone = PROFILE.model_copy(update={"ngram_processor": NGRAM_PROCESSOR + "OfTomorrow"})
    command = [sys.executable, "-c", DAEMON, settings(checkpoint, gone).to_json()]
    with subprocess.Popen(command, stdout=subprocess.PIPE, env=environment(), text=True) as daemon:  # noqa: ASYNC220
        lines = [line async for line in _lines(daemon)]
        assert lines[0].startswith("ready"), lines
        processes = [one for pid in lines[0].split()[1:] for one in family(int(pid))]
        assert len(processes) > 2
        assert "ngram is left out" in lines[1]
        shared = {name for one in processes for name in _shared_memory(one.pid)}
        assert shared
        daemon.kill()
        await until(lambda: not any(map(_runs, processes)))
        await until(lambda: not any(map(Path.exists, shared)))


async def _lines(daemon):
    """The two lines that it says; log lines are passed over."""
    while line := await asyncio.to_thread(daemon.stdout.readline):
        if line.startswith(("ready ", "failed", "vllm.")):
            yield line
        if line.startswith("vllm."):
            return


def _shared_memory(pid):
    """The names of the shared memory that a process has."""
    with contextlib.suppress(OSError):
        maps = Path(f"/proc/{pid}/maps").read_text()
        return {Path(name) for name in re.findall(r"/dev/shm/\S+", maps)}  # noqa: S108 - where its names are
    return set()


def _runs(process):
    with contextlib.suppress(psutil.NoSuchProcess):
        return process.status() != psutil.STATUS_ZOMBIE
    return False
