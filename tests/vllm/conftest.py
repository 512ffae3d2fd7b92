"""The tests' model and servers of it. Nothing here imports vLLM before a test needs it."""

import os
from collections.abc import Callable, Iterator, Mapping
from importlib.metadata import entry_points
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.vllm.server import VllmServer
from tests.vllm.settings import environment

Serve = Callable[..., list[VllmServer]]

_HOW = "see tests/vllm/requirements.txt for how to install what `pytest -m vllm` needs"
#: vLLM imports for eight seconds in each of its processes.
_SECONDS = 600


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Give the tests that start vLLM the time for it."""
    for item in items:
        if item.get_closest_marker("vllm") and not item.get_closest_marker("timeout"):
            item.add_marker(pytest.mark.timeout(_SECONDS))


@pytest.fixture(scope="session")
def installed() -> None:
    """Fail where vLLM is missing: whoever asks for these tests is not to be told that all is well without them."""
    if find_spec("vllm") is None:
        pytest.fail(f"vLLM is not installed; {_HOW}", pytrace=False)
    if "pdfocr_shallow_vision" not in entry_points(group="vllm.general_plugins").names:
        pytest.fail(f"tests/vllm/kit/package is not installed; {_HOW}", pytrace=False)


@pytest.fixture(scope="session")
def checkpoint(installed: None, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a model that answers as `tests.vllm.kit.scripts` says."""
    del installed
    from tests.vllm.kit.checkpoint import write_checkpoint  # noqa: PLC0415 - its tokenizer comes with vLLM

    folder = tmp_path_factory.mktemp("checkpoint")
    write_checkpoint(folder)
    return folder


@pytest.fixture
def vllm_environment(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """The environment that vLLM runs in, set for this process too."""
    variables = environment()
    for name in os.environ.keys() - variables.keys():
        monkeypatch.delenv(name)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    return variables


@pytest.fixture(scope="session")
def server(checkpoint: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[VllmServer]:
    """One server for all tests that only ask it and leave it as it was."""
    server = VllmServer(checkpoint, tmp_path_factory.mktemp("server") / "log")
    try:
        server.start()
        server.wait_until_ready()
        yield server
    finally:
        server.stop()


@pytest.fixture
def serve(checkpoint: Path, tmp_path: Path) -> Iterator[Serve]:
    """Start servers that the test may stop, kill or make hang; all that still run are ended with it."""
    servers: list[VllmServer] = []

    def start(
        number: int = 1,
        *,
        options: tuple[str, ...] = (),
        variables: Mapping[str, str] | None = None,
        rule: bool = True,
    ) -> list[VllmServer]:
        """Start so many servers at the same time and wait until all of them are ready."""
        begun = len(servers)
        for _ in range(number):
            log = tmp_path / f"server-{len(servers)}.log"
            servers.append(VllmServer(checkpoint, log, options, variables, rule=rule))
            servers[-1].start()
        for server in servers[begun:]:
            server.wait_until_ready()
        return servers[begun:]

    yield start
    for server in servers:
        server.kill()
