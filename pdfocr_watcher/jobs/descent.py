"""A way down from a folder that is ours through folders that others may exchange for links: none is followed."""

import os
from pathlib import Path
from types import TracebackType
from typing import Self

_FOLDER = os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


class Descent:
    """Where one is below a root; use it with `with`.

    Args:
        root: the folder to start at. A link in its own path is its owner's wish, and is followed.

    Attributes:
        path: the folder as people call it, for messages and for the index.
        here: the same folder as a path to work with: it goes on to mean this very folder, whatever is put in its
            place or above it. Only names of one part may be added to it, and only while the descent lasts.
    """

    def __init__(self, root: Path) -> None:
        self.path = root
        self.here = root
        self._descriptor: int | None = None

    def enter(self, name: str) -> None:
        """Go into a sub-folder.

        Raises:
            NotADirectoryError: it is a link, or something else that is no folder.
            OSError: it cannot be entered.
        """
        descriptor = os.open(self.here / name, _FOLDER)
        self._close()
        self._descriptor = descriptor
        self.here = Path(f"/proc/self/fd/{descriptor}")
        self.path /= name

    def _close(self) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._close()


def descended(root: Path, folder: Path) -> Descent:
    """The way to the folder above `folder`, which lies below `root`.

    Raises:
        NotADirectoryError: a link is in the way.
        OSError: it cannot be entered.
    """
    way = Descent(root)
    try:
        for name in folder.relative_to(root).parts[:-1]:
            way.enter(name)
    except BaseException:
        way.__exit__(None, None, None)
        raise
    return way
