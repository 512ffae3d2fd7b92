"""The start: every job folder that an earlier daemon left is resumed, delivered, given up or discarded."""

import os
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path

import structlog

from pdfocr_watcher.errors import ErrorCode, PdfocrError
from pdfocr_watcher.jobs.delivery import make_safe
from pdfocr_watcher.jobs.durable import is_temporary, remove_file, remove_tree
from pdfocr_watcher.jobs.folder import JobFolder, is_job_id, mirror_names
from pdfocr_watcher.jobs.model import JobStatus, Stage, Status
from pdfocr_watcher.jobs.recovery import Action, decide, finish_claim, inspect_folder, remove_dying, resumed
from pdfocr_watcher.jobs.status_file import write_status
from pdfocr_watcher.pipeline.active import ActiveJob

_log = structlog.get_logger(__name__)

#: The stem of a PDF whose status was lost; its own is not known.
_ADOPTED = "recovered"


def recover(jobs: Path, max_attempts: int, now: datetime) -> list[ActiveJob]:
    """Go through the jobs folder; blocking.

    Args:
        jobs: the jobs folder; nobody else works on it.
        max_attempts: how often a job may be begun.
        now: the time for the status files.

    Returns:
        The jobs to go on with, oldest first: pending ones, and finished ones that are to be delivered. A folder
        that cannot be read now is left for the next start.

    Raises:
        OSError: the jobs folder itself cannot be read.
    """
    found = []
    remove_dying(jobs)
    for name in sorted(filter(is_job_id, os.listdir(jobs))):
        try:
            job = _recover_one(JobFolder(jobs / name), max_attempts, now)
        except OSError as error:
            _log.warning("job.unreadable", job_id=name, error=str(error))
            continue
        if job is not None:
            found.append(job)
    return found


def tidy(root: Path, mirror: Path | None, jobs: Iterable[ActiveJob]) -> None:
    """Remove what an earlier daemon left beside the jobs; blocking.

    Args:
        root: loses the temporary files of health.json and the index.
        mirror: loses the status files of all but these jobs; None where there is no mirror.
        jobs: those that are in work.
    """
    stale = [root / name for name in _names(root) if is_temporary(name)]
    if mirror is not None:
        kept = {name for job in jobs for name in mirror_names(job.status)}
        stale += [mirror / name for name in _names(mirror) if name not in kept and name.endswith((".json", ".tmp"))]
    for path in stale:
        try:
            remove_file(path, missing_ok=True)
        except OSError as error:
            _log.warning("leftover.kept", path=str(path), error=str(error))


def _names(folder: Path) -> list[str]:
    try:
        return os.listdir(folder)
    except OSError:
        return []


def _recover_one(folder: JobFolder, max_attempts: int, now: datetime) -> ActiveJob | None:
    make_safe(folder)
    facts = inspect_folder(folder)
    action = decide(facts, max_attempts)
    _log.info("job.recovered", job_id=folder.path.name, action=action.name.lower())
    if action is Action.DISCARD:
        remove_tree(folder.path)
        return None
    status = facts.status or _adopted(folder, now)
    finish_claim(folder)
    folder.remove_leftovers()
    job = ActiveJob(status, folder)
    if action in {Action.RESUME, Action.ADOPT}:
        job.status = resumed(status, len(folder.checkpointed()))
        job.change(now, stage=Stage.QUEUED)
        write_status(folder.path, job.status)
    elif action is Action.GIVE_UP:
        _fail(job, now, PdfocrError(ErrorCode.TOO_MANY_ATTEMPTS, f"It was begun {status.attempts} times."))
    elif action is Action.INPUT_MISSING:
        _fail(job, now, PdfocrError(ErrorCode.INPUT_MISSING))
    return job


def _fail(job: ActiveJob, now: datetime, error: PdfocrError) -> None:
    job.end(Status.FAILED, now, error)
    write_status(job.folder.path, job.status)


def _adopted(folder: JobFolder, now: datetime) -> JobStatus:
    """A status for a PDF whose own was lost."""
    found = folder.found_input() or folder.input(f"{_ADOPTED}.pdf")
    name = f"{_ADOPTED}{found.suffix}"
    return JobStatus(
        job_id=folder.path.name,
        status=Status.PENDING,
        stage=Stage.QUEUED,
        filename=name,
        source=name,
        bytes=found.stat().st_size,
        created_at=now,
        updated_at=now,
    )
