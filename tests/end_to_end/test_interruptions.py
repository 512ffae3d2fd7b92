"""A daemon that is stopped, or killed, in the middle of a document: nothing is lost, nothing is done twice.

The results are held against those of a daemon that nobody disturbed.
"""

import contextlib
import signal
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import psutil  # type: ignore[import-untyped]
import pytest

from pdfocr_watcher.jobs.model import JobStatus, Stage, Status
from pdfocr_watcher.jobs.status_file import write_status
from tests.conftest import MakeSite
from tests.end_to_end.documents import with_endless_page
from tests.end_to_end.harness import LIMIT, ONE_BY_ONE, READING, Daemon, Job, Site, temporary_files, wait_for
from tests.end_to_end.markup import pages_of
from tests.pdfs import born_digital

_OUTPUTS = ("output.mmd", "output_det.mmd", "output_layouts.pdf", "output.json", "report.html", "input.pdf")
_PAGES = 30
_DOCUMENT = born_digital(_PAGES)


def _tell_all(daemon: Daemon, number: signal.Signals) -> None:
    for process in daemon.descendants():
        with contextlib.suppress(psutil.NoSuchProcess):  # a renderer that has just ended
            process.send_signal(number)


def _end_gently(daemon: Daemon) -> None:
    assert daemon.stop() == 0


def _end_like_a_service_manager(daemon: Daemon) -> None:
    """systemd tells every process of the service, unless the unit says otherwise."""
    _tell_all(daemon, signal.SIGTERM)
    assert daemon.stop() == 0


def _end_by_ctrl_c(daemon: Daemon) -> None:
    _tell_all(daemon, signal.SIGINT)
    daemon.process.send_signal(signal.SIGINT)
    assert daemon.wait() == 0


def _end_at_once(daemon: Daemon) -> None:
    _gone, alive = psutil.wait_procs(daemon.kill(), timeout=10)
    assert not alive, "workers and renderers end with their daemon"


def _checkpoints(folder: Path) -> dict[str, tuple[int, int]]:
    """Each checkpoint's inode and time of change: those of a page that is read again differ."""
    found = {path.name: path.stat() for path in (folder / "pages").glob("*.json")}
    return {name: (status.st_ino, status.st_mtime_ns) for name, status in found.items()}


def _outputs(job: Job) -> dict[str, bytes]:
    return {name: (job.folder / name).read_bytes() for name in _OUTPUTS}


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """The outputs of the document when nobody interferes."""
    site = Site(tmp_path_factory.mktemp("undisturbed") / "site", ONE_BY_ONE)
    try:
        site.start()
        site.drop("thirty.pdf", _DOCUMENT)
        return _outputs(site.result("thirty.pdf"))
    finally:
        site.close()


@pytest.mark.parametrize(
    "end",
    [_end_gently, _end_like_a_service_manager, _end_by_ctrl_c, _end_at_once],
    ids=["SIGTERM", "SIGTERM to all", "SIGINT to all", "SIGKILL"],
)
def test_the_work_goes_on_where_it_was(
    make_site: MakeSite, undisturbed: dict[str, bytes], end: Callable[[Daemon], None]
) -> None:
    site = make_site(ONE_BY_ONE)
    daemon = site.start()
    site.drop("thirty.pdf", _DOCUMENT)
    site.processed(8)
    end(daemon)
    (left,) = site.in_work()
    done = _checkpoints(left.folder)
    assert 8 <= len(done) < _PAGES
    if end is not _end_at_once:
        assert (left.status["status"], left.status["stage"]) == ("pending", "queued")
        assert left.status["processed_pages"] == len(done)
        assert left.status["worker"] is None
        assert site.health()["state"] == "stopped"

    site.start()
    resumed = site.processed(len(done) + 1)
    assert _checkpoints(resumed.folder).items() >= done.items(), "no page that was done is read again"
    job = site.result("thirty.pdf")
    assert (job.status["status"], job.status["failed_pages"]) == ("completed", [])
    assert job.job_id == left.job_id
    assert job.status["attempts"] == (2 if end is _end_at_once else 1)
    assert _outputs(job) == undisturbed
    assert len(site.results()) == 1
    assert site.in_work() == []
    site.stop()
    assert temporary_files(site.root) == []


def test_what_was_read_before_a_crash_and_after_it_is_put_together(make_site: MakeSite, reading_site: Site) -> None:
    """The same with the embedded engine, on fewer pages: their texts come out of the checkpoints as they went in."""
    document = born_digital(5)
    reading_site.drop("interrupted.pdf", document)
    site = make_site({**READING, "render": {**READING["render"], "range_pages": 1}})
    daemon = site.start()
    site.drop("interrupted.pdf", document)
    site.processed(1)
    daemon.kill()
    site.start()
    job = site.result("interrupted.pdf")
    assert (job.status["status"], job.status["attempts"]) == ("completed", 2)
    assert all("quick brown fox" in page for page in pages_of(job.text()))
    assert _outputs(job) == _outputs(reading_site.result("interrupted.pdf"))


def test_a_crash_again_and_again_on_the_same_page_ends(make_site: MakeSite) -> None:
    site = make_site({"job": {"max_attempts": 2}, "render": {"timeout_seconds": 600, "dpi": 60}})
    guilty = with_endless_page(1, endless=1)
    site.drop("guilty.pdf", guilty)
    for _ in range(2):
        daemon = site.start()
        wait_for(lambda: list(site.jobs.glob("*/rasters/*/.render-*")), "its page is being rendered")
        for process in daemon.kill():
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
    site.start()
    job = site.result("guilty.pdf")
    assert (job.status["status"], job.status["error_code"]) == ("failed", "too_many_attempts")
    assert (job.folder / "input.pdf").read_bytes() == guilty


def test_a_job_that_gets_on_is_not_given_up_however_often_the_daemon_dies(make_site: MakeSite) -> None:
    site = make_site({**ONE_BY_ONE, "job": {"max_attempts": 2}})
    site.drop("thirty.pdf", _DOCUMENT)
    for least in (1, 4, 7):
        daemon = site.start()
        site.processed(least)
        daemon.kill()
    site.start()
    job = site.result("thirty.pdf")
    assert (job.status["status"], job.status["attempts"]) == ("completed", 4)


def test_a_stop_waits_for_no_page_that_takes_long(make_site: MakeSite) -> None:
    site = make_site({"render": {"timeout_seconds": 600, "dpi": 60}, "service": {"shutdown_seconds": 10.0}})
    daemon = site.start()
    site.drop("endless.pdf", with_endless_page(1, endless=1))
    wait_for(lambda: [job for job in site.in_work() if job.status["total_pages"]], "the page is being rendered")
    processes = daemon.descendants()
    began = time.monotonic()
    assert daemon.stop() == 0
    assert time.monotonic() - began < 20.0, "though the page may take 600 s"
    assert [job.status["status"] for job in site.in_work()] == ["pending"]
    _gone, alive = psutil.wait_procs(processes, timeout=10)
    assert not alive


def test_a_stop_without_work_is_quick(make_site: MakeSite) -> None:
    site = make_site()
    daemon = site.start()
    began = time.monotonic()
    assert daemon.stop() == 0
    assert time.monotonic() - began < LIMIT / 2
    assert site.health()["state"] == "stopped"


def test_a_claimed_file_that_is_still_written_is_waited_for_after_a_restart_too(site: Site) -> None:
    first_part, rest = _DOCUMENT[:5000], _DOCUMENT[5000:]
    now = datetime.now(UTC)
    status = JobStatus(
        job_id="20260102T030405Z-abcdef01",
        status=Status.PENDING,
        stage=Stage.QUEUED,
        filename="slow.pdf",
        source="slow.pdf",
        bytes=len(first_part),
        created_at=now,
        updated_at=now,
    )
    folder = site.jobs / status.job_id
    folder.mkdir(parents=True)
    write_status(folder, status)
    with (folder / "input.pdf").open("wb") as writer:
        writer.write(first_part)
        writer.flush()
        daemon = site.start()
        wait_for(lambda: any(line["event"] == "job.still_written" for line in daemon.logged()) or None, "the wait")
        assert site.results() == []
        writer.write(rest)
    assert (site.result("slow.pdf").folder / "input.pdf").read_bytes() == _DOCUMENT
