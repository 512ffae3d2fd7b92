"""A claim by copy that was broken off anywhere leaves the file in one place, and who finds the note knows in which."""

import errno
import json
import os
import shutil
from pathlib import Path

import pytest

from pdfocr_watcher.jobs import claim_note
from pdfocr_watcher.jobs.claim_note import ClaimNote, finish_claim, give_back, is_private_name, private_name

CONTENT = b"%PDF-1.7 content"
JOB_ID = "20261123T125045Z-3f9a1c2b"


@pytest.fixture
def inbox(tmp_path):
    folder = tmp_path / "inbox"
    folder.mkdir()
    return folder


class Broken:
    """A claim that came as far as the private name."""

    def __init__(self, inbox, folder, path="letter.pdf", content=CONTENT):
        self.folder = folder
        self.source = inbox / path
        self.source.parent.mkdir(exist_ok=True)
        note = ClaimNote.of(inbox, path, folder.path.name)
        note.write(folder)
        self.private = self.source.with_name(note.private)
        self.private.write_bytes(content)
        self.copy = folder.input("letter.pdf")

    def where(self):
        """Where the content lies: `name`, `private`, `job`."""
        places = {"name": self.source, "private": self.private, "job": self.copy}
        return [place for place, path in places.items() if path.exists()]


@pytest.fixture
def broken(tmp_path, inbox, make_status, make_job):
    """Begin a claim by copy, and break it off."""

    def make(path="letter.pdf", copy=None):
        folder = make_job(tmp_path / "jobs", make_status(bytes=len(CONTENT)), content=copy)
        return Broken(inbox, folder, path)

    return make


def test_without_a_copy_the_file_gets_its_name_back(broken):
    claim = broken()
    finish_claim(claim.folder)
    assert claim.where() == ["name"]
    assert claim.source.read_bytes() == CONTENT
    assert not claim.folder.claim_note.exists()


def test_a_copy_that_is_whole_stays_and_the_file_goes(broken):
    claim = broken(copy=CONTENT)
    finish_claim(claim.folder)
    assert claim.where() == ["job"]
    assert not claim.folder.claim_note.exists()
    finish_claim(claim.folder)
    assert claim.where() == ["job"]


@pytest.mark.parametrize("copy", [b"%PDF", b"%PDF-1.7 CONTENT"])
def test_a_copy_that_differs_goes_and_the_file_gets_its_name_back(broken, copy):
    claim = broken(copy=copy)
    finish_claim(claim.folder)
    assert claim.where() == ["name"]
    assert claim.source.read_bytes() == CONTENT


def test_a_copy_that_is_not_wanted_goes_though_it_is_whole(broken):
    claim = broken(copy=CONTENT)
    finish_claim(claim.folder, keep_copy=False)
    assert claim.where() == ["name"]


def test_a_claim_that_came_before_the_private_name_or_after_its_end_changes_nothing(broken):
    claim = broken(copy=CONTENT)
    claim.private.rename(claim.source)  # another drop of the same name
    finish_claim(claim.folder)
    assert claim.where() == ["name", "job"]
    assert not claim.folder.claim_note.exists()


def test_the_copy_goes_before_the_file_is_back(broken, monkeypatch):
    """A crash between the two must not leave the file in both places."""
    claim = broken(copy=b"%PDF")

    def crash(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(claim_note, "give_back", crash)
    with pytest.raises(KeyboardInterrupt):
        finish_claim(claim.folder)
    assert claim.where() == ["private"]
    monkeypatch.undo()
    finish_claim(claim.folder)
    assert claim.where() == ["name"]


def test_a_file_that_has_taken_the_name_meanwhile_is_never_overwritten(broken):
    claim = broken()
    claim.source.write_bytes(b"%PDF-1.7 another")
    finish_claim(claim.folder)
    assert claim.source.read_bytes() == b"%PDF-1.7 another"
    assert (claim.source.parent / "letter.3f9a1c2b.pdf").read_bytes() == CONTENT


def test_the_longest_name_that_is_taken_gets_one_that_is_not_too_long(tmp_path):
    target = tmp_path / ("ä" * 125 + ".pdf")
    target.touch()
    private = tmp_path / private_name(JOB_ID, target.name)
    private.write_bytes(CONTENT)
    other = give_back(private, target, JOB_ID)
    assert other.read_bytes() == CONTENT
    assert other.name.endswith("ä.3f9a1c2b.pdf")


@pytest.mark.parametrize("able", ["to rename to a free name", "to link", "of neither"])
@pytest.mark.parametrize("taken", [False, True])
def test_whatever_a_file_system_is_able_to_do(tmp_path, monkeypatch, able, taken):
    def refuse(number):
        def refused(*_):
            raise OSError(number, os.strerror(number))

        return refused

    if able != "to rename to a free name":
        monkeypatch.setattr(claim_note, "rename_to_free_name", refuse(errno.EINVAL))
    if able == "of neither":
        monkeypatch.setattr(claim_note, "link", refuse(errno.EPERM))
    private, target = tmp_path / private_name(JOB_ID, "a.pdf"), tmp_path / "a.pdf"
    private.write_bytes(CONTENT)
    if taken:
        target.write_bytes(b"another")
    found = give_back(private, target, JOB_ID)
    assert found.name == ("a.3f9a1c2b.pdf" if taken else "a.pdf")
    assert found.read_bytes() == CONTENT
    assert not private.exists()
    if taken:
        assert target.read_bytes() == b"another"


@pytest.mark.parametrize("exclusive", [True, False])
def test_a_return_that_came_as_far_as_the_second_name_is_finished(broken, monkeypatch, exclusive):
    claim = broken()
    os.link(claim.private, claim.source)
    if not exclusive:

        def refuse(*_):
            raise OSError(errno.EINVAL, "no such flag")

        monkeypatch.setattr(claim_note, "rename_to_free_name", refuse)
    finish_claim(claim.folder)
    assert claim.where() == ["name"]
    assert os.listdir(claim.source.parent) == ["letter.pdf"]


def test_a_name_that_is_no_utf_8_is_given_back_exactly(broken, inbox):
    claim = broken(os.fsdecode(b"gr\xf6\xdfe.pdf"))
    finish_claim(claim.folder)
    assert os.listdir(os.fsencode(inbox)) == [b"gr\xf6\xdfe.pdf"]


def test_an_inbox_that_is_not_mounted_is_not_an_empty_one(inbox, broken, mount):
    mount(inbox)
    claim = broken()
    mount.undo(inbox)
    with pytest.raises(OSError, match="not there"):
        finish_claim(claim.folder)
    assert claim.folder.claim_note.exists()
    mount(inbox)
    claim.private.write_bytes(CONTENT)
    finish_claim(claim.folder)
    assert claim.where() == ["name"]


@pytest.mark.parametrize("below", [".", "sub"])
def test_a_folder_of_the_same_file_system_that_was_bound_there_and_is_not_is_no_empty_inbox(
    inbox, broken, mount, tmp_path, below
):
    point, bound = inbox / below, tmp_path / "bound"
    mount(point, bound=bound)
    claim = broken(f"{below}/letter.pdf")
    mount.undo(point)
    assert claim.where() == []
    with pytest.raises(OSError, match="not there"):
        finish_claim(claim.folder)
    assert claim.folder.claim_note.exists()
    mount(point, bound=bound)
    finish_claim(claim.folder)
    assert claim.where() == ["name"]


def test_an_inbox_that_was_renamed_is_waited_for(inbox, broken):
    claim = broken(copy=CONTENT)
    away = inbox.rename(inbox.with_name("away"))
    with pytest.raises(OSError, match="not there"):
        finish_claim(claim.folder)
    assert claim.folder.claim_note.exists()
    away.rename(inbox)
    finish_claim(claim.folder)
    assert claim.where() == ["job"]


def test_a_sub_folder_of_the_inbox_that_is_gone_is_no_trouble(broken, inbox):
    claim = broken("sub/letter.pdf", copy=CONTENT)
    shutil.rmtree(inbox / "sub")
    finish_claim(claim.folder)
    assert claim.where() == ["job"]
    assert not claim.folder.claim_note.exists()


def test_a_sub_folder_that_has_become_a_link_is_not_followed(broken, inbox, tmp_path):
    claim = broken("sub/letter.pdf", copy=CONTENT)
    outside = (inbox / "sub").rename(tmp_path / "outside")
    (inbox / "sub").symlink_to(outside)
    finish_claim(claim.folder)
    assert os.listdir(outside) == [claim.private.name]


@pytest.mark.parametrize("again", [False, True], ids=["", "and another has its name"])
@pytest.mark.parametrize("copy", [None, CONTENT], ids=["", "copied"])
def test_a_file_whose_sub_folder_was_renamed_is_found(broken, inbox, again, copy):
    claim = broken("sub/letter.pdf", copy=copy)
    (inbox / "other").mkdir()
    moved = (inbox / "sub").rename(inbox / "other" / "moved")
    if again:
        (inbox / "sub").mkdir()
    finish_claim(claim.folder)
    assert os.listdir(moved) == ([] if copy else ["letter.pdf"])
    assert claim.copy.exists() == bool(copy)
    assert not claim.folder.claim_note.exists()


def test_a_file_that_somebody_writes_keeps_its_inode_until_he_is_done(broken):
    claim = broken(copy=CONTENT)
    with claim.private.open("ab") as writer:
        with pytest.raises(OSError, match="somebody writes"):
            finish_claim(claim.folder, has_writer=lambda _: True)
        assert claim.where() == ["private", "job"]
        writer.write(b"the rest")
    finish_claim(claim.folder, has_writer=lambda _: False)
    assert claim.where() == ["name"]
    assert claim.source.read_bytes() == CONTENT + b"the rest"


def test_a_job_whose_folder_was_removed_gives_its_file_back_by_the_note_in_hand(broken):
    claim = broken(copy=CONTENT)
    note = ClaimNote.read(claim.folder)
    shutil.rmtree(claim.folder.path)
    finish_claim(claim.folder, note, keep_copy=False)
    assert claim.where() == ["name"]


def test_an_inbox_that_refuses_is_asked_again(broken, monkeypatch):
    claim = broken(copy=CONTENT)

    def refuse(_):
        raise OSError(errno.EBUSY, "busy")

    monkeypatch.setattr(claim_note, "remove_file", refuse)
    with pytest.raises(OSError, match="busy"):
        finish_claim(claim.folder)
    assert claim.folder.claim_note.exists()
    monkeypatch.undo()
    finish_claim(claim.folder)
    assert claim.where() == ["job"]


@pytest.mark.parametrize(
    "content", [b"", b"{", b"7", b'{"inbox": "/etc"}', b'{"inbox":1,"path":2,"private":3,"mount":4}']
)
def test_a_note_that_is_none_removes_nothing(broken, content):
    claim = broken(copy=CONTENT)
    claim.folder.claim_note.write_bytes(content)
    assert ClaimNote.read(claim.folder) is None
    finish_claim(claim.folder)
    assert claim.where() == ["private", "job"]
    assert not claim.folder.claim_note.exists()


@pytest.mark.parametrize("path", ["../outside/letter.pdf", "/etc/letter.pdf", "sub/../../letter.pdf"])
def test_a_note_that_leads_out_of_the_inbox_is_refused(broken, path):
    claim = broken()
    data = json.loads(claim.folder.claim_note.read_bytes())
    claim.folder.claim_note.write_text(json.dumps({**data, "path": path}))
    (claim.source.parent / "sub").mkdir()
    with pytest.raises(OSError, match="out of its root"):
        finish_claim(claim.folder)


@pytest.mark.parametrize("name", ["letter.pdf", "x" * 255, "漢" * 85, "ends with a dot." + "x" * 64 + ". . .pdf"])
def test_a_private_name_is_hidden_and_short_and_known_again(name):
    private = private_name(JOB_ID, name)
    assert is_private_name(private)
    assert private.startswith(".")
    assert len(private.encode()) <= 143
    assert private[-1] not in " ."
    assert Path(private).name == private


@pytest.mark.parametrize(
    "name", [".pdfocr-a.pdf.1-1.tmp", ".pdfocr-", "letter.pdf", f"x.pdfocr-{JOB_ID}-a", f"{JOB_ID}-a"]
)
def test_other_names_are_not_private(name):
    assert not is_private_name(name)
