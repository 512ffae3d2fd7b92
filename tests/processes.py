"""What became of processes that are no children of the test's."""

import time

import psutil


def is_gone_soon(pid: int) -> bool:
    """Whether a killed process ends; a busy machine takes a moment, and a zombie waits for whoever reaps it."""
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        try:
            if psutil.Process(pid).status() == psutil.STATUS_ZOMBIE:
                return True
        except psutil.NoSuchProcess:
            return True
        time.sleep(0.02)
    return False
