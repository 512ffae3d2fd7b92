"""What became of processes that are no children of the test's, and what Python loads in one of its own."""

import subprocess
import sys
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


def loaded_by(statement: str, *libraries: str) -> set[str]:
    """Those of some libraries that a fresh Python has loaded after a statement."""
    program = f"import sys; {statement}; print(*sys.modules.keys() & {set(libraries)})"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    return set(done.stdout.split())
