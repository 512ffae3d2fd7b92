"""A look into a file tells what it is, and a user's mistakes or a server's moods are verdicts, not exceptions."""

import dataclasses
import errno
import os

import pytest

from pdfocr_watcher.errors import ErrorCode
from pdfocr_watcher.inbox.admission import (
    HEAD_BYTES,
    REFUSALS,
    TAIL_BYTES,
    Decision,
    Probe,
    Verdict,
    conclude,
    has_pdf_name,
    probe,
)
from pdfocr_watcher.inbox.stability import Readiness
from pdfocr_watcher.inbox.sweep import Signature

GOOD = b"%PDF-1.7\n" + b"x" * 20_000 + b"\nstartxref\n9\n%%EOF\n"


def look(root, content=GOOD, *, name="a.pdf", max_bytes=10**6):
    path = root / name
    path.write_bytes(content)
    return probe(root, name, Signature.of(path.stat()), max_bytes)


@pytest.mark.parametrize("name", ["a.pdf", "A.PDF", "b.Pdf", "sub/c.tar.pdf", ".pdf"])
def test_a_pdf_name_ends_in_pdf_in_any_case(name):
    assert has_pdf_name(name)


@pytest.mark.parametrize("name", ["a.txt", "pdf", "a.pdf.txt", "a.pdf/b", "apdf", "a.pdf "])
def test_other_names_do_not(name):
    assert not has_pdf_name(name)


@pytest.mark.parametrize(
    "content",
    [
        GOOD,
        b"%PDF-1.4\n%%EOF",
        b"j" * (HEAD_BYTES - 5) + GOOD,
        GOOD + b"\0" * (TAIL_BYTES - 10),
        GOOD + b"\r\n<html>appended by a web server</html>",
        b"\xef\xbb\xbf" + GOOD,
    ],
)
def test_header_near_the_start_and_marker_near_the_end_make_a_complete_pdf(tmp_path, content):
    assert look(tmp_path, content) == Probe(Verdict.COMPLETE)


@pytest.mark.parametrize(
    "content", [GOOD[:-8], GOOD[:10], GOOD + b"\0" * TAIL_BYTES, b"%PDF-1.7\n%%EOF\n" + b"x" * (TAIL_BYTES + 1)]
)
def test_no_marker_near_the_end_is_said(tmp_path, content):
    assert look(tmp_path, content) == Probe(Verdict.UNMARKED)


@pytest.mark.parametrize(
    "content", [b"j" * (HEAD_BYTES - 4) + GOOD, b"PK\x03\x04" + b"x" * 3000 + b"%%EOF", b"%PDF", b"\0" * 10_000]
)
def test_what_does_not_begin_as_a_pdf_is_none(tmp_path, content):
    assert look(tmp_path, content).verdict is Verdict.NOT_PDF


def test_an_empty_file_is_empty(tmp_path):
    assert look(tmp_path, b"").verdict is Verdict.EMPTY


def test_a_file_above_the_limit_is_too_large_and_one_at_the_limit_is_not(tmp_path):
    assert look(tmp_path, max_bytes=len(GOOD)).verdict is Verdict.COMPLETE
    result = look(tmp_path, max_bytes=len(GOOD) - 1)
    assert result.verdict is Verdict.TOO_LARGE
    assert f"{len(GOOD):,}" in result.detail


def test_another_suffix_is_judged_without_opening(tmp_path):
    os.mkfifo(tmp_path / "a.txt")
    signature = Signature(0, 0, 5, 0, 0)
    assert probe(tmp_path, "a.txt", signature, 100).verdict is Verdict.NOT_PDF
    assert probe(tmp_path, "not there.doc", signature, 100).verdict is Verdict.NOT_PDF


@pytest.mark.parametrize("field", ["device", "inode", "size", "mtime_ns", "blocks"])
def test_a_file_that_is_not_what_the_sweep_saw_is_changed(tmp_path, field):
    (tmp_path / "a.pdf").write_bytes(GOOD)
    signature = Signature.of((tmp_path / "a.pdf").stat())
    other = dataclasses.replace(signature, **{field: getattr(signature, field) + 1})
    assert probe(tmp_path, "a.pdf", other, 10**6) == Probe(Verdict.CHANGED)


def test_a_limit_is_not_held_against_a_file_that_has_changed(tmp_path):
    (tmp_path / "a.pdf").write_bytes(GOOD)
    other = dataclasses.replace(Signature.of((tmp_path / "a.pdf").stat()), size=10**9)
    assert probe(tmp_path, "a.pdf", other, 10**6) == Probe(Verdict.CHANGED)


def test_a_file_that_changes_while_it_is_read_is_changed(tmp_path, monkeypatch):
    path = tmp_path / "a.pdf"
    path.write_bytes(GOOD)
    signature = Signature.of(path.stat())
    real = os.pread

    def append_meanwhile(*arguments):
        with path.open("ab") as file:
            file.write(b"more")
        return real(*arguments)

    monkeypatch.setattr(os, "pread", append_meanwhile)
    assert probe(tmp_path, "a.pdf", signature, 10**6) == Probe(Verdict.CHANGED)


def test_a_link_a_pipe_and_a_folder_in_the_place_of_the_file_are_never_read(tmp_path):
    good = tmp_path / "good.pdf"
    good.write_bytes(GOOD)
    signature = Signature.of(good.stat())
    (tmp_path / "link.pdf").symlink_to(good)
    os.mkfifo(tmp_path / "pipe.pdf")
    (tmp_path / "folder.pdf").mkdir()
    for name in ("link.pdf", "pipe.pdf", "folder.pdf"):
        assert probe(tmp_path, name, signature, 10**6) == Probe(Verdict.CHANGED), name


def test_a_folder_exchanged_for_a_link_shows_by_the_signature(tmp_path):
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "a.pdf").write_bytes(GOOD)
    signature = Signature.of((tmp_path / "sub" / "a.pdf").stat())
    (tmp_path / "sub").rename(tmp_path / "moved")
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "a.pdf").write_bytes(GOOD)
    (tmp_path / "sub").symlink_to(tmp_path / "outside")
    assert probe(tmp_path, "sub/a.pdf", signature, 10**6) == Probe(Verdict.CHANGED)


@pytest.mark.parametrize("call", ["open", "pread", "fstat"])
@pytest.mark.parametrize(
    "number",
    [
        errno.EBUSY, errno.ENOENT, errno.EACCES, errno.EPERM, errno.EHOSTDOWN, errno.ESTALE, errno.EIO, errno.EAGAIN,
        errno.ETIMEDOUT, errno.ENOTCONN, errno.EMFILE,
    ],
)  # fmt: skip
def test_what_a_file_server_answers_means_later_and_says_why(tmp_path, monkeypatch, call, number):
    (tmp_path / "a.pdf").write_bytes(GOOD)
    signature = Signature.of((tmp_path / "a.pdf").stat())

    def refuse(*_):
        raise OSError(number, os.strerror(number))

    with monkeypatch.context() as patch:
        patch.setattr(os, call, refuse)
        result = probe(tmp_path, "a.pdf", signature, 10**6)

    assert (result.verdict, result.errno) == (Verdict.UNREADABLE, number)
    assert os.strerror(number) in result.detail
    assert conclude(Readiness.RESTED, result.verdict) is Decision.LATER


def test_a_file_given_in_small_pieces_is_read_whole(tmp_path, monkeypatch):
    real = os.pread
    monkeypatch.setattr(os, "pread", lambda descriptor, _, offset: real(descriptor, 3, offset))
    assert look(tmp_path) == Probe(Verdict.COMPLETE)


def test_no_descriptor_is_left_open(tmp_path):
    before = len(os.listdir("/proc/self/fd"))
    for content in (GOOD, b"", b"junk"):
        look(tmp_path, content)
    look(tmp_path, max_bytes=1)
    assert len(os.listdir("/proc/self/fd")) == before


def test_a_name_that_is_no_valid_text_can_be_looked_into(tmp_path):
    assert look(tmp_path, name=os.fsdecode(b"caf\xe9.pdf")) == Probe(Verdict.COMPLETE)


@pytest.mark.parametrize("readiness", list(Readiness))
@pytest.mark.parametrize("verdict", list(Verdict))
def test_after_the_shorter_rest_only_the_good_conclusion_is_drawn(readiness, verdict):
    decision = conclude(readiness, verdict)
    if verdict is Verdict.COMPLETE:
        assert decision is Decision.CLAIM
    elif verdict is Verdict.CHANGED:
        assert decision is Decision.RESTART
    elif verdict is Verdict.UNREADABLE:
        assert decision is Decision.LATER
    elif readiness is Readiness.RESTED:
        assert decision is Decision.WAIT
    elif verdict is Verdict.UNMARKED:
        assert decision is Decision.CLAIM
    else:
        assert decision is Decision.REFUSE
        assert verdict in REFUSALS


def test_every_refusal_has_its_error_code():
    assert REFUSALS == {
        Verdict.NOT_PDF: ErrorCode.NOT_A_PDF,
        Verdict.EMPTY: ErrorCode.EMPTY_FILE,
        Verdict.TOO_LARGE: ErrorCode.FILE_TOO_LARGE,
    }


def test_a_folder_that_became_a_link_is_not_looked_through(tmp_path):
    """Not even where the very file lies behind it, under another name of its own."""
    inbox, outside = tmp_path / "inbox", tmp_path / "outside"
    (inbox / "sub").mkdir(parents=True)
    outside.mkdir()
    path = inbox / "sub" / "a.pdf"
    path.write_bytes(GOOD)
    (outside / "a.pdf").hardlink_to(path)
    signature = Signature.of(path.stat())
    assert probe(inbox, "sub/a.pdf", signature, 10**6).verdict is Verdict.COMPLETE
    (inbox / "sub").rename(tmp_path / "moved")
    (inbox / "sub").symlink_to(outside)
    assert probe(inbox, "sub/a.pdf", signature, 10**6).verdict is Verdict.CHANGED
