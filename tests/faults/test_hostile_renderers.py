"""A renderer that hangs, is stopped or eats memory is ended with all that it started, and its pages come all the same.

The renderer is a program in pdftoppm's place on the PATH; what it fails at is then given to PDFium.
"""

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil  # type: ignore[import-untyped]
import pytest

from pdfocr_watcher.pipeline.rendering import find_protection
from tests.conftest import MakeSite
from tests.end_to_end.harness import Daemon, Site, temporary_files, wait_for
from tests.pdfs import born_digital

#: Time enough for the other renderer on a machine with much else to do.
_QUICK = {"timeout_seconds": 5.0, "memory_bytes": 300_000_000}
#: How long the programs here sleep: no other process of the machine does so for exactly this long.
_SLEEP = f"613.{os.getpid()}"


def _sleepers() -> list[psutil.Process]:
    return [process for process in psutil.process_iter(["cmdline"]) if _SLEEP in (process.info["cmdline"] or [])]


@pytest.fixture
def with_renderer(tmp_path: Path) -> Callable[[str], dict[str, str]]:
    """The environment of a daemon that finds a shell script in pdftoppm's place."""

    def make(script: str) -> dict[str, str]:
        folder = tmp_path / "bin"
        folder.mkdir()
        program = folder / "pdftoppm"
        program.write_text(f"#!/bin/sh\n{script}\n")
        program.chmod(0o755)
        return {**os.environ, "PATH": f"{folder}:{os.environ['PATH']}"}

    return make


def _assert_it_goes_on(site: Site, daemon: Daemon) -> None:
    """Every page came, nothing is left, and the daemon lives."""
    status = site.result("letter.pdf").status
    assert (status["status"], status["failed_pages"]) == ("completed", [])
    assert daemon.process.poll() is None
    wait_for(lambda: not _sleepers(), "renderers that are gone")
    assert [process.name() for process in daemon.descendants() if process.name() in {"sh", "pdftoppm", "sleep"}] == []
    assert temporary_files(site.jobs, site.outbox, site.failed) == []
    assert list(site.base.rglob(".render-*")) == []


def test_one_that_hangs_is_ended(make_site: MakeSite, with_renderer: Callable[[str], dict[str, str]]) -> None:
    site = make_site({"render": _QUICK})
    daemon = site.start(with_renderer(f"exec /bin/sleep {_SLEEP}"))
    site.drop("letter.pdf", born_digital(2))
    wait_for(_sleepers, "a renderer that hangs")
    _assert_it_goes_on(site, daemon)


def test_one_that_is_stopped_is_ended(make_site: MakeSite, with_renderer: Callable[[str], dict[str, str]]) -> None:
    site = make_site({"render": _QUICK})
    daemon = site.start(with_renderer(f"exec /bin/sleep {_SLEEP}"))
    site.drop("letter.pdf", born_digital(1))
    (renderer,) = wait_for(_sleepers, "a renderer that hangs")
    renderer.suspend()
    _assert_it_goes_on(site, daemon)


def test_one_that_started_others_is_ended_with_them(
    make_site: MakeSite, with_renderer: Callable[[str], dict[str, str]]
) -> None:
    """As a wrapper might; in the sandbox it could not even start them."""
    if os.getuid() != 0:
        pytest.skip("the limit on processes lets only root's renderer start others")
    site = make_site({"render": {**_QUICK, "sandbox": "off"}})
    daemon = site.start(with_renderer(f"/bin/sleep {_SLEEP} & /bin/sleep {_SLEEP}"))
    site.drop("letter.pdf", born_digital(1))
    wait_for(lambda: len(_sleepers()) == 2, "a renderer and what it started")
    _assert_it_goes_on(site, daemon)


def test_one_that_eats_memory_meets_its_limit(
    make_site: MakeSite, with_renderer: Callable[[str], dict[str, str]]
) -> None:
    site = make_site({"render": {**_QUICK, "timeout_seconds": 60.0}})
    daemon = site.start(with_renderer("x=0123456789; while :; do x=$x$x; done"))
    begun = time.monotonic()
    site.drop("letter.pdf", born_digital(2))
    largest = 0

    def watch() -> bool:
        nonlocal largest
        for process in daemon.descendants():
            try:
                if process.name() in {"pdftoppm", "sh"}:
                    largest = max(largest, process.memory_info().rss)
            except psutil.Error:
                continue
        return bool(site.results("letter.pdf"))

    wait_for(watch, "a result")
    assert time.monotonic() - begun < 60, "it was the memory's limit, not the time's"
    assert largest < 300_000_000
    _assert_it_goes_on(site, daemon)


def test_renderers_end_with_a_daemon_that_is_killed(
    make_site: MakeSite, with_renderer: Callable[[str], dict[str, str]]
) -> None:
    """The daemon alone, not its group: nobody is left who could keep the time."""
    site = make_site({"render": {**_QUICK, "timeout_seconds": 600.0}})
    first = site.start(with_renderer(f"exec /bin/sleep {_SLEEP}"))
    site.drop("letter.pdf", born_digital(1))
    wait_for(_sleepers, "a renderer that hangs")
    first.process.kill()
    first.wait()
    wait_for(lambda: not _sleepers(), "renderers that are gone")
    _assert_it_goes_on(site, site.start())


@pytest.mark.skipif(bool(find_protection().missing), reason="this system has no Landlock or no seccomp")
def test_one_that_was_taken_over_reaches_nothing(
    make_site: MakeSite, with_renderer: Callable[[str], dict[str, str]], tmp_path: Path
) -> None:
    """Its scratch folder is all that it can write to; what it leaves there is gone with it."""
    secret = tmp_path / "secret"
    secret.write_text("secret")
    script = f"""
cat {secret} > /dev/null && echo read > {tmp_path}/read
for last; do :; done
folder=${{last%/*}}
echo mine > {tmp_path}/written
echo mine > $folder/../../../status.json
echo mine > $folder/../../../input.pdf
echo mine > $folder/left-behind
exit 0
"""
    site = make_site({"render": _QUICK})
    daemon = site.start(with_renderer(script))
    content = born_digital(1)
    site.drop("letter.pdf", content)
    _assert_it_goes_on(site, daemon)
    assert not (tmp_path / "read").exists()
    assert not (tmp_path / "written").exists()
    job = site.result("letter.pdf")
    assert (job.folder / "input.pdf").read_bytes() == content
    assert list(site.base.rglob("left-behind")) == []


_WITHOUT_LANDLOCK = """
import ctypes, os, sys
from pdfocr_watcher.pipeline.rendering.sandbox import kernel, seccomp
kernel.forbid_new_privileges()
step = seccomp._Instruction
# Load the call's number; from 444 to 446 (Landlock's) answer EPERM, else allow.
steps = [(0x20, 0, 0, 0), (0x35, 0, 2, 444), (0x35, 1, 0, 447), (0x06, 0, 0, 0x00050001), (0x06, 0, 0, 0x7FFF0000)]
program = seccomp._Program(len(steps), (step * len(steps))(*(step(*each) for each in steps)))
kernel.prctl(22, 2, ctypes.byref(program))
os.execv(sys.executable, [sys.executable, "-m", "pdfocr_watcher", *sys.argv[1:]])
"""


def _without_landlock(site: Site, *arguments: str) -> subprocess.CompletedProcess[str]:
    """A command of the program in a service whose filter of system calls forgot Landlock."""
    command = [sys.executable, "-c", _WITHOUT_LANDLOCK, *arguments, "--config", str(site.config)]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)


def test_where_part_of_the_sandbox_is_missing_it_is_said_once_and_the_rest_is_used(make_site: MakeSite) -> None:
    site = make_site()
    site.drop("one.pdf", born_digital(1))
    site.drop("two.pdf", born_digital(1))
    ended = _without_landlock(site, "once")
    assert ended.returncode == 0, ended.stderr
    assert {job.status["status"] for job in site.results()} == {"completed"}
    said = ended.stdout + ended.stderr
    assert said.count("sandbox.incomplete") == 1
    assert "no landlock (Operation not permitted)" in said


def test_where_it_is_required_the_daemon_does_not_start_and_doctor_says_why(make_site: MakeSite) -> None:
    site = make_site({"render": {"sandbox": "required"}})
    ended = _without_landlock(site, "run")
    said = ended.stdout + ended.stderr
    assert ended.returncode == 69
    assert "no landlock (Operation not permitted)" in said
    assert "Traceback" not in said
    asked = _without_landlock(site, "doctor")
    (line,) = [line for line in asked.stdout.splitlines() if "sandbox:" in line]
    assert line.startswith("missing")
    assert asked.returncode != 0
