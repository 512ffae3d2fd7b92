"""Calls to the kernel for which Python has no function."""

import ctypes
import os
import sys

from .syscalls import CAPGET, CAPSET, COLUMNS

_libc = ctypes.CDLL(None, use_errno=True)

_PR_SET_PDEATHSIG = 1
_PR_SET_NO_NEW_PRIVS = 38

_CAPABILITY_VERSION = 0x20080522
#: To read and write what belongs to others, of which Landlock leaves the PDF and the scratch folder.
_CAP_DAC_OVERRIDE, _CAP_DAC_READ_SEARCH = 1 << 1, 1 << 2


def machine() -> str:
    """The machine that this program was made for, as uname names it."""
    return os.uname().machine if sys.maxsize > 1 << 32 else "32-bit"


def checked(result: int) -> int:
    """The result of a call.

    Raises:
        OSError: it is negative.
    """
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return result


def syscall(number: int, *arguments: object) -> int:
    """Call the kernel by number; integers are passed as whole words.

    Raises:
        OSError: it refused.
    """
    words = [ctypes.c_long(value) if isinstance(value, int) else value for value in arguments]
    return checked(_libc.syscall(ctypes.c_long(number), *words))


def prctl(option: int, argument: int, other: object = 0) -> None:
    """Change how the kernel treats this process.

    Raises:
        OSError: it refused.
    """
    last = ctypes.c_ulong(other) if isinstance(other, int) else other
    checked(_libc.prctl(ctypes.c_int(option), ctypes.c_ulong(argument), last, ctypes.c_ulong(0), ctypes.c_ulong(0)))


def end_with_parent(signal: int) -> None:
    """Have this process ended when the thread that started it ends, however it does."""
    prctl(_PR_SET_PDEATHSIG, signal)


def forbid_new_privileges() -> None:
    """No program that is started from here gains rights by its set-user-id bit or its capabilities."""
    prctl(_PR_SET_NO_NEW_PRIVS, 1)


def default_signal(number: int) -> None:
    """Give a signal its default effect again; a program that is started inherits what is ignored."""
    _libc.signal(ctypes.c_int(number), ctypes.c_void_p(0))


def drop_capabilities() -> None:
    """Keep no capability but to read and write files of others; for a daemon that runs as root.

    Raises:
        OSError: the kernel refused, although there was something to drop.
    """
    column = COLUMNS.get(machine())
    if column is None:
        return
    header = (ctypes.c_uint32 * 2)(_CAPABILITY_VERSION, 0)
    # Effective, permitted and inheritable, for the capabilities 0 to 31 and then for 32 to 63.
    sets = (ctypes.c_uint32 * 6)()
    syscall(CAPGET[column], header, sets)
    if any(sets):
        kept = sets[1] & (_CAP_DAC_OVERRIDE | _CAP_DAC_READ_SEARCH)
        syscall(CAPSET[column], header, (ctypes.c_uint32 * 6)(kept, kept, 0, 0, 0, 0))
