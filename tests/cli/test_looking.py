"""status, list and result: what a person or a script is told of the jobs, with every state in the folders."""

import json
import subprocess
import sys
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest

from pdfocr_watcher.errors import ErrorCode
from pdfocr_watcher.jobs.index import JobIndex, read_entries
from pdfocr_watcher.jobs.model import FailedPageStatus, JobStatus, Outputs, Stage, Status
from pdfocr_watcher.jobs.status_file import write_status
from tests.cli.conftest import Command
from tests.conftest import MakeSite
from tests.end_to_end.harness import ONE_BY_ONE, Site, wait_for
from tests.pdfs import born_digital

_MOMENT = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


@dataclass(frozen=True)
class _Kept:
    """A site that holds a job of each kind, and the ids of these."""

    site: Site
    waiting: str
    working: str
    done: str
    failed: str


def _job(number: int, status: Status, source: str, **values: object) -> JobStatus:
    return JobStatus.model_validate(
        {
            "job_id": f"20260102T03040{number}Z-0000000{number}",
            "status": status,
            "stage": Stage.DONE if status.finished else Stage.QUEUED,
            "filename": Path(source).name,
            "source": source,
            "bytes": 1000,
            "created_at": _MOMENT,
            "updated_at": _MOMENT,
            "completed_at": _MOMENT if status.finished else None,
            **values,
        }
    )


@pytest.fixture
def kept(site: Site) -> _Kept:
    """No daemon runs; the folders are as one would have left them."""
    waiting = _job(1, Status.PENDING, "waiting.pdf")
    working = _job(2, Status.PROCESSING, "book.pdf", total_pages=300, processed_pages=7, eta_seconds=600, attempts=1)
    done = _job(3, Status.COMPLETED, "mail/[red]letter.pdf", total_pages=2, processed_pages=2, outputs=Outputs())
    page = FailedPageStatus(page=2, code=ErrorCode.RENDER_TIMEOUT, message="Rendering the page took too long.")
    failed = _job(
        4,
        Status.FAILED,
        "bad.pdf",
        total_pages=2,
        processed_pages=2,
        failed_pages=(page,),
        error_code=ErrorCode.TOO_FEW_PAGES,
        error_message="Too many pages of the document could not be read.",
    )
    index = JobIndex(site.root / "index.json", 100)
    for status, folder in (
        (waiting, site.jobs / waiting.job_id),
        (working, site.jobs / working.job_id),
        (done, site.outbox / "mail" / "[red]letter.00000003"),
        (failed, site.failed / "bad.00000004"),
    ):
        folder.mkdir(parents=True)
        write_status(folder, status)
        index.put(status, folder)
    (site.outbox / "mail" / "[red]letter.00000003" / "output.mmd").write_text("Grüße 漢字\n\n<--- Page Split --->\n")
    (site.failed / "bad.00000004" / "output.mmd").write_text("what there is\n")
    index.flush(force=True)
    return _Kept(site, waiting.job_id, working.job_id, done.job_id, failed.job_id)


def _listed(command: Command, kept: _Kept, *options: str) -> list[str]:
    said = command("list", "--json", *options, "-c", kept.site.config)
    assert said.status == 0
    return [entry["job_id"] for entry in json.loads(said.out)]


def test_list_shows_every_job_the_oldest_first(command: Command, kept: _Kept) -> None:
    said = command("list", "-c", kept.site.config)
    assert said.status == 0
    rows = [line.split() for line in said.out.splitlines()[1:]]
    assert [row[:3] for row in rows] == [
        [kept.waiting, "pending", "0/?"],
        [kept.working, "processing", "7/300"],
        [kept.done, "completed", "2/2"],
        [kept.failed, "failed", "2/2"],
    ]
    assert "mail/[red]letter.pdf" in said.out
    assert rows[3][-1] == "too_few_pages"


def test_list_as_json(command: Command, kept: _Kept) -> None:
    assert _listed(command, kept) == [kept.waiting, kept.working, kept.done, kept.failed]
    assert _listed(command, kept, "--limit", "2") == [kept.done, kept.failed]


@pytest.mark.parametrize("status", list(Status))
def test_list_by_status(command: Command, kept: _Kept, status: Status) -> None:
    wanted = {"pending": kept.waiting, "processing": kept.working, "completed": kept.done, "failed": kept.failed}
    assert _listed(command, kept, "--status", status) == [wanted[status]]


def test_list_without_any_job(command: Command, site: Site) -> None:
    assert command("list", "-c", site.config).out == "No jobs.\n"
    assert json.loads(command("list", "--json", "-c", site.config).out) == []


def test_list_needs_no_index(command: Command, kept: _Kept) -> None:
    index = kept.site.root / "index.json"
    for content in (None, b"", b"{not json", b"[]", b'{"jobs": 5}'):
        index.unlink(missing_ok=True)
        if content is not None:
            index.write_bytes(content)
        assert _listed(command, kept) == [kept.waiting, kept.working, kept.done, kept.failed]


def test_list_does_not_show_a_job_whose_result_was_removed_after_a_reindex(command: Command, kept: _Kept) -> None:
    for path in (kept.site.failed / "bad.00000004").iterdir():
        path.unlink()
    (kept.site.failed / "bad.00000004").rmdir()
    said = command("reindex", "-c", kept.site.config)
    assert (said.status, said.out) == (0, "The index holds 3 jobs.\n")
    assert kept.failed not in _listed(command, kept)


@pytest.mark.parametrize("content", [None, b"\x00garbage"], ids=["deleted", "corrupted"])
def test_reindex_makes_the_index_anew(command: Command, kept: _Kept, content: bytes | None) -> None:
    index = kept.site.root / "index.json"
    before = read_entries(index)
    assert before is not None
    (index.with_name(f"{index.name}.journal")).unlink(missing_ok=True)
    index.unlink()
    if content is not None:
        index.write_bytes(content)
    said = command("reindex", "-c", kept.site.config)
    assert (said.status, said.out) == (0, "The index holds 4 jobs.\n")
    assert read_entries(index) == before


def test_result_of_a_finished_job(command: Command, kept: _Kept) -> None:
    for name in (kept.done, "00000003", "[red]letter.pdf", "mail/[red]letter.pdf"):
        said = command("result", name, "-c", kept.site.config)
        assert (said.status, said.out, said.err) == (0, "Grüße 漢字\n\n<--- Page Split --->\n", "")


@pytest.mark.parametrize("encoding", ["ascii", "latin-1"])
def test_result_goes_out_as_it_is_whatever_the_terminal(
    program: Command, kept: _Kept, monkeypatch: pytest.MonkeyPatch, encoding: str
) -> None:
    monkeypatch.setenv("PYTHONIOENCODING", encoding)
    said = program("result", kept.done, "-c", kept.site.config)
    assert (said.status, said.out) == (0, "Grüße 漢字\n\n<--- Page Split --->\n")


def test_result_has_a_status_of_its_own_for_each_state(command: Command, kept: _Kept) -> None:
    for name, status, told in (
        (kept.waiting, 75, "pending"),
        (kept.working, 75, "processing"),
        ("none.pdf", 66, "none.pdf"),
    ):
        said = command("result", name, "-c", kept.site.config)
        assert (said.status, said.out) == (status, "")
        assert told in said.err


def test_result_of_a_failed_job_is_what_there_is_and_says_so(command: Command, kept: _Kept) -> None:
    said = command("result", kept.failed, "-c", kept.site.config)
    assert (said.status, said.out) == (1, "what there is\n")
    assert "could not be read" in said.err


def test_of_several_drops_of_one_name_the_newest_is_meant(command: Command, kept: _Kept) -> None:
    newer = _job(9, Status.COMPLETED, "bad.pdf", total_pages=1, processed_pages=1)
    folder = kept.site.outbox / "bad.00000009"
    folder.mkdir()
    write_status(folder, newer)
    (folder / "output.mmd").write_text("at last\n")
    assert command("result", "bad.pdf", "-c", kept.site.config).out == "at last\n"


def test_status_of_a_job(command: Command, kept: _Kept) -> None:
    said = command("status", "book.pdf", "-c", kept.site.config)
    assert said.status == 0
    assert "7 of 300" in said.out
    assert "about 600 s" in said.out
    said = command("status", kept.failed, "-c", kept.site.config)
    assert "Too many pages" in said.out
    assert "page 2" in said.out
    assert "[red]letter.pdf" in command("status", kept.done, "-c", kept.site.config).out


def test_status_as_json_is_the_file(command: Command, kept: _Kept) -> None:
    said = command("status", kept.working, "--json", "-c", kept.site.config)
    assert said.out == (kept.site.jobs / kept.working / "status.json").read_text()


def test_status_of_no_job(command: Command, kept: _Kept) -> None:
    said = command("status", "none.pdf", "-c", kept.site.config)
    assert said.status == 66


def test_status_follow_of_finished_jobs(command: Command, kept: _Kept) -> None:
    assert command("status", kept.done, "--follow", "-c", kept.site.config).status == 0
    assert command("status", kept.failed, "--follow", "-c", kept.site.config).status == 1


def test_status_where_no_daemon_ever_ran(command: Command, site: Site) -> None:
    said = command("status", "-c", site.config)
    assert said.status == 69
    assert "no daemon was ever started" in said.err


def test_status_of_the_daemon(command: Command, site: Site) -> None:
    daemon = site.start()
    said = command("status", "-c", site.config)
    assert said.status == 0
    assert f"pid {daemon.process.pid}" in said.out
    assert "running" in said.out
    health = json.loads(command("status", "--json", "-c", site.config).out)
    assert (health["state"], health["pid"]) == ("running", daemon.process.pid)
    daemon.stop()
    assert "stopped" in command("status", "-c", site.config).out


def test_status_follow_goes_along_until_the_job_is_done(program: Command, make_site: MakeSite) -> None:
    site = make_site(ONE_BY_ONE)
    site.start()
    site.drop("ten.pdf", born_digital(10))
    wait_for(site.in_work, "the job")
    said = program("status", "ten.pdf", "--follow", "-c", site.config)
    assert said.status == 0
    assert "10/10" in said.err, "the progress bar"
    assert "completed" in said.out
    assert site.result("ten.pdf").status["status"] == "completed"


def test_a_reader_that_goes_away_is_no_failure_worth_a_traceback(kept: _Kept) -> None:
    line = f"{sys.executable} -m pdfocr_watcher list --json -c {kept.site.config} | true"
    asked = subprocess.run(["bash", "-c", line], capture_output=True, text=True, check=False, timeout=60)
    assert asked.stderr == ""
