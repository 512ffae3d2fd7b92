"""Every job folder that an earlier daemon left is resumed, delivered, given up or discarded.

`recover` does it at the start, and touches nothing but the jobs folder; what needs the inbox too, or cannot be read,
is mended while the daemon runs (`taking_up`), so that no start waits for a mount that is not there.
"""

import os
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import structlog

from pdfocr_watcher.errors import ErrorCode, PdfocrError
from pdfocr_watcher.inbox.lease import has_writer
from pdfocr_watcher.jobs.claim_note import finish_claim
from pdfocr_watcher.jobs.delivery import make_safe
from pdfocr_watcher.jobs.durable import TEMPORARY_PREFIX, is_regular_file, is_temporary, remove_file, remove_tree
from pdfocr_watcher.jobs.folder import DASHBOARD_NAME, JobFolder, is_job_id, mirror_names
from pdfocr_watcher.jobs.model import JobStatus, Stage, Status
from pdfocr_watcher.jobs.recovery import Action, decide, inspect_folder, remove_dying, resumed
from pdfocr_watcher.jobs.status_file import write_status
from pdfocr_watcher.pipeline.active import ActiveJob

_log = structlog.get_logger(__name__)

#: The stem of a PDF whose status was lost; its own is not known.
_ADOPTED = "recovered"


@dataclass(frozen=True, slots=True)
class Recovered:
    """What was found in the jobs folder.

    Attributes:
        jobs: those to go on with, oldest first: pending ones, and finished ones that are to be delivered.
        unfinished: the ids of those that are to be mended first: their claim did not come to its end, or they
            cannot be read now.
    """

    jobs: list[ActiveJob]
    unfinished: list[str]


def recover(jobs: Path, max_attempts: int, now: datetime) -> Recovered:
    """Go through the jobs folder; blocking.

    Args:
        jobs: the jobs folder; nobody else works on it.
        max_attempts: how often in a row a job may be in work when the daemon dies.
        now: the time for the status files.

    Raises:
        OSError: the jobs folder itself cannot be read.
    """
    found: list[ActiveJob] = []
    unfinished: list[str] = []
    remove_dying(jobs)
    for name in sorted(filter(is_job_id, os.listdir(jobs))):
        folder = JobFolder(jobs / name)
        try:
            make_safe(folder)
            job = None if is_regular_file(folder.claim_note) else _recover_one(folder, max_attempts, now)
            if job is not None:
                found.append(job)
            elif os.path.lexists(folder.path):
                unfinished.append(name)
        except OSError as error:
            _log.warning("job.unreadable", job_id=name, error=str(error))
            unfinished.append(name)
    return Recovered(found, unfinished)


def mend(folder: JobFolder, max_attempts: int, now: datetime) -> ActiveJob | None:
    """Bring a job's claim to its end, and take the job up; blocking.

    Returns:
        The job, or None if there is none: its file is in the inbox.

    Raises:
        OSError: the inbox or the job's folder refused; to be tried again.
    """
    make_safe(folder)
    finish_claim(folder, has_writer=has_writer)
    return _recover_one(folder, max_attempts, now)


def tidy_root(root: Path, of: str) -> None:
    """Remove the temporary files of one of our files that were left; blocking, and nobody writes it meanwhile."""
    begin = f"{TEMPORARY_PREFIX}{of}."
    _remove(root / name for name in _names(root) if is_temporary(name) and name.startswith(begin))


def tidy_mirror(mirror: Path, jobs: Iterable[ActiveJob]) -> None:
    """Remove the mirrored status files of all but these jobs; blocking. The dashboard beside them is being written."""
    kept = {name for job in jobs for name in mirror_names(job.status)}
    written = f"{TEMPORARY_PREFIX}{DASHBOARD_NAME}."
    stale = (name for name in _names(mirror) if name.endswith((".json", ".tmp")) and not name.startswith(written))
    _remove(mirror / name for name in stale if name not in kept)


def _remove(stale: Iterable[Path]) -> None:
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
    """Take up one job; None if its folder was discarded, or is gone."""
    if not os.path.lexists(folder.path):
        return None
    facts = inspect_folder(folder)
    action = decide(facts, max_attempts)
    _log.info("job.recovered", job_id=folder.path.name, action=action.name.lower())
    if action is Action.DISCARD:
        remove_tree(folder.path)
        return None
    status = facts.status or _adopted(folder, now)
    folder.remove_leftovers()
    job = ActiveJob(status, folder)
    if action in {Action.RESUME, Action.ADOPT}:
        job.status = resumed(status, len(folder.checkpointed()))
        job.change(now, stage=Stage.QUEUED)
        write_status(folder.path, job.status)
    elif action is Action.GIVE_UP:
        _fail(job, now, PdfocrError(ErrorCode.TOO_MANY_ATTEMPTS, f"It was in work {status.fruitless_attempts} times."))
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
