"""What happens to a daemon that runs for years: the disturbances that the soak mixes in, each on the real thing."""

import contextlib
import json
import os
import random
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from time import sleep

from benchmarks.daemon import Daemon, is_worker
from benchmarks.ledger import Ledger
from benchmarks.processes import children_of, tree_of

_COMMAND_SECONDS = 60.0
_SHORT, _LONG = 1.0, 4.0
_FILL_BYTES = 1 << 20


class Disturbances:
    """Disturbs a daemon in one of many ways at a time.

    Args:
        daemon: who is disturbed.
        ledger: what was dropped, for the commands about jobs.
        jobs: the jobs folder.
        disk: the small file system on which it lies; None where it lies with everything else.
        chance: what decides.
    """

    def __init__(self, daemon: Daemon, ledger: Ledger, jobs: Path, disk: Path | None, chance: random.Random) -> None:
        self._daemon = daemon
        self._ledger = ledger
        self._jobs = jobs
        self._disk = disk
        self._chance = chance
        self.done: Counter[str] = Counter()
        self.small: list[Callable[[], bool]] = [
            self._kill_worker,
            self._stop_worker,
            self._kill_renderer,
            self._stop_renderer,
            self._move_inbox,
            self._put_what_is_no_file,
            self._delete_job,
            self._retry_job,
            *([self._fill_disk] if disk is not None else []),
        ]
        self.large: list[Callable[[], bool]] = [self._kill_daemon, self._restart_daemon]

    def disturb(self, ways: list[Callable[[], bool]]) -> None:
        """Do one of them; what finds nothing to disturb is not counted."""
        way = self._chance.choice(ways)
        if way():
            self.done[way.__name__.strip("_").replace("_", " ")] += 1

    def _signal(self, pids: list[int], number: signal.Signals) -> bool:
        if not pids:
            return False
        with contextlib.suppress(ProcessLookupError):
            os.kill(self._chance.choice(pids), number)
        return True

    def _workers(self) -> list[int]:
        return [child for child in children_of(self._daemon.pid) if is_worker(child)]

    def _renderers(self) -> list[int]:
        own = {self._daemon.pid, *self._workers()}
        return [process for process in tree_of(self._daemon.pid) if process not in own]

    def _kill_worker(self) -> bool:
        return self._signal(self._workers(), signal.SIGKILL)

    def _stop_worker(self) -> bool:
        return self._signal(self._workers(), signal.SIGSTOP)

    def _kill_renderer(self) -> bool:
        return self._signal(self._renderers(), signal.SIGKILL)

    def _stop_renderer(self) -> bool:
        return self._signal(self._renderers(), signal.SIGSTOP)

    def _kill_daemon(self) -> bool:
        self._daemon.kill()
        self._daemon.start()
        self._daemon.wait_until_up()
        return True

    def _restart_daemon(self) -> bool:
        self._daemon.stop()
        self._daemon.start()
        self._daemon.wait_until_up()
        return True

    def _move_inbox(self) -> bool:
        """The inbox is gone for a while, as a share that is unmounted."""
        inbox, away = self._daemon.root / "inbox", self._daemon.root / "away"
        self._ledger.write_on(at_once=True)
        inbox.rename(away)
        sleep(_LONG)
        with contextlib.suppress(OSError):
            inbox.rmdir()  # should anybody have made it anew
        away.rename(inbox)
        return True

    def _put_what_is_no_file(self) -> bool:
        """A link, a pipe, a folder and a file that may not be read, all of them named like PDFs."""
        inbox = self._daemon.root / "inbox"
        link, pipe, folder, locked = (inbox / f"{name}.pdf" for name in ("link", "pipe", "folder", "locked.part"))
        link.symlink_to(self._daemon.config)
        os.mkfifo(pipe)
        folder.mkdir()
        locked.write_bytes(b"%PDF-")
        locked.chmod(0)
        sleep(_SHORT)
        for path in (link, pipe, locked):
            path.unlink()
        folder.rmdir()
        return True

    def _fill_disk(self) -> bool:
        """Nothing can be written where the jobs lie, for a while."""
        assert self._disk is not None
        filler = self._disk / "filler"
        with contextlib.suppress(OSError), filler.open("wb", buffering=0) as file:
            while True:
                file.write(b"\0" * _FILL_BYTES)
        sleep(_LONG)
        filler.unlink()
        return True

    def _delete_job(self) -> bool:
        """A person deletes a job in work: it may have been done just before, so it has a result or none."""
        jobs = [name for name in os.listdir(self._jobs) if not name.startswith(".") and (self._jobs / name).is_dir()]
        if not jobs:
            return False
        job = self._chance.choice(jobs)
        source = _source_of(self._jobs / job)
        if source is None or source not in self._ledger.drops:
            return False
        self._ledger.drops[source].deleted = True
        self._command("delete", "--yes", job)
        return True

    def _retry_job(self) -> bool:
        """A person tries a failed document again: it fails again, and has its one result then."""
        failed = [status for _, status in self._ledger.results() if status["status"] == "failed"]
        if not failed:
            return False
        self._command("retry", self._chance.choice(failed)["job_id"])
        return True

    def _command(self, *arguments: str) -> None:
        command = [sys.executable, "-m", "pdfocr_watcher", *arguments, "-c", str(self._daemon.config)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=_COMMAND_SECONDS, check=False)
        if "Traceback" in done.stderr:
            self._ledger.wrong.append(f"{' '.join(arguments)}: {done.stderr}")


def _source_of(folder: Path) -> str | None:
    try:
        return str(json.loads((folder / "status.json").read_bytes())["source"])
    except (OSError, ValueError):
        return None
