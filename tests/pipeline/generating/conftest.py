"""Servers that do as they are told, the engine before them, and pages to read."""

import asyncio

import pytest

from pdfocr_watcher.engines.generation import GenerationRequest
from pdfocr_watcher.engines.profiles import builtin_profiles
from pdfocr_watcher.pipeline.generating.endpoints import standing
from pdfocr_watcher.pipeline.generating.servers import Servers
from tests.pipeline.doubles import PATIENCE
from tests.pipeline.generating.model_server import ModelServer


@pytest.fixture
def profile():
    return builtin_profiles()["deepseek-ocr"]


@pytest.fixture(autouse=True)
def _quick(monkeypatch):
    """Be quick to try again."""
    monkeypatch.setattr(standing, "_BACKOFF", (0.02, 0.2))


@pytest.fixture
async def make_server():
    """Start a server; it is stopped at the end."""
    servers = []

    async def make(**attributes):
        server = ModelServer(**attributes)
        await server.start()
        servers.append(server)
        return server

    yield make
    for server in servers:
        await server.stop()


@pytest.fixture
async def make_engine(profile):
    """Start the engine before some servers and wait until it is settled; it is stopped at the end."""
    engines = []

    async def make(*servers, wait=True, **settings):
        urls = [server if isinstance(server, str) else server.url for server in servers]
        engine = Servers(settings.pop("profile", profile), urls, **{"health_interval": 0.05, **settings})
        engines.append(engine)
        engine.start()
        if wait:
            async with asyncio.timeout(PATIENCE):
                await engine.settled()
        return engine

    yield make
    for engine in engines:
        async with asyncio.timeout(PATIENCE):
            await engine.stop()


@pytest.fixture
def page(tmp_path, profile):
    """A page to be read; its picture is its name."""

    def make(name="one", retry=None):
        picture = tmp_path / f"{name}.jpg"
        picture.write_bytes(name.encode())
        sampling = profile.sampling_for(retry)
        return GenerationRequest(picture, profile.prompt, sampling)

    return make
