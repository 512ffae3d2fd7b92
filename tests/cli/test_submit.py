"""submit: complete the moment it can be seen, never over another file, and nothing but PDFs."""

import os
import threading
from pathlib import Path

import pytest

from tests.cli.conftest import Command
from tests.conftest import MakeSite
from tests.end_to_end.harness import Site
from tests.pdfs import born_digital


@pytest.fixture
def letter(tmp_path: Path) -> Path:
    """A PDF outside of the inbox."""
    path = tmp_path / "letter.pdf"
    path.write_bytes(born_digital())
    return path


def test_a_file_is_copied_under_its_name(command: Command, site: Site, letter: Path) -> None:
    said = command("submit", letter, "-c", site.config)
    assert (said.status, said.out) == (0, "letter.pdf\n")
    assert (site.inbox / "letter.pdf").read_bytes() == letter.read_bytes()
    assert letter.exists()


def test_it_never_takes_the_place_of_another_file(command: Command, site: Site, letter: Path) -> None:
    (site.inbox / "letter.pdf").write_bytes(b"another")
    printed = [command("submit", letter, "-c", site.config).out.strip() for _ in range(2)]
    assert printed == ["letter (1).pdf", "letter (2).pdf"]
    assert (site.inbox / "letter.pdf").read_bytes() == b"another"
    assert all((site.inbox / name).read_bytes() == letter.read_bytes() for name in printed)


def test_a_sub_folder_is_made(command: Command, site: Site, letter: Path) -> None:
    said = command("submit", letter, "--into", "invoices/2026", "-c", site.config)
    assert (said.status, said.out) == (0, "invoices/2026/letter.pdf\n")
    assert (site.inbox / "invoices/2026/letter.pdf").is_file()


@pytest.mark.parametrize("into", ["..", "a/../../b", "/etc"])
def test_a_sub_folder_never_leads_out_of_the_inbox(command: Command, site: Site, letter: Path, into: str) -> None:
    said = command("submit", letter, "--into", into, "-c", site.config)
    assert said.status == 66
    assert "leads out of the inbox" in said.err


def test_what_cannot_be_taken_is_named(command: Command, site: Site, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("text")
    (tmp_path / "folder.pdf").mkdir()
    for name, why in (("none.pdf", "not there"), ("folder.pdf", "a folder"), ("notes.txt", ".pdf")):
        said = command("submit", tmp_path / name, "-c", site.config)
        assert said.status == 66
        assert str(tmp_path / name) in said.err
        assert why in said.err
    assert list(site.inbox.iterdir()) == []


@pytest.mark.parametrize(
    ("name", "into"),
    [
        (".x.pdf", ""),
        ("~$x.pdf", ""),
        ("x.pdf", "@eaDir"),
        ("x.pdf", "letters/@EADIR/2026"),
        ("x.pdf", ".hidden"),
        ("~$x.pdf", "letters"),
    ],
)
def test_what_the_daemon_would_never_look_at_is_refused(
    command: Command, site: Site, tmp_path: Path, name: str, into: str
) -> None:
    path = tmp_path / name
    path.write_bytes(born_digital())
    said = command("submit", path, "--into", into, "-c", site.config)
    assert (said.status, said.out) == (66, "")
    assert "inbox.ignore" in said.err
    assert name in said.err
    assert list(site.inbox.iterdir()) == []


def test_the_names_that_are_refused_are_those_of_the_configuration(
    command: Command, make_site: MakeSite, tmp_path: Path
) -> None:
    site = make_site({"inbox": {"ignore": ["draft*"]}})
    for name, status in (("draft 2.pdf", 66), ("~$x.pdf", 0)):
        path = tmp_path / name
        path.write_bytes(born_digital())
        assert command("submit", path, "-c", site.config).status == status
    assert os.listdir(site.inbox) == ["~$x.pdf"]


def test_without_an_inbox(command: Command, site: Site, letter: Path) -> None:
    site.inbox.rmdir()
    said = command("submit", letter, "-c", site.config)
    assert said.status == 73
    assert str(site.inbox) in said.err


@pytest.mark.parametrize(
    "name", ["-rf.pdf", "two words.PDF", "😀" * 62 + ".pdf", "x" * 251 + ".pdf"], ids=["dash", "loud", "faces", "long"]
)
def test_odd_names(command: Command, site: Site, tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_bytes(born_digital())
    said = command("submit", "-c", site.config, "--", path)
    assert (said.status, said.out) == (0, f"{name}\n")
    assert os.listdir(site.inbox) == [name]


@pytest.mark.parametrize("encoding", ["utf-8", "ascii"])
def test_a_name_that_is_no_text(
    program: Command, site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, encoding: str
) -> None:
    monkeypatch.setenv("PYTHONIOENCODING", f"{encoding}:strict")
    path = tmp_path / os.fsdecode(b"caf\xe9.pdf")
    path.write_bytes(born_digital())
    said = program("submit", path, "-c", site.config)
    assert said.status == 0
    assert os.listdir(os.fsencode(site.inbox)) == [b"caf\xe9.pdf"]


def test_a_reader_of_the_inbox_never_sees_half_of_it(command: Command, site: Site, tmp_path: Path) -> None:
    """Under its own name a file is whole; what it has before is a name that the inbox ignores."""
    large = tmp_path / "large.pdf"
    large.write_bytes(born_digital() + b"%" * 30_000_000)
    sizes: set[int] = set()
    names: set[str] = set()
    done = threading.Event()

    def watch() -> None:
        while not done.is_set():
            for entry in os.scandir(site.inbox):
                names.add(entry.name)
                if entry.name == large.name:
                    sizes.add(entry.stat().st_size)

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        assert command("submit", large, "-c", site.config).status == 0
    finally:
        done.set()
        watcher.join()
    assert sizes <= {large.stat().st_size}
    assert all(name.startswith(".") for name in names - {large.name})
    assert os.listdir(site.inbox) == [large.name]


def test_what_is_submitted_is_done(command: Command, site: Site, letter: Path) -> None:
    site.start()
    name = command("submit", letter, "-c", site.config).out.strip()
    assert site.result(name).status["status"] == "completed"
