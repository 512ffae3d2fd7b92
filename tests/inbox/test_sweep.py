"""A sweep reports what lies in the inbox, and nothing that happens there breaks it."""

import errno
import os
import socket

import pytest

from pdfocr_watcher.config.model import Inbox
from pdfocr_watcher.inbox.ignore import IgnoreRules
from pdfocr_watcher.inbox.sweep import Identity, Odd, OddKind, Signature, Unread, sweep

IGNORE = Inbox().ignore


def write(path, content=b"%PDF-1.7\n%%EOF\n"):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def test_files_are_reported_by_their_path_from_the_inbox_with_what_stat_says(tmp_path):
    top = write(tmp_path / "a.pdf")
    deep = write(tmp_path / "2026" / "März" / "Rechnung 7.PDF", b"x" * 5000)

    found = sweep(tmp_path, IGNORE)

    assert found.files == {
        "a.pdf": Signature.of(top.stat()),
        "2026/März/Rechnung 7.PDF": Signature.of(deep.stat()),
    }
    assert found.files["2026/März/Rechnung 7.PDF"].size == 5000
    assert (found.odd, found.unread, found.too_deep, found.truncated) == ((), (), (), False)


def test_the_inbox_itself_is_identified_so_that_another_in_its_place_is_noticed(tmp_path):
    inbox = tmp_path / "inbox"
    inbox.mkdir()
    before = sweep(inbox, IGNORE).identity
    assert before == Identity.of(inbox.stat())

    inbox.rename(tmp_path / "old")
    inbox.mkdir()

    assert sweep(inbox, IGNORE).identity != before


def test_an_inbox_that_is_a_link_is_walked(tmp_path):
    write(tmp_path / "real" / "a.pdf")
    (tmp_path / "inbox").symlink_to(tmp_path / "real")
    assert list(sweep(tmp_path / "inbox", IGNORE).files) == ["a.pdf"]


def test_a_missing_inbox_raises(tmp_path):
    with pytest.raises(FileNotFoundError):
        sweep(tmp_path / "missing", IGNORE)


def test_an_inbox_that_is_a_file_raises(tmp_path):
    with pytest.raises(NotADirectoryError):
        sweep(write(tmp_path / "file"), IGNORE)


@pytest.mark.parametrize(
    "name",
    [
        ".hidden.pdf", "~$letter.pdf", "._a.pdf", "a.pdf.part", "a.PDF.PART", "b.filepart", "c.crdownload", "d.tmp",
        "THUMBS.DB", "@eaDir/a.pdf", "deep/@EADIR/deeper/a.pdf", ".Trash-1000/files/a.pdf", "$recycle.bin/a.pdf",
    ],
)  # fmt: skip
def test_temporary_names_are_ignored_in_any_case_and_at_any_depth(tmp_path, name):
    write(tmp_path / name)
    write(tmp_path / "a.pdf")
    assert list(sweep(tmp_path, IGNORE).files) == ["a.pdf"]


def test_only_whole_names_are_matched(tmp_path):
    for name in ("my.part.pdf", "desktop.ini.pdf", "x~$y.pdf", "tmp"):
        write(tmp_path / name)
    assert len(sweep(tmp_path, IGNORE).files) == 4


def test_all_shell_patterns_work_and_a_trailing_slash_means_nothing():
    rules = IgnoreRules.of(["draft-??.pdf", "[AB]*.pdf", "old/", "*mid*", ""])
    ignored = ["Draft-01.pdf", "a1.pdf", "B.PDF", "old", "amidst"]
    assert [name for name in [*ignored, "draft-001.pdf", "c.pdf", "older"] if rules.match(name)] == ignored


def test_no_pattern_ignores_nothing(tmp_path):
    write(tmp_path / ".hidden")
    assert list(sweep(tmp_path, ()).files) == [".hidden"]


def test_the_empty_file_that_holds_the_name_of_a_download_is_left_out(tmp_path):
    write(tmp_path / "sub" / "loading.pdf", b"")
    write(tmp_path / "sub" / "loading.pdf.part", b"%PDF-")
    write(tmp_path / "done.pdf")
    write(tmp_path / "done.pdf.part")
    write(tmp_path / "empty.pdf", b"")
    assert set(sweep(tmp_path, IGNORE).files) == {"done.pdf", "empty.pdf"}


def test_a_name_that_is_no_valid_text_survives(tmp_path):
    raw = os.fsencode(tmp_path) + b"/caf\xe9 \xff.pdf"
    os.close(os.open(raw, os.O_CREAT | os.O_WRONLY))
    (path,) = sweep(tmp_path, IGNORE).files
    assert os.fsencode(tmp_path / path) == raw


def test_odd_names_survive(tmp_path):
    names = {"new\nline.pdf", "back\\slash.pdf", " .pdf ", "😀.pdf", "-rf.pdf", "a" * 251 + ".pdf"}
    for name in names:
        write(tmp_path / name)
    assert set(sweep(tmp_path, IGNORE).files) == names


def test_what_is_no_file_is_reported_apart_and_never_opened(tmp_path):
    write(tmp_path / "outside" / "secret.pdf")
    inbox = tmp_path / "inbox"
    inbox.mkdir()
    (inbox / "link.pdf").symlink_to(tmp_path / "outside" / "secret.pdf")
    (inbox / "folder").symlink_to(tmp_path / "outside")
    (inbox / "loop").symlink_to(inbox)
    (inbox / "dangling.pdf").symlink_to("nowhere")
    os.mkfifo(inbox / "pipe.pdf")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(inbox / "socket.pdf"))

        found = sweep(inbox, IGNORE)

    assert found.files == {}
    assert set(found.odd) == {
        Odd("link.pdf", OddKind.SYMLINK),
        Odd("folder", OddKind.SYMLINK),
        Odd("loop", OddKind.SYMLINK),
        Odd("dangling.pdf", OddKind.SYMLINK),
        Odd("pipe.pdf", OddKind.FIFO),
        Odd("socket.pdf", OddKind.SOCKET),
    }


def test_folders_below_the_depth_bound_are_named_and_not_entered(tmp_path):
    write(tmp_path / "1" / "2" / "in.pdf")
    write(tmp_path / "1" / "2" / "3" / "out.pdf")
    found = sweep(tmp_path, IGNORE, max_depth=2)
    assert list(found.files) == ["1/2/in.pdf"]
    assert found.too_deep == ("1/2/3",)


def test_more_files_than_the_bound_are_left_for_a_later_sweep(tmp_path):
    for number in range(5):
        write(tmp_path / f"{number % 2}" / f"{number}.pdf")
    found = sweep(tmp_path, IGNORE, max_files=3)
    assert len(found.files) == 3
    assert found.truncated
    assert not sweep(tmp_path, IGNORE, max_files=5).truncated


@pytest.fixture
def failing_open(monkeypatch):
    """Opening a folder whose path ends so fails with this errno."""
    failures = {}
    real = os.open

    def fake(path, *arguments, **keywords):
        for ending, number in failures.items():
            if str(path).endswith(ending):
                raise OSError(number, os.strerror(number))
        return real(path, *arguments, **keywords)

    monkeypatch.setattr(os, "open", fake)
    return failures


def test_a_sub_folder_that_cannot_be_read_costs_only_itself(tmp_path, failing_open):
    write(tmp_path / "a" / "1.pdf")
    write(tmp_path / "locked" / "2.pdf")
    write(tmp_path / "z" / "3.pdf")
    failing_open["locked"] = errno.EACCES

    found = sweep(tmp_path, IGNORE)

    assert set(found.files) == {"a/1.pdf", "z/3.pdf"}
    assert found.unread == (Unread("locked", errno.EACCES),)


def test_a_sub_folder_that_vanishes_meanwhile_is_no_fault(tmp_path, failing_open):
    write(tmp_path / "gone" / "1.pdf")
    failing_open["gone"] = errno.ENOENT
    found = sweep(tmp_path, IGNORE)
    assert (found.files, found.unread) == ({}, ())


def test_a_folder_exchanged_for_a_link_meanwhile_leads_nowhere(tmp_path, monkeypatch):
    """Both where the folder itself becomes a link and where one above it does."""
    secret = write(tmp_path / "outside" / "sub" / "secret.pdf")
    inbox = tmp_path / "inbox"
    write(inbox / "folder" / "sub" / "mine.pdf")
    real = os.open

    def exchange(path, *arguments, **keywords):
        if str(path).endswith("folder/sub") and not (inbox / "folder").is_symlink():
            (inbox / "folder").rename(tmp_path / "moved")
            (inbox / "folder").symlink_to(secret.parent.parent)
        return real(path, *arguments, **keywords)

    monkeypatch.setattr(os, "open", exchange)

    found = sweep(inbox, IGNORE)

    assert found.files == {}
    assert found.unread == (Unread("folder/sub", errno.ESTALE),)
    assert sweep(inbox, IGNORE).odd == (Odd("folder", OddKind.SYMLINK),)


def test_no_descriptor_is_left_open(tmp_path):
    for number in range(20):
        write(tmp_path / str(number) / "a.pdf")
    before = len(os.listdir("/proc/self/fd"))
    sweep(tmp_path, IGNORE)
    assert len(os.listdir("/proc/self/fd")) == before


@pytest.mark.parametrize("ignore", [IGNORE, ()])
def test_what_another_host_is_claiming_is_seen_apart_whatever_is_ignored(tmp_path, ignore):
    write(tmp_path / "sub" / ".pdfocr-20260102T030405Z-3f9a1c2b-a.pdf")
    write(tmp_path / "b.pdf")
    found = sweep(tmp_path, ignore)
    assert list(found.files) == ["b.pdf"]
    assert found.claimed == ("sub/.pdfocr-20260102T030405Z-3f9a1c2b-a.pdf",)
