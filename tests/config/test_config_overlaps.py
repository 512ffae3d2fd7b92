"""Folders that are in each other's way by more than their names, or that belong to the system, are refused."""

import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

from tests.needs import needs_mounts

BESIDE = "they must lie beside each other"


def test_a_folder_that_is_mounted_in_two_places_is_one_folder(mistakes, tmp_path):
    needs_mounts(tmp_path)
    inbox, window = tmp_path / "inbox", tmp_path / "window"
    inbox.mkdir()
    window.mkdir()
    subprocess.run(["mount", "--bind", inbox, window], check=True)
    try:
        assert mistakes("folders:\n  outbox: window\n") == [
            f"config.yaml:2: folders.inbox (inbox) is the same folder as folders.outbox (window); {BESIDE}"
        ]
        assert mistakes("folders:\n  outbox: window/not/there/yet\n") == [
            f"config.yaml:2: folders.outbox (window/not/there/yet) lies inside folders.inbox (inbox); {BESIDE}"
        ]
    finally:
        subprocess.run(["umount", window], check=True)


@pytest.mark.parametrize(
    ("first", "second", "relation"),
    [
        ("Files", "files", "is the same folder as"),
        ("Caf\N{LATIN SMALL LETTER E WITH ACUTE}", "cafe\N{COMBINING ACUTE ACCENT}", "is the same folder as"),
        ("files/in", "FILES", "lies inside"),
    ],
)
def test_names_that_a_share_may_not_tell_apart_are_one_name(mistakes, first, second, relation):
    assert mistakes(f"folders:\n  inbox: {first}\n  outbox: {second}\n") == [
        f"config.yaml:3: folders.inbox ({first}) {relation} folders.outbox ({second}); {BESIDE}"
    ]


def test_the_same_folder_by_a_link_is_seen(mistakes, tmp_path):
    (tmp_path / "inbox").mkdir()
    (tmp_path / "results").symlink_to("inbox", target_is_directory=True)
    assert mistakes("folders:\n  outbox: results\n") == [
        f"config.yaml:2: folders.inbox (inbox) is the same folder as folders.outbox (results); {BESIDE}"
    ]


def test_installed_packages_are_no_place_for_files(mistakes):
    packages = Path(sysconfig.get_path("purelib")).resolve()
    assert mistakes(f"folders:\n  inbox: {packages}/in\n") == [
        f"config.yaml:2: folders.inbox ({packages}/in) lies inside the folder of installed Python packages ({packages})"
    ]


@pytest.mark.skipif(sys.prefix == sys.base_prefix, reason="runs from no virtual environment")
def test_the_virtual_environment_is_no_place_for_files(mistakes):
    environment = Path(sys.prefix).resolve()
    (told,) = mistakes(f"folders:\n  inbox: {environment}/in\n")
    assert told.endswith(f"lies inside the virtual environment that the program runs from ({environment})")


@pytest.mark.parametrize("folder", ["/", "/home", "/tmp", "/var/lib", "/dev", "/root"])  # noqa: S108 - is refused
def test_a_folder_of_the_system_is_none_of_ours(mistakes, folder):
    (told,) = [line for line in mistakes(f"folders:\n  failed: {folder}\n") if "a folder of the system" in line]
    assert told == (
        f"config.yaml:2: folders.failed ({folder}) is a folder of the system; it must be a folder of its own"
    )


@pytest.mark.parametrize("folder", ["/etc", "/etc/pdfocr-watcher/inbox", "/usr/share/in", "/proc/1"])
def test_nothing_of_ours_lies_in_the_systems_own_folders(mistakes, folder):
    (told,) = mistakes(f"folders:\n  inbox: {folder}\n")
    assert told.startswith(f"config.yaml:2: folders.inbox ({folder}) lies in /")


def test_a_root_in_etc_is_told_of_once(mistakes):
    assert mistakes("folders:\n  root: /etc/pdfocr-watcher\n") == [
        "config.yaml:2: folders.root (/etc/pdfocr-watcher) lies in /etc; name another root"
    ]


def test_a_home_folder_itself_is_no_inbox_and_a_folder_in_it_is(mistakes, load):
    assert mistakes("folders:\n  inbox: /home/ann\n") == [
        "config.yaml:2: folders.inbox (/home/ann) is a home folder; it must be a folder of its own"
    ]
    load("folders: {root: /home/ann, inbox: /home/ann/inbox}")


@pytest.mark.parametrize("folder", ["/srv/ocr/in", "/mnt/scans", "/usr/local/in", "/var/lib/ocr", "/media/in"])
def test_where_files_may_lie(load, folder):
    load(f"folders: {{inbox: {folder}}}")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("group: no-such-group", "there is no group 'no-such-group' on this machine, nor is it one of inherit"),
        ("mode: rwxrwx---", "must be inherit or an octal number such as 2770, not 'rwxrwx---'"),
        ("mode: 4770", "may have no more than permissions and set-group-id (2777), not '4770'"),
        ("mode: 0070", "must let its owner in (700), unlike '0070'"),
        ("index_mode: 750", "must be an octal number from 600 to 666 that lets nobody run it, not '750'"),
    ],
)
def test_permissions_that_mean_nothing_are_refused(mistakes, text, message):
    (told,) = mistakes(f"permissions:\n  {text}\n")
    assert told.startswith(f"config.yaml:2: permissions.{text.partition(':')[0]}: {message}")


@pytest.mark.parametrize(
    "text", ["group: '0'", "group: 50", "group: root", "mode: 2770", "mode: 0750", "mode: inherit"]
)
def test_permissions_that_mean_something_are_taken_as_written(load, text):
    load(f"permissions: {{{text}}}")


@pytest.mark.parametrize("folder", ["status", "Status", "status/in"])
def test_where_people_see_how_the_jobs_are_nothing_else_lies(mistakes, folder):
    (told,) = mistakes(f"folders:\n  inbox: {folder}\n")
    assert told == f"config.yaml:2: folders.inbox ({folder}) lies in status, where people see how the jobs are"


def test_the_metrics_lie_where_node_exporter_finds_them_and_in_nobodys_way(mistakes, load, tmp_path):
    for file in ("metrics.prom", "/var/lib/metrics.txt"):
        (told,) = mistakes(f"service:\n  metrics_file: {file}\n")
        assert told.startswith(f"config.yaml:2: service.metrics_file: '{file}' must be an absolute path that ends in")
    (told,) = mistakes(f"service:\n  metrics_file: {tmp_path}/inbox/x.prom\n")
    assert told.endswith("lies inside folders.inbox (inbox)")
    load("service:\n  metrics_file: /var/lib/prometheus/node-exporter/pdfocr.prom\n")
