"""Sweep, tracker and look together, over real files that arrive as real programs write them.

The files are real and the clock is not: each step of a copy is followed by a sweep at a given second.
"""

import os

import pytest

from pdfocr_watcher.inbox.admission import Decision, Verdict, conclude, probe
from pdfocr_watcher.inbox.stability import StabilityTracker
from pdfocr_watcher.inbox.sweep import sweep

PDF = b"%PDF-1.7\n" + os.urandom(400_000) + b"\nstartxref\n9\n%%EOF\n"
LONG_AGO = (1_000_000_000, 1_000_000_000)


class Watch:
    """What a daemon does with an inbox, short of claiming."""

    def __init__(self, root):
        self.root = root
        self.tracker = StabilityTracker(settle_seconds=2.0, unmarked_settle_seconds=30.0)

    def at(self, now):
        """Sweep and judge; what was decided, by path, as (decision, verdict)."""
        decided = {}
        for settled in self.tracker.observe(now, sweep(self.root, ()).files):
            result = probe(self.root, settled.path, settled.signature, 10**9)
            decision = conclude(settled.readiness, result.verdict)
            if decision is Decision.RESTART:
                self.tracker.forget(settled.path)
            elif decision in {Decision.CLAIM, Decision.WAIT}:
                self.tracker.looked(settled, complete=result.verdict is Verdict.COMPLETE)
            decided[settled.path] = (decision, result.verdict)
        return decided


@pytest.fixture
def watch(tmp_path):
    return Watch(tmp_path)


CLAIMED = {"a.pdf": (Decision.CLAIM, Verdict.COMPLETE)}


def test_a_windows_copy_is_not_taken_before_its_last_byte(tmp_path, watch):
    path = tmp_path / "a.pdf"
    path.touch()
    assert watch.at(0.0) == {}
    assert watch.at(10.0) == {}, "the closed empty file is not a document"

    with path.open("r+b", buffering=0) as file:
        file.truncate(len(PDF))
        assert path.stat().st_size == len(PDF)
        assert watch.at(11.0) == {}
        assert watch.at(14.0) == {"a.pdf": (Decision.WAIT, Verdict.NOT_PDF)}, "its size is final, its data is not there"
        assert watch.at(20.0) == {}, "what was looked into is not read again"
        now = 21.0
        for start in range(0, len(PDF), 100_000):
            file.write(PDF[start : start + 100_000])
            os.fsync(file.fileno())
            assert watch.at(now) == {}
            now += 1.5
    assert watch.at(now) == {}
    os.utime(path, LONG_AGO)
    assert watch.at(now + 1.0) == {}, "an old date is a change, not a proof of age"
    assert watch.at(now + 3.0) == CLAIMED


def test_a_windows_copy_that_pauses_half_way_is_not_taken_during_the_pause(tmp_path, watch):
    path = tmp_path / "a.pdf"
    with path.open("wb", buffering=0) as file:
        file.truncate(len(PDF))
        file.write(PDF[:200_000])
        os.fsync(file.fileno())
        assert watch.at(0.0) == {}
        assert watch.at(2.0) == {"a.pdf": (Decision.WAIT, Verdict.UNMARKED)}
        assert watch.at(29.0) == {}
        file.write(PDF[200_000:])
        os.fsync(file.fileno())
    assert watch.at(30.0) == {}
    assert watch.at(32.0) == CLAIMED


def test_a_plain_copy_is_taken_once_it_has_rested(tmp_path, watch):
    path = tmp_path / "a.pdf"
    with path.open("wb", buffering=0) as file:
        for now, start in enumerate(range(0, len(PDF), 100_000)):
            file.write(PDF[start : start + 100_000])
            assert watch.at(float(now)) == {}
    assert watch.at(10.0) == CLAIMED or watch.at(12.0) == CLAIMED


def test_a_file_moved_in_whole_is_taken_after_one_rest(tmp_path, watch):
    (tmp_path / "elsewhere").mkdir()
    outside = tmp_path / "elsewhere" / "a.pdf"
    outside.write_bytes(PDF)
    inbox = tmp_path / "inbox"
    inbox.mkdir()
    watch.root = inbox
    watch.at(0.0)
    outside.rename(inbox / "a.pdf")
    assert watch.at(1.0) == {}
    assert watch.at(3.0) == CLAIMED


def test_a_file_overwritten_with_the_same_size_begins_anew(tmp_path, watch):
    path = tmp_path / "a.pdf"
    path.write_bytes(PDF)
    os.utime(path, LONG_AGO)
    watch.at(0.0)
    path.write_bytes(PDF[:-6] + b"%%EOX\n")
    assert watch.at(2.0) == {}
    assert watch.at(4.0) == {"a.pdf": (Decision.WAIT, Verdict.UNMARKED)}


def test_a_pdf_whose_end_was_lost_is_taken_after_the_longer_wait(tmp_path, watch):
    (tmp_path / "a.pdf").write_bytes(PDF[:-100])
    watch.at(0.0)
    assert watch.at(2.0) == {"a.pdf": (Decision.WAIT, Verdict.UNMARKED)}
    assert watch.at(29.9) == {}
    assert watch.at(30.0) == {"a.pdf": (Decision.CLAIM, Verdict.UNMARKED)}


def test_a_file_that_is_no_pdf_is_refused_after_the_longer_wait_only(tmp_path, watch):
    (tmp_path / "a.pdf").write_bytes(b"PK\x03\x04 not a PDF")
    watch.at(0.0)
    assert watch.at(2.0) == {"a.pdf": (Decision.WAIT, Verdict.NOT_PDF)}
    assert watch.at(30.0) == {"a.pdf": (Decision.REFUSE, Verdict.NOT_PDF)}


def test_an_empty_file_is_refused_after_the_longer_wait_only(tmp_path, watch):
    (tmp_path / "a.pdf").touch()
    watch.at(0.0)
    assert watch.at(29.0) == {}
    assert watch.at(30.0) == {"a.pdf": (Decision.REFUSE, Verdict.EMPTY)}


def test_a_tiny_complete_pdf_is_taken_whatever_its_blocks_say(tmp_path, watch):
    (tmp_path / "a.pdf").write_bytes(b"%PDF-1.4\n%%EOF")
    watch.at(0.0)
    assert watch.at(2.0) == CLAIMED


def test_a_file_system_that_always_reports_no_blocks_costs_no_wait(tmp_path, watch, monkeypatch):
    from pdfocr_watcher.inbox import sweep as module  # noqa: PLC0415 - patched here only

    def without_blocks(status):
        return module.Signature(status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, 0)

    monkeypatch.setattr(module.Signature, "of", without_blocks)
    (tmp_path / "a.pdf").write_bytes(PDF)
    watch.at(0.0)
    assert watch.at(2.0) == CLAIMED
