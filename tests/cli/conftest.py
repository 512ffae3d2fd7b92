"""The command line as a shell sees it: exit status, what it prints and what it says on standard error."""

import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from pdfocr_watcher.cli.app import main

_LIMIT = 120


@dataclass(frozen=True)
class Outcome:
    """How a command ended."""

    status: int
    out: str
    err: str


Command = Callable[..., Outcome]


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Command:
    """Run a command in this process, away from any configuration but the one that it is given."""
    work = tmp_path / "away"
    work.mkdir()
    monkeypatch.chdir(work)
    monkeypatch.delenv("PDFOCR_WATCHER_CONFIG", raising=False)
    monkeypatch.setenv("COLUMNS", "200")

    def run(*arguments: str | Path) -> Outcome:
        capsys.readouterr()
        monkeypatch.setattr(sys, "argv", ["pdfocr-watcher", *map(str, arguments)])
        status = 0
        try:
            main()
        except SystemExit as ended:
            status = ended.code if isinstance(ended.code, int) else int(ended.code is not None)
        said = capsys.readouterr()
        assert "Traceback" not in said.err
        return Outcome(status, said.out, said.err)

    return run


@pytest.fixture
def program(tmp_path: Path) -> Command:
    """Run a command as a process of its own, by the installed entry point."""
    entry = Path(sys.executable).with_name("pdfocr-watcher")

    def run(*arguments: str | Path) -> Outcome:
        asked = subprocess.run(
            [entry, *map(str, arguments)],
            cwd=tmp_path,
            capture_output=True,
            encoding="utf-8",
            errors="surrogateescape",
            check=False,
            timeout=_LIMIT,
            stdin=subprocess.DEVNULL,
        )
        assert "Traceback" not in asked.stderr, asked.stderr
        return Outcome(asked.returncode, asked.stdout, asked.stderr)

    return run
