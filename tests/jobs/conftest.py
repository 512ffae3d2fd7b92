"""What the tests of this room share: statuses, and two folders between which no rename leads."""

import contextlib
import os
import subprocess
import uuid
from datetime import UTC, datetime
from pathlib import Path

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
def mount():
    """Mount a small file system in memory on a folder; skips where that is not allowed."""
    mounted = []

    def do(folder, size="8m"):
        folder.mkdir(exist_ok=True)
        command = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)]
        if os.geteuid() != 0 or subprocess.run(command, check=False, capture_output=True).returncode:
            pytest.skip("needs the right to mount")
        mounted.append(folder)
        return folder

    def undo(folder):
        subprocess.run(["umount", str(folder)], check=True)
        mounted.remove(folder)

    do.undo = undo
    yield do
    for folder in reversed(mounted):
        subprocess.run(["umount", "-l", str(folder)], check=False)


@pytest.fixture
def elsewhere(tmp_path, request):
    """A folder on another file system than `tmp_path`."""
    shared = Path("/dev/shm")  # noqa: S108 - wanted for being another file system
    if shared.is_dir() and os.access(shared, os.W_OK) and shared.stat().st_dev != tmp_path.stat().st_dev:
        folder = shared / f"pdfocr-test-{uuid.uuid4().hex}"
        folder.mkdir()
        yield folder
        with contextlib.suppress(OSError):
            subprocess.run(["rm", "-rf", str(folder)], check=True)
    else:
        yield request.getfixturevalue("mount")(tmp_path / "elsewhere")


@pytest.fixture
def names_below():
    """All paths below a folder, relative to it, sorted."""
    return lambda folder: sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))
