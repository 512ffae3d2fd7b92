"""The settings of the inbox's folders: the inner over the outer, and none that is half written or cannot be used."""

import errno
import os
import time

import pytest

from pdfocr_watcher.config.folder_rules import FolderRules
from pdfocr_watcher.inbox import folder_settings
from pdfocr_watcher.inbox.folder_settings import BadSettingsError, FolderSettings, HeldError
from pdfocr_watcher.inbox.sweep import SETTINGS_NAME, sweep
from pdfocr_watcher.jobs.settings import JobSettings, Priority

SETTLE = 2.0


class Desk:
    """Folders with settings, and a clock."""

    def __init__(self, inbox, rules):
        self.inbox = inbox
        self.settings = FolderSettings(inbox, rules, SETTLE)
        self.now = 100.0

    def write(self, text, folder=""):
        path = self.inbox / folder / SETTINGS_NAME
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path

    def look(self, seconds=0.0):
        self.now += seconds
        return self.settings.observe(self.now, sweep(self.inbox, (".*",)).settings)

    def settle(self):
        self.look()
        return self.look(SETTLE)


@pytest.fixture
def desk(tmp_path):
    return Desk(tmp_path, FolderRules())


def test_without_files_there_are_no_settings(desk):
    assert desk.settle() == frozenset()
    assert desk.settings.of("a/b/letter.pdf") is None


def test_the_inner_ones_go_over_the_outer_ones_key_by_key(desk):
    desk.write("dpi: 150\npriority: low\nretention: {completed_days: 9}\n")
    desk.write("dpi: 300\nretention: {failed_days: 5}\n", "office/scans")
    desk.write("priority: high\n", "elsewhere")
    desk.settle()
    outer = JobSettings(dpi=150, priority=Priority.LOW, completed_days=9)
    assert desk.settings.of("letter.pdf") == outer
    assert desk.settings.of("office/letter.pdf") == outer
    inner = JobSettings(dpi=300, priority=Priority.LOW, completed_days=9, failed_days=5)
    assert desk.settings.of("office/scans/letter.pdf") == inner
    assert desk.settings.of("office/scans/deeper/letter.pdf") == inner
    assert desk.settings.of("office/scansletter.pdf") == outer


def test_a_file_that_has_just_changed_holds_what_lies_there_until_it_rests(desk):
    path = desk.write("dpi: 150\n", "office")
    desk.look()
    with pytest.raises(HeldError):
        desk.settings.of("office/letter.pdf")
    assert desk.settings.of("letter.pdf") is None
    assert desk.look(SETTLE / 2) == frozenset()
    with pytest.raises(HeldError):
        desk.settings.of("office/letter.pdf")
    assert desk.look(SETTLE / 2) == {"office"}
    assert desk.settings.of("office/letter.pdf") == JobSettings(dpi=150)
    path.write_text("dpi: 300\npriority: low\n")
    desk.look(1.0)
    with pytest.raises(HeldError):
        desk.settings.of("office/letter.pdf")
    desk.look(SETTLE)
    assert desk.settings.of("office/letter.pdf").dpi == 300


def test_one_that_cannot_be_used_holds_its_folder_alone_and_is_told_until_it_is_mended(desk):
    path = desk.write("dpi: many\n", "office")
    desk.write("dpi: 150\n", "other")
    desk.settle()
    with pytest.raises(BadSettingsError, match=r"line 1: dpi: must be a whole number"):
        desk.settings.of("office/deeper/letter.pdf")
    assert desk.settings.of("other/letter.pdf") == JobSettings(dpi=150)
    (problem,) = desk.settings.problems
    assert problem.folder == "office"
    assert problem.message.startswith(".pdfocr.yaml: line 1: dpi:")
    path.write_text("dpi: 200\n")
    desk.settle()
    assert desk.settings.problems == ()
    path.write_text("dpi: none\n")
    desk.settle()
    path.unlink()
    assert desk.look() == {"office"}
    assert desk.settings.problems == ()
    assert desk.settings.of("office/letter.pdf") is None


@pytest.mark.parametrize("trap", ["link", "pipe", "folder", "large"])
def test_what_is_no_plain_small_file_is_not_followed_and_not_waited_for(desk, tmp_path_factory, trap):
    path = desk.write("", "office")
    path.unlink()
    secret = tmp_path_factory.mktemp("elsewhere") / "secret"
    secret.write_text("dpi: 150\n")
    match trap:
        case "link":
            path.symlink_to(secret)
        case "pipe":
            os.mkfifo(path)
        case "folder":
            path.mkdir()
        case "large":
            path.write_text("# much\n" * 10_000)
    begun = time.monotonic()
    desk.settle()
    assert time.monotonic() - begun < 5
    with pytest.raises(BadSettingsError, match="no plain file"):
        desk.settings.of("office/letter.pdf")


def test_one_that_the_file_system_would_not_give_is_tried_again_though_it_did_not_change(desk, monkeypatch):
    desk.write("dpi: 150\n", "office")

    def refuse(*_):
        raise OSError(errno.EIO, "Input/output error")

    with monkeypatch.context() as context:
        context.setattr(folder_settings, "read_file", refuse)
        assert desk.settle() == {"office"}
        assert desk.look(SETTLE) == frozenset()
    (problem,) = desk.settings.problems
    assert problem.message == ".pdfocr.yaml cannot be read: Input/output error"
    assert desk.look(0.1) == {"office"}
    assert desk.settings.of("office/letter.pdf") == JobSettings(dpi=150)
    assert desk.settings.problems == ()


def test_where_nothing_may_be_set_no_file_is_looked_at(tmp_path):
    desk = Desk(tmp_path, FolderRules(allowed=frozenset()))
    desk.write("dpi: many\n")
    desk.settle()
    assert (desk.settings.of("letter.pdf"), desk.settings.problems) == (None, ())


def test_a_name_that_is_no_text_can_be_shown(desk):
    folder = os.fsdecode(b"caf\xe9")
    desk.write("dpi: many\n", folder)
    desk.settle()
    (problem,) = desk.settings.problems
    assert problem.folder == "caf\\xe9"
