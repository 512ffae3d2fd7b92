"""Right after `pip install`, on a machine without poppler: pdfium renders, and `doctor` says what would be better."""

import os
import subprocess
import sys
from pathlib import Path

import pikepdf

from tests.end_to_end.harness import Site
from tests.pdfs import born_digital, encrypted, truncated


def _bare_environment(tmp_path: Path) -> dict[str, str]:
    """This environment, with a PATH on which there is Python and nothing else."""
    programs = tmp_path / "bin"
    programs.mkdir()
    (programs / "python3").symlink_to(sys.executable)
    return {**os.environ, "PATH": str(programs)}


def test_documents_are_done_with_pdfium(site: Site, tmp_path: Path) -> None:
    site.start(_bare_environment(tmp_path))
    site.drop("letter.pdf", born_digital(9))
    site.drop("locked.pdf", encrypted())
    site.drop("half.pdf", truncated())
    job = site.result("letter.pdf")
    assert (job.status["status"], job.status["failed_pages"]) == ("completed", [])
    with pikepdf.open(job.folder / "output_layouts.pdf") as drawn:
        assert len(drawn.pages) == 9
    assert site.result("locked.pdf").status["error_code"] == "pdf_encrypted"
    assert site.result("half.pdf").status["status"] in {"completed", "failed"}


def test_doctor_says_so(site: Site, tmp_path: Path) -> None:
    for folder in ("jobs", "outbox", "failed"):
        (site.root / folder).mkdir()
    asked = subprocess.run(
        [sys.executable, "-m", "pdfocr_watcher", "doctor", "--config", str(site.config)],
        env=_bare_environment(tmp_path),
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert asked.returncode == 0, "it works without poppler"
    (line,) = [line for line in asked.stdout.splitlines() if "renderer:" in line]
    assert line.startswith("advice")
    assert "poppler-utils" in line


def test_a_configuration_that_insists_on_poppler_is_told(site: Site, tmp_path: Path) -> None:
    environment = {**_bare_environment(tmp_path), "PDFOCR_WATCHER__RENDER__RENDERER": "poppler"}
    daemon = site.start(environment, ready=False)
    assert daemon.wait() == 69
    said = daemon.log.read_text()
    assert "pdftoppm" in said
    assert "Traceback" not in said
