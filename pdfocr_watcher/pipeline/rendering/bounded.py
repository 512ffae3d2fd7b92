"""Run a program to its end, bounded in wall-clock time and in what is kept of its output.

The limits on its memory, processor time and files are set inside the program or by its launcher.
"""

import os
import selectors
import signal
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from time import monotonic

_CHUNK_BYTES = 1 << 16


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


def run_bounded(args: Sequence[str], environment: Mapping[str, str], timeout: float, keep_bytes: int) -> Outcome:
    """Run a program in a process group of its own, without input.

    Args:
        args: the program and its arguments.
        environment: its whole environment.
        timeout: wall-clock limit in seconds; then the whole group is killed.
        keep_bytes: how much is kept of each of its two outputs; what came earlier is dropped.

    Raises:
        OSError: the program cannot be started.
    """
    deadline = monotonic() + timeout
    with subprocess.Popen(
        args,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=dict(environment),
        process_group=0,
    ) as process:
        try:
            stdout, stderr, ended = _read_tails(process, deadline, keep_bytes)
            timed_out = not ended or not _ends_by(process, deadline)
        finally:
            # Not yet waited for, so the number still names this group and no other.
            if process.returncode is None:
                os.killpg(process.pid, signal.SIGKILL)
    return Outcome(process.returncode, timed_out, stdout, stderr)


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
