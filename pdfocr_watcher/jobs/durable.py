"""Writes that a reader never sees half done and that a power cut does not take back.

The order is always: temporary file in the same folder, fsync, rename, fsync of the folder; and whatever goes is
renamed to a temporary name first, so that nobody meets half of it. What is written, and when, is decided elsewhere.
Each operation is a step with its crash points (see `jobs.steps`); whoever changes a job's files does it through here.
"""

import contextlib
import ctypes
import errno
import hashlib
import itertools
import os
import re
import shutil
import stat
from collections.abc import Iterator
from pathlib import Path

from pdfocr_watcher.jobs.steps import Step, step

_COPY_CHUNK = 1 << 20
#: Temporary files of ours begin and end so; recovery removes them, and the inbox ignores them.
TEMPORARY_PREFIX = ".pdfocr-"
TEMPORARY_SUFFIX = ".tmp"
#: So much of a file's name its temporary name keeps: a name may have 255 bytes.
_KEPT_BYTES = 60
_serial = itertools.count()
_NAMED_HERE = re.compile(f"{re.escape(TEMPORARY_PREFIX)}.*[.][0-9]+-[0-9]+{re.escape(TEMPORARY_SUFFIX)}", re.DOTALL)

#: For renameat2(2): a path is no part of an open folder; a name that is taken is an error.
_AT_FDCWD, _RENAME_NOREPLACE = -100, 1
_libc = ctypes.CDLL(None, use_errno=True)


def temporary_name(path: Path) -> Path:
    """A name beside `path` under which it is written first; another one at every call, in every process."""
    kept = truncated(path.name, _KEPT_BYTES)
    return path.with_name(f"{TEMPORARY_PREFIX}{kept}.{os.getpid()}-{next(_serial)}{TEMPORARY_SUFFIX}")


def truncated(name: str, length: int) -> str:
    """The first `length` bytes of a file name, or a few less: no character is cut in two."""
    return os.fsencode(name)[:length].decode(errors="ignore")


def is_temporary(name: str) -> bool:
    """Whether a file or folder of this name was left by a write that was broken off."""
    return name.startswith(TEMPORARY_PREFIX) and name.endswith(TEMPORARY_SUFFIX)


def is_dying(name: str) -> bool:
    """Whether a folder of this name is one whose removal was broken off, and not a copy that is being made."""
    return _NAMED_HERE.fullmatch(name) is not None


def is_regular_file(path: Path) -> bool:
    """Whether a regular file, no link to one, has this name.

    Raises:
        OSError: it cannot be said; a disk that is in trouble must not look like an empty one.
    """
    try:
        return stat.S_ISREG(os.lstat(path).st_mode)
    except (FileNotFoundError, NotADirectoryError):
        return False


def read_file(path: Path, most: int) -> bytes | None:
    """The content of a file that other people may have exchanged; None if it is no regular file, or a larger one.

    Args:
        path: the file; a link at its end is not followed, and a pipe not waited for.
        most: bytes that it may have.

    Raises:
        OSError: it is not there, or cannot be read.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        if error.errno in {errno.ELOOP, errno.ENXIO, errno.ENODEV}:  # a link, a socket, a device
            return None
        raise
    try:
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode) or found.st_size > most:
            return None
        content = b"".join(chunks(descriptor))
        return content if len(content) <= most else None
    finally:
        os.close(descriptor)


def sync_folder(folder: Path) -> None:
    """Make the names in a folder durable."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        with step(Step.SYNC_FOLDER, folder):
            os.fsync(descriptor)
    except OSError as error:
        # Some network file systems know no fsync of a folder; their renames are synchronous.
        if error.errno not in {errno.EINVAL, errno.ENOTSUP}:
            raise
    finally:
        os.close(descriptor)


def sync_file(path: Path) -> None:
    """Make a file's content durable."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        with step(Step.SYNC_FILE, path):
            os.fsync(descriptor)
    finally:
        os.close(descriptor)


def rename(source: Path, target: Path) -> None:
    """Rename a file or folder; a file that has the name already is replaced. Not durable (see `sync_folder`).

    Raises:
        OSError: the file system refused; nothing has changed.
    """
    with step(Step.RENAME, target):
        source.replace(target)


def rename_to_free_name(source: Path, target: Path) -> None:
    """Rename a file or folder, never over another. Not durable.

    Raises:
        FileExistsError: the name is taken.
        OSError: the file system refused, or cannot tell the two cases apart (EINVAL; NFS); nothing has changed.
    """
    if not hasattr(_libc, "renameat2"):
        raise OSError(errno.EINVAL, "renameat2 is missing")
    with step(Step.RENAME, target):
        names = os.fsencode(source), os.fsencode(target)
        if _libc.renameat2(_AT_FDCWD, names[0], _AT_FDCWD, names[1], _RENAME_NOREPLACE):
            number = ctypes.get_errno()
            raise OSError(number, os.strerror(number), str(source), None, str(target))


def link(source: Path, target: Path) -> None:
    """Give a file a second name. Not durable.

    Raises:
        FileExistsError: the name is taken.
        OSError: the file system refused, or knows no hard links.
    """
    with step(Step.LINK, target):
        os.link(source, target, follow_symlinks=False)


def make_folder(folder: Path, *, exist_ok: bool = False, mode: int = 0o777) -> None:
    """Make one folder; its name is not durable yet.

    Args:
        folder: its path.
        exist_ok: whether it may be there already.
        mode: its rights, less what the umask or a default ACL takes.

    Raises:
        OSError: the file system refused.
    """
    with step(Step.MAKE_FOLDER, folder):
        folder.mkdir(mode, exist_ok=exist_ok)


def remove_file(path: Path, *, missing_ok: bool = False) -> None:
    """Remove a file; a power cut may bring it back until its folder is synced.

    Raises:
        OSError: the file system refused.
    """
    with step(Step.REMOVE_FILE, path):
        path.unlink(missing_ok=missing_ok)


def remove_tree(folder: Path, *, worthless: bool = False) -> None:
    """Remove a folder with all that is in it, one by one; no link in it is followed.

    Args:
        folder: what goes.
        worthless: whether it matters to nobody that it is not there, or that a part of it stays.

    Raises:
        OSError: the file system refused; a part of it may be gone.
    """
    with step(Step.REMOVE_TREE, folder):
        try:
            shutil.rmtree(folder, ignore_errors=worthless)
        except RecursionError as error:
            raise OSError(errno.ELOOP, "too many folders in one another", str(folder)) from error


def write_file(path: Path, data: bytes, *, mode: int = 0o666, umask: bool = True, group: int | None = None) -> None:
    """Write a file whole or not at all; durable, but for its name (see `write_durably`).

    Args:
        path: the file.
        data: its content.
        mode: its rights, less what the umask or a default ACL of its folder takes.
        umask: whether they take anything; where not, the rights are as given if the file system can say so.
        group: whose it is, if the file system and the daemon's rights allow it; None for who gets what is made there.

    Raises:
        OSError: the file system refused; no temporary file is left where it can be removed.
    """
    temporary = temporary_name(path)
    try:
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC | os.O_NOFOLLOW, mode)
        with os.fdopen(descriptor, "wb") as file:
            if group is not None:
                with contextlib.suppress(OSError):
                    os.fchown(descriptor, -1, group)
            if not umask:
                with contextlib.suppress(OSError):
                    os.fchmod(descriptor, mode)
            with step(Step.WRITE, temporary):
                file.write(data)
                file.flush()
            with step(Step.SYNC_FILE, temporary):
                os.fsync(descriptor)
        rename(temporary, path)
    except BaseException:
        remove_quietly(temporary)
        raise


def write_durably(path: Path, data: bytes, *, mode: int = 0o666) -> None:
    """Write a file whole or not at all, and make its name durable too (see `write_file`).

    Raises:
        OSError: the file system refused.
    """
    write_file(path, data, mode=mode)
    sync_folder(path.parent)


def sha256_of(path: Path) -> str:
    """The SHA-256 of a file's content, as 64 hexadecimal digits; a link at the path's end is not followed.

    Raises:
        OSError: it is a link (ELOOP), is not there, or cannot be read.
    """
    digest = hashlib.sha256()
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        for chunk in chunks(descriptor):
            digest.update(chunk)
    finally:
        os.close(descriptor)
    return digest.hexdigest()


def remove_folder(folder: Path) -> None:
    """Remove a folder with all that is in it: it vanishes at once, and its files then.

    Raises:
        OSError: the file system refused; the folder is whole, or has vanished and what is left of it has a
            temporary name.
    """
    dying = temporary_name(folder)
    rename(folder, dying)
    sync_folder(folder.parent)
    remove_tree(dying)


def make_folders(folder: Path) -> None:
    """Make a folder and its missing parents, each name durable."""
    if folder.is_dir():
        return
    make_folders(folder.parent)
    make_folder(folder, exist_ok=True)
    sync_folder(folder.parent)


def chunks(descriptor: int) -> Iterator[bytes]:
    """What is in an open file, up to a megabyte at a time.

    Raises:
        OSError: it cannot be read.
    """
    while chunk := os.read(descriptor, _COPY_CHUNK):
        yield chunk


def remove_quietly(path: Path) -> None:
    """Remove a file if that is possible; a leftover is removed by the next start."""
    with contextlib.suppress(OSError):
        remove_file(path, missing_ok=True)
