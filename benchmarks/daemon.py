"""The real program as a process on folders of its own: started, fed, watched from outside, stopped."""

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from time import monotonic, sleep, time
from typing import Any

import yaml

from benchmarks.processes import children_of, cpu_of

Settings = dict[str, dict[str, Any]]

#: Seconds between two looks at the outbox.
_LOOK = 0.01
_START_SECONDS = 180.0


@dataclass(frozen=True, slots=True)
class Spent:
    """Processor time in seconds, by who used it.

    Attributes:
        daemon: the daemon process.
        workers: the processes that read.
        renderers: what the daemon starts for each run of pages, and what that starts.
    """

    daemon: float
    workers: float
    renderers: float

    @property
    def total(self) -> float:
        """All of it."""
        return self.daemon + self.workers + self.renderers

    def __sub__(self, other: "Spent") -> "Spent":
        return Spent(self.daemon - other.daemon, self.workers - other.workers, self.renderers - other.renderers)


class Daemon:
    """`pdfocr-watcher run` or `once` as a process.

    Args:
        root: where its folders, its configuration and its log lie; made if it is missing.
        settings: sections of the configuration that differ from the defaults.
        environment: variables that differ from this process's.
    """

    def __init__(self, root: Path, settings: Settings, environment: Mapping[str, str] | None = None) -> None:
        self.root = root
        self._environment = {**os.environ, **(environment or {})}
        self.config = root / "config.yaml"
        for name in ("inbox", "staged"):
            (root / name).mkdir(parents=True, exist_ok=True)
        logs = {"service": {"log_format": "json", "log_level": "info"}}
        self.config.write_text(yaml.safe_dump({**logs, **settings}))
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        """Its process."""
        assert self._process is not None
        return self._process.pid

    def start(self, command: str = "run") -> None:
        """Start it; from now on a benchmark that is told to stop takes it along."""
        signal.signal(signal.SIGTERM, _end)
        with (self.root / "log.jsonl").open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "pdfocr_watcher", command, "-c", str(self.config)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=self._environment,
            )

    def wait_until_ready(self) -> None:
        """Wait until it watches its inbox and its engine is loaded."""
        deadline = monotonic() + _START_SECONDS
        while True:
            self._check(deadline)
            log = (self.root / "log.jsonl").read_text()
            if "engine.ready" in log and (self.root / "health.json").exists():
                return
            sleep(0.05)

    def health(self) -> dict[str, Any]:
        """What health.json says; nothing if it is not there."""
        try:
            found: dict[str, Any] = json.loads((self.root / "health.json").read_bytes())
        except FileNotFoundError:
            return {}
        return found

    def wait_until_up(self) -> None:
        """Wait until this very process says that it works, whatever one before it said."""
        deadline = monotonic() + _START_SECONDS
        while (health := self.health()).get("pid") != self.pid or health["state"] == "starting":
            self._check(deadline)
            sleep(0.05)

    def stage(self, files: Iterable[Path]) -> list[Path]:
        """Copy files beside the inbox, on the same file system, so that dropping them is one rename each."""
        return [Path(shutil.copyfile(file, self.root / "staged" / file.name)) for file in files]

    def drop(self, staged: Iterable[Path]) -> None:
        """Put staged files into the inbox, each whole at once."""
        for file in staged:
            file.rename(self.root / "inbox" / file.name)

    def wait_for_results(self, count: int, timeout: float) -> float:
        """Wait until so many results lie in the outbox and the failed folder.

        Returns:
            When they were seen, as the wall clock has it.
        """
        deadline = monotonic() + timeout
        while len(self.results()) < count:
            self._check(deadline)
            sleep(_LOOK)
        return time()

    def results(self) -> list[Path]:
        """The folders of the results."""
        found: list[Path] = []
        for name in ("outbox", "failed"):
            folder = self.root / name
            if folder.is_dir():
                found += [folder / entry for entry in os.listdir(folder) if not entry.startswith(".")]
        return found

    def take_statuses(self) -> list[dict[str, Any]]:
        """The statuses of all results, which are removed."""
        statuses = []
        for folder in self.results():
            statuses.append(json.loads((folder / "status.json").read_bytes()))
            shutil.rmtree(folder)
        return statuses

    def spent(self) -> Spent:
        """Processor time so far."""
        whole = cpu_of(self.pid)
        workers = sum(cpu_of(child).own for child in children_of(self.pid) if is_worker(child))
        return Spent(whole.own, workers, whole.reaped)

    def wait(self, timeout: float) -> int:
        """Wait until it ends by itself; it is stopped if it does not, or if the wait is broken off.

        Returns:
            Its exit status.
        """
        assert self._process is not None
        try:
            return self._process.wait(timeout)
        finally:
            self.stop()

    def stop(self) -> None:
        """Ask it to stop, and wait until it has."""
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
            self._process.wait(60)

    def kill(self) -> None:
        """End it without a word."""
        assert self._process is not None
        self._process.kill()
        self._process.wait()

    def _check(self, deadline: float) -> None:
        assert self._process is not None
        if self._process.poll() is not None:
            raise SystemExit(f"the daemon ended with {self._process.returncode}; see {self.root / 'log.jsonl'}")
        if monotonic() > deadline:
            raise SystemExit(f"the daemon takes too long; see {self.root / 'log.jsonl'}")


@contextmanager
def running(root: Path, settings: Settings) -> Iterator[Daemon]:
    """A daemon that is ready, and is stopped at the end."""
    daemon = Daemon(root, settings)
    daemon.start()
    try:
        daemon.wait_until_ready()
        yield daemon
    finally:
        daemon.stop()


def moment(text: str) -> float:
    """A time of a status file as the wall clock has it, in seconds."""
    return datetime.fromisoformat(text).timestamp()


def _end(*_: object) -> None:
    raise SystemExit("told to stop")


def is_worker(pid: int) -> bool:
    """Whether a process is one of those that read."""
    try:
        return b"pdfocr_watcher.pipeline.worker" in Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return False
