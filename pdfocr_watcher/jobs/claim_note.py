"""A claim by copy, between the inbox and a job's folder: where the file is meanwhile, and how a claim ends.

Such a claim first gives the file a private name in its own folder, so that of several hosts that share an inbox one
has it; then it is copied, and the source goes last. The note in the job's folder is there before the private name
is: whoever finds it after a crash finishes the claim or undoes it. Claims are begun by `inbox.claim`.
"""

import errno
import json
import os
import re
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from pdfocr_watcher.jobs.descent import GONE, descend
from pdfocr_watcher.jobs.durable import (
    is_regular_file,
    link,
    remove_file,
    rename,
    rename_to_free_name,
    sha256_of,
    sync_folder,
    truncated,
    write_durably,
)
from pdfocr_watcher.jobs.folder import JobFolder
from pdfocr_watcher.jobs.model import JOB_ID, short_id
from pdfocr_watcher.jobs.mounts import is_mount_point, mount_point

#: So much of a file's name its private name keeps, for people: some file systems take 143 bytes only.
_KEPT_BYTES = 80
_PREFIX = ".pdfocr-"
_PRIVATE = re.compile(rf"{re.escape(_PREFIX)}{JOB_ID.pattern}-.*", re.DOTALL)
#: What a file system says that cannot rename to a free name only, and one that knows no hard links.
_NOT_EXCLUSIVE = frozenset({errno.EINVAL, errno.ENOSYS, errno.ENOTSUP})
_NO_LINKS = frozenset({errno.EPERM, errno.ENOSYS, errno.ENOTSUP, errno.EMLINK, errno.EXDEV})
HasWriter = Callable[[Path], bool | None]
#: Whether a copy stays and its file, which still has its private name, goes.
_Keep = Callable[[Path, Path], bool]


def private_name(job_id: str, name: str) -> str:
    """The name of a file while it is copied: hidden, the job's own, and short enough for every file system."""
    # Windows servers take no name that ends with a blank or a dot.
    return f"{_PREFIX}{job_id}-{truncated(name, _KEPT_BYTES).rstrip(' .')}"


def is_private_name(name: str) -> bool:
    """Whether a file of this name in the inbox is being claimed, by this host or another."""
    # Nearly no name has the prefix, and a sweep asks of each.
    return name.startswith(_PREFIX) and _PRIVATE.fullmatch(name) is not None


@dataclass(frozen=True, slots=True)
class ClaimNote:
    """Which file is being claimed, and where it is meanwhile.

    Attributes:
        inbox: the inbox, as it is configured.
        path: the file, relative to it.
        private: the name that it has meanwhile, in the same folder.
        mount: where the file system that the file lies on is mounted.
    """

    inbox: str
    path: str
    private: str
    mount: str

    @classmethod
    def of(cls, inbox: Path, path: str, job_id: str) -> "ClaimNote":
        """The note of a claim that is about to begin; blocking."""
        return cls(
            str(inbox), path, private_name(job_id, PurePosixPath(path).name), str(mount_point((inbox / path).parent))
        )

    def write(self, folder: JobFolder) -> None:
        """Note it in the job's folder, durably.

        Raises:
            OSError: the file system refused.
        """
        # ASCII with \\u escapes: a name whose bytes are no UTF-8 survives as lone surrogates.
        write_durably(folder.claim_note, json.dumps(asdict(self)).encode())

    @classmethod
    def read(cls, folder: JobFolder) -> "ClaimNote | None":
        """The note in a job's folder; None if there is none, or none that can be understood.

        Raises:
            OSError: it cannot be read.
        """
        try:
            data: dict[str, Any] = json.loads(folder.claim_note.read_bytes())
            note = cls(**data)
        except (FileNotFoundError, ValueError, TypeError, RecursionError):
            return None
        if not all(isinstance(value, str) for value in data.values()):
            return None
        return note if is_private_name(note.private) and "/" not in note.private else None

    @property
    def folders(self) -> tuple[str, ...]:
        """The sub-folders of the inbox that lead to the file."""
        return PurePosixPath(self.path).parent.parts

    def check_reachable(self) -> None:
        """Make sure that the file would be seen if it were there: an inbox that is not mounted looks empty.

        Raises:
            OSError: it would not.
        """
        if not (is_mount_point(Path(self.mount)) and Path(self.inbox).is_dir()):
            raise OSError(errno.ESTALE, "the inbox is not there", self.inbox)


def finish_claim(
    folder: JobFolder,
    note: ClaimNote | None = None,
    *,
    keep_copy: bool = True,
    search: bool = True,
    has_writer: HasWriter | None = None,
) -> None:
    """Bring a claim by copy to its end, however far it came: the file is then in one place, and the note is gone.

    Where the file still has its private name and its copy is whole, the copy stays and the file goes; where there
    is no whole copy, the file gets its own name back.

    Args:
        folder: the job's folder; somebody may have removed it if the note is given.
        note: what it says; read from there if it is not given.
        keep_copy: whether a copy that is in place may be kept; if not, the file gets its name back.
        search: whether the file is looked for everywhere in the inbox if its folder does not have it, which may have
            been renamed.
        has_writer: whether somebody has a file open for writing; None if nobody can tell.

    Raises:
        OSError: the inbox refused, or is not there, or somebody writes the file; to be tried again, and the job is
            not to be begun before.
    """
    note = note or ClaimNote.read(folder)
    if note is not None:

        def keep(private: Path, copy: Path) -> bool:
            return keep_copy and _is_whole(private, copy, has_writer)

        if not _finish_in(note, note.folders, folder, keep):
            note.check_reachable()
            found = _find(note) if search else None
            if found is None:
                note.check_reachable()  # the mount may have gone while it was searched
            elif not _finish_in(note, found, folder, keep):
                raise OSError(errno.ESTALE, "the folder was renamed just now", note.inbox)
    remove_file(folder.claim_note, missing_ok=True)


def give_back(private: Path, target: Path, job_id: str) -> Path:
    """Give a file its own name back, never over another file.

    Args:
        private: the file.
        target: its own name, in the same folder; where it is taken meanwhile, the job's short id is added to it.
        job_id: the job that the file was to become.

    Returns:
        The name that it has now.

    Raises:
        OSError: the file system refused.
    """
    end = f".{short_id(job_id)}{truncated(target.suffix, 20)}"
    other = target.with_name(truncated(target.stem, 255 - len(os.fsencode(end))) + end)
    try:
        _rename_back(private, target)
    except FileExistsError:
        _rename_back(private, other)
        target = other
    sync_folder(target.parent)
    return target


def _find(note: ClaimNote) -> tuple[str, ...] | None:
    """The sub-folders that lead to the private name, wherever it is in the inbox; no link is followed.

    Raises:
        OSError: a folder cannot be looked into.
    """
    for path, _, names in os.walk(note.inbox, onerror=_pass_over):
        if note.private in names:
            return Path(path).relative_to(note.inbox).parts
    return None


def _pass_over(error: OSError) -> None:
    # What is closed to us (a `lost+found`) has no file of ours.
    if error.errno not in GONE | {errno.EACCES, errno.EPERM}:
        raise error


def _finish_in(note: ClaimNote, folders: Iterable[str], folder: JobFolder, keep: _Keep) -> bool:
    """End a claim whose file has its private name in this sub-folder of the inbox; whether it is there."""
    try:
        way = descend(Path(note.inbox), folders)
    except OSError as error:
        if error.errno in GONE:
            return False
        raise
    with way:
        there = _is_there(way.here / note.private)
        if there:
            _finish(note, way.here, folder, keep)
    return there


def _finish(note: ClaimNote, inbox_folder: Path, folder: JobFolder, keep: _Keep) -> None:
    """End a claim whose file has its private name."""
    private = inbox_folder / note.private
    copy = folder.found_input() if os.path.lexists(folder.path) else None
    if copy is not None:
        if keep(private, copy):
            remove_file(private)
            sync_folder(inbox_folder)
            return
        # Before the file is back, or a crash would leave both.
        remove_file(copy)
        sync_folder(folder.path)
    give_back(private, inbox_folder / PurePosixPath(note.path).name, folder.path.name)


def _is_whole(private: Path, copy: Path, has_writer: HasWriter | None) -> bool:
    """Whether the copy has all that the file has.

    Raises:
        OSError: it cannot be said, as somebody has the file open for writing: what is still to come would be lost.
    """
    if not is_regular_file(private):
        return False
    if has_writer is not None and has_writer(private):
        raise OSError(errno.EBUSY, "somebody writes the file still", private.name)
    return sha256_of(private) == sha256_of(copy)


def _rename_back(private: Path, target: Path) -> None:
    """Rename a file to a name that is free, by whatever its file system can do.

    Raises:
        FileExistsError: the name is taken by another file.
        OSError: the file system refused.
    """
    try:
        rename_to_free_name(private, target)
    except OSError as error:
        if isinstance(error, FileExistsError) and _same_file(private, target):
            remove_file(private)  # an earlier try came as far as the second name
        elif error.errno in _NOT_EXCLUSIVE:
            _link_back(private, target)
        else:
            raise


def _link_back(private: Path, target: Path) -> None:
    try:
        link(private, target)
    except FileExistsError:
        if not _same_file(private, target):
            raise
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        if _is_there(target):
            raise FileExistsError(errno.EEXIST, "the name is taken", str(target)) from None
        rename(private, target)
        return
    remove_file(private)


def _same_file(one: Path, other: Path) -> bool:
    return os.path.samestat(one.lstat(), other.lstat())


def _is_there(path: Path) -> bool:
    """Whether anything has this name.

    Raises:
        OSError: it cannot be said.
    """
    try:
        path.lstat()
    except FileNotFoundError:
        return False
    return True
