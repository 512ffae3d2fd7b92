"""Engines in processes of their own that do with each picture what its name says."""

import asyncio
import contextlib
import json
import sys
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest

from pdfocr_watcher.engines.generation import GenerationRequest, Sampling
from pdfocr_watcher.engines.vllm.recipe import HostSettings
from pdfocr_watcher.errors import PdfocrError
from pdfocr_watcher.pipeline.generating import local
from pdfocr_watcher.pipeline.generating.local import LocalEngine
from tests.pipeline.doubles import PATIENCE, START, until

SETTINGS = HostSettings(
    model="/models/m",
    template="<image>\n{prompt}",
    engine_args={"max_num_seqs": 32, "gpu_memory_utilization": 0.9},
    environment={"HF_HUB_OFFLINE": "1"},
)


def asked(name):
    """What is asked about the picture of this name, which need not be there."""
    return GenerationRequest(Path(f"/pictures/{name}.png"), "read", Sampling(max_tokens=8))


async def read(engine, name, limit=60.0, *, urgent=False):
    """What came of a picture: its text, or the code of the failure."""
    try:
        async with asyncio.timeout(PATIENCE):
            return (await engine.generate(asked(name), limit, urgent=urgent)).text.removesuffix(".png")
    except PdfocrError as error:
        return error.code


@dataclass
class Stub:
    """The folder in which the processes tell what they were asked, and are told how to start."""

    folder: Path

    def logged(self, key):
        """What was logged under a key, in order."""
        log = self.folder / "log"
        lines = [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []
        return [line for line in lines if key in line]

    def asked(self):
        """The names of the pictures in the order in which they were asked for."""
        return [line["asked"].removesuffix(".png") for line in self.logged("asked")]

    def starts(self):
        """The settings of each start."""
        return [line["start"] for line in self.logged("start")]

    def folders(self):
        """The folders in which the engines' processes meet that are still there."""
        named = [line["environment"]["VLLM_RPC_BASE_PATH"] for line in self.logged("environment")]
        return [folder for folder in named if Path(folder).is_dir()]

    def release(self, name):
        """Have a held picture answered."""
        (self.folder / f"{name}.png").touch()

    def start_with(self, code):
        """Have processes start in another way; None for as usual."""
        if code is None:
            (self.folder / "start").unlink()
        else:
            (self.folder / "start").write_text(code)


@pytest.fixture
def stub(tmp_path, monkeypatch):
    folder = tmp_path / "stub"
    folder.mkdir()
    program = tmp_path / "program"
    program.write_text(f'#!/bin/sh\nexec {sys.executable} {Path(__file__).with_name("stub_host.py")} "$@"\n')
    program.chmod(0o755)
    monkeypatch.setenv("STUB", str(folder))
    monkeypatch.setattr(sys, "executable", str(program))
    monkeypatch.setattr(local, "_BACKOFF", (0.05, 0.2))
    monkeypatch.setattr(local, "_WATCH_INTERVAL", 0.02)
    return Stub(folder)


@pytest.fixture
async def make_engine(stub):
    """Start an engine; it is stopped at the end, and nothing of it may be left."""
    engines = []

    async def make(settings=SETTINGS, capacity=4, start_timeout=START):
        engine = LocalEngine(settings, capacity, start_timeout)
        engines.append(engine)
        engine.start()
        await engine.settled()
        return engine

    yield make
    for engine in engines:
        pids = engine.pids
        await engine.stop()
        assert not any(map(psutil.pid_exists, pids))
    assert not stub.folders()


@pytest.fixture
def states(monkeypatch):
    """The states that engines come to, in order, however short they last."""
    seen = []

    def noted(engine, name, value):
        if name == "state":
            seen.append(value)
        object.__setattr__(engine, name, value)

    monkeypatch.setattr(LocalEngine, "__setattr__", noted)
    return seen


@contextlib.asynccontextmanager
async def held(engine, stub, *names):
    """Have pictures in the engine's hands until the end of the block, and answered then."""
    calls = [asyncio.create_task(read(engine, name)) for name in names]
    await until(lambda: set(names) <= set(stub.asked()))
    yield
    for name in names:
        stub.release(name)
    assert await asyncio.gather(*calls) == list(names)
