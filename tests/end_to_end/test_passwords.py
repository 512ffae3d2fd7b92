"""Encrypted PDFs are read with the passwords of a file that nobody but the daemon sees."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import MakeSite
from tests.end_to_end.harness import READING, Site, temporary_files, wait_for
from tests.pdfs import PARAGRAPH, encrypted

_PASSWORD = "winter-berth"  # noqa: S105 - a test's


@pytest.fixture
def locked_site(make_site: MakeSite, tmp_path: Path) -> Site:
    file = tmp_path / "passwords"
    file.touch(mode=0o600)
    file.write_text(f"another\n{_PASSWORD}\n")
    site = make_site({**READING, "render": {**READING["render"], "passwords_file": str(file)}})
    site.start()
    return site


def _files_with(word: str, *roots: Path) -> list[Path]:
    found = (Path(folder, name) for root in roots for folder, _, names in os.walk(root) for name in names)
    return [path for path in found if word.encode() in path.read_bytes()]


def test_it_is_read_and_stays_encrypted(locked_site: Site) -> None:
    content = encrypted(_PASSWORD)
    locked_site.drop("locked.pdf", content)
    job = locked_site.result("locked.pdf")
    assert job.status["status"] == "completed"
    assert PARAGRAPH.split(maxsplit=1)[0] in job.text()
    assert (job.folder / "input.pdf").read_bytes() == content
    assert temporary_files(job.folder, locked_site.jobs) == []
    locked_site.stop()
    assert _files_with(_PASSWORD, locked_site.base) == []


def test_a_password_that_is_added_later_helps_at_the_next_try(locked_site: Site, tmp_path: Path) -> None:
    locked_site.drop("later.pdf", encrypted("unheard-of"))
    job = locked_site.result("later.pdf")
    assert job.status["error_code"] == "pdf_encrypted"
    assert "render.passwords_file" in job.status["error_message"]
    assert str(tmp_path / "passwords") not in job.status["error_message"]
    with (tmp_path / "passwords").open("a") as file:
        file.write("unheard-of\n")
    retry = [sys.executable, "-m", "pdfocr_watcher", "retry", job.job_id, "-c", str(locked_site.config)]
    subprocess.run(retry, check=True, capture_output=True)
    wait_for(lambda: list(locked_site.outbox.iterdir()), "it is completed")
    assert locked_site.result("later.pdf").status["status"] == "completed"
