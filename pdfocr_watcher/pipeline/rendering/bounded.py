"""Run a program to its end, bounded in wall-clock time and in what is kept of its output.

The limits on its memory, processor time and files are set inside the program or by its launcher.
"""

import contextlib
import os
import selectors
import signal
import subprocess
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from time import monotonic

_CHUNK_BYTES = 1 << 16

#: A stop of the service may reach all of its processes: what is in hand is finished, not lost as failed.
_STOPS = {signal.SIGINT, signal.SIGTERM, signal.SIGHUP}


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a program ended.

    Attributes:
        returncode: its exit status, or minus the number of the signal that ended it.
        timed_out: whether the time limit ended it.
        stdout: the last bytes of its output.
        stderr: the last bytes of its error output.
    """

    returncode: int
    timed_out: bool
    stdout: bytes
    stderr: bytes


def run_bounded(
    args: Sequence[str], environment: Mapping[str, str], timeout: float, keep_bytes: int, given: bytes = b""
) -> Outcome:
    """Run a program in a process group of its own, deaf to the signals that stop a service.

    Args:
        args: the program and its arguments.
        environment: its whole environment.
        timeout: wall-clock limit in seconds; then the whole group is killed.
        keep_bytes: how much is kept of each of its two outputs; what came earlier is dropped.
        given: all of its input. It lies in memory, under no name.

    Raises:
        OSError: the program cannot be started.
    """
    deadline = monotonic() + timeout
    with _input(given) as source, _deaf_start(args, environment, source) as process:
        try:
            stdout, stderr, ended = _read_tails(process, deadline, keep_bytes)
            timed_out = not ended or not _ends_by(process, deadline)
        finally:
            # Not yet waited for, so the number still names this group and no other.
            if process.returncode is None:
                os.killpg(process.pid, signal.SIGKILL)
    return Outcome(process.returncode, timed_out, stdout, stderr)


@contextlib.contextmanager
def _input(content: bytes) -> Iterator[int]:
    """What a program is given to read, as a descriptor."""
    if not content:
        yield subprocess.DEVNULL
        return
    descriptor = os.memfd_create("input", os.MFD_CLOEXEC)
    try:
        with os.fdopen(descriptor, "wb", closefd=False) as file:
            file.write(content)
        os.lseek(descriptor, 0, os.SEEK_SET)
        yield descriptor
    finally:
        os.close(descriptor)


def _deaf_start(args: Sequence[str], environment: Mapping[str, str], source: int) -> subprocess.Popen[bytes]:
    # What is blocked here stays so in the program, from its first instruction on.
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _STOPS)
    try:
        return subprocess.Popen(
            args,
            stdin=source,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=dict(environment),
            process_group=0,
        )
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextlib.contextmanager
def children_ended_after(seconds: float) -> Iterator[threading.Event]:
    """Kill what this thread started, with all that this started in turn, once the time is over.

    For who starts a program by a library that keeps no hold of it and waits for it here.

    Args:
        seconds: wall-clock limit for what is done inside.

    Yields:
        Set when the time was over.
    """
    over = threading.Event()
    thread = threading.get_native_id()

    def end() -> None:
        over.set()
        # They are waited for by the thread that is held up here, so the numbers still name them and no others.
        for child in _children(thread):
            for kill in (os.killpg, os.kill):  # the one that has not made its group yet is alone
                with contextlib.suppress(ProcessLookupError):
                    kill(child, signal.SIGKILL)

    timer = threading.Timer(seconds, end)
    timer.daemon = True
    timer.start()
    try:
        yield over
    finally:
        timer.cancel()
        timer.join()


def _children(thread: int) -> list[int]:
    """What a thread of this process started and has not waited for yet."""
    try:
        return [int(child) for child in Path(f"/proc/self/task/{thread}/children").read_text("ascii").split()]
    except OSError:  # not every kernel tells
        return []


def _read_tails(process: subprocess.Popen[bytes], deadline: float, keep_bytes: int) -> tuple[bytes, bytes, bool]:
    """The last bytes of both outputs, and whether they ended before the deadline."""
    assert process.stdout is not None  # noqa: S101 - both are pipes, as asked for above
    assert process.stderr is not None  # noqa: S101
    tails = {process.stdout.fileno(): bytearray(), process.stderr.fileno(): bytearray()}
    with selectors.DefaultSelector() as selector:
        for descriptor in tails:
            selector.register(descriptor, selectors.EVENT_READ)
        while selector.get_map() and (remaining := deadline - monotonic()) > 0:
            for key, _ in selector.select(remaining):
                chunk = os.read(key.fd, _CHUNK_BYTES)
                if not chunk:
                    selector.unregister(key.fd)
                tail = tails[key.fd]
                tail += chunk
                del tail[:-keep_bytes]
        ended = not selector.get_map()
    out, err = tails.values()
    return bytes(out), bytes(err), ended


def _ends_by(process: subprocess.Popen[bytes], deadline: float) -> bool:
    try:
        process.wait(max(0.0, deadline - monotonic()))
    except subprocess.TimeoutExpired:
        return False
    return True
