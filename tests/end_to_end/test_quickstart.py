"""The commands that the README and the quick start give a new user do what they say, in a fresh copy of the project."""

import os
import shutil
import signal
import subprocess
from pathlib import Path

import pytest

from tests.end_to_end.harness import wait_for
from tests.pages import ROOT, commands

pytestmark = [pytest.mark.long, pytest.mark.timeout(600)]

_SECONDS = 400


@pytest.fixture
def clone(tmp_path):
    """What a fresh clone holds: the files that git knows, as they are now."""
    names = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for name in filter(None, names.split("\0")):
        if (ROOT / name).is_file():
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, tmp_path / name)
    return tmp_path


def shell(clone, command):
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    return subprocess.run(
        ["sh", "-c", command], check=False, cwd=clone, env=environment, capture_output=True, text=True, timeout=_SECONDS
    )


def test_the_first_command_of_the_readme_reads_the_sample(clone):
    (command,) = [line for block in commands("README.md") for line in block if "--sample" in line]
    done = shell(clone, command)
    assert done.returncode == 0, done.stderr
    result = Path(done.stdout.splitlines()[-1])
    assert "A folder that reads" in (result / "output.mmd").read_text(encoding="utf-8")
    assert (result / "status.json").is_file()


def test_the_quick_start_works_word_for_word(clone):
    *once, run = [line for block in commands("docs/quickstart.md") for line in block if not line.startswith("apt-get")]
    for command in once:
        done = shell(clone, command)
        assert done.returncode == 0, (command, done.stdout, done.stderr)
    assert "completed" in done.stdout, "the last of them lists the sample"
    assert " run " in run
    daemon = subprocess.Popen(["sh", "-c", run], cwd=clone, start_new_session=True, stderr=subprocess.DEVNULL)
    try:
        shutil.copyfile(next(clone.glob("demo/outbox/*/input.pdf")), clone / "demo/inbox/again.pdf")
        wait_for(lambda: list(clone.glob("demo/outbox/again.*/output.mmd")) or None, "the result of a dropped PDF", 200)
    finally:
        os.killpg(daemon.pid, signal.SIGTERM)
        assert daemon.wait(60) in {0, -signal.SIGTERM}
