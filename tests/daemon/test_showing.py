"""The dashboard on disk: which jobs are on it, who may know them, and who may read it."""

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from pdfocr_watcher.config.load import load_config
from pdfocr_watcher.daemon.condition import Snapshot
from pdfocr_watcher.daemon.showing import Showing
from pdfocr_watcher.errors import ErrorCode
from pdfocr_watcher.jobs.granting import note_dropped
from pdfocr_watcher.jobs.index import entry_of
from pdfocr_watcher.jobs.model import JobStatus, Output, Outputs, Stage, Status
from pdfocr_watcher.jobs.overview import overview_of
from pdfocr_watcher.jobs.ownership import Dropped
from pdfocr_watcher.jobs.rights import Rights
from pdfocr_watcher.jobs.status_file import write_status
from pdfocr_watcher.service.health import DaemonState, Health
from pdfocr_watcher.service.metrics import Figures
from tests.effort import instructions
from tests.service.boards import Page
from tests.users import OFFICE, needs_root

_NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


class Office:
    """A root with jobs in it, and its dashboard."""

    def __init__(self, root: Path, settings: str = "") -> None:
        self.root = root
        (root / "config.yaml").write_text(settings)
        self.config = load_config(root / "config.yaml", {})
        self.showing = Showing(self.config)
        self.file = root / "status" / "index.html"
        self.jobs: list[JobStatus] = []
        self.entries = []

    def job(self, number: int, source: str, status: Status, mode: int = 0o644, folder: str = "", **values) -> Path:
        """Leave a job with its folder, dropped with these rights."""
        ended = {"stage": Stage.DONE, "completed_at": _NOW + timedelta(seconds=number)} if status.finished else {}
        job = JobStatus.model_validate(
            {
                "job_id": f"20261123T120000Z-{number:08x}",
                "status": status,
                "stage": Stage.QUEUED,
                "filename": source.rpartition("/")[2],
                "source": source,
                "bytes": 5,
                "created_at": _NOW,
                "updated_at": _NOW,
                **ended,
                **values,
            }
        )
        path = self.root / (folder or ("outbox" if status.finished else "jobs"))
        path /= f"{job.filename}.{number:08x}" if status.finished else job.job_id
        path.mkdir(parents=True)
        write_status(path, job)
        (path / "input.pdf").touch()
        (path / "input.pdf").chmod(mode)
        if status.finished:
            self.entries.append(entry_of(job, path))
        else:
            note_dropped(path, Dropped(Rights(os.getuid(), os.getgid(), mode)))
            self.jobs.append(job)
        return path

    def write(self) -> Page:
        counts = dict.fromkeys(
            ("jobs_waiting", "jobs_in_work", "files_in_inbox", "pages_done", "free_bytes", "events_lost"), 0
        )
        moments = {"heartbeat": _NOW, "started_at": _NOW}
        health = Health(state=DaemonState.RUNNING, engine="null", engine_state="ready", **moments, **counts)
        self.showing.write(Snapshot(health, Figures(), tuple(self.jobs), overview_of(self.entries)))
        return Page(self.file.read_text(encoding="utf-8"))


@pytest.fixture
def office(tmp_path):
    return Office(tmp_path)


def _all_links(page):
    return [link for link in page.links if link != "../health.json"]


def test_jobs_of_every_kind_are_shown_with_what_leads_to_them(office):
    office.job(1, "in work.pdf", Status.PROCESSING, total_pages=4, processed_pages=1)
    office.job(2, "waits.pdf", Status.PENDING)
    written = Outputs.of((Output.MARKDOWN_DET, Output.LAYOUTS), 1, {})
    office.job(3, "mail/done.pdf", Status.COMPLETED, folder="outbox/mail", outputs=written)
    office.job(4, "bad.pdf", Status.FAILED, folder="failed", error_code=ErrorCode.PDF_DAMAGED, error_message="Torn.")
    page = office.write()
    text = "".join(page.texts)
    for said in ("in work.pdf", "1 of 4 pages", "waits.pdf", "done.pdf", "bad.pdf", "Torn."):
        assert said in text
    start = "../outbox/mail/done.pdf.00000003/"
    assert set(_all_links(page)) == {
        start,
        f"{start}output.mmd",
        f"{start}output_det.mmd",
        f"{start}output_layouts.pdf",
        f"{start}images",
        "../failed/bad.pdf.00000004/",
    }
    assert "Waiting" in text
    assert os.listdir(office.root / "status") == ["index.html"]


def test_who_may_read_the_page_and_not_the_pdf_does_not_learn_its_name(office):
    """With the mode 640 the page is for the group, and these PDFs were not."""
    secret = {"error_code": ErrorCode.INPUT_MISSING, "error_message": "secret is gone."}
    office.job(1, "secret in work.pdf", Status.PROCESSING, 0o600)
    office.job(2, "secret waiting.pdf", Status.PENDING, 0o600)
    office.job(3, "secret done.pdf", Status.COMPLETED, 0o600, outputs=Outputs())
    office.job(4, "secret failed.pdf", Status.FAILED, 0o600, **secret)
    office.job(5, "for the group.pdf", Status.COMPLETED, 0o640, outputs=Outputs())
    page = office.write()
    text = "".join(page.texts)
    assert b"secret" not in office.file.read_bytes()
    assert text.count("A private document") == 4
    assert "The claimed PDF has vanished" in text
    assert all("for%20the%20group" in link for link in _all_links(page))


@pytest.mark.parametrize(
    "settings",
    ["permissions: {index_mode: 600}", "permissions: {keep_private: false}"],
    ids=["600", "not kept private"],
)
def test_where_nobody_else_may_read_the_page_or_all_may_know_everything_is_named(tmp_path, settings):
    office = Office(tmp_path, settings)
    office.job(1, "my own.pdf", Status.PROCESSING, 0o600)
    assert "my own.pdf" in "".join(office.write().texts)


def test_where_everybody_may_read_the_page_only_what_everybody_could_read_is_named(tmp_path):
    office = Office(tmp_path, "permissions: {index_mode: 644}")
    office.job(1, "for all.pdf", Status.PROCESSING, 0o644)
    office.job(2, "for the group.pdf", Status.PROCESSING, 0o640)
    text = "".join(office.write().texts)
    assert ("for all.pdf" in text, "for the group.pdf" in text) == (True, False)
    assert office.file.stat().st_mode & 0o777 == 0o644


def test_the_page_is_the_groups_whom_the_results_are(tmp_path):
    needs_root()
    office = Office(tmp_path, f"permissions: {{group: {OFFICE}}}")
    office.write()
    office.write()
    found = office.file.stat()
    assert (found.st_gid, found.st_mode & 0o777) == (OFFICE, 0o640)


def test_a_result_that_is_gone_is_not_shown(office):
    result = office.job(1, "done.pdf", Status.COMPLETED, outputs=Outputs())
    assert "done.pdf" in "".join(office.write().texts)
    result.rename(office.root / "kept")
    assert "done.pdf" not in "".join(office.write().texts)


def test_a_result_outside_of_what_is_shared_has_no_link(tmp_path):
    (tmp_path / "root").mkdir()
    office = Office(tmp_path / "root", "folders: {outbox: ../elsewhere}")
    office.job(1, "done.pdf", Status.COMPLETED, folder="../elsewhere", outputs=Outputs())
    page = office.write()
    assert "done.pdf" in "".join(page.texts)
    assert _all_links(page) == []


def test_a_forged_status_leads_nowhere(office):
    forged = Outputs(markdown="../../../../etc/passwd", layouts="/etc/passwd", markdown_det="javascript:alert(1)")
    office.job(1, "done.pdf", Status.COMPLETED, outputs=forged)
    start = "../outbox/done.pdf.00000001/"
    assert _all_links(office.write()) == [start, f"{start}javascript%3Aalert%281%29"]


@pytest.mark.parametrize("folder", ["/srv/\ud800", "a\0b", "/nowhere", "x" * 5000])
def test_an_index_that_somebody_forged_costs_no_more_than_its_own_lines(office, folder):
    office.job(1, "done.pdf", Status.COMPLETED)
    forged = {
        **office.entries[0],
        "job_id": "20261123T120000Z-ffffffff",
        "source": "forged\ud800.pdf",
        "folder": folder,
    }
    office.entries.append(forged)
    text = "".join(office.write().texts)
    assert "done.pdf" in text
    assert "forged" not in text


def test_ten_thousand_jobs_cost_no_more_than_a_few(office):
    for number in range(60):
        office.job(number, f"{number}.pdf", Status.PENDING if number % 2 else Status.PROCESSING)
    ten_thousand = [job.model_copy(update={"job_id": f"20261123T13{n:04d}Z-{n:08x}"})
                    for n, job in enumerate(office.jobs * 167)]  # fmt: skip
    office.write()
    few = instructions(office.write)
    office.jobs += ten_thousand
    office.write()
    small = len(office.file.read_bytes())
    # Of each of the 10,020 that are not shown it is only seen when it came.
    assert instructions(office.write) < few + 100 * len(ten_thousand)
    page = office.write()
    assert [tag for tag, _ in page.elements].count("li") == 25 + 15
    assert small < 40_000
    assert len(office.showing._known) == 40


def test_a_page_on_its_way_is_never_seen_and_a_link_in_its_place_not_followed(office):
    office.file.parent.mkdir()
    victim = office.root / "victim"
    victim.write_text("mine")
    office.file.symlink_to(victim)
    office.write()
    assert victim.read_text() == "mine"
    assert not office.file.is_symlink()
