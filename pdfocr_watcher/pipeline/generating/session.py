"""The processes of an engine: who they are, and their end. As /proc says it, Linux only.

All of it looks at every process of the machine, and may wait for one that hangs in a device: not for an event loop.
"""

import contextlib
import os
import signal
from pathlib import Path

#: Removes what shared memory its processes leave behind, when the last of them has ended, and ends then.
_TRACKER = b"multiprocessing.resource_tracker"
_ENDED = frozenset({"Z", "X"})


def members(group: int) -> dict[int, bool]:
    """The processes of a process group that are more than entries which nobody has collected.

    Returns:
        From each to whether it is the one that cleans up after the others.
    """
    found = {}
    for name in os.listdir("/proc"):
        if name.isdecimal():
            with contextlib.suppress(OSError, ValueError):
                stat = Path("/proc", name, "stat").read_text(encoding="utf-8", errors="replace")
                state, _, its_group, *_ = stat.rpartition(")")[2].split()
                if int(its_group) == group and state not in _ENDED:
                    found[int(name)] = _TRACKER in Path("/proc", name, "cmdline").read_bytes()
    return found


def end(group: int) -> bool:
    """Kill the processes of a group, but for this one and the one that cleans up after the others.

    Returns:
        Whether the group had a member.
    """
    found = members(group)
    for pid, cleans_up in found.items():
        if not cleans_up and pid != os.getpid():
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)
    return bool(found)
