"""Real files that broke other programs: each one ends, with a reason where it failed, and the daemon lives."""

import os
from pathlib import Path

import pytest

from tests.conftest import MakeSite
from tests.end_to_end.harness import Site, temporary_files
from tests.pdfs import born_digital

_VARIABLE = "PDFOCR_CORPUS"
_LIMIT = 1200.0


@pytest.fixture
def hostile() -> list[Path]:
    """The hostile files of the corpus."""
    corpus = os.environ.get(_VARIABLE)
    if not corpus:
        pytest.skip(f"{_VARIABLE} names no corpus")
    return sorted((Path(corpus) / "hostile" / "files").iterdir())


def _table(site: Site) -> str:
    rows = []
    for job in site.results():
        status = job.status
        codes = sorted({page["code"] for page in status["failed_pages"]})
        rows.append(
            f"{status['source']:60} {status['status']:10} {status['error_code'] or '-':18} "
            f"{status['processed_pages']}/{status['total_pages']} {status['started_at']} {status['completed_at']} "
            f"{' '.join(codes)}"
        )
    return "\n".join(rows)


def _snapshot(folder: Path) -> dict[str, tuple[int, int, int]]:
    found = {path: path.lstat() for path in [folder, *folder.rglob("*")]}
    return {str(path): (status.st_mode, status.st_size, status.st_mtime_ns) for path, status in found.items()}


def _expectation(corpus: Path) -> dict[str, str]:
    """What the corpus says of its files: the last column of its table, by file name."""
    rows = (line.split("\t") for line in (corpus / "MANIFEST.tsv").read_text(encoding="utf-8").splitlines()[1:])
    return {Path(row[0]).name: row[5] for row in rows}


@pytest.mark.corpus
@pytest.mark.timeout(_LIMIT + 60)
def test_every_hostile_file_ends(make_site: MakeSite, hostile: list[Path], tmp_path: Path) -> None:
    site = make_site({"render": {"timeout_seconds": 5, "dpi": 100}, "job": {"max_pages": 2000}})
    around, temporary = tmp_path / "around", tmp_path / "temporary"
    around.mkdir()
    (around / "file").write_text("untouched")
    temporary.mkdir()
    before = _snapshot(around), _snapshot(hostile[0].parent)
    daemon = site.start({**os.environ, "TMPDIR": str(temporary), "HOME": str(around)})
    for file in hostile:
        site.drop(file.name, file.read_bytes())
    site.all_results(None, len(hostile), _LIMIT)
    print(_table(site))  # noqa: T201 - shown by `pytest -s`, and where the test fails
    expected = _expectation(hostile[0].parent.parent)
    for job in site.results():
        status = job.status
        match expected[status["filename"]].partition(" [")[0]:
            case "expect: pages out":
                assert status["status"] == "completed", status
            case "expect: clean error":
                assert status["status"] == "failed", status
            case "expect: clean error (password)":
                assert status["error_code"] == "pdf_encrypted", status
        assert status["status"] in {"completed", "failed"}
        assert (status["error_code"] is None) is (status["status"] == "completed"), status
        assert bool(status["error_message"]) is (status["status"] == "failed"), status
        assert status["error_code"] not in {"internal", "assembly_failed", "too_many_attempts"}, status
        assert all(page["code"].startswith("render_") for page in status["failed_pages"]), status
    site.drop("after all that.pdf", born_digital())
    assert site.result("after all that.pdf").status["status"] == "completed"
    assert daemon.process.poll() is None
    assert [line for line in daemon.logged() if line["level"] == "error"] == []
    assert temporary_files(site.inbox, site.jobs, site.outbox, site.failed) == []
    assert site.in_work() == []
    assert daemon.stop() == 0
    assert (_snapshot(around), _snapshot(hostile[0].parent)) == before
    assert list(temporary.iterdir()) == []
