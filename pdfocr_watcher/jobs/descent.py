"""A way down from a folder that is ours through folders that others may exchange for links: none is followed.

The inbox and the outbox are other people's, and change while we work. What is done there is decided elsewhere.
"""

import errno
import os
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType
from typing import Self

_FOLDER = os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC
#: What is said where a folder is gone, or where something else has taken the name of a part of its path.
GONE = frozenset({errno.ENOENT, errno.ENOTDIR, errno.ELOOP})


class Descent:
    """Where one is below a root; use it with `with`.

    Args:
        root: the folder to start at. A link in its own path is its owner's wish, and is followed.

    Attributes:
        path: the folder as people call it, for messages and for the index.
        here: the same folder as a path to work with: it goes on to mean this very folder, whatever is renamed or put
            in its place or above it. Only names of one part may be added to it, and only while the descent lasts.

    Raises:
        OSError: the root cannot be opened.
    """

    def __init__(self, root: Path) -> None:
        self._descriptor = os.open(root, _FOLDER)
        self.path = root

    @property
    def here(self) -> Path:
        """See the attributes."""
        return Path(f"/proc/self/fd/{self._descriptor}")

    def enter(self, name: str) -> None:
        """Go into a sub-folder.

        Raises:
            OSError: it cannot be entered; with an errno of `GONE` if it is not there, or is a link or something else
                that is no folder; EINVAL if the name leads elsewhere.
        """
        if name == ".." or "/" in name:
            raise OSError(errno.EINVAL, "the path leads out of its root", name)
        descriptor = os.open(name, _FOLDER | os.O_NOFOLLOW, dir_fd=self._descriptor)
        os.close(self._descriptor)
        self._descriptor = descriptor
        self.path /= name

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        os.close(self._descriptor)


def descend(root: Path, parts: Iterable[str]) -> Descent:
    """The way into a folder below a root, part by part.

    Raises:
        OSError: see `Descent.enter`.
    """
    way = Descent(root)
    try:
        for part in parts:
            way.enter(part)
    except BaseException:
        way.__exit__(None, None, None)
        raise
    return way
