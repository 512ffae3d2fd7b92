"""Landlock: the files that a process may still open, and nothing else; no TCP, no signals to others.

The numbers are those of the kernel's <linux/landlock.h>; the calls have the same numbers on all machines.
"""

import ctypes
import os
import stat

from .kernel import syscall

_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446
_GET_VERSION = 1
_PATH_BENEATH = 1

EXECUTE, WRITE_FILE, READ_FILE, READ_DIR = 1 << 0, 1 << 1, 1 << 2, 1 << 3
_MAKE_REG = 1 << 8
_TRUNCATE = 1 << 14
#: What can be said of a file; the rest is about folders.
_OF_FILES = EXECUTE | WRITE_FILE | READ_FILE | _TRUNCATE

READ = READ_FILE | READ_DIR
#: Make new files and fill them; neither folders nor links, and nothing is removed.
_CREATE = READ_FILE | WRITE_FILE | _MAKE_REG | _TRUNCATE

#: How many rights on files each version of the interface knows; later versions know as many as the fifth.
_FILE_RIGHTS = {1: 13, 2: 14, 3: 15, 4: 15, 5: 16}
#: From these versions on TCP ports, and signals and abstract sockets, can be forbidden.
_NETWORK_VERSION, _NETWORK = 4, 0b11
_SCOPE_VERSION, _SCOPE = 6, 0b11


class _Ruleset(ctypes.Structure):
    _fields_ = (("files", ctypes.c_uint64), ("network", ctypes.c_uint64), ("scope", ctypes.c_uint64))


class _PathBeneath(ctypes.Structure):
    _pack_ = 1
    _layout_ = "ms"  # what `_pack_` means, said as Python 3.14 wants it
    _fields_ = (("rights", ctypes.c_uint64), ("descriptor", ctypes.c_int32))


def version() -> int:
    """The version of the kernel's interface, from 1.

    Raises:
        OSError: ENOSYS, the kernel is older than 5.13; EOPNOTSUPP, it is switched off; EPERM, a filter forbids it.
    """
    return syscall(_CREATE_RULESET, None, 0, _GET_VERSION)


def restrict(readable: dict[str, int], document: str, scratch: str) -> None:
    """Take all rights on files from this process but these; needs `forbid_new_privileges` first.

    Args:
        readable: files and folders and the rights on them; what is not there is left out.
        document: a file that may be read; empty for none. A symbolic link gives no right to where it leads.
        scratch: a folder in which files may be made; empty for none.

    Raises:
        OSError: the kernel refused.
    """
    known = version()
    files = (1 << _FILE_RIGHTS.get(known, _FILE_RIGHTS[5])) - 1
    network = _NETWORK if known >= _NETWORK_VERSION else 0
    scope = _SCOPE if known >= _SCOPE_VERSION else 0
    attributes = _Ruleset(files, network, scope)
    ruleset = syscall(_CREATE_RULESET, ctypes.byref(attributes), ctypes.sizeof(attributes), 0)
    for path, rights in readable.items():
        _allow(ruleset, path, rights & files)
    if document:
        _allow(ruleset, document, READ_FILE, os.O_NOFOLLOW)
    if scratch:
        _allow(ruleset, scratch, _CREATE & files, os.O_NOFOLLOW)
    syscall(_RESTRICT_SELF, ruleset, 0)
    os.close(ruleset)


def _allow(ruleset: int, path: str, rights: int, flags: int = 0) -> None:
    try:
        descriptor = os.open(path, os.O_PATH | os.O_CLOEXEC | flags)
    except OSError:
        return  # who opens it will be told why it cannot be
    try:
        if not stat.S_ISDIR(os.fstat(descriptor).st_mode):
            rights &= _OF_FILES
        rule = _PathBeneath(rights, descriptor)
        syscall(_ADD_RULE, ruleset, _PATH_BENEATH, ctypes.byref(rule), 0)
    finally:
        os.close(descriptor)
