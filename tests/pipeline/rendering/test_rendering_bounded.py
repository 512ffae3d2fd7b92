"""A program is run within its time, and no more of its output is kept than was asked for."""

import subprocess
import sys
import threading
import time

import pytest

from pdfocr_watcher.pipeline.rendering.bounded import children_ended_after, run_bounded
from tests.processes import is_gone_soon

ENVIRONMENT = {"LC_ALL": "C"}


def run(script: str, timeout: float = 20, keep_bytes: int = 1000):
    return run_bounded(["/bin/sh", "-c", script], ENVIRONMENT, timeout, keep_bytes)


def test_the_end_of_a_program_and_its_outputs_are_told():
    outcome = run("echo out; echo err >&2; exit 3")
    assert (outcome.returncode, outcome.timed_out) == (3, False)
    assert (outcome.stdout, outcome.stderr) == (b"out\n", b"err\n")


def test_a_program_is_ended_at_its_time_limit_with_all_that_it_started():
    start = time.monotonic()
    outcome = run("sleep 600 & echo $!; sleep 600", timeout=0.3)
    assert outcome.timed_out
    assert outcome.returncode == -9
    assert time.monotonic() - start < 5
    child = int(outcome.stdout)
    assert is_gone_soon(child)


def test_a_program_that_closes_its_outputs_and_stays_is_ended_too():
    outcome = run("exec sleep 600 >/dev/null 2>&1", timeout=0.3)
    assert (outcome.returncode, outcome.timed_out) == (-9, True)


def test_only_the_end_of_a_flood_of_output_is_kept():
    flood = "import sys; [sys.stdout.write('x' * 99999) for _ in range(300)]; sys.stdout.write('end')"
    outcome = run_bounded([sys.executable, "-I", "-c", flood], ENVIRONMENT, 20, 10)
    assert outcome.stdout == b"xxxxxxxend"


def test_an_endless_flood_ends_at_the_time_limit():
    outcome = run("while :; do echo flood; done", timeout=0.3)
    assert outcome.timed_out
    assert len(outcome.stdout) <= 1000


def test_a_stop_of_the_service_does_not_end_a_program():
    assert run("for signal in INT TERM HUP; do kill -$signal $$; done; echo done").stdout == b"done\n"


def test_what_a_library_starts_is_ended_at_the_time_limit_with_all_that_it_started():
    script = "/bin/sleep 600 & echo $!; wait"
    begun = time.monotonic()
    with children_ended_after(0.3) as over:
        ended = subprocess.run(["/bin/sh", "-c", script], stdout=subprocess.PIPE, check=False, process_group=0)
    assert over.is_set()
    assert ended.returncode == -9
    assert is_gone_soon(int(ended.stdout))
    assert time.monotonic() - begun < 10


def test_what_ends_in_time_is_left_alone_and_so_are_other_threads():
    with subprocess.Popen(["/bin/sleep", "600"]) as other:
        with children_ended_after(30) as over:
            subprocess.run(["/bin/true"], check=True)
        assert not over.is_set()
        thread = threading.Thread(target=end_nothing)
        thread.start()
        thread.join()
        assert other.poll() is None
        other.kill()


def end_nothing():
    with children_ended_after(0) as over:
        over.wait(10)
    assert over.is_set()


def test_a_program_gets_no_input_and_only_the_environment_given(monkeypatch):
    monkeypatch.setenv("SECRET", "x")
    assert run_bounded(["/bin/cat"], ENVIRONMENT, 20, 1000).stdout == b""
    assert run_bounded(["/usr/bin/env"], ENVIRONMENT, 20, 1000).stdout == b"LC_ALL=C\n"


def test_a_program_that_is_not_there_raises():
    with pytest.raises(FileNotFoundError):
        run_bounded(["/no/such/program"], ENVIRONMENT, 1, 10)
