"""A finished job folder becomes a result, complete and by one rename; a failed one can be taken back."""

import contextlib
import os
import re
import time
from datetime import datetime
from pathlib import Path

from pdfocr_watcher.jobs.checkpoint import read_checkpoint
from pdfocr_watcher.jobs.durable import (
    TEMPORARY_PREFIX,
    TEMPORARY_SUFFIX,
    is_temporary,
    make_folders,
    move_folder,
    remove_file,
    remove_folder,
    remove_tree,
    sync_file,
    sync_folder,
)
from pdfocr_watcher.jobs.folder import JobFolder, result_folder
from pdfocr_watcher.jobs.model import JobStatus, Stage, Status
from pdfocr_watcher.jobs.recovery import resumed
from pdfocr_watcher.jobs.status_file import STATUS_NAME, read_status, write_status

#: What the folders of results are called (see `folder.result_name`).
_RESULT = re.compile(r".*[.][0-9a-f]{8}_*", re.DOTALL)
#: What folders are called that are being removed (see `durable.temporary_name`).
_DYING = re.compile(f"{re.escape(TEMPORARY_PREFIX)}.*[.][0-9]+-[0-9]+{re.escape(TEMPORARY_SUFFIX)}", re.DOTALL)
#: Nobody removes any more what has not changed for so long.
_UNTOUCHED_SECONDS = 3600.0


def deliver(folder: JobFolder, status: JobStatus, outbox: Path, failed: Path, mark: str = "") -> Path:
    """Move a finished job to the outbox or the failed folder.

    Its status.json already says how it ended. Called again after a crash or an error it finishes what was begun:
    a result that is already there is not made twice.

    Args:
        folder: the job's folder.
        status: its final status.
        outbox: where results lie.
        failed: where failed jobs lie.
        mark: this run of the daemon, for what is temporary there (see `remove_broken_off`).

    Returns:
        The result's folder.

    Raises:
        OSError: a file system refused; the job is whole in its folder or in its result's, and this may be called
            again.
    """
    root = outbox if status.status is Status.COMPLETED else failed
    target = _outside_results(root, result_folder(root, status))
    while os.path.lexists(target):
        if (there := read_status(target)) is not None and there.job_id == status.job_id:
            sync_folder(target.parent)
            if os.path.lexists(folder.path):
                remove_folder(folder.path)
            sync_folder(folder.path.parent)
            return target
        # Somebody else's folder has the name: it is left alone, and ours gets a longer one.
        target = target.with_name(f"{target.name}_")
    if status.started_at is None and (refused := folder.found_input()) is not None:
        sync_file(refused)  # what was begun was synced when it was opened
    folder.remove_leftovers()
    if status.status is Status.COMPLETED:
        folder.remove_work()
    make_folders(target.parent)
    move_folder(folder.path, target, mark)
    return target


def _outside_results(root: Path, target: Path) -> Path:
    """The target, led past every folder above it that is itself a result.

    Somebody drops a result's whole folder into the inbox: the new result must not come to lie inside the old one,
    where it would be deleted with it. A way past that was taken once is taken again when the old one is gone, or
    what was delivered there would not be found and be delivered twice.
    """
    folder = root
    for part in target.relative_to(root).parts[:-1]:
        folder /= part
        while _RESULT.fullmatch(folder.name):
            past = folder.with_name(f"{folder.name}_")
            if not (os.path.lexists(folder / STATUS_NAME) or past.is_dir()):
                break
            folder = past
    return folder / target.name


def remove_broken_off(root: Path, owner: str, mark: str) -> None:
    """Remove what earlier runs of this daemon left of deliveries, and anybody of removals, long ago; blocking.

    Args:
        root: the outbox or the failed folder; other daemons may be delivering there at this moment.
        owner: how the marks of this daemon's runs begin.
        mark: the present run, which may be delivering too.
    """
    ours, present = (f"{TEMPORARY_PREFIX}{begin}-" for begin in (owner, mark))
    for folder, names, _ in os.walk(root):
        for name in filter(is_temporary, names):
            path = Path(folder) / name
            if name.startswith(ours):
                left = not name.startswith(present)
            else:
                left = _DYING.fullmatch(name) is not None and _untouched(path)
            if left:
                remove_tree(path, worthless=True)
        names[:] = [name for name in names if not (_RESULT.fullmatch(name) or is_temporary(name))]


def _untouched(path: Path) -> bool:
    with contextlib.suppress(OSError):
        return time.time() - path.lstat().st_mtime > _UNTOUCHED_SECONDS
    return False


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
            remove_file(folder.checkpoint(index))
    if folder.pages.is_dir():
        sync_folder(folder.pages)
    again = resumed(
        status.model_copy(update={"attempts": 0, "fruitless_attempts": 0, "failed_pages": ()}),
        len(folder.checkpointed()),
    )
    again = again.model_copy(update={"stage": Stage.QUEUED, "outputs": None, "updated_at": now})
    write_status(folder.path, again)
    return folder, again
