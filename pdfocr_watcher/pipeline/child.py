"""What a process does first that works for the daemon: it ends with it, and keeps its pipes for messages alone.

What such a process then works on stands in `worker` and in `generating.host`; how the daemon sees it, in `wire`.
"""

import contextlib
import ctypes
import os
import signal
import sys
from pathlib import Path
from typing import BinaryIO

_PR_SET_PDEATHSIG = 1
#: Out of 1000: where memory runs out the system is to take such a process, which is replaced, and not the daemon.
_EXPENDABLE = 500


def ignore_stops() -> None:
    """Leave it to the daemon when work is over.

    A service manager and a terminal signal every process; the daemon alone decides when what is in hand is done with.
    """
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)


def end_with_parent(parent: int, number: int = signal.SIGKILL) -> None:
    """Ask the kernel to signal this process when the process `parent` dies, however it dies.

    Args:
        parent: the process that started this one.
        number: the signal.
    """
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, number)
    if os.getppid() != parent:  # it died before we asked
        sys.exit(1)


def offer_first() -> None:
    """Have the system end this process before the daemon where memory runs out."""
    with contextlib.suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text(str(_EXPENDABLE), encoding="ascii")


def protocol_channels() -> tuple[BinaryIO, BinaryIO]:
    """Standard input and output for tasks and answers alone.

    What libraries print goes to standard error; they and the programs that they start read an empty input.
    """
    tasks, answers = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    os.dup2(2, 1)
    return tasks, answers
