"""A hook's command is told what became of the job, and ends in time with all that it started, whatever it does."""

import os
import threading
import time
from pathlib import Path

import pytest

from pdfocr_watcher.daemon.hook_process import hook_environment, run_command
from pdfocr_watcher.jobs.model import FailedPageStatus, Outputs, Stage, Status
from tests.pipeline.doubles import pending_status
from tests.processes import is_gone_soon

ENVIRONMENT = {b"PATH": os.fsencode(os.environ["PATH"])}


def run(script: str, timeout: float = 20.0, stop: threading.Event | None = None, **environment: str):
    told = ENVIRONMENT | {name.encode(): value.encode() for name, value in environment.items()}
    return run_command(["/bin/sh", "-c", script], told, timeout, stop or threading.Event())


def test_a_command_that_does_its_work_has_no_trouble():
    ended = run("echo done; echo and said >&2")
    assert (ended.exit_status, ended.trouble, ended.output) == (0, "", "done\nand said")


def test_a_failure_is_told_with_the_end_of_what_was_written():
    ended = run("i=0; while [ $i -lt 20000 ]; do echo line $i; i=$((i+1)); done; exit 3")
    assert (ended.exit_status, ended.trouble) == (3, "It ended with status 3.")
    assert ended.output.endswith("line 19999")
    assert len(ended.output) <= 2000


def test_one_that_a_signal_ends_says_which():
    assert run("kill -TERM $$").trouble == "It was ended by signal 15."


def test_one_that_cannot_be_started_says_why(tmp_path):
    ended = run_command([str(tmp_path / "nowhere")], ENVIRONMENT, 5.0, threading.Event())
    assert (ended.exit_status, ended.trouble) == (None, "It cannot be started: No such file or directory.")


@pytest.mark.parametrize("script", ["sleep 600 & echo $!; sleep 600", "sleep 600 & echo $!; exec >&- 2>&-; sleep 600"])
def test_at_the_time_limit_it_ends_with_all_that_it_started(script):
    begun = time.monotonic()
    ended = run(script, timeout=0.3)
    assert time.monotonic() - begun < 10
    assert "0.3 s" in ended.trouble
    assert ended.exit_status == -9
    assert is_gone_soon(int(ended.output))


def test_what_it_leaves_in_the_background_does_not_hold_it_up():
    ended = run("sleep 600 & echo $!")
    assert (ended.exit_status, ended.trouble) == (0, "")
    assert is_gone_soon(int(ended.output))


def test_a_flood_of_words_costs_no_memory_and_no_time():
    ended = run("yes a flood of words", timeout=0.5)
    assert "0.5 s" in ended.trouble
    assert len(ended.output) <= 2000


def test_a_stop_of_the_daemon_ends_it():
    stop = threading.Event()
    threading.Timer(0.2, stop.set).start()
    assert run("sleep 600", stop=stop).trouble == "It was ended with the daemon."


def told(own=(), **values):
    status = pending_status().model_copy(update={"status": Status.COMPLETED, "stage": Stage.DONE, **values})
    return hook_environment(status, Path("/srv/outbox/letter.00000001"), dict(own))


def test_it_is_told_all_about_the_job():
    page = FailedPageStatus(page=2, code="engine_failed", message="It did not.")
    environment = told(total_pages=7, failed_pages=(page,), outputs=Outputs(), source="mail/letter.pdf")
    assert environment == {
        b"PDFOCR_JOB_ID": b"20260102T030001Z-00000001",
        b"PDFOCR_STATUS": b"completed",
        b"PDFOCR_FOLDER": b"/srv/outbox/letter.00000001",
        b"PDFOCR_FILENAME": b"letter.pdf",
        b"PDFOCR_SOURCE": b"mail/letter.pdf",
        b"PDFOCR_PAGES": b"7",
        b"PDFOCR_FAILED_PAGES": b"1",
        b"PDFOCR_ERROR_CODE": b"",
        b"PDFOCR_ERROR_MESSAGE": b"",
        b"PDFOCR_MARKDOWN": b"/srv/outbox/letter.00000001/output.mmd",
    }


def test_a_job_without_outputs_has_no_markdown():
    environment = told(status=Status.FAILED, error_code="pdf_damaged", error_message="It is damaged.")
    assert environment[b"PDFOCR_MARKDOWN"] == b""
    assert environment[b"PDFOCR_ERROR_CODE"] == b"pdf_damaged"
    assert environment[b"PDFOCR_ERROR_MESSAGE"] == b"It is damaged."


def test_it_has_the_daemons_environment_without_what_configures_the_daemon():
    own = {
        "HOME": "/home/me",
        "PDFOCR_WATCHER__SERVERS__URLS": "[http://me:secret@gpu]",
        "PDFOCR_WATCHER_CONFIG": "/etc/config.yaml",
        "NOTIFY_SOCKET": "/run/notify",
        "WATCHDOG_PID": "1",
        "PDFOCR_STATUS": "forged",
    }
    environment = told(own)
    assert environment[b"HOME"] == b"/home/me"
    assert environment[b"PDFOCR_STATUS"] == b"completed"
    assert not [name for name in environment if b"WATCH" in name or b"NOTIFY" in name]


@pytest.mark.parametrize(
    "name", ["$(touch pwned).pdf", "a\nb.pdf", "-rf.pdf", "nul\0.pdf", "half \ud800.pdf", "x" * 9000]
)
def test_names_are_handed_on_as_they_are_or_as_near_as_can_be(name):
    environment = told(filename=name, error_message="long " * 100_000)
    told_name = {key.decode(): value.decode() for key, value in environment.items()}["PDFOCR_FILENAME"]
    assert told_name == name.replace("\0", "\ufffd").replace("\ud800", "\ufffd")
    ended = run_command(
        ["/bin/sh", "-c", 'printf %s "$PDFOCR_FILENAME"'], ENVIRONMENT | environment, 20, threading.Event()
    )
    assert ended.trouble == ""
    assert told_name.endswith(ended.output)
