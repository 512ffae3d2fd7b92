"""Hooks of a real daemon, the shipped examples among them."""

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

import pdfocr_watcher
from tests.conftest import MakeSite
from tests.end_to_end.harness import Site, wait_for
from tests.pdfs import born_digital, damaged

_EXAMPLES = Path(pdfocr_watcher.__file__).parents[1] / "docs" / "examples"
_HOSTILE = "-n $(touch pwned) `id`; \"'.pdf"


def _once(site: Site, environment: dict[str, str] | None = None) -> int:
    arguments = [sys.executable, "-m", "pdfocr_watcher", "once", "--config", str(site.config)]
    return subprocess.run(arguments, check=False, capture_output=True, env=environment, timeout=120).returncode


def _stand_in(folder: Path, name: str) -> Path:
    """A program that keeps its arguments and its input; gives where."""
    folder.mkdir(exist_ok=True)
    program = folder / name
    program.write_text(f'#!/bin/sh\nprintf "%s\\n" "$@" > {folder}/{name}.arguments\ncat > {folder}/{name}.input\n')
    program.chmod(0o755)
    return folder / name


def test_a_result_is_copied_to_another_share_before_once_ends(make_site: MakeSite, tmp_path: Path) -> None:
    archive = tmp_path / "archive"
    archive.mkdir()
    site = make_site({"hooks": {"completed": [str(_EXAMPLES / "copy.sh"), str(archive)]}})
    site.drop(_HOSTILE, born_digital(), into="mail")
    assert _once(site) == 0
    job = site.result(f"mail/{_HOSTILE}")
    (copied,) = archive.iterdir()
    assert copied.name == job.folder.name
    assert (copied / "output.mmd").read_bytes() == (job.folder / "output.mmd").read_bytes()
    assert job.status["hook"] is None


@pytest.mark.parametrize(
    ("example", "program", "arguments"),
    [("mail.sh", "sendmail", ["scans@example.org"]), ("ntfy.sh", "curl", ["https://ntfy.example/topic"])],
)
def test_a_message_is_sent_about_a_failure(
    make_site: MakeSite, tmp_path: Path, example: str, program: str, arguments: list[str]
) -> None:
    kept = _stand_in(tmp_path / "bin", program)
    site = make_site({"hooks": {"failed": [str(_EXAMPLES / example), *arguments]}})
    site.drop(_HOSTILE, damaged())
    assert _once(site, {**os.environ, "PATH": f"{kept.parent}:{os.environ['PATH']}"}) == 1
    said = kept.with_suffix(".input").read_text()
    assert _HOSTILE in said
    assert "The document is damaged" in said
    assert arguments[0] in kept.with_suffix(".arguments").read_text().splitlines()
    assert site.result(_HOSTILE).status["hook"] is None
    headers = said.partition("\n\n")[0] if program == "sendmail" else kept.with_suffix(".arguments").read_text()
    assert "pwned" not in headers
    assert "failed" in headers


def test_a_hook_that_fails_harms_nothing_and_is_told(make_site: MakeSite) -> None:
    site = make_site({"hooks": {"completed": ["sh", "-c", "echo the archive is full >&2; exit 7", "token"]}})
    daemon = site.start()
    site.drop("letter.pdf", born_digital())
    job = wait_for(lambda: next((job for job in site.results() if job.status["hook"]), None), "the hook's failure")
    assert job.status["status"] == "completed"
    assert job.status["hook"] == {"command": "sh", "exit_status": 7, "message": "It ended with status 7."}
    (line,) = [line for line in daemon.logged() if line["event"] == "hook.failed"]
    assert (line["level"], line["output"]) == ("warning", "the archive is full")
    wait_for(lambda: site.health()["hooks_failed"] == 1, "health.json counts it")
    site.drop("next.pdf", born_digital())
    assert site.result("next.pdf").status["status"] == "completed"


def test_a_job_that_is_retried_has_its_hook_again(make_site: MakeSite, tmp_path: Path) -> None:
    site = make_site({"hooks": {"failed": ["sh", "-c", f"echo x >> {tmp_path}/runs; exit 1"]}})
    site.start()
    site.drop("bad.pdf", damaged())
    job = wait_for(lambda: next((job for job in site.results() if job.status["hook"]), None), "the hook's failure")
    retry = [sys.executable, "-m", "pdfocr_watcher", "retry", job.job_id, "-c", str(site.config)]
    subprocess.run(retry, check=True, capture_output=True)
    wait_for(lambda: (tmp_path / "runs").read_text() == "x\nx\n", "it is run for the second delivery")


def test_a_stop_does_not_wait_for_a_hook_that_hangs(make_site: MakeSite, tmp_path: Path) -> None:
    site = make_site({"hooks": {"completed": ["sh", "-c", f"echo $$ > {tmp_path}/pid; sleep 300"]}})
    daemon = site.start()
    site.drop("letter.pdf", born_digital())
    pid = wait_for(lambda: (tmp_path / "pid").exists() and (tmp_path / "pid").read_text().strip(), "it runs")
    assert daemon.stop() == 0
    assert not Path(f"/proc/{pid}").exists()
    assert site.result("letter.pdf").status["hook"]["message"] == "It was ended with the daemon."


def test_the_examples_can_be_run() -> None:
    assert all(example.stat().st_mode & stat.S_IXUSR for example in _EXAMPLES.glob("*.sh"))
