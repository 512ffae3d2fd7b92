"""The lease probe tells a file that is being written from one that is not, and can never end the process."""

import errno
import fcntl
import os
import signal
import subprocess
import sys
import textwrap
import threading

import pytest

from pdfocr_watcher.inbox import lease
from pdfocr_watcher.inbox.lease import has_writer
from pdfocr_watcher.jobs import mounts

#: Opens a file as another program would, says so, and holds it until its input ends.
HOLDER = "import os, sys; os.open(sys.argv[1], int(sys.argv[2])); print('open', flush=True); sys.stdin.read()"


def leases_work(folder):
    path = folder / "trial"
    path.touch()
    descriptor = os.open(path, os.O_RDONLY)
    try:
        fcntl.fcntl(descriptor, fcntl.F_SETLEASE, fcntl.F_RDLCK)
    except OSError:
        return False
    finally:
        os.close(descriptor)
    return True


@pytest.fixture
def pdf(tmp_path):
    if not leases_work(tmp_path) or mounts.needs_polling(mounts.file_system_type(tmp_path)):
        pytest.skip("the file system of the test folder has no leases")
    path = tmp_path / "a.pdf"
    path.write_bytes(b"%PDF-1.7\n%%EOF\n")
    return path


@pytest.fixture
def hold():
    """Open a file in another process; the result closes it there."""
    running = []

    def start(path, flags):
        process = subprocess.Popen(
            [sys.executable, "-c", HOLDER, path, str(int(flags))], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        running.append(process)
        assert process.stdout.readline() == b"open\n"
        return lambda: process.communicate(timeout=30)

    yield start
    for process in running:
        process.kill()
        process.communicate()


@pytest.mark.parametrize("flags", [os.O_WRONLY, os.O_RDWR, os.O_WRONLY | os.O_APPEND])
def test_a_file_that_another_process_has_open_for_writing_has_a_writer_until_it_is_closed(pdf, hold, flags):
    assert has_writer(pdf) is False
    close = hold(pdf, flags)
    assert has_writer(pdf) is True
    close()
    assert has_writer(pdf) is False


def test_a_reader_is_no_writer(pdf, hold):
    hold(pdf, os.O_RDONLY)
    assert has_writer(pdf) is False


def test_a_writer_in_this_very_process_is_one(pdf):
    with pdf.open("ab"):
        assert has_writer(pdf) is True


def test_a_writer_is_still_seen_after_the_file_was_renamed(pdf, hold, tmp_path):
    close = hold(pdf, os.O_WRONLY)
    moved = pdf.rename(tmp_path / "input.pdf")
    assert has_writer(moved) is True
    close()
    assert has_writer(moved) is False


def test_the_lease_is_given_back_at_once(pdf):
    assert has_writer(pdf) is False
    # Under a lease an opener that does not wait would be refused.
    os.close(os.open(pdf, os.O_WRONLY | os.O_NONBLOCK))


def test_the_lease_is_given_back_though_a_copy_of_the_descriptor_lives_on(pdf, monkeypatch):
    copies = []
    real = fcntl.fcntl

    def copy_then_call(descriptor, command, *arguments):
        if command == fcntl.F_SETLEASE and arguments == (fcntl.F_RDLCK,):
            copies.append(os.dup(descriptor))
        return real(descriptor, command, *arguments)

    monkeypatch.setattr(lease.fcntl, "fcntl", copy_then_call)
    assert has_writer(pdf) is False
    os.close(os.open(pdf, os.O_WRONLY | os.O_NONBLOCK))
    os.close(copies.pop())


#: Calls the lease in, by opening the file for writing, while the probe holds it. `{probe}` is what is tried.
CALLED_IN = """
    import fcntl, os, signal, sys, threading
    from pathlib import Path
    from pdfocr_watcher.inbox import lease
    path = Path(sys.argv[1])
    real, broken = fcntl.fcntl, []
    def call_in(descriptor, command, *arguments):
        if {skip_setsig} and command == fcntl.F_SETSIG:
            return 0
        result = real(descriptor, command, *arguments)
        if command == fcntl.F_SETLEASE and arguments == (fcntl.F_RDLCK,):
            try:
                os.open(path, os.O_WRONLY | os.O_NONBLOCK)
            except BlockingIOError:
                broken.append(1)
        return result
    lease.fcntl.fcntl = call_in
    lease.has_writer(path)
    worker = threading.Thread(target=lease.has_writer, args=(path,))
    worker.start()
    worker.join()
    assert len(broken) == 2
    print("alive")
"""


def call_in(pdf, *, skip_setsig):
    script = textwrap.dedent(CALLED_IN.format(skip_setsig=skip_setsig))
    return subprocess.run([sys.executable, "-c", script, pdf], capture_output=True, check=False, timeout=60)


def test_a_lease_that_is_called_in_does_not_end_the_process_from_any_thread(pdf):
    result = call_in(pdf, skip_setsig=False)
    assert (result.returncode, result.stdout) == (0, b"alive\n"), result.stderr


def test_without_the_chosen_signal_it_would(pdf):
    """Shows that the test above can fail: the default signal does end a process."""
    assert call_in(pdf, skip_setsig=True).returncode == -signal.SIGIO


def test_a_writer_that_comes_while_many_threads_ask_is_not_kept_waiting(pdf):
    stop = threading.Event()

    def ask():
        while not stop.is_set():
            assert has_writer(pdf) in {True, False}

    askers = [threading.Thread(target=ask) for _ in range(4)]
    for asker in askers:
        asker.start()
    try:
        for _ in range(300):
            with pdf.open("ab") as file:
                file.write(b"x")
    finally:
        stop.set()
        for asker in askers:
            asker.join()
    assert has_writer(pdf) is False


@pytest.mark.parametrize("file_system", ["cifs", "nfs4", "fuse.sshfs", "9p", ""])
def test_on_a_mount_whose_leases_mean_something_else_nothing_can_be_told(pdf, monkeypatch, file_system):
    monkeypatch.setattr(mounts, "file_system_type", lambda _: file_system)
    with pdf.open("ab"):
        assert has_writer(pdf) is None


@pytest.mark.parametrize("command", [fcntl.F_SETSIG, fcntl.F_SETLEASE])
@pytest.mark.parametrize("number", [errno.EINVAL, errno.EACCES, errno.EPERM, errno.EOPNOTSUPP, errno.ENOLCK])
def test_where_leases_are_refused_nothing_can_be_told(pdf, monkeypatch, command, number):
    real = fcntl.fcntl

    def refuse(descriptor, asked, *arguments):
        if asked == command:
            raise OSError(number, os.strerror(number))
        return real(descriptor, asked, *arguments)

    monkeypatch.setattr(lease.fcntl, "fcntl", refuse)
    assert has_writer(pdf) is None


def test_a_write_lease_of_a_file_server_counts_as_a_writer(pdf):
    held = os.open(pdf, os.O_RDWR)
    fcntl.fcntl(held, fcntl.F_SETSIG, signal.SIGURG)
    fcntl.fcntl(held, fcntl.F_SETLEASE, fcntl.F_WRLCK)
    try:
        assert has_writer(pdf) is True
    finally:
        os.close(held)
    assert has_writer(pdf) is False


def test_what_cannot_be_opened_or_is_no_file_tells_nothing(pdf, tmp_path):
    (tmp_path / "link.pdf").symlink_to(pdf)
    os.mkfifo(tmp_path / "pipe.pdf")
    for path in (tmp_path / "missing.pdf", tmp_path / "link.pdf", tmp_path / "pipe.pdf", tmp_path):
        assert has_writer(path) is None, path


def test_no_descriptor_is_left_open(pdf):
    before = len(os.listdir("/proc/self/fd"))
    has_writer(pdf)
    with pdf.open("ab"):
        has_writer(pdf)
    assert len(os.listdir("/proc/self/fd")) == before
