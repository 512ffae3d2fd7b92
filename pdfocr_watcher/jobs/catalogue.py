"""Finding jobs on disk: in work, finished and failed; and the index rebuilt from what is found."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from pdfocr_watcher.errors import ErrorCode, PdfocrError
from pdfocr_watcher.jobs.durable import is_temporary
from pdfocr_watcher.jobs.folder import is_job_id
from pdfocr_watcher.jobs.index import Entry, entry_of
from pdfocr_watcher.jobs.model import JobStatus, short_id
from pdfocr_watcher.jobs.status_file import STATUS_NAME, read_status

#: Folders in one another in which results are looked for; the inbox is looked into less deeply.
_DEEPEST = 64


@dataclass(frozen=True, slots=True)
class FoundJob:
    """A job on disk.

    Attributes:
        status: what its status.json says.
        folder: where it lies.
    """

    status: JobStatus
    folder: Path


def jobs_in_work(jobs: Path) -> Iterator[FoundJob]:
    """The jobs below jobs/, oldest first; folders without a valid status are left out."""
    try:
        names = sorted(filter(is_job_id, os.listdir(jobs)))
    except FileNotFoundError:
        return
    for name in names:
        if (status := status_in(jobs / name)) is not None:
            yield FoundJob(status, jobs / name)


def status_in(folder: Path) -> JobStatus | None:
    """The status in a folder; None too where it cannot be read: one bad folder must not hide the others.

    See `read_status`: what takes its place, a link or a pipe, is no status either.
    """
    try:
        return read_status(folder)
    except OSError:
        return None


def results(root: Path) -> Iterator[FoundJob]:
    """The results below the outbox or the failed folder, in no particular order; no link is followed."""
    deepest = len(root.parts) + _DEEPEST
    for folder, subfolders, files in os.walk(root):
        if STATUS_NAME in files and (status := status_in(Path(folder))) is not None:
            subfolders.clear()
            yield FoundJob(status, Path(folder))
        elif len(Path(folder).parts) >= deepest:
            subfolders.clear()
        else:
            subfolders[:] = [name for name in subfolders if not is_temporary(name)]


def all_jobs(jobs: Path, outbox: Path, failed: Path) -> Iterator[FoundJob]:
    """Every job there is; one that was just delivered while we looked may come twice."""
    yield from jobs_in_work(jobs)
    yield from results(outbox)
    yield from results(failed)


def entries_from_disk(jobs: Path, outbox: Path, failed: Path) -> list[Entry]:
    """The index as it should be, from the status files alone."""
    found = {job.status.job_id: entry_of(job.status, job.folder) for job in all_jobs(jobs, outbox, failed)}
    return [found[job_id] for job_id in sorted(found)]


def answers_to(status: JobStatus, name: str) -> bool:
    """Whether a person who says `name` (a job id, a short id, a file name or a source path) means this job."""
    return name in {status.job_id, short_id(status.job_id), status.filename, status.source}


def find_job(name: str, jobs: Path, outbox: Path, failed: Path) -> FoundJob:
    """The job that a person means.

    An id means one job; of several drops of one file name the newest is meant.

    Raises:
        PdfocrError: there is no such job (JOB_NOT_FOUND).
    """
    if is_job_id(name) and (status := status_in(jobs / name)) is not None:
        return FoundJob(status, jobs / name)
    newest: FoundJob | None = None
    for found in all_jobs(jobs, outbox, failed):
        if answers_to(found.status, name):
            if name in {found.status.job_id, short_id(found.status.job_id)}:
                return found
            if newest is None or found.status.job_id > newest.status.job_id:
                newest = found
    if newest is None:
        raise PdfocrError(ErrorCode.JOB_NOT_FOUND, f"Nothing answers to {name!r}.")
    return newest
