"""What the tests of taking jobs up share: the two folders, and a claim that was broken off between them."""

import pytest

from pdfocr_watcher.jobs.claim_note import ClaimNote


@pytest.fixture
def jobs(tmp_path):
    jobs = tmp_path / "jobs"
    jobs.mkdir()
    return jobs


@pytest.fixture
def inbox(tmp_path):
    folder = tmp_path / "inbox"
    folder.mkdir()
    return folder


@pytest.fixture
def begun(inbox):
    """Leave a claim by copy as a crash does: the file has its private name; what it was called, and what it is now."""

    def begin(job, content=b"%PDF-1.7 card"):
        note = ClaimNote.of(inbox, "letter.pdf", job.job_id)
        note.write(job.folder)
        (inbox / note.private).write_bytes(content)
        return inbox / "letter.pdf", inbox / note.private

    return begin
