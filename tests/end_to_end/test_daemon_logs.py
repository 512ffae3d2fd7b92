"""What a daemon logs: JSON lines, one event a change of state, and never a word of a document."""

import re
from collections import Counter
from typing import Any

import pytest

from tests.conftest import MakeSite
from tests.end_to_end.harness import READING, Daemon, Job, Site
from tests.end_to_end.markup import words
from tests.pdfs import PARAGRAPH, SCAN_LINES, born_digital, encrypted, image_only, not_a_pdf


class _Logged:
    """A daemon's log from its start to its end, and the jobs that it did."""

    def __init__(self, daemon: Daemon, read: Job, failed: Job, refused: Job) -> None:
        self.text = daemon.log.read_text(encoding="utf-8")
        self.lines = daemon.logged()
        self.read = read
        self.failed = failed
        self.refused = refused

    def events_of(self, job: Job) -> list[dict[str, Any]]:
        return [line for line in self.lines if line.get("job_id") == job.job_id]


@pytest.fixture(scope="module")
def logged(tmp_path_factory: pytest.TempPathFactory) -> _Logged:
    """Two documents are read and two cannot be, with all that there is to log."""
    site = Site(tmp_path_factory.mktemp("logs") / "site", {**READING, "service": {"log_level": "debug"}})
    try:
        daemon = site.start()
        site.drop("read.pdf", born_digital(2))
        site.drop("scan.pdf", image_only())
        site.drop("locked.pdf", encrypted())
        site.drop("letter.pdf", not_a_pdf())
        read, failed, refused = (site.result(name) for name in ("read.pdf", "locked.pdf", "letter.pdf"))
        site.result("scan.pdf")
        assert daemon.stop() == 0
        return _Logged(daemon, read, failed, refused)
    finally:
        site.close()


def test_every_line_is_json_with_an_event_a_level_and_a_time(logged: _Logged) -> None:
    assert len(logged.lines) >= 10
    for line in logged.lines:
        assert line["event"]
        assert line["level"] in {"debug", "info", "warning", "error"}
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z", line["timestamp"])


@pytest.mark.parametrize(
    ("which", "told"),
    [
        ("read", ["job.pending", "job.processing", "job.completed", "job.delivered"]),
        ("failed", ["job.pending", "job.processing", "job.failed", "job.delivered"]),
        ("refused", ["job.pending", "job.failed", "job.delivered"]),
    ],
)
def test_a_change_of_state_is_one_event_with_the_jobs_id(logged: _Logged, which: str, told: list[str]) -> None:
    lines = logged.events_of(getattr(logged, which))
    assert [line["event"] for line in lines if line["event"].startswith("job.")] == told


def test_a_failure_is_logged_with_its_code(logged: _Logged) -> None:
    (line,) = [line for line in logged.events_of(logged.failed) if line["event"] == "job.failed"]
    assert (line["level"], line["code"]) == ("warning", "pdf_encrypted")


def test_the_daemons_own_life_is_told(logged: _Logged) -> None:
    counts = Counter(line["event"] for line in logged.lines)
    assert [counts[name] for name in ("daemon.starting", "daemon.stopping", "daemon.stopped")] == [1, 1, 1]


def test_nothing_goes_wrong_unnoticed(logged: _Logged) -> None:
    assert [line for line in logged.lines if line["level"] == "error"] == []
    assert "Traceback" not in logged.text
    assert "never retrieved" not in logged.text


def test_no_word_of_a_document_is_logged(logged: _Logged) -> None:
    assert "quick brown fox" in logged.read.text()
    secret = {word for word in words(PARAGRAPH + " ".join(SCAN_LINES)) if len(word) >= 6}
    assert not secret & set(words(logged.text)) - {"document", "carries"}


def test_a_stop_with_work_in_hand_is_quiet(make_site: MakeSite) -> None:
    site = make_site({"render": {"dpi": 250}})
    daemon = site.start()
    site.drop("twenty.pdf", born_digital(40))
    site.processed(1)
    assert daemon.stop() == 0
    assert [line for line in daemon.logged() if line["level"] not in {"debug", "info"}] == []
