"""What a job folder that is found at the start of the daemon needs: every half-way state has its answer.

The decision is pure (`decide`); `inspect_folder` gathers the facts and `finish_claim` mends a copy that was
broken off between its rename and the removal of its source.
"""

import json
import os
from dataclasses import dataclass
from enum import Enum, auto
from pathlib import Path
from typing import Any

from pdfocr_watcher.jobs.durable import sync_folder, write_durably
from pdfocr_watcher.jobs.folder import JobFolder
from pdfocr_watcher.jobs.model import JobStatus, Status
from pdfocr_watcher.jobs.status_file import read_status


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
        return Action.DISCARD if status.attempts == 0 else Action.INPUT_MISSING
    if status.attempts >= max_attempts:
        return Action.GIVE_UP
    return Action.RESUME


def inspect_folder(folder: JobFolder) -> Facts:
    """Gather the facts.

    Raises:
        OSError: the folder cannot be read.
    """
    status = read_status(folder.path)
    expected = folder.input(status.filename if status is not None else "input.pdf")
    return Facts(status, expected.is_file())


@dataclass(frozen=True, slots=True)
class CopyNote:
    """Which file in the inbox a job's PDF was copied from: it is removed once the copy is in place.

    Attributes:
        source: the file.
        device, inode, size, mtime_ns: what it was when it was copied.
    """

    source: str
    device: int
    inode: int
    size: int
    mtime_ns: int

    def write(self, folder: JobFolder) -> None:
        """Note it in the job's folder, durably.

        Raises:
            OSError: the file system refused.
        """
        # ASCII with \\u escapes: a name whose bytes are no UTF-8 survives as lone surrogates.
        data = {"source": self.source, "device": self.device, "inode": self.inode, "size": self.size}
        write_durably(folder.claim_note, json.dumps({**data, "mtime_ns": self.mtime_ns}).encode())

    @classmethod
    def read(cls, folder: JobFolder) -> "CopyNote | None":
        """The note in a job's folder; None if there is none."""
        try:
            data: dict[str, Any] = json.loads(folder.claim_note.read_bytes())
            return cls(**data)
        except (FileNotFoundError, ValueError, TypeError):
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


def finish_claim(folder: JobFolder) -> None:
    """Remove the source of a copy that is in place, and the note.

    Raises:
        OSError: the inbox refused; to be tried again, for the source must not be claimed a second time.
    """
    note = CopyNote.read(folder)
    if note is not None and note.still_there():
        Path(note.source).unlink()
        sync_folder(Path(note.source).parent)
    folder.claim_note.unlink(missing_ok=True)


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
