"""Results that were kept long enough: which they are, and how they are removed; never what is not ours.

People work in the outbox, too. So a folder counts as ours only if everything says so (see `_result_in`), it is
reached through descriptors of real folders and never through a link, and only the files that we write are removed:
a folder in which somebody keeps a file of their own stays, with all that is in it. When this is done, and who asks for
it, is decided elsewhere.
"""

import contextlib
import json
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from pdfocr_watcher.jobs.catalogue import status_in
from pdfocr_watcher.jobs.durable import is_dying, is_temporary, rename, sync_folder, temporary_name
from pdfocr_watcher.jobs.folder import FILES
from pdfocr_watcher.jobs.model import JobStatus, Status, short_id
from pdfocr_watcher.jobs.status_file import STATUS_NAME
from pdfocr_watcher.jobs.steps import Step, step

#: No job ended before the program was made: a status that says so was written while the clock was wrong.
_FIRST = datetime(2026, 1, 1, tzinfo=UTC)
#: Folders in one another in which results are looked for.
_DEEPEST = 64
#: Strange files that are named one by one.
_NAMED = 3
_FOLDER_FLAGS = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC

#: What file managers leave wherever somebody looks; it goes with the folder.
_LITTER = re.compile(r"[.]DS_Store|[.]_.*|Thumbs[.]db|desktop[.]ini", re.DOTALL | re.IGNORECASE)
#: Results that are removed at a time: in between others may change jobs.
BATCH = 50


@dataclass(frozen=True, slots=True)
class Ages:
    """How old results must be to be removed: the time since the job ended. None keeps them for ever.

    Attributes:
        completed: those in the outbox.
        failed: those in the failed folder.
        own: whether a job whose own settings say less is removed by these (see `jobs.settings`).
    """

    completed: timedelta | None
    failed: timedelta | None
    own: bool = False

    def concern(self, ending: Status) -> bool:
        """Whether any result of this ending may be old enough."""
        return self.own or self._of(ending) is not None

    def _of(self, ending: Status) -> timedelta | None:
        return {Status.COMPLETED: self.completed, Status.FAILED: self.failed}.get(ending)

    def passed(self, status: JobStatus, now: datetime) -> bool:
        """Whether a job ended so long ago that its result is to be removed."""
        age = self._of(status.status)
        if self.own and status.settings is not None:
            days = {Status.COMPLETED: status.settings.completed_days, Status.FAILED: status.settings.failed_days}
            if own := days.get(status.status):
                age = min(age or timedelta.max, timedelta(days=own))
        ended = status.completed_at
        return age is not None and ended is not None and ended >= _FIRST and now - ended >= age


@dataclass(frozen=True, slots=True)
class Roots:
    """Where results lie.

    Attributes:
        completed: the outbox.
        failed: the failed folder.
        jobs: the jobs in work; a result whose job is among them is not touched.
    """

    completed: Path
    failed: Path
    jobs: Path

    def of(self, ending: Status) -> Path:
        """Where the results of an ending lie."""
        return self.completed if ending is Status.COMPLETED else self.failed


@dataclass(frozen=True, slots=True)
class Place:
    """A folder below the outbox or the failed folder that may be a result.

    Attributes:
        ending: which of the two.
        parts: the names that lead to it from there.
    """

    ending: Status
    parts: tuple[str, ...]

    def __post_init__(self) -> None:
        if not (self.ending.finished and self.parts):
            raise ValueError(self)

    def __str__(self) -> str:
        return "/".join(self.parts)


@dataclass(frozen=True, slots=True)
class Expired:
    """A result that was kept long enough.

    Attributes:
        place: where it lies.
        job_id: its job.
        ended: when that ended.
        bytes: of all its files.
        kept: why it stays all the same; empty if it goes.
    """

    place: Place
    job_id: str
    ended: datetime
    bytes: int
    kept: str


@dataclass(frozen=True, slots=True)
class Purged:
    """What became of some results.

    Attributes:
        job_ids: those that are gone.
        bytes: of all their files.
        kept: one line for each that was to go and stays.
    """

    job_ids: tuple[str, ...] = ()
    bytes: int = 0
    kept: tuple[str, ...] = ()

    def __add__(self, other: "Purged") -> "Purged":
        return Purged(self.job_ids + other.job_ids, self.bytes + other.bytes, self.kept + other.kept)

    def to_json(self) -> str:
        """As text, for the answer to a request."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> "Purged":
        """From that text."""
        data = json.loads(text)
        return cls(tuple(data["job_ids"]), data["bytes"], tuple(data["kept"]))


def candidates(roots: Roots, ages: Ages, now: datetime) -> Iterator[Place]:
    """The results that may be old enough, and what was left of removals that were broken off; blocking."""
    for ending in (Status.COMPLETED, Status.FAILED):
        root = roots.of(ending)
        for path, subfolders, files in os.walk(root) if ages.concern(ending) else ():
            folder = Path(path)
            parts = folder.relative_to(root).parts
            yield from (Place(ending, (*parts, name)) for name in subfolders if is_dying(name))
            subfolders[:] = [name for name in subfolders if len(parts) < _DEEPEST and not is_temporary(name)]
            status = status_in(folder) if parts and STATUS_NAME in files else None
            if status is not None and _is_named_for(folder.name, status):
                subfolders.clear()
                if ages.passed(status, now):
                    yield Place(ending, parts)


def examine(roots: Roots, place: Place, ages: Ages, now: datetime) -> Expired | None:
    """Look closely at a candidate; blocking.

    Returns:
        What would be removed; None if it is not old enough, or none of ours.

    Raises:
        OSError: it cannot be read, or is reached through a link.
    """
    with _opened(roots.of(place.ending), place.parts) as folder:
        return _result_in(folder, roots, place, ages, now)


def purge(roots: Roots, places: Iterable[Place], ages: Ages, now: datetime) -> Purged:
    """Remove the results of these places that are ours and old enough; blocking.

    The one who calls it is the one who may change jobs. What is refused by the file system stays and is told; what
    is left of a removal that was broken off goes at the next one.
    """
    done = Purged()
    for place in places:
        try:
            if is_dying(place.parts[-1]):
                _finish_removal(roots, place)
            elif (gone := _remove(roots, place, ages, now)) is not None:
                done += Purged((gone.job_id,), gone.bytes) if not gone.kept else Purged(kept=(f"{place}: {gone.kept}",))
        except FileNotFoundError:
            continue  # somebody else removed it, or took it back to work
        except OSError as error:
            done += Purged(kept=(f"{place}: {error.strerror or error}",))
    return done


@dataclass(frozen=True, slots=True)
class _Content:
    """What is in a result's folder.

    Attributes:
        files: ours, by sub-folder ("" for the folder itself).
        strange: what is not ours.
        bytes: of all our files.
    """

    files: Mapping[str, tuple[str, ...]]
    strange: tuple[str, ...]
    bytes: int


def _remove(roots: Roots, place: Place, ages: Ages, now: datetime) -> Expired | None:
    root, (*above, name) = roots.of(place.ending), place.parts
    path = root.joinpath(*place.parts)
    with _opened(root, tuple(above)) as parent, _opened(name, (), parent) as folder:
        found = _result_in(folder, roots, place, ages, now)
        if found is None or found.kept:
            return found
        here = _path_of(parent) / name
        dying = temporary_name(here)
        rename(here, dying)
        # Somebody may have put a file into it, or another folder into its place, until it vanished.
        content = _content(folder)
        if content.strange or not os.path.samestat(os.lstat(dying), os.fstat(folder)):
            rename(dying, here)
            raise OSError(0, "was changed while it was looked at")
        sync_folder(_path_of(parent))
        _remove_content(parent, dying.name, folder, content, path.with_name(dying.name))
        return found


def _finish_removal(roots: Roots, place: Place) -> None:
    """Remove what is left of a result.

    Raises:
        OSError: the file system refused; or there is something in it that is not ours.
    """
    root, (*above, name) = roots.of(place.ending), place.parts
    with _opened(root, tuple(above)) as parent, _opened(name, (), parent) as folder:
        content = _content(folder)
        if content.strange:
            raise OSError(0, _strange_words(content))
        _remove_content(parent, name, folder, content, root.joinpath(*place.parts))


def _result_in(folder: int, roots: Roots, place: Place, ages: Ages, now: datetime) -> Expired | None:
    """What an opened folder is as a result; None if it is not one of ours, or not old enough.

    It is ours if it holds a regular and valid status.json that says how the job ended, that ending belongs to where
    the folder lies, and the folder is named for the job.
    """
    status = status_in(_path_of(folder))
    if status is None or status.completed_at is None or status.status is not place.ending:
        return None
    if not (_is_named_for(place.parts[-1], status) and ages.passed(status, now)):
        return None
    content = _content(folder)
    kept = _strange_words(content) if content.strange else ""
    if os.path.lexists(roots.jobs / status.job_id):
        kept = "its job is in work again"
    return Expired(place, status.job_id, status.completed_at, content.bytes, kept)


def _is_named_for(name: str, status: JobStatus) -> bool:
    """Whether a result's folder has this name: its end is the job's short id, and perhaps underscores."""
    return name.rstrip("_").endswith(f".{short_id(status.job_id)}")


def _strange_words(content: _Content) -> str:
    more = len(content.strange) - _NAMED
    names = ", ".join(content.strange[:_NAMED]) + (f" and {more} more" if more > 0 else "")
    return f"holds what is not ours ({names})"


def _content(folder: int) -> _Content:
    files: dict[str, tuple[str, ...]] = {}
    strange: list[str] = []
    size = _sort(folder, "", files, strange)
    for name in set(strange) & set(FILES):
        try:
            descriptor = os.open(name, _FOLDER_FLAGS, dir_fd=folder)
        except OSError:
            continue  # a link or a file: it stays a strange one
        try:
            strange.remove(name)
            size += _sort(descriptor, name, files, strange)
        finally:
            os.close(descriptor)
    return _Content(files, tuple(sorted(strange)), size)


def _sort(folder: int, below: str, files: dict[str, tuple[str, ...]], strange: list[str]) -> int:
    """Sort the names in a folder into our files and strange things; the size of ours, in bytes."""
    found, size = [], 0
    with os.scandir(folder) as entries:
        for entry in entries:
            name = entry.name
            known = FILES[below].fullmatch(name) or _LITTER.fullmatch(name) or is_temporary(name)
            if known and entry.is_file(follow_symlinks=False):
                found.append(name)
                size += entry.stat(follow_symlinks=False).st_size
            else:
                strange.append(f"{below}/{name}" if below else name)
    files[below] = tuple(found)
    return size


def _remove_content(parent: int, name: str, folder: int, content: _Content, path: Path) -> None:
    """Remove our files and then the folder; what was put into it just now keeps it from going.

    Raises:
        OSError: the file system refused, or it is not empty then.
    """
    with step(Step.REMOVE_TREE, path):
        for below, names in sorted(content.files.items(), reverse=True):
            with _opened(below or ".", (), folder) as holder:
                for file in names:
                    os.unlink(file, dir_fd=holder)
            if below:
                os.rmdir(below, dir_fd=folder)
        os.rmdir(name, dir_fd=parent)


def _path_of(descriptor: int) -> Path:
    """A path that leads to an opened folder, whatever is put in its place or above it."""
    return Path(f"/proc/self/fd/{descriptor}")


@contextlib.contextmanager
def _opened(start: Path | str, parts: tuple[str, ...], within: int | None = None) -> Iterator[int]:
    """A descriptor of a folder that is reached through real folders only.

    Args:
        start: where the way begins; below `within` it may be no link itself.
        parts: the names from there on.
        within: a descriptor that `start` begins at.

    Raises:
        OSError: a name is missing (FileNotFoundError), or is a link or no folder (ELOOP, ENOTDIR).
    """
    # What the configuration names may be a link; what people put below it may not.
    flags = _FOLDER_FLAGS if within is not None else _FOLDER_FLAGS & ~os.O_NOFOLLOW
    descriptor = os.open(start, flags, dir_fd=within)
    try:
        for part in parts:
            if part in {"", ".", ".."} or "/" in part:
                raise FileNotFoundError(part)
            below = os.open(part, _FOLDER_FLAGS, dir_fd=descriptor)
            os.close(descriptor)
            descriptor = below
        yield descriptor
    finally:
        os.close(descriptor)
