"""A claim by copy, between the inbox and a job's folder: where the file is meanwhile, and how a claim ends.

Such a claim first gives the file a private name in its own folder, so that of several hosts that share an inbox one
has it; then it is copied, and the source goes last. The note in the job's folder is there before the private name
is: whoever finds it after a crash finishes the claim or undoes it. Claims are begun by `inbox.claim`.
"""

import errno
import json
import os
import re
from contextlib import ExitStack
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
from pdfocr_watcher.jobs.probe import mount_of

#: So much of a file's name its private name keeps, for people: some file systems take 143 bytes only.
_KEPT_BYTES = 80
_PREFIX = ".pdfocr-"
_PRIVATE = re.compile(rf"{re.escape(_PREFIX)}{JOB_ID.pattern}-.*", re.DOTALL)
#: What a file system says that cannot rename to a free name only, and one that knows no hard links.
_NOT_EXCLUSIVE = frozenset({errno.EINVAL, errno.ENOSYS, errno.ENOTSUP})
_NO_LINKS = frozenset({errno.EPERM, errno.ENOSYS, errno.ENOTSUP, errno.EMLINK, errno.EXDEV})


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
        mount: where the file system that the inbox lies on is mounted.
    """

    inbox: str
    path: str
    private: str
    mount: str

    @classmethod
    def of(cls, inbox: Path, path: str, job_id: str) -> "ClaimNote":
        """The note of a claim that is about to begin; blocking."""
        return cls(str(inbox), path, private_name(job_id, PurePosixPath(path).name), str(mount_of(inbox)))

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

    def reachable(self) -> bool:
        """Whether the file would be seen if it were there: an inbox that is not mounted looks empty."""
        # The root folder is one for good, and asking elsewhere may be refused.
        return (self.mount == "/" or os.path.ismount(self.mount)) and Path(self.inbox).is_dir()


def finish_claim(folder: JobFolder, *, keep_copy: bool = True) -> None:
    """Bring a claim by copy to its end, however far it came: the file is then in one place, and the note is gone.

    Where the file still has its private name and its copy is whole, the copy stays and the file goes; where there
    is no whole copy, the file gets its own name back.

    Args:
        folder: the job's folder.
        keep_copy: whether a copy that is in place may be kept; if not, the file gets its name back.

    Raises:
        OSError: the inbox refused, or is not there; to be tried again, and the job is not to be begun before.
    """
    note = ClaimNote.read(folder)
    if note is not None:
        with ExitStack() as stack:
            inbox_folder: Path | None = None
            try:
                inbox_folder = stack.enter_context(descend(Path(note.inbox), note.folders)).here
            except OSError as error:
                if error.errno not in GONE:
                    raise
            if inbox_folder is not None and _is_there(inbox_folder / note.private):
                _finish(note, inbox_folder, folder, keep_copy=keep_copy)
            elif not note.reachable():
                raise OSError(errno.ESTALE, "the inbox is not there", note.inbox)
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


def _finish(note: ClaimNote, inbox_folder: Path, folder: JobFolder, *, keep_copy: bool) -> None:
    """End a claim whose file has its private name."""
    private, copy = inbox_folder / note.private, folder.found_input()
    if copy is not None:
        if keep_copy and is_regular_file(private) and sha256_of(private) == sha256_of(copy):
            remove_file(private)
            sync_folder(inbox_folder)
            return
        # Before the file is back, or a crash would leave both.
        remove_file(copy)
        sync_folder(folder.path)
    give_back(private, inbox_folder / PurePosixPath(note.path).name, folder.path.name)


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
