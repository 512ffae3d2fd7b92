"""The pages of docs/ that are made from the program's tables say what the tables say."""

import subprocess
import sys
from pathlib import Path

import pytest

from pdfocr_watcher.errors import FAILURES
from pdfocr_watcher.jobs.model import JobStatus
from pdfocr_watcher.service.health import Health
from pdfocr_watcher.service.references import PAGES, files_page, troubleshooting_page

_DOCS = Path(__file__).parents[2] / "docs"


@pytest.mark.parametrize("name", PAGES)
def test_the_page_is_the_generated_one(name):
    page = (_DOCS / name).read_text(encoding="utf-8")
    assert page == PAGES[name](), "run python -m pdfocr_watcher.service.references"


def test_the_module_writes_the_pages_into_docs(tmp_path):
    (tmp_path / "docs").mkdir()
    subprocess.run([sys.executable, "-m", "pdfocr_watcher.service.references"], cwd=tmp_path, check=True)
    assert {path.name for path in (tmp_path / "docs").iterdir()} == set(PAGES)


def test_every_code_has_a_row_with_its_cause_and_advice():
    page = troubleshooting_page()
    for code, failure in FAILURES.items():
        (row,) = [line for line in page.splitlines() if line.startswith(f"| `{code.value}` |")]
        assert failure.cause in row
        assert failure.advice in row
        assert row.endswith(f"| {failure.exit_status} |")


@pytest.mark.parametrize("model", [JobStatus, Health])
def test_every_field_has_a_row(model):
    rows = [line for line in files_page().splitlines() if line.startswith("| `")]
    for name in model.model_fields:
        assert any(row.startswith(f"| `{name}` |") for row in rows), name


def test_a_field_that_may_be_null_says_so_and_one_of_values_leads_to_them():
    page = files_page()
    assert "| `started_at` | moment or null | when its first page was begun |" in page
    assert "| `status` | [Status](#status) |" in page
    assert "One of `pending`, `processing`, `completed`, `failed`." in page
