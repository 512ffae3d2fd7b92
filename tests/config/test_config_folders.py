"""Folders are placed beside the configuration file, and none may hold another or the program."""

from pathlib import Path

import pytest

import pdfocr_watcher
from pdfocr_watcher.config.load import load_config

CODE = Path(pdfocr_watcher.__file__).parent


def test_folders_start_at_the_file_s_folder(load, tmp_path):
    folders = load("").folders
    assert folders.root == tmp_path
    assert [folders.inbox, folders.jobs] == [tmp_path / "inbox", tmp_path / "jobs"]


def test_folders_start_at_root_and_root_at_the_file(load, tmp_path):
    folders = load("folders: {root: ./data/../share, inbox: a/./b, jobs: ../jobs, outbox: /srv//out/}").folders
    assert folders.root == tmp_path / "share"
    assert folders.inbox == tmp_path / "share/a/b"
    assert folders.jobs == tmp_path / "jobs"
    assert folders.outbox == Path("/srv/out")


def test_a_relative_file_name_gives_absolute_folders(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("config.yaml").touch()
    assert load_config(Path("config.yaml"), {}).folders.inbox == tmp_path / "inbox"


def test_a_tilde_is_the_home_folder(load):
    folders = load("folders: {root: ~, inbox: ~/in, jobs: a~b}", {"HOME": "/home/me"}).folders
    assert (folders.root, folders.inbox) == (Path("/home/me"), Path("/home/me/in"))
    assert folders.jobs == Path("/home/me/a~b")


def test_a_home_that_nobody_has_is_a_mistake(mistakes):
    assert mistakes("folders:\n  jobs: ~nobody-has-this-name/jobs\n") == [
        "config.yaml:2: folders.jobs: there is no home folder that '~nobody-has-this-name' could mean"
    ]


def test_a_folder_may_have_a_name_that_yaml_takes_for_something_else(load, tmp_path):
    folders = load("folders: {root: 2024-01-01, inbox: 007, jobs: yes}").folders
    assert folders.inbox == tmp_path / "2024-01-01/007"
    assert folders.jobs == tmp_path / "2024-01-01/yes"


def test_a_symlink_stays_as_it_is_written(load, tmp_path):
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    assert load("folders: {root: link}").folders.inbox == tmp_path / "link/inbox"


def test_names_that_only_begin_alike_are_different_folders(load):
    load("folders: {jobs: inbox2, outbox: inbox-out}")


BESIDE = "they must lie beside each other"
ALONE = "which may hold no other folder of ours"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("folders:\n  jobs: inbox\n", f"2: folders.inbox (inbox) is the same folder as folders.jobs (inbox); {BESIDE}"),
        (
            "folders:\n  inbox: outbox/in\n",
            f"2: folders.inbox (outbox/in) lies inside folders.outbox (outbox); {BESIDE}",
        ),
        ("folders:\n  failed: jobs/x\n", f"2: folders.failed (jobs/x) lies inside folders.jobs (jobs); {BESIDE}"),
        (
            "folders:\n  outbox: /srv/a\n  jobs: /srv/a/b\n",
            f"3: folders.jobs (/srv/a/b) lies inside folders.outbox (/srv/a); {BESIDE}",
        ),
        (
            "folders:\n  root: /srv/a\n  inbox: ..\n",
            f"3: folders.root (/srv/a) lies inside folders.inbox (/srv), {ALONE}",
        ),
        (
            "folders:\n  root: /srv/a\n  inbox: .\n",
            f"3: folders.root (/srv/a) is the same folder as folders.inbox (/srv/a), {ALONE}",
        ),
        (
            f"folders:\n  jobs: {CODE}/jobs\n",
            f"2: folders.jobs ({CODE}/jobs) lies inside the program's own code ({CODE})",
        ),
        (f"folders:\n  root: {CODE}/x\n", f"2: folders.root ({CODE}/x) lies inside the program's own code ({CODE})"),
        (
            f"folders:\n  jobs: {CODE.parent}\n",
            f"2: folders.jobs ({CODE.parent}) contains the program's own code ({CODE})",
        ),
        (
            f"folders:\n  root: {CODE.parent}\n  jobs: {CODE.name}\n",
            f"3: folders.jobs ({CODE}) lies inside the program's own code ({CODE})",
        ),
        (
            f"folders:\n  root: {CODE.parent.parent}\n  jobs: /srv/jobs\n  inbox: {CODE.parent.name}\n",
            f"4: folders.inbox ({CODE.parent}) contains the program's own code ({CODE})",
        ),
    ],
)
def test_folders_that_overlap_are_refused(mistakes, text, message):
    assert mistakes(text) == [f"config.yaml:{message}"]


def test_root_may_hold_the_program(load):
    load(f"folders: {{root: {CODE.parent}}}")


def test_an_overlap_behind_a_symlink_is_seen(mistakes, tmp_path):
    (tmp_path / "inbox/deep").mkdir(parents=True)
    (tmp_path / "elsewhere").symlink_to("inbox/deep")
    assert mistakes("folders:\n  outbox: elsewhere/out\n") == [
        f"config.yaml:2: folders.outbox (elsewhere/out) lies inside folders.inbox (inbox); {BESIDE}"
    ]


def test_a_ring_of_symlinks_is_no_crash(load, tmp_path):
    (tmp_path / "ring").symlink_to("ring")
    assert load("folders: {jobs: ring/jobs}").folders.jobs == tmp_path / "ring/jobs"


def test_where_only_root_is_written_it_is_named_for_what_lies_in_it(mistakes, tmp_path):
    (tmp_path / "data").mkdir()
    (tmp_path / "data/jobs").symlink_to(CODE)
    assert mistakes("inbox: {}\nfolders:\n  root: data\n") == [
        f"config.yaml:3: folders.jobs (data/jobs) lies inside the program's own code ({CODE})"
    ]
