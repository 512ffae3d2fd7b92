"""A hook's command is run to its end, or to its time limit: in a process group of its own, with bounded output.

What it is told stands here too. When it is run, and what becomes of its failure, is decided in `hooks`.
"""

import contextlib
import os
import selectors
import signal
import subprocess
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from time import monotonic

from pdfocr_watcher.jobs.folder import JobFolder
from pdfocr_watcher.jobs.model import JobStatus, well_formed

#: What a hook is told begins so; what the daemon itself was told begins with the longer one, and is kept from it.
_PREFIX, _KEPT_PREFIXES = "PDFOCR_", ("PDFOCR_WATCHER", "NOTIFY_SOCKET", "WATCHDOG_", "LISTEN_")
#: A variable may have 128 KiB; a message needs less.
_MESSAGE_LENGTH = 4000
_CHUNK_BYTES, _TAIL_BYTES = 1 << 16, 2000
#: Seconds that a process which was killed may take to be gone.
_LAST_SECONDS = 5.0
#: Seconds between two looks at whether the command has ended.
_INTERVAL = 0.1


@dataclass(frozen=True, slots=True)
class Ended:
    """How a command ended.

    Attributes:
        exit_status: its exit status, or minus the number of the signal that ended it; None if there is none.
        trouble: why it failed, a sentence; empty if it did not.
        output: the last bytes that it wrote, to either of its outputs, as text.
    """

    exit_status: int | None
    trouble: str
    output: str


def hook_environment(status: JobStatus, result: Path, own: Mapping[str, str]) -> dict[bytes, bytes]:
    """What a hook is told: the daemon's environment, without what configures the daemon, and what became of the job.

    Args:
        status: how the job ended.
        result: the folder that it was delivered to.
        own: the daemon's environment.
    """
    told = {
        "JOB_ID": status.job_id,
        "STATUS": status.status.value,
        "FOLDER": str(result),
        "FILENAME": status.filename,
        "SOURCE": status.source,
        "PAGES": str(status.total_pages or 0),
        "FAILED_PAGES": str(len(status.failed_pages)),
        "ERROR_CODE": status.error_code or "",
        "ERROR_MESSAGE": (status.error_message or "")[:_MESSAGE_LENGTH],
        "MARKDOWN": str(JobFolder(result).markdown) if status.outputs is not None else "",
    }
    kept = {name: value for name, value in own.items() if not name.startswith(_KEPT_PREFIXES)}
    named = {f"{_PREFIX}{name}": value.replace("\0", "\N{REPLACEMENT CHARACTER}") for name, value in told.items()}
    return {
        **{os.fsencode(name): os.fsencode(value) for name, value in kept.items()},
        # Names come from other people, and need not be what the file system's encoding can say.
        **{name.encode(): _bytes(value) for name, value in named.items()},
    }


def _bytes(text: str) -> bytes:
    try:
        return os.fsencode(text)
    except UnicodeEncodeError:
        return well_formed(text).encode()


def run_command(
    arguments: Sequence[str], environment: Mapping[bytes, bytes], timeout: float, stop: threading.Event
) -> Ended:
    """Run a command, and end all that it started; blocking.

    Args:
        arguments: the program and its arguments; no shell comes between.
        environment: its whole environment.
        timeout: wall-clock limit in seconds.
        stop: set, when it is to be ended before that.
    """
    try:
        process = subprocess.Popen(
            list(arguments),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=environment,
            cwd="/",
            start_new_session=True,
        )
    except (OSError, ValueError) as error:
        said = error.strerror if isinstance(error, OSError) else error
        return Ended(None, f"It cannot be started: {said}.", "")
    try:
        tail, trouble = _watch(process, timeout, stop)
    finally:
        # It was not waited for yet, so the number still names its group and no other.
        with contextlib.suppress(OSError):  # a program of another user's is not ours to kill
            os.killpg(process.pid, signal.SIGKILL)
        if process.stdout is not None:
            process.stdout.close()
    output = tail.decode("utf-8", "replace").strip()
    try:
        status = process.wait(_LAST_SECONDS)
    except subprocess.TimeoutExpired:
        return Ended(None, f"{trouble} It goes on all the same: it cannot be killed.", output)
    if status and not trouble:
        trouble = f"It was ended by signal {-status}." if status < 0 else f"It ended with status {status}."
    return Ended(status, trouble, output)


def _watch(process: subprocess.Popen[bytes], timeout: float, stop: threading.Event) -> tuple[bytes, str]:
    """Read what a command writes until it has ended; its last bytes, and why it must be ended, if it must."""
    assert process.stdout is not None  # noqa: S101 - a pipe, as asked for above
    deadline = monotonic() + timeout
    pipe, tail = process.stdout.fileno(), bytearray()
    os.set_blocking(pipe, False)
    with selectors.DefaultSelector() as selector:
        selector.register(pipe, selectors.EVENT_READ)
        while True:
            has_ended = os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None
            if selector.get_map():
                selector.select(0 if has_ended else _INTERVAL)
                if not _read(pipe, tail, most=_CHUNK_BYTES):
                    selector.unregister(pipe)
            else:
                stop.wait(0 if has_ended else _INTERVAL)
            if has_ended:
                return bytes(tail), ""
            if stop.is_set():
                return bytes(tail), "It was ended with the daemon."
            if monotonic() >= deadline:
                return bytes(tail), f"It was ended after {timeout:g} s, the limit of hooks.timeout_seconds."


def _read(pipe: int, tail: bytearray, most: int) -> bool:
    """Add what there is to read; False at its end."""
    try:
        chunk = os.read(pipe, most)
    except BlockingIOError:
        return True
    tail += chunk
    del tail[:-_TAIL_BYTES]
    return bool(chunk)
