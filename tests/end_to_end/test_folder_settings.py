"""A folder's .pdfocr.yaml holds for what is dropped there, as it was at the drop, and harms no other folder."""

import asyncio
import subprocess
import sys
from collections import Counter

import pytest

from tests.conftest import MakeSite
from tests.end_to_end.documents import with_endless_page
from tests.end_to_end.harness import Site, wait_for
from tests.pdfs import born_digital
from tests.pipeline.generating.model_server import Asked, ModelServer, answer, chat

#: A page that keeps the daemon at work for as long as a test needs to act.
_ENDLESS = {"render": {"timeout_seconds": 3, "dpi": 60, "workers": 1}, "job": {"page_attempts": 1}}


def _set(site: Site, folder: str, text: str) -> None:
    (site.inbox / folder).mkdir(parents=True, exist_ok=True)
    (site.inbox / folder / ".pdfocr.yaml").write_text(text)


def _cli(site: Site, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "pdfocr_watcher", *arguments, "--config", str(site.config)]
    return subprocess.run(command, check=False, capture_output=True, text=True, timeout=120)


def test_each_folder_has_its_own_and_a_bad_one_stops_no_other(make_site: MakeSite) -> None:
    site = make_site({"folder_settings": {"allow": ["dpi", "outputs", "priority", "retention"]}})
    _set(site, "fine", "dpi: 90\noutputs: [report]\nretention: {completed_days: 30}\n")
    _set(site, "broken", "dpi: 90\npriorty: low\n")
    for folder in ("fine", "broken", "."):
        site.drop("letter.pdf", born_digital(), into=folder)
    site.start()
    fine = site.result("fine/letter.pdf")
    assert {name: value for name, value in fine.status["settings"].items() if value is not None} == {
        "dpi": 90,
        "outputs": ["report"],
        "completed_days": 30,
    }
    assert {path.name for path in fine.folder.iterdir()} == {
        *("status.json", "input.pdf", "output.mmd", "images", "report.html", "report"),
    }
    assert site.result("letter.pdf").status["settings"] is None
    (problem,) = wait_for(lambda: site.health()["folder_problems"], "health.json names the folder")
    assert problem["folder"] == "broken"
    assert problem["message"] == '.pdfocr.yaml: line 2: priorty: unknown key; did you mean "priority"?'
    assert (site.inbox / "broken" / "letter.pdf").is_file()

    _set(site, "broken", "dpi: 90\npriority: low\n")
    assert site.result("broken/letter.pdf").status["settings"]["priority"] == "low"
    wait_for(lambda: not site.health()["folder_problems"], "health.json names it no longer")


def test_a_job_that_is_interrupted_goes_on_as_it_began(make_site: MakeSite) -> None:
    site = make_site(_ENDLESS)
    _set(site, "scans", "dpi: 80\n")
    site.drop("book.pdf", with_endless_page(4, endless=3), into="scans")
    daemon = site.start()
    site.processed(1)
    _set(site, "scans", "dpi: 300\n")
    daemon.kill()
    site.start()
    assert site.result("scans/book.pdf").status["settings"]["dpi"] == 80


def test_once_leaves_what_it_must_not_touch_and_says_so(make_site: MakeSite) -> None:
    site = make_site()
    _set(site, "", "priority: urgent\n")
    site.drop("letter.pdf", born_digital())
    done = _cli(site, "once")
    assert done.returncode == 1
    assert "letter.pdf" in done.stdout + done.stderr
    assert (site.inbox / "letter.pdf").is_file()


def test_a_person_can_have_a_file_checked(make_site: MakeSite) -> None:
    site = make_site()
    _set(site, "scans", "dpi: 90\npriority: high\n")
    checked = _cli(site, "config", "--check-folder", str(site.inbox / "scans"))
    assert checked.returncode == 0
    assert checked.stdout.splitlines()[1:] == ["  dpi: 90", "  priority: high"]
    _set(site, "scans", "dpi: 90\nprompt: Free OCR.\n")
    checked = _cli(site, "config", "--check-folder", str(site.inbox / "scans"))
    assert checked.returncode == 78
    assert ".pdfocr.yaml:2: prompt: the engine null is no model that could be asked" in checked.stderr
    assert "scans: .pdfocr.yaml: line 2: prompt:" in _cli(site, "doctor").stdout


@pytest.mark.parametrize("text", ["dpi: 601\n", "priority: high\n"])
def test_the_administrator_sets_the_bounds(make_site: MakeSite, text: str) -> None:
    site = make_site({"folder_settings": {"allow": ["dpi"], "max_dpi": 600}})
    _set(site, "scans", text)
    assert _cli(site, "config", "--check-folder", str(site.inbox / "scans")).returncode == 78


async def test_a_folder_asks_the_model_in_its_own_way(make_site: MakeSite) -> None:
    server = ModelServer(behave=answer(chat("<|ref|>text<|/ref|><|det|>[[80, 90, 900, 300]]<|/det|>\nDear reader.")))
    await server.start()
    try:
        site = make_site({
            "engine": {"name": "vllm-server"},
            "servers": {"urls": [server.url]},
            "profiles": {"terse": {"extends": "deepseek-ocr", "prompt": "Briefly."}},
        })  # fmt: skip
        _set(site, "own", "prompt: In full.\n")
        _set(site, "own/terse", "profile: terse\n")
        _set(site, "terse", "profile: terse\n")
        for folder in (".", "own", "own/terse", "terse"):
            site.drop("letter.pdf", born_digital(), into=folder)
        done = await asyncio.to_thread(_cli, site, "once")
        assert done.returncode == 0, done.stderr
        asked = Counter(question for request in server.asked for question in _questions(request))
        assert asked == {"<|grounding|>Convert the document to markdown.": 1, "In full.": 2, "Briefly.": 1}
    finally:
        await server.stop()


def _questions(request: Asked) -> list[str]:
    """What a model was asked beside a picture."""
    content = request.body["messages"][-1]["content"] if request.path.endswith("/chat/completions") else ""
    return [part["text"].strip() for part in content if isinstance(part, dict) and part["type"] == "text"]
