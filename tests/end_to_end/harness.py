"""The real daemon in a process of its own, and its folders as a user sees them: nothing here looks inside it.

Everything that waits has a limit, and no process outlives its test. What the tests expect stands in the tests.
"""

import contextlib
import itertools
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any, TypeVar

import psutil  # type: ignore[import-untyped]
import yaml

_T = TypeVar("_T")

#: Generous, for a machine that does other things as well; a test that passes never waits so long.
LIMIT = float(os.environ.get("PDFOCR_TEST_LIMIT", "60"))
_INTERVAL = 0.02

#: Short waits instead of the defaults, and an engine that needs no time.
QUICK: dict[str, dict[str, Any]] = {
    "inbox": {
        "settle_seconds": 0.1,
        "unmarked_settle_seconds": 0.4,
        "rescan_interval": 1.0,
        "poll_interval": 0.1,
        "min_free_bytes": 0,
    },
    "render": {"dpi": 60},
    "engine": {"name": "null"},
    "index": {"flush_seconds": 0.2},
    "service": {"health_interval": 0.2, "shutdown_seconds": 10.0, "log_format": "json"},
}

#: Pages come one after the other, each some tenths of a second of work: time enough to watch and to interrupt.
ONE_BY_ONE: dict[str, dict[str, Any]] = {
    "render": {"dpi": 180, "workers": 1, "range_pages": 1, "queue_pages": 2},
    "engine": {"name": "null", "max_concurrency": 1},
}

#: The embedded engine, on rasters that are small and yet read without a slip.
READING: dict[str, dict[str, Any]] = {"engine": {"name": "rapidocr", "threads": 1}, "render": {"dpi": 120}}


def wait_for(look: Callable[[], _T | None], what: str, limit: float = LIMIT) -> _T:
    """Look until there is something (anything true), and give it; fail after `limit` seconds."""
    deadline = time.monotonic() + limit
    while not (found := look()):
        assert time.monotonic() < deadline, f"not within {limit:g} s: {what}"
        time.sleep(_INTERVAL)
    return found


def read_json(path: Path) -> Any:
    """What is in a JSON file now; None if it is not there. A file that is half written is an error."""
    try:
        data = path.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        return None
    return json.loads(data)


@dataclass(frozen=True, slots=True)
class Job:
    """A job as its status file has it, and where that lies."""

    status: dict[str, Any]
    folder: Path

    @property
    def job_id(self) -> str:
        return str(self.status["job_id"])

    def text(self, name: str = "output.mmd") -> str:
        return (self.folder / name).read_text(encoding="utf-8")


class Daemon:
    """A running `pdfocr-watcher run`, the leader of a session of its own."""

    def __init__(self, arguments: list[str], log: Path, environment: Mapping[str, str]) -> None:
        self.log = log
        with log.open("ab") as stream:
            self.process = subprocess.Popen(
                arguments,
                stdin=subprocess.DEVNULL,
                stdout=stream,
                stderr=stream,
                env=dict(environment),
                start_new_session=True,
            )

    def descendants(self) -> list[psutil.Process]:
        """Its workers and renderers."""
        try:
            return list(psutil.Process(self.process.pid).children(recursive=True))
        except psutil.NoSuchProcess:
            return []

    def wait(self, limit: float = LIMIT) -> int:
        """Wait for its end; the exit status."""
        return self.process.wait(limit)

    def stop(self, limit: float = LIMIT) -> int:
        """Stop it as a service manager does; the exit status."""
        self.process.send_signal(signal.SIGTERM)
        return self.wait(limit)

    def kill(self) -> list[psutil.Process]:
        """End it as a power cut does, without a word.

        Returns:
            What it leaves: its workers and renderers, of which nobody has been killed.
        """
        left = self.descendants()
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.wait()
        return left

    def clean_up(self) -> None:
        """Leave no process behind, whatever happened."""
        left = [*self.descendants(), *self.kill()] if self.process.poll() is None else []
        for process in left:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()

    def logged(self) -> list[dict[str, Any]]:
        """Its log lines; one that is no JSON is an error."""
        return [json.loads(line) for line in self.log.read_text(encoding="utf-8").splitlines()]


class Site:
    """One set of folders with its configuration.

    Args:
        base: an empty folder of the test's own.
        settings: sections that go over `QUICK`, key by key.
    """

    def __init__(self, base: Path, settings: Mapping[str, Mapping[str, Any]] | None = None) -> None:
        self.base = base
        self.root = base / "ocr"
        self.root.mkdir(parents=True)
        sections = {name: dict(keys) for name, keys in QUICK.items()}
        for name, keys in (settings or {}).items():
            sections.setdefault(name, {}).update(keys)
        self.config = base / "ocr" / "config.yaml"
        self.config.write_text(yaml.safe_dump(sections), encoding="utf-8")
        folders = sections.get("folders", {})
        self.inbox, self.jobs, self.outbox, self.failed = (
            self.root / str(folders.get(name, name)) for name in ("inbox", "jobs", "outbox", "failed")
        )
        self.inbox.mkdir(parents=True, exist_ok=True)
        # Beside the inbox, so that a drop is one rename.
        self._staging = self.inbox.with_name(f"{self.inbox.name}-staging")
        self._staging.mkdir(exist_ok=True)
        self._serial = itertools.count()
        self._daemons: list[Daemon] = []

    def start(
        self, environment: Mapping[str, str] | None = None, *, ready: bool = True, prefix: Sequence[str] = ()
    ) -> Daemon:
        """Start a daemon.

        Args:
            environment: its environment, this process's by default.
            ready: whether to wait until it watches the inbox.
            prefix: a program with its arguments that becomes the daemon, having changed something for it.
        """
        log = self.base / f"daemon-{len(self._daemons)}.log"
        arguments = [*prefix, sys.executable, "-m", "pdfocr_watcher", "run", "--config", str(self.config)]
        daemon = Daemon(arguments, log, os.environ if environment is None else environment)
        self._daemons.append(daemon)
        if ready:
            wait_for(lambda: self._is_up(daemon), f"a daemon that is up; {log}")
        return daemon

    def stop(self) -> None:
        """Stop what runs, in good order."""
        for daemon in self._daemons:
            if daemon.process.poll() is None:
                assert daemon.stop() == 0

    def close(self) -> None:
        """End what was started."""
        for daemon in self._daemons:
            daemon.clean_up()

    def health(self) -> dict[str, Any]:
        """The content of health.json."""
        return read_json(self.root / "health.json") or {}

    def drop(self, name: str | bytes, content: bytes, into: str | bytes = "") -> Path:
        """Drop a file that is complete at once: written elsewhere on the file system, then renamed."""
        folder = self.inbox / os.fsdecode(into)
        folder.mkdir(parents=True, exist_ok=True)
        staged = self._staging / str(next(self._serial))
        staged.write_bytes(content)
        return staged.rename(folder / os.fsdecode(name))

    def in_work(self) -> list[Job]:
        """The jobs below jobs/, oldest first."""
        return sorted(_jobs_below(self.jobs), key=lambda job: job.job_id)

    def results(self, source: str | None = None) -> list[Job]:
        """What was delivered to the outbox and the failed folder: all, or what came of one source; oldest first."""
        found = [job for root in (self.outbox, self.failed) for job in _jobs_below(root)]
        wanted = [job for job in found if source is None or job.status["source"] == source]
        return sorted(wanted, key=lambda job: job.job_id)

    def result(self, source: str, limit: float = LIMIT) -> Job:
        """Wait for the one result of a source."""
        (job,) = self.all_results(source, 1, limit)
        return job

    def all_results(self, source: str | None, count: int, limit: float = LIMIT) -> list[Job]:
        """Wait for so many results."""

        def enough() -> list[Job] | None:
            found = self.results(source)
            return found if len(found) >= count else None

        found = wait_for(enough, f"{count} results of {source or 'everything'} ({self.base})", limit)
        assert len(found) == count
        return found

    def processed(self, least: int, limit: float = LIMIT) -> Job:
        """Wait until the job in work has so many pages done, and some left."""

        def far_enough() -> Job | None:
            return next((job for job in self.in_work() if job.status["processed_pages"] >= least), None)

        job = wait_for(far_enough, f"{least} pages done", limit)
        assert job.status["processed_pages"] < job.status["total_pages"]
        return job

    def _is_up(self, daemon: Daemon) -> bool:
        assert daemon.process.poll() is None, daemon.log.read_text()
        health = self.health()
        return health.get("pid") == daemon.process.pid and health["state"] != "starting"


def _jobs_below(root: Path) -> Iterator[Job]:
    """The jobs in a folder, as far down as they may lie; what is still being copied there has a hidden name."""
    for folder, subfolders, files in os.walk(root):
        subfolders[:] = [name for name in subfolders if not name.startswith(".")]
        if "status.json" in files and (status := read_json(Path(folder) / "status.json")) is not None:
            yield Job(status, Path(folder))


def shipped_schema(name: str) -> Any:
    """A JSON Schema as it lies in the installed package."""
    return json.loads((resources.files("pdfocr_watcher") / "schemas" / name).read_bytes())


def temporary_files(*roots: Path) -> list[Path]:
    """What is left of writes and works that were broken off; folders may vanish meanwhile."""
    found = (
        Path(folder, name)
        for root in roots
        for folder, subfolders, files in os.walk(root)
        for name in (*subfolders, *files)
    )
    return [path for path in found if path.name.endswith(".tmp") or path.name == "rasters"]
