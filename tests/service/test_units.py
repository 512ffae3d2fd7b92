"""What the units say, as systemd itself judges it."""

import re
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from pdfocr_watcher.service.units import INSTANCE, MARK, UNITS, default_installation, repository_files, unit_files
from tests.needs import needs_programs

_REPOSITORY = Path(__file__).parents[2] / "systemd"
_NAMES = (
    "pdfocr-watcher.service",
    "pdfocr-watcher@.service",
    "pdfocr-watcher-purge.service",
    "pdfocr-watcher-purge.timer",
)
#: A program that is there wherever systemd is, in the place of ours.
_SOMETHING = ("/bin/true",)


def _unit(service):
    return unit_files(service)[UNITS / f"{service.unit}.service"]


def _analyze(*arguments):
    needs_programs(**{"systemd-analyze": "systemd"})
    return subprocess.run(["systemd-analyze", *arguments], capture_output=True, text=True, check=False)


def _exposure(folder, service):
    """How exposed systemd finds a service, from 0 to 10, with its drop-ins."""
    for path, text in unit_files(service).items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text)
    unit = folder / UNITS / f"{service.unit}.service"
    # Told of a file, systemd-analyze reads no drop-ins; later settings go over earlier ones there as in one file.
    for more in sorted((folder / UNITS / f"{service.unit}.service.d").glob("*.conf")):
        unit.write_text(unit.read_text() + more.read_text())
    told = _analyze("security", "--offline=true", "--threshold=100", str(unit))
    found = re.search(r"exposure level for .*: ([0-9.]+)", told.stdout)
    assert found, told.stdout + told.stderr
    return float(found[1])


def test_the_repository_has_what_is_installed_for_the_default_paths():
    files = {path: (_REPOSITORY / path).read_text() for path in repository_files()}
    assert files == repository_files(), "python -m pdfocr_watcher.service.units rewrites them"
    assert {path.relative_to(_REPOSITORY) for path in _REPOSITORY.rglob("*") if path.is_file()} == set(files)


@pytest.mark.parametrize("options", [{}, {"instance": "gpu0", "gpu": True, "gpus": "0", "droppers": True}])
def test_systemd_finds_nothing_wrong(tmp_path, options):
    service = replace(default_installation(), program=_SOMETHING, **options)
    for path, text in unit_files(service).items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text)
    units = [str(path) for path in (tmp_path / UNITS).iterdir() if path.is_file()]
    told = _analyze("verify", "--man=no", *units)
    assert (told.returncode, told.stderr) == (0, "")


def test_the_unit_for_a_cpu_is_as_closed_as_it_can_be(tmp_path):
    service = default_installation()
    assert _exposure(tmp_path, service) <= 1.2
    told = _analyze("security", "--offline=true", "--threshold=12", str(_REPOSITORY / "pdfocr-watcher-purge.service"))
    assert told.returncode == 0, told.stdout


@pytest.mark.parametrize(
    ("options", "limit"), [({"gpu": True}, 1.5), ({"network": True}, 1.6), ({"droppers": True}, 1.2)]
)
def test_what_a_drop_in_opens_stays_within_limits(tmp_path, options, limit):
    assert _exposure(tmp_path, replace(default_installation(), **options)) <= limit


def test_each_restriction_has_a_comment_that_says_what_it_is_for():
    hardening = _unit(default_installation()).split("# What the service may do.")[1].split("[Install]")[0]
    groups = re.findall(r"((?:^#.*\n)+)((?:^[A-Z].*\n)+)", hardening, re.MULTILINE)
    told = "".join(settings for _, settings in groups)
    assert told.count("\n") == len(re.findall(r"^[A-Z]", hardening, re.MULTILINE))
    assert len(groups) > 15


def test_names_and_folders_stand_as_systemd_reads_them():
    folders = (Path("/srv/a b/100% of $HOME"), Path("/srv/a b/100% of $HOME/inbox"), Path("/mnt/share"))
    service = replace(default_installation(), folders=folders, config=folders[0] / "config.yaml", own_folders=folders)
    unit = _unit(service)
    assert 'RequiresMountsFor=/mnt/share "/srv/a b/100%% of $HOME"\n' in unit
    assert 'ReadWritePaths=-/mnt/share\nReadWritePaths="-/srv/a b/100%% of $HOME"\n' in unit
    assert 'run --config "/srv/a b/100%% of $$HOME/config.yaml"\n' in unit


def test_a_name_that_no_unit_can_hold_is_refused():
    with pytest.raises(ValueError, match="cannot stand in a systemd unit"):
        unit_files(replace(default_installation(), folders=(Path("/srv/a\nExecStart=/bin/sh"),)))


def test_what_lies_at_home_is_seen():
    service = replace(default_installation(), config=Path("/home/ann/ocr/config.yaml"))
    assert "ProtectHome=read-only\n" in _unit(service)
    assert "ProtectHome=read-only\n" in _unit(replace(default_installation(), reads=(Path("/home/ann/mail"),)))
    assert "ProtectHome=yes\n" in _unit(replace(default_installation(), reads=(Path("mail"), Path("/usr/bin/mail"))))


def test_instances_share_a_unit_and_have_their_own_configuration_and_folders():
    service = replace(default_installation(), instance="gpu1", config=Path("/srv/b.yaml"), folders=(Path("/srv/b"),))
    files = unit_files(service)
    own = files[UNITS / "pdfocr-watcher@gpu1.service.d" / "50-folders.conf"]
    assert "ExecStart=\nExecStart=/opt/pdfocr-watcher/bin/pdfocr-watcher run --config /srv/b.yaml\n" in own
    assert "ReadWritePaths=-/srv/b\n" in own
    assert files[UNITS / "pdfocr-watcher@.service"] == repository_files()[Path("pdfocr-watcher@.service")]


@pytest.mark.parametrize("name", ["", "../up", "a b", "-x", "a@b", "a" * 65])
def test_an_instance_has_a_plain_name(name):
    assert not INSTANCE.fullmatch(name)


def test_every_file_bears_the_mark_by_which_it_is_removed_again():
    assert all(text.startswith(MARK) for text in unit_files(default_installation()).values())


def test_a_drop_in_that_a_person_copies_from_the_repository_is_not_taken_for_an_installed_one():
    drop_ins = [text for path, text in repository_files().items() if path.parts[0] == "drop-ins"]
    assert len(drop_ins) == 3
    assert not any(text.startswith(MARK) for text in drop_ins)
