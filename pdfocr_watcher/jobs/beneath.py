"""A folder below another, reached without following a link: the inbox is other people's, and changes while we work.

What is done there, and when, is decided elsewhere (`inbox.claim`, `jobs.recovery`).
"""

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
#: What the walk says where the folder is gone, or where something else has taken the name of a part of its path.
GONE = frozenset({errno.ENOENT, errno.ENOTDIR, errno.ELOOP})


@contextmanager
def folder_beneath(root: Path, path: str) -> Iterator[Path]:
    """Open a folder, part by part, and hold it open.

    Args:
        root: where the walk begins; it may itself be a symbolic link.
        path: the folder, relative to it; empty for the root itself.

    Yields:
        A path to this very folder, good while the context lasts: whatever is renamed or put in its place
        meanwhile, names below it lead into the folder that was opened.

    Raises:
        OSError: it cannot be opened; with an errno of `GONE` if it is no longer there, also where a part of the
            path has become a link.
    """
    descriptor = os.open(root, _FOLDER)
    try:
        for part in PurePosixPath(path).parts:
            if part in {"/", "//", ".."}:
                raise OSError(errno.EINVAL, "the path leads out of its root", path)
            deeper = os.open(part, _FOLDER | os.O_NOFOLLOW, dir_fd=descriptor)
            os.close(descriptor)
            descriptor = deeper
        yield Path(f"/proc/self/fd/{descriptor}")
    finally:
        os.close(descriptor)
