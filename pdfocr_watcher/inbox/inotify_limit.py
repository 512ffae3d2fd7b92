"""Whether the kernel gives this user another watch: watchdog leaves out the folders that it cannot watch, silently.

The limit is that of all programs of the user together (inotify(7), `max_user_watches`). What follows from it is
decided in `inbox.observer`.
"""

import ctypes
import errno
import os

_CLOEXEC = os.O_CLOEXEC
_DELETE_SELF = 0x400
_libc = ctypes.CDLL(None, use_errno=True)


def watches_exhausted() -> bool:
    """Try to watch one folder more, and let go of it at once.

    Returns:
        True only if the limit of watches is what speaks against it.
    """
    descriptor = _libc.inotify_init1(_CLOEXEC)
    if descriptor < 0:
        return False
    try:
        # The root folder is there always, and no network mount.
        refused = _libc.inotify_add_watch(descriptor, b"/", _DELETE_SELF) < 0
        return refused and ctypes.get_errno() == errno.ENOSPC
    finally:
        os.close(descriptor)
