"""What a job folder that is found at the start of the daemon needs: every half-way state has its answer.

The decision is pure (`decide`); `inspect_folder` gathers the facts, `finish_claim` mends a copy that was
broken off between its rename and the removal of its source, and `remove_dying` what was being removed.
"""

import errno
import json
import os
import stat
from dataclasses import asdict, dataclass
from enum import Enum, auto
from pathlib import Path
from typing import Any

from pdfocr_watcher.jobs.durable import (
    is_regular_file,
    is_temporary,
    remove_file,
    remove_tree,
    sha256_of,
    sync_folder,
    write_durably,
)
from pdfocr_watcher.jobs.folder import JobFolder
from pdfocr_watcher.jobs.model import JobStatus, Status
from pdfocr_watcher.jobs.status_file import read_status

#: Some file systems keep times to two seconds only, and tell them more exactly until they are mounted again.
_COARSE_NS = 2_000_000_000


class Action(Enum):
    """What to do with a job folder."""

    #: The claim was broken off before the PDF came: the PDF is still in the inbox, so the folder goes.
    DISCARD = auto()
    #: Work on it, from the first page that has no checkpoint.
    RESUME = auto()
    #: It ended, but its result is not in its place yet.
    DELIVER = auto()
    #: It was begun again too often.
    GIVE_UP = auto()
    #: It was worked on, but its PDF is gone.
    INPUT_MISSING = auto()
    #: There is a PDF but no valid status: make one.
    ADOPT = auto()


@dataclass(frozen=True, slots=True)
class Facts:
    """What is found in a job folder.

    Attributes:
        status: its status, None if there is no valid one.
        has_input: whether the claimed file is there.
    """

    status: JobStatus | None
    has_input: bool


def decide(facts: Facts, max_attempts: int) -> Action:
    """What a job folder needs, by what is in it."""
    status = facts.status
    if status is None:
        return Action.ADOPT if facts.has_input else Action.DISCARD
    if status.status.finished:
        return Action.DELIVER
    if not facts.has_input:
        return Action.DISCARD if _as_claimed(status) else Action.INPUT_MISSING
    if status.attempts >= max_attempts:
        return Action.GIVE_UP
    return Action.RESUME


def _as_claimed(status: JobStatus) -> bool:
    """Whether nothing was written to the status since the claim began: only then may the PDF never have come."""
    return status.started_at is None and status.attempts == 0 and status.updated_at == status.created_at


def inspect_folder(folder: JobFolder) -> Facts:
    """Gather the facts.

    Raises:
        OSError: the folder cannot be read; nothing may be concluded then.
    """
    status = read_status(folder.path)
    if status is None:
        return Facts(None, folder.found_input() is not None)
    if status.job_id != folder.path.name:
        # The folder's name is what the daemon made; two jobs of one id could not be told apart.
        status = status.model_copy(update={"job_id": folder.path.name})
    return Facts(status, is_regular_file(folder.input(status.filename)))


def remove_dying(jobs: Path) -> None:
    """Remove the job folders whose removal, or whose copy from elsewhere, was broken off.

    Raises:
        OSError: the jobs folder cannot be read.
    """
    for name in filter(is_temporary, os.listdir(jobs)):
        remove_tree(jobs / name, worthless=True)


@dataclass(frozen=True, slots=True)
class CopyNote:
    """Which file in the inbox a job's PDF was copied from: it is removed once the copy is in place.

    Attributes:
        source: the file.
        device, inode, size, mtime_ns: what it was when it was copied.
        mount: where the file system that it lies on is mounted; empty until it is written.
    """

    source: str
    device: int
    inode: int
    size: int
    mtime_ns: int
    mount: str = ""

    def write(self, folder: JobFolder) -> None:
        """Note it in the job's folder, durably.

        Raises:
            OSError: the file system refused.
        """
        # ASCII with \\u escapes: a name whose bytes are no UTF-8 survives as lone surrogates.
        data = {**asdict(self), "mount": str(_mount_of(Path(self.source).parent))}
        write_durably(folder.claim_note, json.dumps(data).encode())

    @classmethod
    def read(cls, folder: JobFolder) -> "CopyNote | None":
        """The note in a job's folder; None if there is none."""
        try:
            data: dict[str, Any] = json.loads(folder.claim_note.read_bytes())
            return cls(**data)
        except (FileNotFoundError, ValueError, TypeError, RecursionError):
            return None

    def still_there(self) -> bool:
        """Whether the noted file, and not another of the same name, is still in the inbox."""
        try:
            found = os.lstat(self.source)
        except FileNotFoundError:
            return False
        return (found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns) == (
            self.device,
            self.inode,
            self.size,
            self.mtime_ns,
        )

    def there_again(self, copy: Path) -> bool:
        """Whether the noted file is there under other numbers, as after its file system was mounted anew.

        Its time must be the noted one and its content the copy's.

        Raises:
            OSError: one of the two cannot be read.
        """
        try:
            found = os.lstat(self.source)
        except FileNotFoundError:
            return False
        return (
            stat.S_ISREG(found.st_mode)
            and found.st_size == self.size
            and abs(found.st_mtime_ns - self.mtime_ns) <= _COARSE_NS
            and sha256_of(Path(self.source)) == sha256_of(copy)
        )

    def reachable(self) -> bool:
        """Whether the noted file would be seen if it were there: an inbox that is not mounted looks empty."""
        return not self.mount or os.path.ismount(self.mount)


def _mount_of(folder: Path) -> Path:
    """The mount point that a folder lies below."""
    folder = Path(os.path.realpath(folder))
    while not os.path.ismount(folder):
        folder = folder.parent
    return folder


def finish_claim(folder: JobFolder) -> None:
    """Remove the source of a copy that is in place, and the note.

    Raises:
        OSError: the inbox refused, or is not mounted; to be tried again, for the source must not be claimed a
            second time.
    """
    note = CopyNote.read(folder)
    if note is None:
        remove_file(folder.claim_note, missing_ok=True)
        return
    copy = folder.found_input()
    if copy is not None and copy.stat().st_size == note.size:
        if note.still_there() or note.there_again(copy):
            remove_file(Path(note.source))
            sync_folder(Path(note.source).parent)
        elif not note.reachable():
            raise OSError(errno.ESTALE, "the inbox is not mounted", note.source)
    remove_file(folder.claim_note, missing_ok=True)


def resumed(status: JobStatus, checkpointed: int) -> JobStatus:
    """The status of a job that is to be worked on again: pending, with the pages that are done with counted."""
    return status.model_copy(
        update={
            "status": Status.PENDING,
            "processed_pages": checkpointed,
            "eta_seconds": None,
            "worker": None,
            "error_code": None,
            "error_message": None,
            "completed_at": None,
        }
    )
