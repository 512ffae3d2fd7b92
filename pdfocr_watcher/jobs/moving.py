"""Files and folders that go to another place, also to another file system: copied, read back, and only then removed.

The single steps that this is made of are in `jobs.durable`.
"""

import errno
import hashlib
import os
from collections.abc import Callable
from pathlib import Path

from pdfocr_watcher.jobs.durable import (
    TEMPORARY_PREFIX,
    TEMPORARY_SUFFIX,
    chunks,
    make_folder,
    make_folders,
    remove_folder,
    remove_quietly,
    remove_tree,
    rename,
    sha256_of,
    sync_folder,
    temporary_name,
)
from pdfocr_watcher.jobs.steps import Step, step

#: Folders in one another that are copied; a result has two.
_LEVELS = 16


def copy_verified(source: Path, target: Path) -> str:
    """Copy a file durably under a temporary name, read it back, then rename it to `target`.

    Returns:
        The SHA-256 of the content, as 64 hexadecimal digits.

    Raises:
        OSError: the file system refused, `source` is a symbolic link (ELOOP), or what was read back is not what
            was copied (EIO).
    """
    temporary = temporary_name(target)
    try:
        digest = _copy_and_read_back(source, temporary)
        rename(temporary, target)
    except BaseException:
        remove_quietly(temporary)
        raise
    sync_folder(target.parent)
    return digest


def move_folder(source: Path, target: Path, mark: str = "", ready: Callable[[Path], None] | None = None) -> None:
    """Move a folder so that `target` appears by one rename, also to another file system.

    Across file systems the folder is copied to a temporary name beside `target`, each file read back, made
    durable, renamed, and only then is the source removed; a leftover of an earlier try is replaced. Links and
    other things that are neither file nor folder are not copied.

    Args:
        source: what is moved.
        target: where it will lie.
        mark: who moves it, in the temporary name: what is left is known by it where several daemons put things.
        ready: called with what will be `target` by the next rename: the source, or the copy of it.

    Raises:
        FileExistsError: `target` exists.
        OSError: the file system refused; the folder is whole in one of the two places, or in both.
    """
    make_folders(target.parent)
    if os.path.lexists(target):
        raise FileExistsError(errno.EEXIST, "the target exists", str(target))
    if os.lstat(source).st_dev == target.parent.stat().st_dev:
        if ready is not None:
            ready(source)
        try:
            rename(source, target)
        except OSError as error:
            if error.errno != errno.EXDEV:  # one file system may be mounted in two places
                raise
        else:
            sync_folder(target.parent)
            sync_folder(source.parent)
            return
    # The same name at every try, but never that of another target: two may be on their way at a time.
    own = hashlib.sha256(os.fsencode(target.name)).hexdigest()[:32]
    temporary = target.with_name(f"{TEMPORARY_PREFIX}{mark}-{own}{TEMPORARY_SUFFIX}")
    remove_tree(temporary, worthless=True)
    _check_room(source, target.parent)
    _copy_folder(source, temporary, _LEVELS)
    if ready is not None:
        ready(temporary)
    rename(temporary, target)
    sync_folder(target.parent)
    remove_folder(source)


def _copy_and_read_back(source: Path, target: Path) -> str:
    """Copy a file's content durably; its SHA-256."""
    digest = hashlib.sha256()
    # The inbox is other people's: a link that was put in a file's place would lead anywhere.
    reader = os.open(source, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        with target.open("wb") as writer:
            with step(Step.WRITE, target):
                for chunk in chunks(reader):
                    digest.update(chunk)
                    writer.write(chunk)
                writer.flush()
            with step(Step.SYNC_FILE, target):
                os.fsync(writer.fileno())
            # What is read back shall come from the device, not from memory.
            os.posix_fadvise(writer.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
    finally:
        os.close(reader)
    if sha256_of(target) != digest.hexdigest():
        raise OSError(errno.EIO, "the copy differs from its source", str(target))
    return digest.hexdigest()


def _check_room(source: Path, target: Path) -> None:
    """See that a folder's files fit into another file system: not to fill it up again and again.

    Raises:
        OSError: they do not (ENOSPC), or it cannot be said.
    """
    try:
        needed = sum((Path(folder) / name).lstat().st_size for folder, _, names in os.walk(source) for name in names)
    except RecursionError as error:
        raise OSError(errno.ELOOP, "too many folders in one another", str(source)) from error
    space = os.statvfs(target)
    if needed > space.f_bavail * space.f_frsize:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(target))


def _copy_folder(source: Path, target: Path, levels: int) -> None:
    """Copy a folder that only we can look into until it is renamed; what is in it may be other people's doing."""
    if not levels:
        raise OSError(errno.ELOOP, "too many folders in one another", str(source))
    make_folder(target, mode=0o700)
    # Through its descriptor, so that no link that takes a folder's place is followed.
    descriptor = os.open(source, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        opened = Path(f"/proc/self/fd/{descriptor}")
        with os.scandir(descriptor) as entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    _copy_folder(opened / entry.name, target / entry.name, levels - 1)
                elif entry.is_file(follow_symlinks=False):
                    _copy_and_read_back(opened / entry.name, target / entry.name)
    finally:
        os.close(descriptor)
    sync_folder(target)
