"""Notice early that something happened in the inbox: watchdog's observers, kept alive.

An event here is a hint and nothing more: it says "look now", never what happened, and it may be missing
altogether (the kernel's queue overflows, a mount is dropped, a share changes on its server). What lies in the
inbox is found out by `inbox.sweep`, which is done at intervals in any case.
"""

import contextlib
import errno
import logging
import os
import threading
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import structlog
from watchdog.events import (
    DirCreatedEvent,
    DirDeletedEvent,
    DirMovedEvent,
    FileAttribEvent,
    FileClosedEvent,
    FileCreatedEvent,
    FileModifiedEvent,
    FileMovedEvent,
    FileSystemEvent,
    FileSystemEventHandler,
)
from watchdog.observers import Observer as NativeObserver
from watchdog.observers.api import BaseObserver
from watchdog.observers.inotify_move_event_grouper import InotifyMoveEventGrouper
from watchdog.observers.polling import PollingObserverVFS

from pdfocr_watcher.config.choices import Observer
from pdfocr_watcher.inbox.inotify_limit import watches_exhausted
from pdfocr_watcher.inbox.sweep import Identity
from pdfocr_watcher.jobs import mounts

_log = structlog.get_logger()

# watchdog holds the first half of a move back for half a second, to pair it with the second, and all later events
# wait behind it. Every claim is such a half, and nobody here asks what was moved where.
InotifyMoveEventGrouper.delay = 0.0

#: Openings and closings without a write are left out: the sweep's and the probe's own would wake it for ever.
#: A deleted file wakes nobody either, or every claim would; a deleted folder may be the inbox itself.
EVENTS: list[type[FileSystemEvent]] = [
    DirCreatedEvent, DirDeletedEvent, DirMovedEvent,
    FileAttribEvent, FileClosedEvent, FileCreatedEvent, FileModifiedEvent, FileMovedEvent,
]  # fmt: skip

#: Where watchdog 7 says that the kernel dropped events, and that it could not watch again after that. No
#: handler is told of either.
_LOGGERS = ("watchdog.observers.inotify_c", "watchdog.observers.inotify")

#: No memory for another watch, no further inotify instance, no descriptor.
_LIMITS = frozenset({errno.ENOSPC, errno.EMFILE, errno.ENFILE, errno.ENOMEM})

#: Seconds without a sign of life after which the supervision itself counts as hung on a dead mount.
_HUNG_AFTER = 15.0


@dataclass(frozen=True, slots=True)
class Watching:
    """How the inbox is watched at the moment.

    Attributes:
        how: natively or by polling; None while it is not watched at all.
        detail: why not, or why otherwise than asked for; empty when there is nothing to say.
    """

    how: Observer | None
    detail: str = ""


class Noticer:
    """Watches the inbox with all its sub-folders and calls back when something happened.

    A thread of its own starts the observer, looks at intervals whether it still works, and starts another
    one when it does not, so that no call here ever waits for a file system.

    Args:
        root: the inbox; it need not exist yet.
        mode: natively, by polling, or by what its file system calls for.
        poll_interval: seconds between two looks when polling.
        wake: called for any event, from another thread; it must be quick and only set a flag.
        lost: called, likewise, when events may have been missed, with the reason: sweep now.
        check_interval: seconds between two looks at the observer's health.
    """

    def __init__(
        self,
        root: Path,
        *,
        mode: Observer,
        poll_interval: float,
        wake: Callable[[], None],
        lost: Callable[[str], None],
        check_interval: float = 2.0,
    ) -> None:
        self._root = root
        self._mode = mode
        self._poll_interval = poll_interval
        self._handler = _Waker(wake)
        self._lost = lost
        self._check_interval = check_interval
        self._overflow = _OverflowListener(self._missed)
        self._stopping = threading.Event()
        self._blind = threading.Event()
        self._thread = threading.Thread(target=self._supervise, name="inbox-noticer", daemon=True)
        self._watching = Watching(None, "The observer has not been started.")
        self._observer: BaseObserver | None = None
        self._identity: Identity | None = None
        self._beat = time.monotonic()

    @property
    def watching(self) -> Watching:
        """How the inbox was watched when it was last looked at."""
        return self._watching

    def start(self) -> None:
        """Begin to watch, or go on trying to.

        Raises:
            RuntimeError: it was started before.
        """
        # watchdog's reader meets a folder made inside a new folder twice, at times, and warns of its own haste;
        # where warnings are errors that ends its thread.
        warnings.filterwarnings("ignore", "Callback with id .* already exists", RuntimeWarning)
        self._thread.start()
        for logger in map(logging.getLogger, _LOGGERS):
            logger.addHandler(self._overflow)
            if not logger.isEnabledFor(logging.WARNING):
                # Whoever wants less of watchdog in the log must not switch off the news of lost events.
                logger.setLevel(logging.WARNING)

    def healthy(self) -> bool:
        """Whether events are being delivered, as far as can be told without touching the disk."""
        observer = self._observer
        patience = max(_HUNG_AFTER, 3 * self._check_interval)
        return observer is not None and _is_alive(observer) and time.monotonic() - self._beat < patience

    def stop(self, timeout: float = 5.0) -> bool:
        """Stop watching.

        Args:
            timeout: seconds to wait for the threads; one that hangs on a dead mount is left behind, which does
                not keep the process from ending.

        Returns:
            Whether all of them ended.
        """
        self._stopping.set()
        if self._thread.ident is not None:
            self._thread.join(timeout)
        for name in _LOGGERS:
            logging.getLogger(name).removeHandler(self._overflow)
        return not self._thread.is_alive()

    def _supervise(self) -> None:
        while not self._stopping.is_set():
            self._check()
            self._beat = time.monotonic()
            self._stopping.wait(self._check_interval)
        self._end("The observer was stopped.")

    def _check(self) -> None:
        """Look whether the observer still works; if not, begin again."""
        try:
            identity = _identity(self._root)
        except OSError as error:
            self._end(f"The inbox cannot be read: {error.strerror}.")
            return
        observer = self._observer
        limited = self._watching.how is Observer.NATIVE and watches_exhausted()
        whole = not (limited or self._blind.is_set())
        if observer is not None and identity == self._identity and _is_alive(observer) and whole:
            return
        restarted = observer is not None or self._identity is not None
        self._discard()
        if self._begin(identity) and restarted:
            self._missed("The inbox was not watched for a while.")

    def _begin(self, identity: Identity) -> bool:
        """Start an observer on the inbox that has this identity."""
        how, detail = self._choose()
        try:
            try:
                observer = self._open(how)
                if how is Observer.NATIVE and watches_exhausted():  # and perhaps not all folders are watched
                    _close(observer)
                    raise OSError(errno.ENOSPC, "inotify watch limit reached")
            except OSError as error:
                if how is Observer.POLLING or error.errno not in _LIMITS:
                    raise
                how, detail = Observer.POLLING, f"Polling, for {error.strerror}."
                observer = self._open(how)
        except Exception as error:  # noqa: BLE001 - whatever a library does, the supervision goes on
            self._tell(Watching(None, f"The observer cannot be started: {error}."))
            return False
        self._observer, self._identity = observer, identity
        self._blind.clear()
        self._tell(Watching(how, detail))
        return True

    def _choose(self) -> tuple[Observer, str]:
        if self._mode is not Observer.AUTO:
            return self._mode, ""
        file_system = mounts.file_system_type(self._root)
        if mounts.needs_polling(file_system):
            return Observer.POLLING, f"Polling, for the inbox lies on {file_system}."
        return Observer.NATIVE, ""

    def _open(self, how: Observer) -> BaseObserver:
        """Start one of watchdog's observers.

        Raises:
            OSError: it could not be started, and nothing of it is left.
        """
        # Neither observer may follow a link: a link to a folder above would be walked without end.
        observer: BaseObserver = (
            PollingObserverVFS(stat=os.lstat, listdir=os.scandir, polling_interval=self._poll_interval)
            if how is Observer.POLLING
            else NativeObserver()
        )
        try:
            observer.schedule(self._handler, os.path.realpath(self._root), recursive=True, event_filter=EVENTS)
            observer.start()
        except BaseException:
            _close(observer)
            raise
        return observer

    def _end(self, detail: str) -> None:
        self._discard()
        self._tell(Watching(None, detail))

    def _discard(self) -> None:
        observer, self._observer = self._observer, None
        if observer is not None:
            _close(observer)

    def _tell(self, watching: Watching) -> None:
        if watching != self._watching:
            self._watching = watching
            _log.info("inbox.watching", how=watching.how or "not", detail=watching.detail)

    def _missed(self, reason: str, *, blind: bool = False) -> None:
        if self._stopping.is_set():
            return
        if blind:
            self._blind.set()
        # The loop that it would wake may be closed before this is stopped.
        with contextlib.suppress(RuntimeError):
            self._lost(reason)


class _Waker(FileSystemEventHandler):
    """Turns any event into a call that carries nothing."""

    def __init__(self, wake: Callable[[], None]) -> None:
        self._wake = wake

    def dispatch(self, event: FileSystemEvent) -> None:  # noqa: ARG002 - what happened is found out by a sweep
        with contextlib.suppress(RuntimeError):
            self._wake()


class _OverflowListener(logging.Handler):
    """Hears of lost events where watchdog mentions them: in its log.

    Args:
        missed: called with the message, and with `blind` when the watches could not be made again.
    """

    def __init__(self, missed: Callable[..., None]) -> None:
        super().__init__(logging.WARNING)
        self._missed = missed

    def emit(self, record: logging.LogRecord) -> None:
        self._missed(f"{record.getMessage()}.", blind=record.exc_info is not None)


def _identity(root: Path) -> Identity:
    """Which folder the inbox is now.

    It is opened and not only stat'ed: watchdog says nothing where it may not read, and simply sees no events.
    """
    descriptor = os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        return Identity.of(os.fstat(descriptor))
    finally:
        os.close(descriptor)


def _is_alive(observer: BaseObserver) -> bool:
    """Whether every thread between the kernel and the handler runs.

    When the watched folder is deleted only the emitter ends; the observer itself goes on and says nothing.
    """
    emitters = set(observer.emitters)
    # The thread that reads from the kernel has no public name; polling has none.
    reader = getattr(observer, "_inotify_fd", None)
    alive = observer.is_alive() and bool(emitters) and all(emitter.is_alive() for emitter in emitters)
    return alive and (not isinstance(reader, threading.Thread) or reader.is_alive())


def _close(observer: BaseObserver, seconds: float = 2.0) -> None:
    """Stop an observer, and give up waiting for one whose thread hangs on a dead mount."""

    def shut() -> None:
        # OSError: the watches vanished with the folder.
        with contextlib.suppress(OSError, RuntimeError):
            observer.stop()
            if observer.ident is not None:
                observer.join(seconds)

    closer = threading.Thread(target=shut, name="inbox-noticer-close", daemon=True)
    closer.start()
    closer.join(seconds)
