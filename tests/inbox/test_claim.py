"""Claiming: at every instant the PDF is in the inbox or in its job folder, and never in both for good."""

import errno
import os
import shutil
import subprocess
import tempfile
from datetime import UTC, datetime
from pathlib import Path

import pytest

from pdfocr_watcher.inbox import claim as claim_module
from pdfocr_watcher.inbox.claim import Claimer, at_rest
from pdfocr_watcher.inbox.sweep import Signature
from pdfocr_watcher.jobs.durable import sha256_of
from pdfocr_watcher.jobs.model import Stage, Status
from pdfocr_watcher.jobs.recovery import CopyNote
from pdfocr_watcher.jobs.status_file import read_status

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
CONTENT = b"%PDF-1.4\n" + bytes(range(256)) * 5000 + b"\n%%EOF\n"


@pytest.fixture
def claimer(tmp_path):
    folders = {name: tmp_path / name for name in ("inbox", "jobs", "outbox", "failed")}
    for folder in folders.values():
        folder.mkdir()
    return Claimer(**folders)


@pytest.fixture
def elsewhere(claimer):
    """A claimer whose inbox lies on another file system than its jobs."""
    shared = Path(tempfile.mkdtemp(dir="/dev/shm"))
    if shared.stat().st_dev == claimer.jobs.stat().st_dev:
        pytest.skip("no other file system of its own here")
    yield Claimer(shared, claimer.jobs, claimer.outbox, claimer.failed)
    shutil.rmtree(shared)


def drop(claimer, name="letter.pdf", content=CONTENT):
    path = claimer.inbox / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return Signature.of(path.lstat())


@pytest.mark.parametrize("where", ["claimer", "elsewhere"])
class TestWherever:
    def test_the_file_becomes_a_pending_job(self, where, request):
        claimer = request.getfixturevalue(where)
        claim = claimer.claim("office/letter.pdf", drop(claimer, "office/letter.pdf"), NOW)
        assert claim.settled
        assert not (claimer.inbox / "office/letter.pdf").exists()
        assert claim.folder.input("letter.pdf").read_bytes() == CONTENT
        status = read_status(claim.folder.path)
        assert status == claim.status
        assert (status.status, status.stage, status.attempts) == (Status.PENDING, Stage.QUEUED, 0)
        assert (status.filename, status.source, status.bytes) == ("letter.pdf", "office/letter.pdf", len(CONTENT))
        assert sorted(os.listdir(claim.folder.path)) == ["dropped.json", "input.pdf", "status.json"]

    def test_a_file_that_has_gone_leaves_nothing(self, where, request):
        claimer = request.getfixturevalue(where)
        signature = drop(claimer)
        (claimer.inbox / "letter.pdf").unlink()
        try:
            assert claimer.claim("letter.pdf", signature, NOW) is None
        except FileNotFoundError:
            pytest.fail("a file that has gone is no error")
        assert os.listdir(claimer.jobs) == []

    def test_the_same_name_twice_makes_two_jobs(self, where, request):
        claimer = request.getfixturevalue(where)
        first = claimer.claim("letter.pdf", drop(claimer), NOW)
        second = claimer.claim("letter.pdf", drop(claimer), NOW)
        assert first.status.job_id != second.status.job_id
        assert len(os.listdir(claimer.jobs)) == 2

    def test_a_name_whose_bytes_are_no_text_is_claimed_and_shown(self, where, request):
        claimer = request.getfixturevalue(where)
        name = os.fsdecode(b"caf\xe9.pdf")
        claim = claimer.claim(name, drop(claimer, name), NOW)
        assert claim.status.filename == "caf\\xe9.pdf"
        assert not (claimer.inbox / name).exists()
        assert read_status(claim.folder.path) == claim.status

    def test_a_jobs_folder_that_refuses_leaves_the_file_where_it_is(self, where, request, monkeypatch):
        claimer = request.getfixturevalue(where)
        signature = drop(claimer)

        def full(*_arguments, **_options):
            raise OSError(errno.ENOSPC, "no space left on device")

        monkeypatch.setattr(claim_module, "write_status", full)
        with pytest.raises(OSError, match="no space"):
            claimer.claim("letter.pdf", signature, NOW)
        assert (claimer.inbox / "letter.pdf").read_bytes() == CONTENT
        assert os.listdir(claimer.jobs) == []


def test_a_result_name_that_is_taken_is_not_given_again(claimer, monkeypatch):
    ids = iter(["20260102T030405Z-aaaaaaaa", "20260102T030405Z-bbbbbbbb"])
    monkeypatch.setattr(claim_module, "new_job_id", lambda _now: next(ids))
    (claimer.outbox / "letter.aaaaaaaa").mkdir()
    assert claimer.claim("letter.pdf", drop(claimer), NOW).status.job_id.endswith("bbbbbbbb")


def test_a_file_that_was_exchanged_after_it_was_judged_has_yet_to_come_to_rest(claimer):
    signature = drop(claimer)
    drop(claimer, content=CONTENT[:5000])
    claim = claimer.claim("letter.pdf", signature, NOW)
    assert not claim.settled
    assert claim.folder.input("letter.pdf").stat().st_size == 5000


def test_a_file_that_a_writer_still_holds_has_yet_to_come_to_rest(claimer):
    signature = drop(claimer)
    with subprocess.Popen(
        ["/bin/sh", "-c", 'exec 3>>"$1"; echo open; read _', "sh", claimer.inbox / "letter.pdf"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as writer:
        writer.stdout.readline()
        claim = claimer.claim("letter.pdf", signature, NOW)
        assert not claim.settled
        assert at_rest(claim.folder, "letter.pdf") is None
        writer.stdin.write(b"done\n")
    assert at_rest(claim.folder, "letter.pdf").size == len(CONTENT)


class TestByCopy:
    def test_a_file_that_changes_while_it_is_copied_stays_in_the_inbox(self, elsewhere, monkeypatch):
        signature = drop(elsewhere)
        copy = claim_module.copy_verified

        def copy_slowly(source, target):
            digest = copy(source, target)
            with source.open("ab") as file:
                file.write(b"more")
            return digest

        monkeypatch.setattr(claim_module, "copy_verified", copy_slowly)
        assert elsewhere.claim("letter.pdf", signature, NOW) is None
        assert (elsewhere.inbox / "letter.pdf").read_bytes() == CONTENT + b"more"
        assert os.listdir(elsewhere.jobs) == []

    def test_a_source_that_may_not_be_removed_is_not_claimed(self, elsewhere, monkeypatch):
        signature = drop(elsewhere)

        def refused(_folder):
            raise PermissionError(errno.EROFS, "read-only file system")

        monkeypatch.setattr(claim_module, "finish_claim", refused)
        with pytest.raises(PermissionError):
            elsewhere.claim("letter.pdf", signature, NOW)
        assert (elsewhere.inbox / "letter.pdf").read_bytes() == CONTENT
        assert os.listdir(elsewhere.jobs) == []

    def test_a_source_that_is_removed_counts_though_its_folder_could_not_be_synced(self, elsewhere, monkeypatch):
        signature = drop(elsewhere)
        finish = claim_module.finish_claim

        def finish_and_fail(folder):
            finish(folder)
            raise OSError(errno.EIO, "input/output error")

        monkeypatch.setattr(claim_module, "finish_claim", finish_and_fail)
        claim = elsewhere.claim("letter.pdf", signature, NOW)
        assert sha256_of(claim.folder.input("letter.pdf"))
        assert not (elsewhere.inbox / "letter.pdf").exists()

    def test_the_source_is_noted_before_the_copy_begins(self, elsewhere, monkeypatch):
        signature = drop(elsewhere)
        copy = claim_module.copy_verified
        noted = []

        def copy_and_look(source, target):
            (folder,) = elsewhere.jobs.iterdir()
            noted.append((folder / "claim.json").is_file())
            return copy(source, target)

        monkeypatch.setattr(claim_module, "copy_verified", copy_and_look)
        claim = elsewhere.claim("letter.pdf", signature, NOW)
        assert noted == [True]
        assert CopyNote.read(claim.folder) is None
