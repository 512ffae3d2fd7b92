"""What the real daemon says of itself while it works: health.json, the metrics, the dashboard."""

import os
from urllib.parse import unquote

import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.conftest import MakeSite
from tests.end_to_end.harness import ONE_BY_ONE, Site, wait_for
from tests.pdfs import born_digital
from tests.service.boards import Page


def _page(site: Site) -> Page:
    return Page((site.root / "status" / "index.html").read_text(encoding="utf-8"))


def _shown(site: Site) -> str:
    return "".join(_page(site).texts)


def _metrics(site: Site) -> dict[str, float]:
    text = (site.root / "metrics.prom").read_text(encoding="utf-8")
    samples = [sample for family in text_string_to_metric_families(text) for sample in family.samples]
    return {"/".join([sample.name, *sample.labels.values()]): sample.value for sample in samples}


@pytest.fixture
def busy(make_site: MakeSite) -> Site:
    """A site whose daemon has a book in work, a finished letter and one that failed."""
    site = make_site(ONE_BY_ONE)
    site.start()
    site.drop(b"caf\xe9 <b>#1 100%.pdf", born_digital(1), into="mail & more")
    site.drop("torn.pdf", b"no PDF at all")
    site.all_results(None, 2)
    site.drop("book.pdf", born_digital(40))
    wait_for(lambda: "of 40 pages" in _shown(site), "the book is on the dashboard")
    return site


def test_a_daemon_at_work_says_what_it_does(busy: Site) -> None:
    text = _shown(busy)
    for said in ("Running", "book.pdf", "caf\\xe9 <b>#1 100%.pdf", "in mail & more", "not_a_pdf", "Convert it to PDF"):
        assert said in text
    (letter,) = (job for job in busy.results() if job.status["status"] == "completed")
    (link,) = (link for link in _page(busy).links if link.endswith("output.mmd"))
    assert "%231%20100%25" in link
    assert (busy.root / "status" / unquote(link)).resolve() == letter.folder / "output.mmd"
    bars = [values for tag, values in _page(busy).elements if tag == "progress"]
    assert [bar["max"] for bar in bars] == ["40"]

    wait_for(lambda: busy.health()["jobs"] == {"pending": 0, "processing": 1, "completed": 1, "failed": 1}, "counts")
    health = busy.health()
    assert health["pages_per_minute"]["last_minute"] > 0
    assert health["pages_per_minute"]["last_15_minutes"] > 0
    (torn,) = busy.results("torn.pdf")
    assert health["last_error"]["code"] == "not_a_pdf"
    assert (health["last_error"]["job_id"], health["last_error"]["at"]) == (torn.job_id, torn.status["completed_at"])
    assert "torn.pdf" not in (busy.root / "health.json").read_text(), "everybody may read it"

    wait_for(lambda: _metrics(busy)["pdfocr_jobs_in_work"] == 1, "metrics")
    metrics = _metrics(busy)
    assert metrics["pdfocr_jobs_finished_total/completed"] == 1
    assert metrics["pdfocr_jobs_finished_total/failed"] == 1
    assert metrics["pdfocr_page_seconds_count"] >= 1
    assert metrics["pdfocr_state/running"] == 1


def test_a_stop_is_said_everywhere_and_the_next_start_knows_what_was_done(busy: Site) -> None:
    busy.stop()
    assert busy.health()["state"] == "stopped"
    assert _metrics(busy)["pdfocr_state/stopped"] == 1
    assert "Stopped" in _shown(busy)
    assert "written when the daemon stopped" in _shown(busy)
    busy.start()
    wait_for(lambda: busy.health()["jobs"]["completed"] == 1, "the finished letter is known")
    wait_for(lambda: "caf\\xe9" in _shown(busy), "it is shown")
    assert busy.health()["last_error"]["code"] == "not_a_pdf"


def test_how_long_a_file_and_a_job_wait(make_site: MakeSite) -> None:
    site = make_site({**ONE_BY_ONE, "inbox": {"max_waiting_jobs": 2}})
    site.start()
    assert site.health()["oldest_waiting_seconds"] is None
    for number in range(4):
        site.drop(f"{number}.pdf", born_digital(30))
    wait_for(lambda: site.health()["files_in_inbox"] == 2, "two that are not claimed")
    first = wait_for(lambda: site.health()["oldest_waiting_seconds"], "the age")
    wait_for(lambda: (site.health()["oldest_waiting_seconds"] or 0) > first + 0.5, "it grows")
    assert site.health()["state"] == "paused"
    wait_for(lambda: "2 files in the inbox" in _shown(site), "they are on the dashboard")


def test_a_dashboard_that_nobody_wants_is_not_written(make_site: MakeSite) -> None:
    site = make_site({"service": {"dashboard": False}})
    site.start()
    wait_for((site.root / "metrics.prom").exists, "the metrics")
    assert "status" not in os.listdir(site.root)
