"""Which file system a path lies on, read from the kernel's table of mounts.

`parse_mountinfo`, `mount_of` and `dropped` are pure; the others read it. `os.path.ismount` is asked nowhere: it does
not see a folder of the same file system that is bound to another. What follows from the type (how the inbox is
observed, whether leases are asked) is decided by the callers.
Source: proc(5), section `/proc/pid/mountinfo`.
"""

import os
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

MOUNTINFO = Path("/proc/self/mountinfo")

_OCTAL = re.compile(r"\\([0-7]{3})")

#: Type names whose files can be changed from elsewhere without this kernel hearing of it.
_REMOTE = frozenset({
    "9p", "acfs", "afs", "autofs", "beegfs", "ceph", "cifs", "coda", "cvfs", "drvfs", "fakeowner", "fuse", "gfs2",
    "glusterfs", "gpfs", "lustre", "ncpfs", "ocfs2", "orangefs", "panfs", "prl_fs", "pvfs2", "smb2", "smb3", "smbfs",
    "vboxsf", "virtiofs", "vmhgfs",
})  # fmt: skip
#: `fuseblk` is absent on purpose: it is a local disk, written through this kernel alone.
_REMOTE_PREFIXES = ("fuse.", "nfs")


@dataclass(frozen=True, slots=True)
class Mount:
    """One line of the table.

    Attributes:
        mount_id: the kernel's number of the mount.
        parent_id: the mount that it is mounted upon.
        point: the folder it is mounted on, absolute, as this process sees it.
        file_system: the type, as in `mount -t`; FUSE has a sub-type after a dot.
    """

    mount_id: int
    parent_id: int
    point: str
    file_system: str


def parse_mountinfo(text: str) -> tuple[Mount, ...]:
    """The mounts of a `mountinfo` text, in its order; lines that do not read as one are left out."""
    return tuple(mount for line in text.split("\n") if (mount := _parse_line(line)) is not None)


def _parse_line(line: str) -> Mount | None:
    fields = line.split(" ")
    try:
        # Between the sixth field and the dash stands any number of optional fields.
        dash = fields.index("-", 6)
        return Mount(int(fields[0]), int(fields[1]), _unescape(fields[4]), fields[dash + 1])
    except (ValueError, IndexError):
        return None


def _unescape(field: str) -> str:
    """Undo the kernel's octal escapes (blank, tab, newline, backslash, hash)."""
    return _OCTAL.sub(lambda match: chr(int(match[1], 8)), field)


def mount_of(mounts: Iterable[Mount], path: str) -> Mount | None:
    """The mount that serves a path.

    The walk is the kernel's own, from mount to mount along the path: the table's order says little, and a
    mount may be hidden by a later one further up the path.

    Args:
        mounts: the whole table.
        path: absolute, without symbolic links and without `..`.

    Returns:
        None when no mount of the table covers the path.
    """
    covering = [mount for mount in mounts if _covers(mount.point, path)]
    known = {mount.mount_id for mount in covering}
    roots = [mount for mount in covering if mount.parent_id not in known or mount.parent_id == mount.mount_id]
    # Of equals, min() and max() would take the first; the last mounted lies on top.
    current = max(reversed(roots), key=lambda mount: len(mount.point), default=None)
    passed: set[int] = set()
    while current is not None:
        passed.add(current.mount_id)
        upon = [m for m in covering if m.parent_id == current.mount_id and m.mount_id not in passed]
        if not upon:
            break
        current = min(reversed(upon), key=lambda mount: len(mount.point))
    return current


def _covers(point: str, path: str) -> bool:
    return point in {"/", path} or path.startswith(point + "/")


def dropped(mounts: Iterable[Mount], point: str, path: str) -> bool:
    """Whether a path that lay on the mount at `point` is served by the folder below it now.

    Args:
        mounts: the whole table.
        point: where the path's file system was mounted when it was last seen; empty if that is not known.
        path: absolute, without symbolic links and without `..`.
    """
    if not point or not _covers(point, path):
        return False
    serving = mount_of(mounts, path)
    return serving is not None and serving.point != point and _covers(serving.point, point)


def table() -> tuple[Mount, ...]:
    """The mounts as this process sees them now; none where the table cannot be read."""
    try:
        return parse_mountinfo(os.fsdecode(MOUNTINFO.read_bytes()))
    except OSError:
        return ()


def mount_point(path: Path) -> Path:
    """Where the file system that a path lies on is mounted; the root folder if that is not known.

    The path need not exist. May block where a network mount along the path does not answer.
    """
    mount = mount_of(table(), os.path.realpath(path))
    return Path(mount.point if mount is not None else "/")


def is_mount_point(point: Path) -> bool:
    """Whether something is mounted on what `mount_point` has told; the root folder is one for good."""
    if point == Path("/"):
        return True
    mount = mount_of(table(), str(point))
    return mount is not None and mount.point == str(point)


def file_system_type(path: Path) -> str:
    """The type of the file system that a path lies on, such as `ext4`, `cifs` or `fuse.sshfs`.

    The path need not exist. May block where a network mount along the path does not answer.

    Returns:
        An empty string where the table cannot be read or does not cover the path.
    """
    mount = mount_of(table(), os.path.realpath(path))
    return mount.file_system if mount is not None else ""


def needs_polling(file_system: str) -> bool:
    """Whether changes on this type of file system can come from elsewhere, so that inotify stays silent.

    The same types answer a lease probe for reasons of their own (`inbox.lease`).
    """
    name = file_system.lower()
    return name in _REMOTE or name.startswith(_REMOTE_PREFIXES)
