"""What a job folder that is found at the start of the daemon needs: every half-way state has its answer.

The decision is pure (`decide`); `inspect_folder` gathers the facts, and `remove_dying` removes what was being removed.
A claim that was broken off is brought to its end before (`jobs.claim_note`).
"""

import os
from dataclasses import dataclass
from enum import Enum, auto
from pathlib import Path

from pdfocr_watcher.jobs.durable import is_regular_file, is_temporary, remove_file, remove_tree
from pdfocr_watcher.jobs.folder import JobFolder
from pdfocr_watcher.jobs.model import JobStatus, Stage, Status
from pdfocr_watcher.jobs.status_file import read_status


class Action(Enum):
    """What to do with a job folder."""

    #: The claim was broken off before the PDF came: the PDF is still in the inbox, so the folder goes.
    DISCARD = auto()
    #: Work on it, from the first page that has no checkpoint.
    RESUME = auto()
    #: It ended, but its result is not in its place yet.
    DELIVER = auto()
    #: The daemon died too often while it was in work.
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
    if status.fruitless_attempts >= max_attempts:
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
    found = len(folder.checkpointed()) if status.status is Status.PROCESSING else 0
    status = interrupted(status, found, in_work=_in_work(folder, status))
    return Facts(status, is_regular_file(folder.input(status.filename)))


def interrupted(status: JobStatus, checkpointed: int, *, in_work: bool) -> JobStatus:
    """The status of a job whose daemon has died: the attempt counts against it only if it may have been its fault.

    Args:
        status: as it was left.
        checkpointed: the pages that are done with, as the disk has them.
        in_work: whether something of the job was being worked on.
    """
    fruitless = status.fruitless_attempts
    if status.status is not Status.PROCESSING or not fruitless:
        return status
    if checkpointed > status.processed_pages:  # pages came of it, and it only was not said any more
        fruitless = 0
    elif not in_work:
        fruitless -= 1
    return status.model_copy(update={"fruitless_attempts": fruitless})


def _in_work(folder: JobFolder, status: JobStatus) -> bool:
    """Whether a job was being opened, rendered, read or assembled, and did not only wait for its next turn."""
    if status.total_pages is None or status.stage is Stage.ASSEMBLING:
        return True
    return any(files or names for _, names, files in list(os.walk(folder.rasters))[1:])


def remove_dying(jobs: Path) -> None:
    """Remove the job folders whose removal, or whose copy from elsewhere, was broken off, and files not written whole.

    Raises:
        OSError: the jobs folder cannot be read.
    """
    for name in filter(is_temporary, os.listdir(jobs)):
        if is_regular_file(jobs / name):
            remove_file(jobs / name, missing_ok=True)
        else:
            remove_tree(jobs / name, worthless=True)


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
