"""Whether another program has a file open for writing: a probe by a lease that is given back at once.

The kernel grants a read lease (fcntl(2), F_SETLEASE) only on a file that nobody has open for writing. That is
the one sign of an unfinished copy which does not depend on the clock, and it exists on local file systems only.
Who opens the file for writing within the microseconds of the lease waits for its end and notices nothing
more (an opener that asked not to wait is refused once, with EWOULDBLOCK).
"""

import contextlib
import errno
import fcntl
import os
import signal
import stat
from pathlib import Path

from pdfocr_watcher.jobs import mounts

_FLAGS = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


def has_writer(path: Path) -> bool | None:
    """Whether some process, this one included, has the file open for writing.

    Blocks no longer than opening a file does. Safe to call from any thread.

    Returns:
        None where that cannot be told: on a network or FUSE mount, on a file system without leases, for a file of
        somebody else without CAP_LEASE, and for a file that cannot be opened for reading.
    """
    # CIFS and NFS 4 refuse a lease also for want of an oplock or delegation, in the very words that elsewhere
    # mean "there is a writer"; FUSE grants one whatever happens at its other end.
    file_system = mounts.file_system_type(path)
    if not file_system or mounts.needs_polling(file_system):
        return None
    try:
        descriptor = os.open(path, _FLAGS)
    except BlockingIOError:
        # Somebody holds a write lease, as a file server does for a client that writes; it has now been called in.
        return True
    except OSError:
        return None
    try:
        return _lease_refused(descriptor) if stat.S_ISREG(os.fstat(descriptor).st_mode) else None
    except OSError:
        return None
    finally:
        os.close(descriptor)


def _lease_refused(descriptor: int) -> bool | None:
    """Take a read lease on an open file and give it back.

    Raises:
        OSError: the file system, or the file's owner, does not allow leases.
    """
    # A lease that is called in raises SIGIO, which ends a process that does not handle it. The signal is a
    # property of the open file, so choosing one that is ignored by default is safe whatever threads and
    # signal handlers the process has; SIGURG, not being a real-time signal, also never falls back to SIGIO.
    fcntl.fcntl(descriptor, fcntl.F_SETSIG, signal.SIGURG)
    try:
        fcntl.fcntl(descriptor, fcntl.F_SETLEASE, fcntl.F_RDLCK)
    except OSError as error:
        return True if error.errno == errno.EAGAIN else None
    # Closing would give the lease back as well, but not while a process that is just being started holds a
    # copy of the descriptor.
    with contextlib.suppress(OSError):
        fcntl.fcntl(descriptor, fcntl.F_SETLEASE, fcntl.F_UNLCK)
    return False
