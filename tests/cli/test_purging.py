"""purge, with a daemon and without one: what it lists goes, and nothing else."""

import os
import subprocess
import sys
import time
from datetime import datetime, timedelta

import pytest

from pdfocr_watcher.jobs.folder import result_folder
from pdfocr_watcher.jobs.index import read_entries
from pdfocr_watcher.jobs.lock import JobsLock
from pdfocr_watcher.jobs.model import Stage, Status
from pdfocr_watcher.jobs.requests import Verb, ask
from pdfocr_watcher.jobs.settings import JobSettings
from pdfocr_watcher.jobs.status_file import read_status, write_status
from pdfocr_watcher.pipeline.active import utc_now
from tests.cli.conftest import Command
from tests.conftest import MakeSite
from tests.end_to_end.documents import with_endless_page
from tests.end_to_end.harness import Job, Site, temporary_files, wait_for
from tests.pdfs import born_digital, encrypted
from tests.pipeline.doubles import pending_status

_WRITTEN = {
    "a.pdf": Status.COMPLETED,
    "mail/b.pdf": Status.COMPLETED,
    "bad.pdf": Status.FAILED,
    "young.pdf": Status.COMPLETED,
}


def _age(job: Job, days: float) -> Job:
    """Have a job ended some days ago."""
    status = read_status(job.folder)
    assert status is not None
    write_status(job.folder, status.model_copy(update={"completed_at": utc_now() - timedelta(days=days)}))
    return job


@pytest.fixture(params=["with a daemon", "without a daemon"])
def old_site(request: pytest.FixtureRequest, make_site: MakeSite) -> Site:
    """Two completed jobs and a failed one of 40 days ago, and a completed one of just now; the daemon runs, or not."""
    site = make_site()
    daemon = site.start()
    for name in ("a.pdf", "b.pdf", "young.pdf"):
        site.drop(name, born_digital(), into="mail" if name == "b.pdf" else "")
    site.drop("bad.pdf", encrypted())
    site.all_results(None, 4)
    for source in ("a.pdf", "mail/b.pdf", "bad.pdf"):
        _age(site.result(source), 40)
    wait_for(lambda: len(_indexed(site)) == 4, "they are in the index")
    if request.param == "without a daemon":
        assert daemon.stop() == 0
    return site


def _indexed(site: Site) -> set[str]:
    return {entry["source"] for entry in read_entries(site.root / "index.json") or []}


def _sources(site: Site) -> set[str]:
    return {job.status["source"] for job in site.results()}


def test_old_results_are_listed_and_then_removed(command: Command, old_site: Site) -> None:
    size = sum(path.stat().st_size for path in old_site.result("a.pdf").folder.rglob("*") if path.is_file())
    listed = command("purge", "--older-than", "30d", "--dry-run", "-c", old_site.config)
    assert listed.status == 0
    lines = listed.out.splitlines()
    assert lines[-1].startswith("3 results, ")
    assert lines[-1].endswith("; nothing was removed.")
    (line,) = [line for line in lines if str(old_site.result("a.pdf").folder) in line]
    assert f"{size / 1000:.1f} kB" in line
    assert _sources(old_site) == {"a.pdf", "mail/b.pdf", "bad.pdf", "young.pdf"}

    done = command("purge", "--older-than", "30d", "--yes", "-c", old_site.config)
    assert done.status == 0
    assert done.out == lines[-1].replace("; nothing was removed.", ", removed.\n")
    assert _sources(old_site) == {"young.pdf"}
    wait_for(lambda: _indexed(old_site) == {"young.pdf"}, "the index follows")
    assert temporary_files(old_site.outbox, old_site.failed, old_site.jobs) == []


@pytest.fixture
def written_site(site: Site) -> Site:
    """The same without PDFs and without a daemon that ever ran."""
    ends = utc_now() - timedelta(days=40)
    site.jobs.mkdir()
    for number, (source, status) in enumerate(_WRITTEN.items()):
        root = site.outbox if status is Status.COMPLETED else site.failed
        job = pending_status(number, source=source).model_copy(
            update={"status": status, "stage": Stage.DONE, "completed_at": utc_now() if "young" in source else ends}
        )
        folder = result_folder(root, job)
        folder.mkdir(parents=True)
        write_status(folder, job)
    return site


@pytest.mark.parametrize(
    ("options", "left"),
    [
        (["--completed"], {"bad.pdf", "young.pdf"}),
        (["--failed"], {"a.pdf", "mail/b.pdf", "young.pdf"}),
        (["--completed", "--failed"], {"young.pdf"}),
    ],
)
def test_only_what_was_completed_or_failed(
    command: Command, written_site: Site, options: list[str], left: set[str]
) -> None:
    assert command("purge", "--older-than", "720h", *options, "-y", "-c", written_site.config).status == 0
    assert _sources(written_site) == left


@pytest.mark.parametrize(
    ("ages", "left"),
    [
        ("{completed_days: 30, failed_days: 60}", {"bad.pdf", "young.pdf"}),
        ("{completed_days: 0, failed_days: 30}", {"a.pdf", "mail/b.pdf", "young.pdf"}),
        ("{}", {"a.pdf", "mail/b.pdf", "bad.pdf", "young.pdf"}),
    ],
)
def test_the_configurations_ages_are_each_for_their_results(
    command: Command, written_site: Site, ages: str, left: set[str]
) -> None:
    with written_site.config.open("a", encoding="utf-8") as file:
        file.write(f"\nretention: {ages}\n")
    assert command("purge", "--retention", "-y", "-c", written_site.config).status == 0
    assert _sources(written_site) == left


def test_days_of_a_job_s_own_count_where_folders_may_set_them(command: Command, written_site: Site) -> None:
    folder = written_site.result("a.pdf").folder
    status = read_status(folder)
    assert status is not None
    write_status(folder, status.model_copy(update={"settings": JobSettings(completed_days=1)}))
    before = _sources(written_site)
    assert command("purge", "--retention", "-y", "-c", written_site.config).status == 0
    assert _sources(written_site) == before
    with written_site.config.open("a", encoding="utf-8") as file:
        file.write("\nfolder_settings: {allow: [retention]}\n")
    assert command("purge", "--retention", "-y", "-c", written_site.config).status == 0
    assert _sources(written_site) == before - {"a.pdf"}


@pytest.mark.parametrize("options", [[], ["--retention", "--older-than", "30d"]])
def test_an_age_is_asked_for_once(command: Command, written_site: Site, options: list[str]) -> None:
    assert command("purge", *options, "-y", "-c", written_site.config).status == 2
    assert len(written_site.results()) == 4


def test_a_folder_in_which_somebody_keeps_a_file_stays_and_is_told(command: Command, written_site: Site) -> None:
    job = written_site.result("a.pdf")
    (job.folder / "remarks.txt").write_text("mine")
    listed = command("purge", "--older-than", "4w", "--dry-run", "-c", written_site.config)
    assert "stays: holds what is not ours (remarks.txt)" in listed.out
    assert "2 results, " in listed.out
    done = command("purge", "--older-than", "4w", "--yes", "-c", written_site.config)
    assert done.status == 0
    assert "remarks.txt" in done.err
    assert done.out.startswith("2 results, ")
    assert written_site.result("a.pdf") == job


def test_purge_asks_first(program: Command, written_site: Site) -> None:
    """And without a terminal there is nobody to say yes."""
    said = program("purge", "--older-than", "30d", "-c", written_site.config)
    assert said.status == 1
    assert "Remove 3 results, " in said.out
    assert len(written_site.results()) == 4


def test_nothing_old_is_nothing_to_ask(program: Command, site: Site) -> None:
    said = program("purge", "--older-than", "1h", "-c", site.config)
    assert (said.status, said.out) == (0, "0 results, 0 B, removed.\n")


@pytest.mark.parametrize("age", ["", "30", "d", "-1d", "1.5d", "30 days", "1y", "999999d", "٣d"])
def test_an_age_that_is_none_is_refused(command: Command, site: Site, age: str) -> None:
    said = command("purge", f"--older-than={age}", "-c", site.config)
    assert said.status == 2
    assert "30d" in said.err
    assert command("purge", "-c", site.config).status == 2


def test_a_job_in_work_is_never_old_enough(command: Command, make_site: MakeSite) -> None:
    site = make_site({"render": {"timeout_seconds": 30, "dpi": 60, "workers": 1}})
    site.start()
    site.drop("endless.pdf", with_endless_page(1, endless=1))
    wait_for(lambda: [job for job in site.in_work() if job.status["total_pages"]], "it is being rendered")
    said = command("purge", "--older-than", "0h", "--yes", "-c", site.config)
    assert said.out == "0 results, 0 B, removed.\n"
    assert len(site.in_work()) == 1


def test_more_results_than_fit_one_request(command: Command, site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    site.start()
    for number in range(7):
        site.drop(f"{number}.pdf", born_digital())
    for job in site.all_results(None, 7):
        _age(job, 2)
    monkeypatch.setattr("pdfocr_watcher.cli.purging.BATCH", 3)
    assert command("purge", "--older-than", "1d", "--yes", "-c", site.config).out.startswith("7 results, ")
    assert site.results() == []


def test_a_running_daemon_removes_what_it_is_configured_to(make_site: MakeSite) -> None:
    """A round that was missed while no daemon ran is made up for when one starts."""
    site = make_site({"retention": {"completed_days": 30, "at": "03:30"}})
    daemon = site.start()
    site.drop("old.pdf", born_digital())
    site.drop("bad.pdf", encrypted())
    site.drop("young.pdf", born_digital())
    site.all_results(None, 3)
    _age(site.result("old.pdf"), 31)
    _age(site.result("bad.pdf"), 3100)
    note = site.jobs / ".retention.json"
    wait_for(note.exists, "it has looked at the clock")
    assert daemon.stop() == 0
    assert len(site.results()) == 3
    note.write_text(f'{{"last_round": "{(utc_now() - timedelta(days=1, hours=1)).isoformat()}"}}')
    daemon = site.start()
    wait_for(lambda: _sources(site) == {"bad.pdf", "young.pdf"}, "the old one is gone")
    wait_for(lambda: _indexed(site) == {"bad.pdf", "young.pdf"}, "the index follows")
    (line,) = wait_for(
        lambda: [line for line in daemon.logged() if line["event"] == "retention.removed"], "it is in the log"
    )
    assert (line["jobs"], line["kept"]) == (1, 0)
    assert line["bytes"] > 1000
    assert datetime.fromisoformat(line["timestamp"]) > utc_now() - timedelta(minutes=5)


_HOLDER = """
import sys, time
from pathlib import Path
from pdfocr_watcher.jobs.lock import JobsLock
with JobsLock(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(float(sys.argv[2]))
"""


def test_a_command_that_another_command_keeps_waiting_has_its_turn(command: Command, site: Site) -> None:
    """Whoever holds the folders and answers nothing lets go some time."""
    site.jobs.mkdir()
    holder = subprocess.Popen([sys.executable, "-c", _HOLDER, site.jobs, "1.5"], stdout=subprocess.PIPE)
    assert holder.stdout is not None
    assert holder.stdout.readline() == b"held\n"
    began = time.monotonic()
    said = command("reindex", "-c", site.config)
    assert (said.status, said.out) == (0, "The index holds 0 jobs.\n")
    assert time.monotonic() - began > 0.5
    holder.communicate()
    assert os.listdir(site.jobs / ".requests") == []


def test_a_request_from_before_the_daemon_was_ready_is_done_by_it(site: Site) -> None:
    site.jobs.mkdir()
    with JobsLock(site.jobs):
        request = ask(site.jobs, Verb.REINDEX)
    site.start()
    answer = site.jobs / ".requests" / f"{request.token}.answer.json"
    wait_for(answer.exists, "an answer")
