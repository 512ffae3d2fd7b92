"""The intake loop with a real inbox: what it claims, what it leaves, and what it says when it cannot look."""

import asyncio
import shutil
import subprocess
import time
from datetime import UTC, datetime

import pytest
import structlog

from pdfocr_watcher.config.choices import NotPdf
from pdfocr_watcher.config.model import Inbox
from pdfocr_watcher.errors import ErrorCode
from pdfocr_watcher.inbox import intake as intake_module
from pdfocr_watcher.inbox.claim import Claimer
from pdfocr_watcher.inbox.intake import Intake
from pdfocr_watcher.jobs.settings import JobSettings

PDF = b"%PDF-1.4\nnothing to see\n%%EOF\n"
LIMIT = 20
#: What a file is called while a daemon, perhaps on another host, copies it.
PRIVATE = ".pdfocr-20260102T030405Z-3f9a1c2b-letter.pdf"


class Desk:
    """An intake, and what it claimed."""

    def __init__(self, root, **settings):
        self.claims = []
        self.settings = {}
        self.reason = None
        folders = {name: root / name for name in ("inbox", "jobs", "outbox", "failed")}
        for folder in folders.values():
            folder.mkdir(exist_ok=True)
        self.inbox = folders["inbox"]
        settings = Inbox(**{"settle_seconds": 0.1, "unmarked_settle_seconds": 0.3, "rescan_interval": 0.2, **settings})
        self.intake = Intake(
            self.inbox,
            settings,
            10_000,
            Claimer(**folders, unfinished=set()),
            lambda: self.reason,
            self.take,
            lambda: datetime.now(UTC),
        )

    async def take(self, claim, refusal):
        self.claims.append((claim.status.source, refusal.code if refusal else None))
        self.settings[claim.status.source] = claim.status.settings


async def until(condition):
    async with asyncio.timeout(LIMIT):
        while not condition():  # noqa: ASYNC110 - what is waited for lies on the disk
            await asyncio.sleep(0.02)


@pytest.fixture
async def make_desk(tmp_path):
    running = []

    def make(**settings):
        desk = Desk(tmp_path, **settings)
        running.append(asyncio.create_task(desk.intake.run()))
        return desk

    yield make
    for task in running:
        task.cancel()
    await asyncio.gather(*running, return_exceptions=True)


async def test_what_was_there_and_what_comes_is_claimed_with_its_sub_folder(tmp_path, make_desk):
    (tmp_path / "inbox" / "office").mkdir(parents=True)
    (tmp_path / "inbox" / "office" / "old.pdf").write_bytes(PDF)
    desk = make_desk()
    await until(lambda: desk.claims)
    (desk.inbox / "new.PDF").write_bytes(PDF)
    await until(lambda: len(desk.claims) == 2)
    assert desk.claims == [("office/old.pdf", None), ("new.PDF", None)]
    assert desk.intake.quiet


async def test_what_a_sweep_may_have_passed_is_waited_for(make_desk):
    """A claim that is undone puts its file back, perhaps just behind the sweep that is under way."""
    desk = make_desk(rescan_interval=60.0)
    await until(lambda: desk.intake.quiet)
    real = desk.intake._walk

    def passed():
        found = real()
        (desk.inbox / "letter.pdf").write_bytes(PDF)
        desk.intake._loop.call_soon_threadsafe(desk.intake.look_again)
        desk.intake._walk = real
        return found

    desk.intake._walk = passed
    desk.intake.look_again()
    assert not desk.intake.quiet
    await until(lambda: desk.intake.quiet)
    assert desk.claims == [("letter.pdf", None)]


async def test_other_names_are_left_and_files_that_are_no_pdf_are_refused(make_desk):
    desk = make_desk()
    (desk.inbox / "notes.txt").write_text("hello")
    (desk.inbox / "picture.pdf").write_bytes(b"\x89PNG" * 100)
    (desk.inbox / "empty.pdf").touch()
    (desk.inbox / "large.pdf").write_bytes(PDF * 1000)
    await until(lambda: len(desk.claims) == 3 and desk.intake.quiet)
    assert sorted(desk.claims) == [
        ("empty.pdf", ErrorCode.EMPTY_FILE),
        ("large.pdf", ErrorCode.FILE_TOO_LARGE),
        ("picture.pdf", ErrorCode.NOT_A_PDF),
    ]
    assert desk.intake.left == ["notes.txt"]


async def test_with_leave_a_file_that_is_no_pdf_stays(make_desk):
    desk = make_desk(not_pdf=NotPdf.LEAVE)
    (desk.inbox / "picture.pdf").write_bytes(b"\x89PNG" * 100)
    await until(lambda: desk.intake.left == ["picture.pdf"])
    assert desk.claims == []
    assert (desk.inbox / "picture.pdf").is_file()


async def test_nothing_is_claimed_while_something_speaks_against_it(make_desk):
    desk = make_desk()
    desk.reason = "The disk is full."
    (desk.inbox / "letter.pdf").write_bytes(PDF)
    await asyncio.sleep(0.6)
    assert desk.claims == []
    assert not desk.intake.quiet
    desk.reason = None
    await until(lambda: desk.claims)


async def test_an_inbox_that_goes_away_is_unreachable_and_taken_up_again_when_it_is_back(make_desk):
    desk = make_desk()
    await until(desk.intake.swept.is_set)
    shutil.rmtree(desk.inbox)
    await until(lambda: desk.intake.unreachable)
    desk.inbox.mkdir()
    (desk.inbox / "letter.pdf").write_bytes(PDF)
    await until(lambda: desk.claims)
    assert desk.intake.unreachable is None


def _may_mount(folder):
    return subprocess.run(["mount", "-t", "tmpfs", "tmpfs", folder], check=False, capture_output=True).returncode == 0


def _unmount(folder):
    subprocess.run(["umount", "-l", folder], check=True)


async def test_a_mount_that_is_dropped_is_no_empty_inbox(tmp_path, make_desk):
    inbox = tmp_path / "inbox"
    inbox.mkdir()
    if not _may_mount(inbox):
        pytest.skip("only root may mount")
    try:
        desk = make_desk()
        await until(desk.intake.swept.is_set)
    finally:
        _unmount(inbox)
    await until(lambda: "no longer mounted" in (desk.intake.unreachable or ""))
    assert desk.claims == []


async def test_a_file_that_somebody_writes_is_not_claimed_before_he_is_done(make_desk):
    desk = make_desk()
    with (desk.inbox / "slow.pdf").open("wb") as file:
        file.write(PDF)
        file.flush()
        await asyncio.sleep(1)
        assert desk.claims == []
    await until(lambda: desk.claims)


async def test_a_claim_that_was_left_behind_is_said_once(make_desk, monkeypatch):
    monkeypatch.setattr(intake_module, "_STRANDED_AFTER", 0.3)
    with structlog.testing.capture_logs() as lines:
        desk = make_desk()
        await until(desk.intake.swept.is_set)
        (desk.inbox / PRIVATE).write_bytes(PDF)
        await until(lambda: any(line["event"] == "inbox.claim_stranded" for line in lines))
        await asyncio.sleep(0.5)
    assert [line["source"] for line in lines if line["event"] == "inbox.claim_stranded"] == [PRIVATE]
    assert (desk.inbox / PRIVATE).exists()
    assert desk.claims == []


async def test_a_claim_that_another_host_finishes_in_time_is_not_said(make_desk, monkeypatch):
    monkeypatch.setattr(intake_module, "_STRANDED_AFTER", 0.5)
    with structlog.testing.capture_logs() as lines:
        desk = make_desk()
        for number in range(5):
            private = desk.inbox / PRIVATE.replace("3f9a1c2b", f"{number:08x}")
            private.write_bytes(PDF)
            await asyncio.sleep(0.25)
            private.unlink()
    assert "inbox.claim_stranded" not in [line["event"] for line in lines]


async def test_while_the_inbox_is_away_it_is_tried_no_more_often_than_it_is_swept(tmp_path, make_desk, monkeypatch):
    """Files that were due when it went are no reason to try again at once."""
    desk = make_desk(unmarked_settle_seconds=0.1, rescan_interval=0.5)
    desk.reason = "Nothing may be claimed."
    (desk.inbox / "letter.pdf").write_bytes(PDF)
    await until(lambda: desk.intake.waiting)
    shutil.move(desk.inbox, tmp_path / "away")
    await until(lambda: desk.intake.unreachable)
    tries = []
    real = intake_module.sweep
    monkeypatch.setattr(intake_module, "sweep", lambda *values: [tries.append(1), real(*values)][1])
    await asyncio.sleep(2.0)
    assert 1 <= len(tries) <= 6


async def test_a_file_that_takes_long_to_copy_does_not_make_the_inbox_unreachable(make_desk, monkeypatch):
    """On a slow share a large file takes its time, by its size."""
    monkeypatch.setattr(intake_module, "_SLOWEST", 10)
    desk = make_desk(sweep_timeout_seconds=0.2)
    real = Claimer.claim
    seen = []

    def slow_claim(*values):
        claim = real(*values)
        time.sleep(0.8)
        seen.append(desk.intake.unreachable)
        return claim

    monkeypatch.setattr(Claimer, "claim", slow_claim)
    (desk.inbox / "letter.pdf").write_bytes(PDF)
    await until(lambda: desk.claims)
    assert seen == [None]


async def test_a_folder_whose_settings_cannot_be_used_holds_its_files_and_no_others(make_desk):
    desk = make_desk()
    for folder in ("good", "bad"):
        (desk.inbox / folder).mkdir()
    (desk.inbox / "good" / ".pdfocr.yaml").write_text("dpi: 300\n")
    (desk.inbox / "bad" / ".pdfocr.yaml").write_text("dpi: many\n")
    for folder in ("good", "bad", "."):
        (desk.inbox / folder / "letter.pdf").write_bytes(PDF)
    await until(lambda: len(desk.claims) == 2 and desk.intake.quiet)
    assert {source for source, _ in desk.claims} == {"good/letter.pdf", "letter.pdf"}
    assert desk.settings == {"good/letter.pdf": JobSettings(dpi=300), "letter.pdf": None}
    assert desk.intake.left == ["bad/letter.pdf"]
    assert [problem.folder for problem in desk.intake.folder_problems] == ["bad"]

    (desk.inbox / "bad" / ".pdfocr.yaml").write_text("dpi: 150\n")
    await until(lambda: len(desk.claims) == 3 and desk.intake.quiet)
    assert desk.settings["bad/letter.pdf"] == JobSettings(dpi=150)
    assert (desk.intake.left, desk.intake.folder_problems) == ([], ())
    assert (desk.inbox / "bad" / ".pdfocr.yaml").is_file()
