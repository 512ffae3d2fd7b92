"""The process that holds an engine answers many requests at a time, and leaves nothing behind, however it ends."""

import asyncio
import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
from PIL import Image

from pdfocr_watcher.engines.base import EngineInfo
from pdfocr_watcher.engines.generation import FinishReason, Generation, GenerationRequest, Sampling
from pdfocr_watcher.engines.vllm.runtime import EngineGoneError
from pdfocr_watcher.errors import ErrorCode, PdfocrError
from pdfocr_watcher.pipeline.generating import host as host_module
from pdfocr_watcher.pipeline.generating.host import Host
from pdfocr_watcher.pipeline.generating.protocol import cancel_line, request_line
from tests.pipeline.doubles import PATIENCE, until
from tests.pipeline.generating.local.conftest import SETTINGS


class Engine:
    """Answers with the picture's size, when it is let."""

    info = EngineInfo("vllm", "m", "1")
    figures = {"max_num_seqs": 4}  # noqa: RUF012 - never changed
    notes = ("a note",)
    tokens = 5

    def __init__(self):
        self.gone = False
        self.begun = []
        self.cancelled = []
        self.released = asyncio.Event()
        self.failure = None

    async def generate(self, number, request, picture):
        self.begun.append(number)
        try:
            await self.released.wait()
        except asyncio.CancelledError:
            self.cancelled.append(number)
            raise
        if self.failure is not None:
            raise self.failure
        assert picture.mode == "RGB"
        return Generation(f"{request.prompt} {picture.size}", FinishReason.STOP, 1, 2)


class Pipe:
    """Keeps what is written."""

    def __init__(self):
        self.lines = []

    def write(self, line):
        self.lines.append(json.loads(line))

    async def drain(self):
        pass

    def answers(self):
        return {line["number"]: line for line in self.lines if "number" in line}


class Served:
    """A host at work on an engine."""

    def __init__(self):
        self.engine, self.pipe, self.lines = Engine(), Pipe(), asyncio.StreamReader()
        self.end = asyncio.create_task(Host(self.engine, self.lines, self.pipe).serve())

    def ask(self, number, picture, prompt="read"):
        self.lines.feed_data(request_line(number, GenerationRequest(picture, prompt, Sampling(max_tokens=8))))


@pytest.fixture
async def served(monkeypatch):
    monkeypatch.setattr(host_module, "BEAT_INTERVAL", 0.02)
    one = Served()
    yield one
    one.lines.feed_eof()
    async with asyncio.timeout(PATIENCE):
        await asyncio.gather(one.end, return_exceptions=True)


@pytest.fixture
def picture(tmp_path):
    def make(name="a.png", size=(5, 7), mode="RGB"):
        Image.new(mode, size).save(tmp_path / name)
        return tmp_path / name

    return make


async def test_it_says_that_it_is_ready_and_beats(served):
    await until(lambda: len(served.pipe.lines) > 2)
    assert served.pipe.lines[0] == {
        "ready": True,
        "engine": {"name": "vllm", "model": "m", "version": "1"},
        "figures": {"max_num_seqs": 4},
        "notes": ["a note"],
    }
    assert served.pipe.lines[1] == {"beat": {"running": 0, "tokens": 5}}


async def test_many_requests_are_in_work_at_a_time_and_each_is_answered_by_its_number(served, picture):
    for number in (3, 4, 9):
        served.ask(number, picture(f"{number}.png", (number, 7), "L"), f"{number}")
    await until(lambda: set(served.engine.begun) == {3, 4, 9})
    await until(lambda: served.pipe.lines[-1] == {"beat": {"running": 3, "tokens": 5}})
    served.engine.released.set()
    await until(lambda: len(served.pipe.answers()) == 3)
    assert {number: line["text"] for number, line in served.pipe.answers().items()} == {
        3: "3 (3, 7)", 4: "4 (4, 7)", 9: "9 (9, 7)",
    }  # fmt: skip


async def test_a_request_that_is_taken_back_is_not_answered_and_the_next_one_is(served, picture):
    served.ask(1, picture())
    await until(lambda: served.engine.begun)
    served.lines.feed_data(cancel_line(1))
    served.lines.feed_data(cancel_line(77))
    await until(lambda: served.engine.cancelled == [1])
    served.engine.released.set()
    served.ask(2, picture())
    await until(served.pipe.answers)
    assert list(served.pipe.answers()) == [2]


async def test_what_the_engine_refuses_or_raises_is_an_answer(served, picture):
    served.engine.released.set()
    for number, failure in enumerate([PdfocrError(ErrorCode.ENGINE_FAILED, "no"), ZeroDivisionError("odd")]):
        served.engine.failure = failure
        served.ask(number, picture())
        await until(lambda number=number: number in served.pipe.answers())
    assert [(line["ok"], line["code"], line["detail"]) for line in served.pipe.answers().values()] == [
        (False, ErrorCode.ENGINE_FAILED, "no"), (False, ErrorCode.INTERNAL, "ZeroDivisionError: odd"),
    ]  # fmt: skip


async def test_a_picture_that_is_not_there_is_the_file_systems_fault_and_one_that_is_none_the_pages(served, tmp_path):
    (tmp_path / "none.png").write_bytes(b"no picture")
    served.ask(1, tmp_path / "gone.png")
    served.ask(2, tmp_path / "none.png")
    await until(lambda: len(served.pipe.answers()) == 2)
    codes = {number: line["code"] for number, line in served.pipe.answers().items()}
    assert codes == {1: ErrorCode.STORAGE_FAILED, 2: ErrorCode.ENGINE_FAILED}


async def test_the_end_of_its_input_ends_it_and_takes_back_what_it_has(served, picture):
    served.ask(1, picture())
    await until(lambda: served.engine.begun)
    served.lines.feed_eof()
    assert await served.end is True
    assert served.engine.cancelled == [1]


async def test_an_engine_that_dies_in_work_is_said_and_ends_it(served, picture):
    served.ask(1, picture())
    await until(lambda: served.engine.begun)
    served.engine.failure, served.engine.gone = EngineGoneError("dead"), True
    served.engine.released.set()
    assert await served.end is False
    assert {"gone": "dead"} in served.pipe.lines or {"gone": "Its engine process has ended."} in served.pipe.lines


async def test_an_engine_that_dies_while_idle_is_noticed(served):
    served.engine.gone = True
    assert await served.end is False
    assert served.pipe.lines[-1] == {"gone": "Its engine process has ended."}


HOLDER = """
import os, subprocess, sys, time
from multiprocessing.shared_memory import SharedMemory
from pdfocr_watcher.pipeline.child import end_with_parent
from pdfocr_watcher.pipeline.generating.host import guard
guard(sys.argv[1])
shared = SharedMemory(create=True, size=1000)
child = subprocess.Popen(["sleep", "600"])
print(os.getpid(), child.pid, shared.name, flush=True)
{then}
"""


def alive(pid):
    with contextlib.suppress(psutil.NoSuchProcess):
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    return False


@pytest.mark.parametrize("then", ["time.sleep(600)", "os._exit(0)"], ids=["killed", "ended by itself"])
async def test_what_it_has_started_ends_with_it_and_nothing_is_left_on_disk_or_in_memory(tmp_path, then):
    place = tmp_path / "place"
    place.mkdir()
    (place / "socket").touch()
    command = [sys.executable, "-c", HOLDER.format(then=then), str(place)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, start_new_session=True) as holder:  # noqa: ASYNC220
        pid, child, shared = holder.stdout.readline().decode().split()
        pid, child = int(pid), int(child)
        if "sleep" in then:
            assert alive(child)
            os.kill(pid, signal.SIGKILL)
        await until(lambda: not alive(child))
        await until(lambda: not place.exists())
        await until(lambda: not Path("/dev/shm", shared).exists())  # noqa: S108 - where shared memory has its names
    await until(lambda: not _group(pid))


def _group(leader):
    """Whether a process group has a member."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(leader, 0)
        return any(os.getpgid(one.pid) == leader and alive(one.pid) for one in psutil.process_iter())
    return False


def test_in_somebody_elses_group_it_guards_nothing():
    """A developer starts it at a terminal: his shell and what else runs there must not be ended."""
    code = HOLDER.format(then="os._exit(0)")
    with subprocess.Popen([sys.executable, "-c", code, ""], stdout=subprocess.PIPE) as holder:
        child = int(holder.stdout.readline().split()[1])
        holder.wait(PATIENCE)
        time.sleep(0.2)
        assert alive(child)
        os.kill(child, signal.SIGKILL)


def test_a_process_without_vllm_says_what_is_missing(tmp_path):
    (tmp_path / "vllm.py").write_text("raise ModuleNotFoundError(\"No module named 'vllm'\")")
    command = [sys.executable, "-m", "pdfocr_watcher.pipeline.generating.host", SETTINGS.to_json(), str(os.getpid())]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(tmp_path), *sys.path])}
    done = subprocess.run(
        command, check=False, capture_output=True, timeout=60, env=environment, start_new_session=True
    )
    said = json.loads(done.stdout)
    assert (said["ready"], said["code"]) == (False, ErrorCode.ENGINE_UNAVAILABLE)
    assert "No module named 'vllm'" in said["detail"]
