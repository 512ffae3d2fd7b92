"""A folder is tried as the work uses it, leaves nothing behind, and its refusal is told in words."""

import errno
import os

import pytest

from pdfocr_watcher.jobs import probe
from pdfocr_watcher.jobs.probe import owner_of, refusal, try_access, try_reading, try_writing

MARK = "0123456789ab-01234567"


def test_a_folder_that_can_be_used_is_empty_after_the_try(tmp_path):
    folder = tmp_path / "outbox"
    try_writing(folder, MARK)  # one that is missing is made, as a delivery would
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize("step", ["make_folder", "write_file", "rename", "sync_folder"])
def test_a_step_that_is_refused_is_the_answer_and_leaves_nothing(tmp_path, monkeypatch, step):
    def refuse(*_arguments):
        raise OSError(errno.EIO, "no")

    monkeypatch.setattr(probe, step, refuse)
    with pytest.raises(OSError, match="no"):
        try_writing(tmp_path, MARK)
    assert list(tmp_path.iterdir()) == []


def test_what_an_earlier_try_could_not_remove_is_removed_by_the_next(tmp_path):
    left = tmp_path / f".pdfocr-{MARK}-probe1.tmp"
    left.mkdir()
    (left / "probe").touch()
    try_writing(tmp_path, MARK)
    assert list(tmp_path.iterdir()) == []


def test_an_inbox_is_looked_at_and_not_written_to(tmp_path):
    before = tmp_path.stat().st_mtime_ns
    try_access(tmp_path, MARK)
    assert tmp_path.stat().st_mtime_ns == before
    with pytest.raises(FileNotFoundError):
        try_access(tmp_path / "missing", MARK)


def test_a_file_is_read_in_part(tmp_path):
    path = tmp_path / "input.pdf"
    path.write_bytes(b"%PDF" + bytes(2_000_000))
    try_reading(path)
    with pytest.raises(FileNotFoundError):
        try_reading(tmp_path / "missing")


@pytest.mark.parametrize(
    ("number", "said", "advice"),
    [
        (errno.ENOSPC, "is full", "Free space"),
        (errno.EDQUOT, "quota", "raise the quota"),
        (errno.EROFS, "read-only", "mount it for writing"),
        (errno.EACCES, "may not be written", "the right"),
        (errno.EIO, "input/output errors", "system log"),
        (errno.ESTALE, "is not there", "Mount it again"),
        (errno.ETIMEDOUT, "does not answer", "network"),
        (errno.ELOOP, "refuses", "system log"),
    ],
)
def test_a_refusal_says_where_what_and_what_to_do(tmp_path, number, said, advice):
    text = refusal(OSError(number, os.strerror(number)), tmp_path)
    assert text.startswith(f"{tmp_path} ")
    assert said in text
    assert advice in text
    assert os.strerror(number) in text


def test_two_daemons_have_two_marks(tmp_path):
    assert owner_of(tmp_path / "a") != owner_of(tmp_path / "b")
    assert owner_of(tmp_path / "a") == owner_of(tmp_path / "b" / ".." / "a")
