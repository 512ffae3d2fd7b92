"""The noticer wakes for what happens in the inbox, with real inotify events, and survives what happens to it."""

import errno
import logging
import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from pdfocr_watcher.config.choices import Observer
from pdfocr_watcher.inbox import inotify_limit, observer
from pdfocr_watcher.inbox.observer import Noticer, Watching
from pdfocr_watcher.inbox.sweep import sweep
from pdfocr_watcher.jobs import mounts

PATIENCE = 10.0


class Calls:
    """Counts what the noticer calls, and waits for it."""

    def __init__(self):
        self.woken = threading.Event()
        self.reasons = []
        self.lost_events = threading.Event()

    def wake(self):
        self.woken.set()

    def lost(self, reason):
        self.reasons.append(reason)
        self.lost_events.set()

    def until_quiet(self):
        """Let what was done so far be noticed, so that only what comes next can wake."""
        self.woken.clear()
        while self.woken.wait(0.2):
            self.woken.clear()


def until(condition):
    """Wait for something that another thread brings about."""
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, "it did not come about"
        time.sleep(0.005)


@pytest.fixture
def calls():
    return Calls()


@pytest.fixture
def inbox(tmp_path):
    folder = tmp_path / "inbox"
    folder.mkdir()
    return folder


@pytest.fixture
def begin(calls):
    """Start a noticer that looks after itself often."""
    running = []

    def start(root, mode=Observer.NATIVE, *, expect=None, **keywords):
        noticer = Noticer(
            root, mode=mode, poll_interval=0.05, wake=calls.wake, lost=calls.lost, check_interval=0.02, **keywords
        )
        noticer.start()
        running.append(noticer)
        wanted = expect or (Observer.NATIVE if mode is Observer.AUTO else mode)
        until(lambda: noticer.watching.how is wanted)
        return noticer

    yield start
    for noticer in running:
        assert noticer.stop()


BOTH = pytest.mark.parametrize("mode", [Observer.NATIVE, Observer.POLLING])


@BOTH
def test_a_new_file_wakes(begin, calls, inbox, mode):
    noticer = begin(inbox, mode)
    assert noticer.healthy()
    (inbox / "a.pdf").write_bytes(b"%PDF-")
    assert calls.woken.wait(PATIENCE)


@BOTH
def test_a_file_in_a_new_sub_folder_wakes(begin, calls, inbox, mode):
    begin(inbox, mode)
    (inbox / "2026" / "11").mkdir(parents=True)
    assert calls.woken.wait(PATIENCE)
    calls.until_quiet()
    (inbox / "2026" / "11" / "a.pdf").write_bytes(b"%PDF-")
    assert calls.woken.wait(PATIENCE)


def test_many_folders_made_at_once_leave_the_observer_as_it_was(begin, calls, inbox):
    noticer = begin(inbox)
    first = noticer._observer
    for number in range(200):
        (inbox / str(number) / "a" / "b" / "c").mkdir(parents=True)
    calls.until_quiet()
    assert noticer.healthy()
    assert noticer._observer is first
    (inbox / "199" / "a" / "b" / "c" / "a.pdf").touch()
    assert calls.woken.wait(PATIENCE)


@BOTH
@pytest.mark.parametrize("what", ["moved in", "folder moved in", "renamed", "appended"])
def test_every_way_for_a_file_to_come_wakes(begin, calls, inbox, tmp_path, mode, what):
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "a.pdf").write_bytes(b"%PDF-")
    (inbox / "b.pdf.part").write_bytes(b"%PDF-")
    begin(inbox, mode)
    match what:
        case "moved in":
            (tmp_path / "outside" / "a.pdf").rename(inbox / "a.pdf")
        case "folder moved in":
            (tmp_path / "outside").rename(inbox / "folder")
        case "renamed":
            (inbox / "b.pdf.part").rename(inbox / "b.pdf")
        case "appended":
            with (inbox / "b.pdf.part").open("ab") as file:
                file.write(b"more")
    assert calls.woken.wait(PATIENCE)


def test_its_own_looks_and_claims_do_not_wake_it(begin, calls, inbox, tmp_path):
    (inbox / "sub").mkdir()
    (inbox / "sub" / "a.pdf").write_bytes(b"%PDF-")
    begin(inbox)
    sweep(inbox, ())
    (inbox / "sub" / "a.pdf").read_bytes()
    (inbox / "sub" / "a.pdf").rename(tmp_path / "claimed.pdf")
    # The kernel keeps the order, but a move that leads out is held back half a second for its other half.
    assert not calls.woken.wait(0.8)


@BOTH
def test_an_inbox_that_is_re_made_is_watched_again_and_a_sweep_is_asked_for(begin, calls, inbox, mode):
    noticer = begin(inbox, mode)
    inbox.rename(inbox.with_name("old"))
    inbox.mkdir()
    assert calls.lost_events.wait(PATIENCE)
    until(noticer.healthy)
    calls.woken.clear()
    (inbox / "a.pdf").write_bytes(b"%PDF-")
    assert calls.woken.wait(PATIENCE)


@BOTH
def test_an_inbox_that_is_deleted_is_a_state_and_its_return_is_noticed(begin, calls, inbox, mode):
    noticer = begin(inbox, mode)
    inbox.rmdir()
    until(lambda: noticer.watching.how is None)
    assert "No such file" in noticer.watching.detail
    assert not noticer.healthy()

    inbox.mkdir()
    assert calls.lost_events.wait(PATIENCE)
    until(noticer.healthy)
    assert noticer.watching == Watching(mode)


def test_an_inbox_that_is_not_there_yet_is_watched_once_it_is(calls, tmp_path):
    root = tmp_path / "later"
    noticer = Noticer(
        root, mode=Observer.AUTO, poll_interval=1.0, wake=calls.wake, lost=calls.lost, check_interval=0.02
    )
    noticer.start()
    until(lambda: "No such file" in noticer.watching.detail)
    root.mkdir()
    until(noticer.healthy)
    assert noticer.stop()


def test_an_inbox_that_may_not_be_read_is_said_to_be_so(inbox, calls, monkeypatch):
    def refuse(_):
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(observer, "_identity", refuse)
    noticer = Noticer(inbox, mode=Observer.NATIVE, poll_interval=1.0, wake=calls.wake, lost=calls.lost)
    noticer.start()
    until(lambda: noticer.watching.detail == "The inbox cannot be read: Permission denied.")
    assert noticer.stop()


def test_an_inbox_behind_a_link_is_watched_and_a_re_pointed_link_is_followed(begin, calls, tmp_path):
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
    link = tmp_path / "inbox"
    link.symlink_to("one")
    begin(link)
    (tmp_path / "one" / "a.pdf").touch()
    assert calls.woken.wait(PATIENCE)

    (tmp_path / "new").symlink_to("two")
    (tmp_path / "new").replace(link)
    assert calls.lost_events.wait(PATIENCE)
    calls.woken.clear()
    (tmp_path / "two" / "b.pdf").touch()
    assert calls.woken.wait(PATIENCE)


@BOTH
def test_a_link_that_leads_in_circles_is_not_followed(begin, calls, inbox, mode):
    (inbox / "circle").symlink_to(inbox)
    noticer = begin(inbox, mode)
    assert noticer.healthy()
    (inbox / "a.pdf").touch()
    assert calls.woken.wait(PATIENCE)


@BOTH
def test_what_happens_behind_a_link_does_not_wake(begin, calls, inbox, tmp_path, mode):
    outside = tmp_path / "outside"
    outside.mkdir()
    (inbox / "link").symlink_to(outside)
    begin(inbox, mode)
    (outside / "a.pdf").touch()
    assert not calls.woken.wait(0.3)


def test_auto_polls_where_the_kernel_hears_nothing_and_says_so(begin, inbox, monkeypatch):
    monkeypatch.setattr(mounts, "file_system_type", lambda _: "cifs")
    noticer = begin(inbox, Observer.AUTO, expect=Observer.POLLING)
    assert "cifs" in noticer.watching.detail


def test_auto_is_native_on_a_local_disk(begin, inbox, monkeypatch):
    monkeypatch.setattr(mounts, "file_system_type", lambda _: "ext4")
    assert begin(inbox, Observer.AUTO).watching == Watching(Observer.NATIVE)


@pytest.mark.parametrize(
    ("number", "message"),
    [(errno.ENOSPC, "inotify watch limit reached"), (errno.EMFILE, "inotify instance limit reached")],
)
@pytest.mark.parametrize("where", ["_create_inotify_fd", "add_callback"])
def test_at_the_limits_of_inotify_it_polls_and_says_so(begin, calls, inbox, monkeypatch, number, message, where):
    from watchdog.observers.inotify_c import InotifyFD  # noqa: PLC0415 - the kernel's part, patched here only

    def refuse(*_):
        raise OSError(number, message)

    monkeypatch.setattr(InotifyFD, where, refuse)
    noticer = begin(inbox, expect=Observer.POLLING)
    assert message in noticer.watching.detail
    assert not [thread for thread in threading.enumerate() if isinstance(thread, InotifyFD)], "half an observer is left"
    (inbox / "a.pdf").touch()
    assert calls.woken.wait(PATIENCE)


def test_events_that_the_kernel_dropped_ask_for_a_sweep(begin, calls, inbox):
    """A real overflow: the reader is held up while more events come than the kernel keeps."""
    limit = int(Path("/proc/sys/fs/inotify/max_queued_events").read_text())
    if limit > 50_000:
        pytest.skip("the kernel keeps too many events to overflow it quickly")
    noticer = begin(inbox)
    with noticer._observer._inotify_fd._lock:
        for number in range(limit // 2 + 1000):
            os.close(os.open(inbox / f"{number}.pdf", os.O_CREAT | os.O_WRONLY))
    assert calls.lost_events.wait(PATIENCE)
    assert "overflow" in calls.reasons[0]
    assert noticer.healthy()


def test_the_news_of_lost_events_comes_though_the_log_is_told_to_leave_watchdog_out(begin, calls, inbox):
    parent, logger = logging.getLogger("watchdog"), logging.getLogger("watchdog.observers.inotify_c")
    parent.setLevel(logging.ERROR)
    try:
        begin(inbox)
        logger.warning("Inotify queue overflowed; filesystem events were lost")
        assert calls.reasons == ["Inotify queue overflowed; filesystem events were lost."]
    finally:
        parent.setLevel(logging.NOTSET)
        logger.setLevel(logging.NOTSET)


def test_watches_that_could_not_be_made_again_after_an_overflow_start_another_observer(begin, calls, inbox):
    noticer = begin(inbox)
    first = noticer._observer
    try:
        raise OSError(errno.ENOSPC, "inotify watch limit reached")
    except OSError:
        logging.getLogger("watchdog.observers.inotify").exception("Unable to rebuild recursive inotify watches")
    until(lambda: noticer._observer not in {None, first} and noticer.healthy())
    assert any("rebuild" in reason for reason in calls.reasons)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_reader_thread_that_dies_is_noticed(begin, calls, inbox):
    noticer = begin(inbox)
    first = noticer._observer
    first._inotify_fd.handle_event = None
    (inbox / "a.pdf").touch()
    until(lambda: noticer._observer not in {None, first} and noticer.healthy())
    assert calls.reasons == ["The inbox was not watched for a while."]


def test_an_emitter_thread_that_dies_is_noticed(begin, calls, inbox):
    noticer = begin(inbox)
    first = noticer._observer
    for emitter in set(first.emitters):
        emitter.stop()
    until(lambda: noticer._observer not in {None, first} and noticer.healthy())
    assert calls.reasons == ["The inbox was not watched for a while."]


def test_a_callback_into_a_loop_that_is_closed_does_no_harm(inbox):
    called = threading.Event()

    def closed(*_):
        called.set()
        raise RuntimeError("Event loop is closed")

    noticer = Noticer(inbox, mode=Observer.NATIVE, poll_interval=1.0, wake=closed, lost=closed, check_interval=0.02)
    noticer.start()
    until(noticer.healthy)
    (inbox / "a.pdf").touch()
    assert called.wait(PATIENCE)
    logging.getLogger("watchdog.observers.inotify_c").warning("Inotify queue overflowed")
    assert noticer.healthy()
    assert noticer.stop()


def test_stopping_is_bounded_though_a_thread_hangs_on_a_dead_mount(inbox, calls, monkeypatch):
    release = threading.Event()
    monkeypatch.setattr(observer, "_identity", lambda _: release.wait())
    noticer = Noticer(inbox, mode=Observer.NATIVE, poll_interval=1.0, wake=calls.wake, lost=calls.lost)
    noticer.start()
    before = time.monotonic()
    assert noticer.stop(timeout=0.2) is False
    assert time.monotonic() - before < 10
    assert not noticer.healthy()
    release.set()
    assert noticer.stop()


def test_a_supervision_that_hangs_on_a_dead_mount_is_not_healthy(begin, inbox, monkeypatch):
    release = threading.Event()
    noticer = begin(inbox)
    assert noticer.healthy()
    monkeypatch.setattr(observer, "_HUNG_AFTER", 0.1)
    monkeypatch.setattr(observer, "_identity", lambda _: release.wait())
    until(lambda: not noticer.healthy())
    assert noticer.watching.how is Observer.NATIVE
    release.set()


def test_stopping_ends_all_threads_and_closes_all_descriptors(inbox, calls):
    threads, descriptors = threading.active_count(), len(os.listdir("/proc/self/fd"))
    for mode in (Observer.NATIVE, Observer.POLLING):
        noticer = Noticer(inbox, mode=mode, poll_interval=0.05, wake=calls.wake, lost=calls.lost)
        noticer.start()
        until(noticer.healthy)
        assert noticer.stop()
        assert not noticer.healthy()
    until(lambda: threading.active_count() == threads)
    assert len(os.listdir("/proc/self/fd")) == descriptors
    assert logging.getLogger("watchdog.observers.inotify_c").handlers == []


def test_restarts_leave_no_descriptor_behind(begin, inbox, tmp_path):
    noticer = begin(inbox)
    until(noticer.healthy)
    before = len(os.listdir("/proc/self/fd"))
    for number in range(5):
        old = noticer._observer
        inbox.rename(tmp_path / f"old{number}")
        inbox.mkdir()
        until(lambda old=old: noticer._observer not in {None, old} and noticer.healthy())
    until(lambda: len(os.listdir("/proc/self/fd")) <= before)


def test_stopping_what_was_never_started_is_harmless(inbox, calls):
    noticer = Noticer(inbox, mode=Observer.NATIVE, poll_interval=1.0, wake=calls.wake, lost=calls.lost)
    assert noticer.stop()
    assert not noticer.healthy()


def test_a_copy_by_another_process_wakes(begin, calls, inbox):
    begin(inbox)
    script = "import sys; open(sys.argv[1], 'wb').write(b'%PDF-')"
    subprocess.run([sys.executable, "-c", script, inbox / "a.pdf"], check=True, timeout=30)
    assert calls.woken.wait(PATIENCE)


def test_at_the_limit_of_watches_it_polls_though_watchdog_says_nothing(begin, calls, inbox, monkeypatch):
    """It leaves out the sub-folders that it cannot watch."""
    reached = []
    monkeypatch.setattr(observer, "watches_exhausted", lambda: bool(reached))
    noticer = begin(inbox)
    reached.append(True)
    until(lambda: noticer.watching.how is Observer.POLLING)
    assert "limit" in noticer.watching.detail
    assert calls.lost_events.wait(PATIENCE)
    (inbox / "a.pdf").touch()
    assert calls.woken.wait(PATIENCE)


def test_there_are_watches_left_here():
    assert not inotify_limit.watches_exhausted()
