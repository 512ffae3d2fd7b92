"""retry, delete and reindex, with a daemon that has the job in hand and without one."""

import os
import signal

import pytest
import typer

from pdfocr_watcher.jobs.index import read_entries
from tests.cli.conftest import Command
from tests.conftest import MakeSite
from tests.end_to_end.documents import with_endless_page
from tests.end_to_end.harness import Daemon, Site, temporary_files, wait_for
from tests.pdfs import born_digital, encrypted

#: A page that is given up after seconds, so that a job with one fails.
_STRICT = {"render": {"timeout_seconds": 4, "dpi": 60}, "job": {"page_attempts": 1, "min_page_success": 1}}
#: The same page keeps the daemon at work for as long as a test needs to act.
_ENDLESS = {"render": {"timeout_seconds": 8, "dpi": 60, "workers": 1}}


@pytest.fixture(params=["with a daemon", "without a daemon"])
def failed_site(request: pytest.FixtureRequest, make_site: MakeSite) -> tuple[Site, Daemon | None]:
    """A document of two pages has failed for its second one; the daemon runs on, or not."""
    site = make_site(_STRICT)
    daemon = site.start()
    site.drop("half.pdf", with_endless_page(2, endless=2), into="mail")
    assert site.result("mail/half.pdf").status["error_code"] == "too_few_pages"
    if request.param == "without a daemon":
        daemon.stop()
        return site, None
    return site, daemon


def _indexed(site: Site) -> set[str]:
    return {entry["job_id"] for entry in read_entries(site.root / "index.json") or []}


def test_a_failed_job_is_retried(command: Command, failed_site: tuple[Site, Daemon | None]) -> None:
    site, daemon = failed_site
    before = site.result("mail/half.pdf")
    said = command("retry", before.job_id, "-c", site.config)
    assert said.status == 0
    assert before.job_id in said.out
    if daemon is None:
        (waiting,) = site.in_work()
        assert (waiting.status["status"], waiting.status["processed_pages"]) == ("pending", 1)
        assert waiting.status["error_code"] is None
        assert site.results() == []
        site.start()

    def again() -> bool:
        return [job.status["started_at"] != job.status["completed_at"] for job in site.results()] == [True]

    wait_for(lambda: not before.folder.exists() or not site.in_work(), "it has left the failed folder")
    wait_for(lambda: not site.in_work() and again(), "it ended again")
    after = site.result("mail/half.pdf")
    assert (after.job_id, after.status["error_code"]) == (before.job_id, "too_few_pages")
    assert after.status["completed_at"] > before.status["completed_at"]
    assert after.folder == before.folder


def test_a_retry_after_the_cause_is_mended_completes(command: Command, make_site: MakeSite) -> None:
    """The pages that were read are not read again."""
    site = make_site({"job": {"max_pages": 1}})
    daemon = site.start()
    site.drop("two.pdf", born_digital(2))
    assert site.result("two.pdf").status["error_code"] == "too_many_pages"
    daemon.stop()
    site.start({**os.environ, "PDFOCR_WATCHER__JOB__MAX_PAGES": "10"})
    assert command("retry", "two.pdf", "-c", site.config).status == 0
    wait_for(lambda: [job.folder.parent for job in site.results()] == [site.outbox], "it is in the outbox")
    assert site.result("two.pdf").status["status"] == "completed"


def test_only_a_failed_job_is_retried(command: Command, quick_site: Site) -> None:
    quick_site.drop("fine.pdf", born_digital())
    job = quick_site.result("fine.pdf")
    said = command("retry", job.job_id, "-c", quick_site.config)
    assert said.status == 65
    assert "completed" in said.err
    assert quick_site.result("fine.pdf") == job


@pytest.mark.parametrize("verb", ["retry", "delete"])
def test_a_job_that_is_nowhere(command: Command, quick_site: Site, verb: str) -> None:
    options = ["--yes"] if verb == "delete" else []
    said = command(verb, "20200101T000000Z-00000000", *options, "-c", quick_site.config)
    assert said.status == 66


def test_a_finished_job_is_deleted(command: Command, failed_site: tuple[Site, Daemon | None]) -> None:
    site, _daemon = failed_site
    job = site.result("mail/half.pdf")
    wait_for(lambda: job.job_id in _indexed(site), "it is in the index")
    said = command("delete", job.job_id, "--yes", "-c", site.config)
    assert said.status == 0
    assert site.results() == []
    wait_for(lambda: job.job_id not in _indexed(site), "it has left the index")
    assert temporary_files(site.jobs, site.failed) == []
    assert command("result", job.job_id, "-c", site.config).status == 66


def test_delete_asks_first(command: Command, quick_site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    quick_site.drop("asked.pdf", encrypted())
    job = quick_site.result("asked.pdf")
    monkeypatch.setattr("typer.confirm", _answer_no)
    said = command("delete", job.job_id, "-c", quick_site.config)
    assert said.status == 1
    assert job.folder.is_dir()


def test_delete_without_a_terminal_removes_nothing(program: Command, quick_site: Site) -> None:
    quick_site.drop("unasked.pdf", encrypted())
    job = quick_site.result("unasked.pdf")
    assert program("delete", job.job_id, "-c", quick_site.config).status == 1
    assert job.folder.is_dir()


@pytest.fixture
def busy_site(make_site: MakeSite) -> Site:
    """One job is being worked on and will be for long, and another one waits behind it."""
    site = make_site({**_ENDLESS, "folders": {"jobs": "../private/jobs"}})
    site.jobs.parent.mkdir()
    site.start()
    site.drop("endless.pdf", with_endless_page(1, endless=1))
    wait_for(lambda: [job for job in site.in_work() if job.status["total_pages"]], "it is being rendered")
    site.drop("waiting.pdf", born_digital())
    wait_for(lambda: len(site.in_work()) == 2, "another one waits")
    return site


def test_a_waiting_job_is_deleted_without_a_daemon(command: Command, busy_site: Site) -> None:
    busy_site.stop()
    assert command("delete", "waiting.pdf", "--yes", "-c", busy_site.config).status == 0
    assert [job.status["source"] for job in busy_site.in_work()] == ["endless.pdf"]
    left = {path.name for path in busy_site.jobs.iterdir()} - {".lock", ".retention.json"}
    assert left == {job.job_id for job in busy_site.in_work()}


def test_a_waiting_job_is_deleted_with_a_daemon(command: Command, busy_site: Site) -> None:
    assert command("delete", "waiting.pdf", "--yes", "-c", busy_site.config).status == 0
    assert [job.status["source"] for job in busy_site.in_work()] == ["endless.pdf"]
    mirror = busy_site.root / "status"
    wait_for(lambda: len(list(mirror.glob("*.json"))) == 1, "its mirror is gone as well")


def test_a_job_in_work_is_deleted_with_a_daemon(command: Command, busy_site: Site) -> None:
    (job,) = [job for job in busy_site.in_work() if job.status["source"] == "endless.pdf"]
    said = command("delete", job.job_id, "--yes", "-c", busy_site.config)
    assert said.status == 0
    assert busy_site.result("waiting.pdf").status["status"] == "completed", "the next one has its turn"
    assert busy_site.in_work() == []
    assert len(busy_site.results()) == 1


def test_reindex_with_a_daemon(command: Command, quick_site: Site) -> None:
    quick_site.drop("indexed.pdf", born_digital())
    job = quick_site.result("indexed.pdf")
    (quick_site.root / "index.json").write_bytes(b"garbage")
    said = command("reindex", "-c", quick_site.config)
    assert said.status == 0
    assert said.out.startswith("The index holds ")
    assert job.job_id in _indexed(quick_site)
    assert job.job_id in command("list", "--limit", "1000", "-c", quick_site.config).out


def test_a_daemon_that_does_not_answer(command: Command, site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    daemon = site.start()
    daemon.process.send_signal(signal.SIGSTOP)
    try:
        monkeypatch.setattr("pdfocr_watcher.cli.changing.PATIENCE", 0.5)
        said = command("reindex", "-c", site.config)
        assert said.status == 69
        assert "did not answer" in said.err
    finally:
        daemon.process.send_signal(signal.SIGCONT)
    assert list((site.jobs / ".requests").iterdir()) == [], "nothing is done behind the back of who asked"


def _answer_no(*_arguments: object, **_options: object) -> bool:
    raise typer.Abort
