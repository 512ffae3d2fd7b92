"""once: works off the inbox and says by its exit status whether all succeeded."""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import yaml

from tests.cli.conftest import Command
from tests.conftest import MakeSite
from tests.end_to_end.harness import Site
from tests.pdfs import born_digital, damaged, not_a_pdf


def test_all_that_is_there_is_done(program: Command, site: Site) -> None:
    for number in range(3):
        site.drop(f"{number}.pdf", born_digital(number + 1), into="below")
    text = site.drop("notes.txt", b"not a PDF and not named like one")
    said = program("once", "-c", site.config)
    assert said.status == 0
    assert str(site.outbox) in said.out
    assert len(site.results()) == 3
    assert site.in_work() == []
    assert text.exists()


@pytest.mark.parametrize("content", [damaged(), not_a_pdf()], ids=["damaged", "no PDF"])
def test_one_that_fails_makes_it_1(program: Command, site: Site, content: bytes) -> None:
    site.drop("good.pdf", born_digital())
    site.drop("bad.pdf", content)
    said = program("once", "-c", site.config)
    assert said.status == 1
    assert {job.status["status"] for job in site.results()} == {"completed", "failed"}
    assert site.in_work() == []


def test_a_refused_file_alone_makes_it_1_every_time(program: Command, make_site: MakeSite) -> None:
    """The last file to be dealt with is counted too, however the moments fall."""
    site = make_site({"inbox": {"unmarked_settle_seconds": 0.1}})
    for number in range(3):
        site.drop(f"{number}.pdf", not_a_pdf())
        assert program("once", "-c", site.config).status == 1
        assert len(site.results()) == number + 1
        assert site.in_work() == []


@pytest.fixture
def make_stuck() -> Iterator[Callable[[Path], None]]:
    """Make files that can be neither read nor moved, or at least not moved where nothing stops root from reading."""
    stuck: list[Path] = []

    def make(path: Path) -> None:
        if os.geteuid() != 0:
            path.chmod(0)
            return
        if shutil.which("chattr") is None:
            pytest.skip("permissions do not stop root, and chattr is not installed")
        made = subprocess.run(["chattr", "+i", path], check=False, capture_output=True, text=True)
        if made.returncode != 0:
            pytest.skip(f"permissions do not stop root, and no file can be made immutable here: {made.stderr.strip()}")
        stuck.append(path)

    yield make
    for path in stuck:
        subprocess.run(["chattr", "-i", path], check=True)


def test_a_pdf_that_cannot_be_had_makes_it_1_and_stays(
    program: Command, site: Site, make_stuck: Callable[[Path], None]
) -> None:
    stuck = site.drop("stuck.pdf", born_digital())
    site.drop("good.pdf", born_digital())
    make_stuck(stuck)
    said = program("once", "-c", site.config)
    assert said.status == 1
    assert "inbox.left" in said.err
    assert "stuck.pdf" in said.err
    assert os.listdir(site.inbox) == ["stuck.pdf"]
    assert [job.status["source"] for job in site.results()] == ["good.pdf"]
    assert site.in_work() == []


def test_with_nothing_to_do_it_ends(program: Command, site: Site) -> None:
    began = time.monotonic()
    assert program("once", "-c", site.config).status == 0
    assert time.monotonic() - began < 10


def test_without_an_inbox_it_ends_and_says_so(program: Command, site: Site) -> None:
    site.inbox.rmdir()
    said = program("once", "-c", site.config)
    assert said.status == 73
    assert str(site.inbox) in said.err


def test_without_space_it_ends_and_says_so(program: Command, make_site: MakeSite) -> None:
    site = make_site({"inbox": {"min_free_bytes": 10**18}})
    dropped = site.drop("letter.pdf", born_digital())
    said = program("once", "-c", site.config)
    assert said.status == 74
    assert "min_free_bytes" in said.err
    assert dropped.exists()


def test_beside_a_daemon_it_gives_way(program: Command, site: Site) -> None:
    site.start()
    said = program("once", "-c", site.config)
    assert said.status == 75
    assert "Another daemon" in said.err


def test_an_engine_that_does_not_start_ends_it(site: Site, tmp_path: Path) -> None:
    """Its library is there but cannot be loaded."""
    broken = tmp_path / "broken"
    broken.mkdir()
    (broken / "rapidocr.py").write_text("raise ImportError('no such luck')\n")
    sections = yaml.safe_load(site.config.read_text())
    site.config.write_text(yaml.safe_dump({**sections, "engine": {"name": "rapidocr"}}))
    site.drop("letter.pdf", born_digital())
    asked = subprocess.run(
        [sys.executable, "-m", "pdfocr_watcher", "once", "-c", str(site.config)],
        env={"PATH": "/usr/bin:/bin", "PYTHONPATH": f"{broken}:{Path.cwd()}"},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert asked.returncode == 69
    assert "no such luck" in asked.stderr
    assert "Traceback" not in asked.stderr
    assert site.in_work(), "the job is kept for a better day"
