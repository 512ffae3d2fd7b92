"""What the tests of this room share: statuses, and two folders between which no rename leads."""

from datetime import UTC, datetime

import pytest

from pdfocr_watcher.jobs.folder import JobFolder
from pdfocr_watcher.jobs.model import JobStatus, Stage, Status
from pdfocr_watcher.jobs.status_file import write_status

NOW = datetime(2026, 11, 23, 12, 50, 45, 123_000, tzinfo=UTC)
JOB_ID = "20261123T125045Z-3f9a1c2b"


@pytest.fixture
def make_status():
    def make(**values):
        source = values.pop("source", "letter.pdf")
        given = {
            "job_id": JOB_ID,
            "status": Status.PENDING,
            "stage": Stage.QUEUED,
            "filename": source.rpartition("/")[2],
            "source": source,
            "bytes": 5,
            "created_at": NOW,
            "updated_at": NOW,
        }
        return JobStatus(**{**given, **values})

    return make


@pytest.fixture
def make_job():
    """Put a job's folder with its status and its PDF on disk."""

    def make(jobs, status, content=b"%PDF-"):
        folder = JobFolder(jobs / status.job_id)
        folder.path.mkdir(parents=True)
        write_status(folder.path, status)
        if content is not None:
            folder.input(status.filename).write_bytes(content)
        return folder

    return make


@pytest.fixture
def names_below():
    """All paths below a folder, relative to it, sorted."""
    return lambda folder: sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))
