"""One holder at a time, whatever becomes of the lock file; the lock ends with its process, however that ends."""

import errno
import fcntl
import json
import os
import socket
import stat
import subprocess
import sys

import pytest

from pdfocr_watcher.errors import ErrorCode, PdfocrError
from pdfocr_watcher.jobs import lock
from pdfocr_watcher.jobs.lock import LOCK_NAME, DaemonLock, JobsLock, RootLock

#: Takes the lock as another daemon would, says so, and holds it until its input ends.
HOLDER = """
import sys
from pathlib import Path
from pdfocr_watcher.jobs.lock import JobsLock
with JobsLock(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


#: The same under another host name.
ELSEWHERE = "import socket; socket.sethostname('elsewhere')\n" + HOLDER


def hold(folder, script=HOLDER, *command):
    """A process that holds the lock."""
    process = subprocess.Popen(
        [*command, sys.executable, "-c", script, folder], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout.readline() == "held\n"
    return process


@pytest.fixture
def holder(tmp_path):
    process = hold(tmp_path)
    yield process
    process.kill()
    process.communicate()


def refused(folder, kind=JobsLock):
    with pytest.raises(PdfocrError) as caught:
        kind(folder).acquire()
    return caught.value


def open_files():
    return len(os.listdir("/proc/self/fd"))


def test_a_second_process_is_refused_and_told_who_has_the_lock(tmp_path, holder):
    error = refused(tmp_path)
    assert error.code is ErrorCode.ALREADY_RUNNING
    assert f"process {holder.pid} on {socket.gethostname()} since 20" in error.detail


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
        (errno.EOPNOTSUPP, ErrorCode.FOLDER_UNUSABLE),
        (errno.ENOSYS, ErrorCode.FOLDER_UNUSABLE),
    ],
)
def test_what_a_network_mount_answers_is_understood(tmp_path, monkeypatch, number, code):
    def answer(*_):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(fcntl, "flock", answer)
    before = open_files()
    error = refused(tmp_path)
    assert error.code is code
    assert ("local disk" in error.detail) is (code is ErrorCode.FOLDER_UNUSABLE)
    assert open_files() == before


def test_folders_without_locks_of_their_own_are_locked_by_their_file(tmp_path, monkeypatch):
    """As on NFS, where only a file that is open for writing has a lock."""
    real = fcntl.flock

    def answer(descriptor, operation):
        if stat.S_ISDIR(os.fstat(descriptor).st_mode):
            raise OSError(errno.EBADF, os.strerror(errno.EBADF))
        real(descriptor, operation)

    monkeypatch.setattr(fcntl, "flock", answer)
    with JobsLock(tmp_path):
        assert refused(tmp_path).code is ErrorCode.ALREADY_RUNNING
    with JobsLock(tmp_path):
        pass


@pytest.mark.usefixtures("holder")
def test_a_locked_file_that_cannot_be_read_is_a_lock_all_the_same(tmp_path, monkeypatch):
    """As on CIFS, where what is locked elsewhere cannot be read."""

    def refuse(*_):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

    monkeypatch.setattr(os, "pread", refuse)
    error = refused(tmp_path)
    assert error.code is ErrorCode.ALREADY_RUNNING
    assert "perhaps on another machine" in error.detail


@pytest.mark.usefixtures("holder")
def test_a_lock_whose_file_was_removed_still_holds(tmp_path):
    (tmp_path / LOCK_NAME).unlink()
    before = open_files()
    assert refused(tmp_path).code is ErrorCode.ALREADY_RUNNING
    assert (tmp_path / LOCK_NAME).exists(), "the new file is there, and is not enough"
    assert refused(tmp_path).code is ErrorCode.ALREADY_RUNNING
    assert open_files() == before


def test_a_lock_file_that_is_removed_while_it_is_taken_is_made_again(tmp_path, monkeypatch):
    real, removed = fcntl.flock, []

    def remove_first(descriptor, operation):
        if not removed:
            removed.append((tmp_path / LOCK_NAME).unlink())
        real(descriptor, operation)

    monkeypatch.setattr(fcntl, "flock", remove_first)
    held = JobsLock(tmp_path)
    held.acquire()
    assert os.path.samestat((tmp_path / LOCK_NAME).stat(), os.fstat(held._descriptors[0]))
    held.release()


def test_a_lock_file_that_never_stays_is_no_lock(tmp_path, monkeypatch):
    real = fcntl.flock

    def remove(descriptor, operation):
        (tmp_path / LOCK_NAME).unlink(missing_ok=True)
        real(descriptor, operation)

    monkeypatch.setattr(fcntl, "flock", remove)
    before = open_files()
    assert refused(tmp_path).code is ErrorCode.FOLDER_UNUSABLE
    assert open_files() == before


@pytest.mark.parametrize(
    "note",
    [b'{"host": "gone", "pid": 1, "since": "2020-01-01T00:00:00Z"}', b"\xff\x00", b"[]", b'"x"', b"{}", b"x" * 9000],
)
def test_what_another_machine_or_nobody_knows_who_left_keeps_nobody_out(tmp_path, note):
    (tmp_path / LOCK_NAME).write_bytes(note)
    with JobsLock(tmp_path):
        assert f"process {os.getpid()}" in refused(tmp_path).detail


@pytest.mark.usefixtures("holder")
def test_a_holder_that_says_nothing_of_itself_is_one(tmp_path):
    (tmp_path / LOCK_NAME).write_bytes(b"[]")
    assert "another process" in refused(tmp_path).detail


def test_a_holder_with_another_host_name_is_named_by_it(tmp_path):
    """Another machine on one network mount, as far as one machine can play it."""
    if os.geteuid() != 0 or subprocess.run(["unshare", "-u", "true"], check=False, capture_output=True).returncode:
        pytest.skip("needs the right to have a host name of its own")
    process = hold(tmp_path, ELSEWHERE, "unshare", "-u")
    try:
        assert f"process {process.pid} on elsewhere since " in refused(tmp_path).detail
    finally:
        process.kill()
        process.communicate()
    with JobsLock(tmp_path):
        pass


def test_one_root_is_for_one_daemon(tmp_path, holder):
    error = refused(tmp_path, RootLock)
    assert error.code is ErrorCode.ALREADY_RUNNING
    assert str(holder.pid) in error.detail
    assert "folders.root" in error.detail


@pytest.mark.parametrize("number", [errno.ENOLCK, errno.EOPNOTSUPP, errno.EIO])
def test_a_root_that_cannot_be_locked_keeps_no_daemon_from_starting(tmp_path, monkeypatch, number):
    def answer(*_):
        raise OSError(number, os.strerror(number))

    before = open_files()
    with RootLock(tmp_path / "missing"):
        pass
    monkeypatch.setattr(fcntl, "flock", answer)
    with RootLock(tmp_path):
        pass
    assert open_files() == before


def test_a_full_disk_does_not_keep_the_daemon_from_starting(tmp_path, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(lock.os, "pwrite", full)
    with JobsLock(tmp_path):
        assert refused(tmp_path).code is ErrorCode.ALREADY_RUNNING
    with JobsLock(tmp_path):
        pass


def test_a_daemon_holds_both_or_none(tmp_path):
    jobs, root = tmp_path / "jobs", tmp_path / "root"
    jobs.mkdir()
    root.mkdir()
    with DaemonLock(jobs, root):
        refused(jobs)
        refused(root, RootLock)
    with RootLock(root):
        with pytest.raises(PdfocrError, match=r"folders[.]root"):
            DaemonLock(jobs, root).acquire()
        with JobsLock(jobs):
            pass
