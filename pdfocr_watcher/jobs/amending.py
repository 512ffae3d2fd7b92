"""The status of a delivered job is amended where it lies, in a folder that other people may change meanwhile.

No link is followed, no file that somebody put there is written to, and who may read the status stays the same.
"""

import os
from datetime import datetime
from pathlib import Path

from pdfocr_watcher.jobs.descent import descend
from pdfocr_watcher.jobs.durable import remove_quietly, rename, sync_folder, temporary_name
from pdfocr_watcher.jobs.model import HookFailure, JobStatus
from pdfocr_watcher.jobs.rights import give_rights, rights_of
from pdfocr_watcher.jobs.status_file import STATUS_NAME, read_status, status_json
from pdfocr_watcher.jobs.steps import Step, step


def note_hook(result: Path, root: Path, job_id: str, failure: HookFailure, now: datetime) -> JobStatus | None:
    """Say in a result's status.json that its hook failed; blocking, and by who may change jobs alone.

    Args:
        result: the job's folder.
        root: the outbox or the failed folder, below which it lies.
        job_id: whose it was when it was delivered.
        failure: what is noted.
        now: the time of the change.

    Returns:
        The new status; None if the result is no longer there, or no longer that of this job.

    Raises:
        OSError: the file system refused; the earlier status is still there.
    """
    try:
        with descend(root, result.relative_to(root).parts) as way:
            status = read_status(way.here)
            if status is None or status.job_id != job_id or not status.status.finished:
                return None
            status = status.model_copy(update={"hook": failure, "updated_at": now})
            _replace(way.here / STATUS_NAME, status_json(status))
            return status
    except (FileNotFoundError, NotADirectoryError):
        return None


def _replace(path: Path, data: bytes) -> None:
    """Write a file anew, whole or not at all, with the rights that the one before it has."""
    rights = rights_of(path)
    temporary = temporary_name(path)
    # Exclusively: a link or a pipe that somebody gave this name to is an error.
    flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    descriptor = os.open(temporary, flags, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            with step(Step.WRITE, temporary):
                file.write(data)
                file.flush()
            give_rights(descriptor, rights)
            with step(Step.SYNC_FILE, temporary):
                os.fsync(descriptor)
        rename(temporary, path)
    except BaseException:
        remove_quietly(temporary)
        raise
    sync_folder(path.parent)
