"""Writes that a reader never sees half done and that a power cut does not take back.

The order is always: temporary file in the same folder, fsync, rename, fsync of the folder. What is written,
and when, is decided elsewhere.
"""

import errno
import hashlib
import itertools
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

_COPY_CHUNK = 1 << 20
#: Temporary files of ours begin and end so; recovery removes them, and the inbox ignores them.
TEMPORARY_PREFIX = ".pdfocr-"
TEMPORARY_SUFFIX = ".tmp"
_serial = itertools.count()


def temporary_name(path: Path) -> Path:
    """A name beside `path` under which it is written first; another one at every call, in every process."""
    return path.with_name(f"{TEMPORARY_PREFIX}{path.name[:60]}.{os.getpid()}-{next(_serial)}{TEMPORARY_SUFFIX}")


def is_temporary(name: str) -> bool:
    """Whether a file or folder of this name was left by a write that was broken off."""
    return name.startswith(TEMPORARY_PREFIX) and name.endswith(TEMPORARY_SUFFIX)


def sync_folder(folder: Path) -> None:
    """Make the names in a folder durable."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
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
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_file(path: Path, data: bytes) -> None:
    """Write a file whole or not at all; durable, but for its name (see `write_durably`).

    Raises:
        OSError: the file system refused; no temporary file is left where it can be removed.
    """
    temporary = temporary_name(path)
    try:
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC | os.O_NOFOLLOW, 0o644)
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(descriptor)
        temporary.replace(path)
    except BaseException:
        _remove_quietly(temporary)
        raise


def write_durably(path: Path, data: bytes) -> None:
    """Write a file whole or not at all, and make its name durable too.

    Raises:
        OSError: the file system refused.
    """
    write_file(path, data)
    sync_folder(path.parent)


def copy_verified(source: Path, target: Path) -> str:
    """Copy a file durably under a temporary name, read it back, then rename it to `target`.

    Returns:
        The SHA-256 of the content, as 64 hexadecimal digits.

    Raises:
        OSError: the file system refused, or what was read back is not what was copied (EIO).
    """
    temporary = temporary_name(target)
    digest = hashlib.sha256()
    try:
        with source.open("rb") as reader, temporary.open("wb") as writer:
            for chunk in _chunks(reader.fileno()):
                digest.update(chunk)
                writer.write(chunk)
            writer.flush()
            os.fsync(writer.fileno())
        if sha256_of(temporary) != digest.hexdigest():
            raise OSError(errno.EIO, "the copy differs from its source", str(target))
        temporary.replace(target)
    except BaseException:
        _remove_quietly(temporary)
        raise
    sync_folder(target.parent)
    return digest.hexdigest()


def sha256_of(path: Path) -> str:
    """The SHA-256 of a file's content, as 64 hexadecimal digits."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        for chunk in _chunks(file.fileno()):
            digest.update(chunk)
    return digest.hexdigest()


def move_folder(source: Path, target: Path) -> None:
    """Move a folder so that `target` appears by one rename, also to another file system.

    Across file systems the folder is copied to a temporary name beside `target`, made durable, renamed, and
    only then is the source removed; a leftover of an earlier try is replaced.

    Raises:
        FileExistsError: `target` exists.
        OSError: the file system refused; the source is still whole.
    """
    make_folders(target.parent)
    if target.exists():
        raise FileExistsError(errno.EEXIST, "the target exists", str(target))
    try:
        source.rename(target)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        temporary = target.with_name(f"{TEMPORARY_PREFIX}{target.name[:60]}{TEMPORARY_SUFFIX}")
        shutil.rmtree(temporary, ignore_errors=True)
        shutil.copytree(source, temporary, copy_function=_copy_synced)
        for folder, _, _ in os.walk(temporary, topdown=False):
            sync_folder(Path(folder))
        temporary.rename(target)
        sync_folder(target.parent)
        shutil.rmtree(source)
    sync_folder(target.parent)
    sync_folder(source.parent)


def make_folders(folder: Path) -> None:
    """Make a folder and its missing parents, each name durable."""
    if folder.is_dir():
        return
    make_folders(folder.parent)
    folder.mkdir(exist_ok=True)
    sync_folder(folder.parent)


def _chunks(descriptor: int) -> Iterator[bytes]:
    while chunk := os.read(descriptor, _COPY_CHUNK):
        yield chunk


def _copy_synced(source: str, target: str) -> str:
    shutil.copy2(source, target, follow_symlinks=False)
    sync_file(Path(target))
    return target


def _remove_quietly(path: Path) -> None:
    try:
        path.unlink(missing_ok=True)
    except OSError:
        # The write has failed already, and that is what is reported; recovery removes what is left.
        return
