"""A real server of vLLM on the loopback interface, with the tests' checkpoint. It ends with all that it started."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

import httpx

from tests.vllm.settings import MODEL, environment, server_options

#: It takes 20 to 55 seconds to start, and longer beside others.
_READY_SECONDS = 300.0
_STOP_SECONDS = 20.0
_TAIL = 4000


class VllmServer:
    """One server; started again after it was ended it has the same address.

    Attributes:
        url: where it answers, without `/v1`.
        model: the name of its model.
        process: its first process, while it runs; the engine is another one, in the same process group.
        log: what it said.

    Args:
        checkpoint: the model's folder.
        log: the file that it writes to.
        options: more options of the server; they go over those of `settings`.
        variables: more of its environment.
        rule: whether it has the recipe's rule against repetition.
    """

    def __init__(
        self,
        checkpoint: Path,
        log: Path,
        options: tuple[str, ...] = (),
        variables: Mapping[str, str] | None = None,
        *,
        rule: bool = True,
    ) -> None:
        port = _free_port()
        self.url = f"http://127.0.0.1:{port}"
        self.model = MODEL
        self.log = log
        self.process: subprocess.Popen[bytes] | None = None
        self._environment = environment() | dict(variables or {})
        # `vllm serve` asks for the version of a package named vllm, and the CPU build has another name.
        self._command = [
            sys.executable, "-m", "vllm.entrypoints.openai.api_server",
            "--model", str(checkpoint), "--served-model-name", MODEL, "--host", "127.0.0.1", "--port", str(port),
            *server_options(rule=rule), *options,
        ]  # fmt: skip

    def start(self) -> None:
        """Start it; it does not answer yet."""
        assert self.process is None
        with self.log.open("ab") as output:
            self.process = subprocess.Popen(
                self._command,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def wait_until_ready(self) -> None:
        """Wait until it says that it is healthy."""
        assert self.process is not None
        until = time.monotonic() + _READY_SECONDS
        while not self.answers():
            assert self.process.poll() is None, f"the server ended by itself:\n{self.said()}"
            assert time.monotonic() < until, f"the server is not ready after {_READY_SECONDS:.0f} s:\n{self.said()}"
            time.sleep(0.2)

    def answers(self) -> bool:
        """Whether it says that it is healthy."""
        try:
            return httpx.get(f"{self.url}/health", timeout=5).status_code == httpx.codes.OK
        except httpx.TransportError:
            return False

    def said(self) -> str:
        """The end of its log."""
        return self.log.read_text(errors="replace")[-_TAIL:]

    def stop(self) -> None:
        """Ask it to end, wait for that, and end what is left."""
        if self.process is not None:
            with contextlib.suppress(ProcessLookupError):
                self.process.send_signal(signal.SIGINT)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(_STOP_SECONDS)
        self.kill()

    def kill(self) -> None:
        """End it and its engine at once, as a machine does that loses its power."""
        if self.process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait(_STOP_SECONDS)
            self.process = None

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to all its processes, such as SIGSTOP to make it hang and SIGCONT to let it go on."""
        assert self.process is not None
        os.killpg(self.process.pid, number)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
