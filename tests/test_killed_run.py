"""What a run of the tests leaves behind when it is killed."""

import signal
import subprocess
import sys
from pathlib import Path

from tests.needs import needs_mounts
from tests.pages import ROOT

_MOUNTING = """
import os, signal

def test_that_is_killed(mount, tmp_path):
    assert mount(tmp_path / "disk").is_mount()
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_run_that_is_killed_leaves_nothing_mounted(tmp_path: Path) -> None:
    needs_mounts(tmp_path)
    module = tmp_path / "test_killed.py"
    module.write_text(_MOUNTING)
    options = ["-p", "tests.conftest", "-c", ROOT / "pyproject.toml", f"--basetemp={tmp_path / 'base'}"]
    run = subprocess.run(
        [sys.executable, "-m", "pytest", *options, module], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert run.returncode == -signal.SIGKILL, run.stdout + run.stderr
    assert str(tmp_path) not in Path("/proc/self/mounts").read_text()
