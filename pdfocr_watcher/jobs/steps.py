"""The steps of a job's life between which a crash may come: the crash points, and who watches them.

A step has two crash points, before it and after it. In production nobody watches and a step costs a comparison;
tests set `watcher` and end the process, or the file system below it, at the point they want. What a step does
stands where it is taken: the durable ones in `jobs.durable`, and nowhere else.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from enum import StrEnum, auto
from pathlib import Path
from types import TracebackType


class Step(StrEnum):
    """What is done at once or not at all, and the work between such steps."""

    MAKE_FOLDER = auto()
    WRITE = auto()
    SYNC_FILE = auto()
    SYNC_FOLDER = auto()
    RENAME = auto()
    LINK = auto()
    REMOVE_FILE = auto()
    REMOVE_TREE = auto()

    GRANT = auto()
    INSPECT = auto()
    RENDER = auto()
    RECOGNIZE = auto()
    ASSEMBLE = auto()


class Point(StrEnum):
    """On which side of a step."""

    BEFORE = auto()
    AFTER = auto()


#: Called with the step, the side and the path that the step is about; it is None but in tests.
watcher: Callable[[Step, Point, Path], None] | None = None

_OPEN_FOLDERS = Path("/proc/self/fd")
_UNWATCHED: AbstractContextManager[None] = nullcontext()


class _Watched:
    """A step that somebody watches; one that fails has no point after it."""

    def __init__(self, step: Step, path: Path) -> None:
        self._step = step
        self._path = _true_path(path)

    def __enter__(self) -> None:
        if watcher is not None:
            watcher(self._step, Point.BEFORE, self._path)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if watcher is not None and error is None:
            watcher(self._step, Point.AFTER, self._path)


def _true_path(path: Path) -> Path:
    """The path as people call it, where it goes by an open folder (see `jobs.descent`)."""
    descriptor, within = Path(*path.parts[:5]), path.parts[5:]
    return descriptor.readlink().joinpath(*within) if descriptor.parent == _OPEN_FOLDERS else path


def step(kind: Step, path: Path) -> AbstractContextManager[None]:
    """The context in which a step is taken.

    Args:
        kind: which step it is.
        path: what it is about: the file or folder that is there, or no longer there, after it.
    """
    return _UNWATCHED if watcher is None else _Watched(kind, path)
