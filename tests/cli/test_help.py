"""What every command says of itself, and how the program answers to a command that it does not know."""

from pathlib import Path

import pytest

from pdfocr_watcher import __version__
from pdfocr_watcher.errors import FAILURES
from tests.cli.conftest import Command

_COMMANDS = (
    "init",
    "run",
    "once",
    "submit",
    "status",
    "list",
    "result",
    "retry",
    "delete",
    "reindex",
    "doctor",
    "config",
)


def test_the_help_names_every_command(command: Command) -> None:
    said = command("--help")
    assert said.status == 0
    named = {words[1] for line in said.out.splitlines() if len(words := line.split()) > 2 and words[0] == "│"}
    assert named >= set(_COMMANDS)


@pytest.mark.parametrize("name", _COMMANDS)
def test_the_help_of_a_command_shows_an_example(command: Command, name: str) -> None:
    said = command(name, "--help")
    assert said.status == 0
    assert f"Example: pdfocr-watcher {name}" in " ".join(said.out.replace("`", "").split())


@pytest.mark.parametrize("arguments", [["serve"], ["submit"], ["list", "--status", "lost"], ["result", "a", "b"]])
def test_a_command_that_is_not_understood_ends_with_2(command: Command, arguments: list[str]) -> None:
    said = command(*arguments)
    assert said.status == 2
    assert "Usage:" in said.err


def test_the_version(command: Command, program: Command) -> None:
    assert command("--version").out == program("--version").out == f"pdfocr-watcher {__version__}\n"


def test_without_a_configuration_the_command_says_how_to_get_one(command: Command) -> None:
    said = command("list")
    assert said.status == 78
    assert "pdfocr-watcher: config_invalid:" in said.err
    assert "init" in said.err


def test_the_configuration_is_found_in_the_environment(
    command: Command, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    command("init", tmp_path / "ocr")
    monkeypatch.setenv("PDFOCR_WATCHER_CONFIG", str(tmp_path / "ocr" / "config.yaml"))
    assert command("list").status == 0


def test_exit_statuses_are_those_of_sysexits() -> None:
    assert {failure.exit_status for failure in FAILURES.values()} <= {1, *range(64, 79)}
