"""One holder at a time; the lock ends with its process, however that ends."""

import errno
import fcntl
import json
import os
import subprocess
import sys

import pytest

from pdfocr_watcher.errors import ErrorCode, PdfocrError
from pdfocr_watcher.jobs import lock
from pdfocr_watcher.jobs.lock import LOCK_NAME, JobsLock

#: Takes the lock as another daemon would, says so, and holds it until its input ends.
HOLDER = """
import sys
from pathlib import Path
from pdfocr_watcher.jobs.lock import JobsLock
with JobsLock(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def holder(tmp_path):
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER, tmp_path], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout.readline() == "held\n"
    yield process
    process.kill()
    process.communicate()


def refused(folder):
    with pytest.raises(PdfocrError) as caught:
        JobsLock(folder).acquire()
    return caught.value


def test_a_second_process_is_refused_and_told_who_has_the_lock(tmp_path, holder):
    error = refused(tmp_path)
    assert error.code is ErrorCode.ALREADY_RUNNING
    assert f'"pid": {holder.pid}' in error.detail


@pytest.mark.parametrize("end", ["in good order", "killed"])
def test_the_lock_ends_with_its_process(tmp_path, holder, end):
    if end == "killed":
        holder.kill()
    holder.communicate(timeout=30)
    with JobsLock(tmp_path):
        assert refused(tmp_path).code is ErrorCode.ALREADY_RUNNING
    with JobsLock(tmp_path):
        pass


def test_a_child_that_lives_on_does_not_hold_the_lock(tmp_path):
    seen = "import os; print(*(os.readlink(entry.path) for entry in os.scandir('/proc/self/fd')))"
    with JobsLock(tmp_path):
        child = subprocess.run([sys.executable, "-c", seen], close_fds=False, stdout=subprocess.PIPE, check=False)
    assert b"pipe" in child.stdout
    assert LOCK_NAME.encode() not in child.stdout


def test_who_holds_it_is_written_over_whoever_did(tmp_path):
    (tmp_path / LOCK_NAME).write_text("x" * 500)
    with JobsLock(tmp_path):
        assert json.loads((tmp_path / LOCK_NAME).read_text())["pid"] == os.getpid()


def test_to_let_go_twice_is_no_fault(tmp_path):
    held = JobsLock(tmp_path)
    held.acquire()
    held.release()
    held.release()


def test_a_folder_that_cannot_be_used_is_said_so(tmp_path):
    assert refused(tmp_path / "missing").code is ErrorCode.FOLDER_UNUSABLE
    (tmp_path / LOCK_NAME).symlink_to(tmp_path / "other")
    assert refused(tmp_path).code is ErrorCode.FOLDER_UNUSABLE
    assert not (tmp_path / "other").exists()


@pytest.mark.parametrize(
    ("number", "code"),
    [
        (errno.EAGAIN, ErrorCode.ALREADY_RUNNING),
        (errno.EACCES, ErrorCode.ALREADY_RUNNING),
        (errno.ENOLCK, ErrorCode.FOLDER_UNUSABLE),
    ],
)
def test_what_a_network_mount_answers_is_understood(tmp_path, monkeypatch, number, code):
    def answer(*_):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(fcntl, "flock", answer)
    before = len(os.listdir("/proc/self/fd"))
    assert refused(tmp_path).code is code
    assert len(os.listdir("/proc/self/fd")) == before


def test_a_full_disk_does_not_keep_the_daemon_from_starting(tmp_path, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(lock.os, "pwrite", full)
    with JobsLock(tmp_path):
        assert refused(tmp_path).code is ErrorCode.ALREADY_RUNNING
    with JobsLock(tmp_path):
        pass
