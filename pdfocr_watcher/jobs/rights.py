"""Whom a file or folder lets in: owner, group, mode and POSIX ACL as one value, read from disk and written to it.

Which rights a result has is decided in `jobs.ownership`. The form of the ACL's bytes is that of Linux's extended
attributes `system.posix_acl_access` and `system.posix_acl_default`; acl(5) says what the entries mean.
"""

import errno
import os
import stat
import struct
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path

READ, WRITE, ENTER = 4, 2, 1

_ACCESS, _DEFAULT = "system.posix_acl_access", "system.posix_acl_default"
_VERSION = struct.Struct("<I")
_ENTRY = struct.Struct("<HHI")
_VERSION_2 = 2
_NO_ID = 0xFFFFFFFF
_NO_ACL = frozenset({errno.ENODATA, errno.ENOTSUP, errno.EPERM, errno.EACCES, errno.EINVAL, errno.ENOSYS})
#: What says that the daemon may not, or the file system cannot: the rights stay as they are.
_NOT_OURS = frozenset({errno.EPERM, errno.EACCES, errno.ENOTSUP, errno.EINVAL, errno.ENOSYS})


class Tag(IntEnum):
    """Whom an entry of an ACL is about, in the order in which entries stand."""

    OWNER = 0x01
    USER = 0x02
    OWNING_GROUP = 0x04
    GROUP = 0x08
    MASK = 0x10
    OTHERS = 0x20


@dataclass(frozen=True, slots=True)
class Entry:
    """An entry of an ACL.

    Attributes:
        tag: whom it is about.
        who: the uid of a USER, the gid of a GROUP; else 0.
        allowed: the sum of READ, WRITE and ENTER.
    """

    tag: Tag
    who: int
    allowed: int


Acl = tuple[Entry, ...]


@dataclass(frozen=True, slots=True)
class Rights:
    """The rights of one file or folder.

    Attributes:
        uid: the owner.
        gid: the owning group.
        mode: the permission bits, set-group-id and sticky included.
        acl: who is let in beside them; empty where the mode says it all.
        default: what is made in the folder inherits it; empty where there is none.
    """

    uid: int
    gid: int
    mode: int
    acl: Acl = ()
    default: Acl = ()

    def lets_in_others(self, wanted: int) -> bool:
        """Whether everybody is let in."""
        return self.mode & wanted == wanted

    def lets_in_group(self, gid: int, wanted: int) -> bool:
        """Whether the members of a group are let in, as members or as everybody is."""
        named = [entry.allowed for entry in self.acl if entry.tag is Tag.GROUP and entry.who == gid]
        if gid == self.gid:
            named += [entry.allowed for entry in self.acl if entry.tag is Tag.OWNING_GROUP] or [self.mode >> 3]
        if not named:
            return self.lets_in_others(wanted)
        return any(allowed & self._mask & wanted == wanted for allowed in named)

    def lets_in_user(self, uid: int, wanted: int) -> bool:
        """Whether a user is let in who is in no group that we know of."""
        if uid == self.uid:
            return self.mode >> 6 & wanted == wanted
        for entry in self.acl:
            if entry.tag is Tag.USER and entry.who == uid:
                return entry.allowed & self._mask & wanted == wanted
        return self.lets_in_others(wanted)

    @property
    def _mask(self) -> int:
        return next((entry.allowed for entry in self.acl if entry.tag is Tag.MASK), READ | WRITE | ENTER)


def rights_of(place: Path | int) -> Rights:
    """The rights of what lies at a path, or is open; a link at the path's end is followed.

    Raises:
        OSError: it cannot be looked at.
    """
    found = os.stat(place)  # noqa: PTH116 - or a descriptor
    default = _read(place, _DEFAULT) if stat.S_ISDIR(found.st_mode) else ()
    return Rights(found.st_uid, found.st_gid, stat.S_IMODE(found.st_mode), _read(place, _ACCESS), default)


def give_rights(descriptor: int, rights: Rights) -> None:
    """Give a file or folder these rights, as far as the daemon may and the file system can.

    Args:
        descriptor: the file or folder, opened for reading.
        rights: what it shall have.

    Raises:
        OSError: the file system failed.
    """
    found = os.fstat(descriptor)
    if (found.st_uid, found.st_gid) != (rights.uid, rights.gid):
        # The two apart: who may not give a file away may still give it to a group of theirs.
        for uid, gid in ((-1, rights.gid), (rights.uid, -1)):
            try:
                os.fchown(descriptor, uid, gid)
            except OSError as error:
                _raise_unless(error, _NOT_OURS)
    try:
        os.fchmod(descriptor, rights.mode)
        _write(descriptor, _ACCESS, rights.acl)
        if stat.S_ISDIR(found.st_mode):
            _write(descriptor, _DEFAULT, rights.default)
    except OSError as error:
        _raise_unless(error, _NOT_OURS)


def _read(place: Path | int, name: str) -> Acl:
    try:
        return parsed(os.getxattr(place, name))
    except OSError as error:
        _raise_unless(error, _NO_ACL)
        return ()


def _write(descriptor: int, name: str, acl: Acl) -> None:
    try:
        if acl:
            os.setxattr(descriptor, name, packed(acl))
        else:
            os.removexattr(descriptor, name)
    except OSError as error:
        _raise_unless(error, _NO_ACL)


def _raise_unless(error: OSError, expected: frozenset[int]) -> None:
    if error.errno not in expected:
        raise error


def parsed(data: bytes) -> Acl:
    """An ACL from the bytes of its attribute; empty if they are of a kind that is not known."""
    if len(data) < _VERSION.size or _VERSION.unpack_from(data)[0] != _VERSION_2:
        return ()
    try:
        found = [
            Entry(Tag(tag), 0 if who == _NO_ID else who, allowed)
            for tag, allowed, who in _ENTRY.iter_unpack(data[_VERSION.size :])
        ]
    except (ValueError, struct.error):
        return ()
    return tuple(found)


def packed(acl: Acl) -> bytes:
    """The bytes of an ACL's attribute."""
    named = {Tag.USER, Tag.GROUP}
    entries = sorted(acl, key=lambda entry: (entry.tag, entry.who))
    return _VERSION.pack(_VERSION_2) + b"".join(
        _ENTRY.pack(entry.tag, entry.allowed, entry.who if entry.tag in named else _NO_ID) for entry in entries
    )
