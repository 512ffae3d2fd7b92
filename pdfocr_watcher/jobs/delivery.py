"""A finished job folder becomes a result, complete and by one rename; a failed one can be taken back."""

import os
import shutil
from datetime import datetime
from pathlib import Path

from pdfocr_watcher.jobs.checkpoint import read_checkpoint
from pdfocr_watcher.jobs.durable import make_folders, move_folder, sync_folder, temporary_name
from pdfocr_watcher.jobs.folder import JobFolder, result_folder
from pdfocr_watcher.jobs.model import JobStatus, Stage, Status
from pdfocr_watcher.jobs.recovery import resumed
from pdfocr_watcher.jobs.status_file import read_status, write_status


def deliver(folder: JobFolder, status: JobStatus, outbox: Path, failed: Path) -> Path:
    """Move a finished job to the outbox or the failed folder.

    Its status.json already says how it ended. Called again after a crash it finishes what was begun: a
    result that is already there is not made twice.

    Returns:
        The result's folder.

    Raises:
        OSError: a file system refused; the job folder is still whole and this may be called again.
    """
    target = result_folder(outbox if status.status is Status.COMPLETED else failed, status)
    while os.path.lexists(target):
        if (there := read_status(target)) is not None and there.job_id == status.job_id:
            shutil.rmtree(folder.path)
            sync_folder(folder.path.parent)
            return target
        # Somebody else's folder has the name: it is left alone, and ours gets a longer one.
        target = target.with_name(f"{target.name}_")
    folder.remove_leftovers()
    if status.status is Status.COMPLETED:
        folder.remove_work()
    make_folders(target.parent)
    move_folder(folder.path, target)
    return target


def take_back(result: Path, jobs: Path, status: JobStatus, now: datetime) -> tuple[JobFolder, JobStatus]:
    """Move a failed job back among the jobs in work; its failed pages are forgotten, so that they are read again.

    A crash before the new status is written leaves a failed job in jobs/, which the next start delivers again.

    Returns:
        The job's folder and its new, pending status.

    Raises:
        OSError: a file system refused; the job lies in one of the two places, whole.
    """
    folder = JobFolder(jobs / status.job_id)
    move_folder(result, folder.path)
    for index in folder.checkpointed():
        checkpoint = read_checkpoint(folder.checkpoint(index))
        if checkpoint is None or checkpoint.failed is not None:
            folder.checkpoint(index).unlink()
    again = resumed(status.model_copy(update={"attempts": 0, "failed_pages": ()}), len(folder.checkpointed()))
    again = again.model_copy(update={"stage": Stage.QUEUED, "outputs": None, "updated_at": now})
    write_status(folder.path, again)
    return folder, again


def remove(folder: Path) -> None:
    """Remove a job's folder or result; it vanishes at once, and its files then.

    Raises:
        OSError: the file system refused.
    """
    dying = temporary_name(folder)
    folder.rename(dying)
    sync_folder(folder.parent)
    shutil.rmtree(dying)
