"""The real daemon reads dropped PDFs with a real vLLM: all texts exact and in their places, whatever dies meanwhile."""

import json
import re
from pathlib import Path

import psutil
import pytest

from tests.conftest import MakeSite
from tests.end_to_end.harness import Job, Site, read_json, wait_for
from tests.end_to_end.markup import pages_of
from tests.vllm.conftest import Serve
from tests.vllm.kit.pages import document
from tests.vllm.server import VllmServer

pytestmark = pytest.mark.vllm

PATIENCE = 300.0
#: Three jobs, by the scripts of their pages.
JOBS = {
    "first.pdf": ("report", "table", "letter", "list", "notes", "formula", "columns"),
    "second.pdf": ("notice", "columns", "report", "letter", "table"),
    "third.pdf": ("letter", "formula", "list", "notice", "report", "notes", "table", "columns", "letter"),
}
#: What stands in output.mmd for each script; the figure's link has the page and a number, from 0.
TEXTS = {
    "report": ("# Annual report\n\nRevenue rose by 12 % in 2024.\n\n![](images/{page}_0.jpg)\n\nFigure 1: growth"),
    "table": "<table><tr><td>Item</td><td>Price</td></tr><tr><td>Nut</td><td>3</td></tr></table>",
    "letter": "Dear reader,\n\nthis page is blue.",
    "list": "- flour\n- birch wood\n- a sack of rye",
    "notes": "The committee met on Tuesday in the old library.\n\nNobody objected.",
    "formula": "The energy at rest is\n\n\\[ E = m c^2 \\]",
    "columns": "Copper kettles hung above the stove.\n\nAcross the river a miller counted sacks.",
    "notice": "## Öffnungszeiten\n\nΚυριακή κλειστά 日曜休業 20 €",  # noqa: RUF001
}
PLAIN = "Annual report\nRevenue rose by 12 % in 2024."
#: As the model's profile, with texts that are at their end sooner.
PROFILE = {"short": {"extends": "deepseek-ocr", "sampling": {"max_tokens": 200}}}
#: The same pages come again and again here, so that their first lines would pass for running titles.
OUTPUT = {"running_titles": True}
ENGINE = {"profile": "short", "max_concurrency": 4, "page_timeout_seconds": 250.0}


@pytest.fixture
def in_process(make_site: MakeSite, checkpoint: Path, vllm_environment: dict[str, str]) -> Site:
    """A site whose daemon has the model in a process of its own; not started."""
    del vllm_environment
    return make_site(
        {
            "engine": {**ENGINE, "name": "vllm", "model": str(checkpoint), "start_timeout_seconds": 280.0},
            "vllm": {
                "dtype": "bfloat16",
                "max_model_len": 4096,
                "enforce_eager": True,
                "extra_args": {"kv_cache_memory_bytes": 64 << 20},
            },
            "profiles": PROFILE,
            "output": OUTPUT,
        }
    )


@pytest.fixture
def behind_a_server(make_site: MakeSite, server: VllmServer) -> Site:
    """A site whose daemon has the model behind a server; not started."""
    return make_site(
        {
            "engine": {**ENGINE, "name": "vllm-server"},
            "servers": {"urls": [server.url]},
            "profiles": PROFILE,
            "output": OUTPUT,
        }
    )


def without_levels(text: str) -> str:
    """A text whose headings have no marks: of which level they are, the whole document says."""
    return re.sub(r"^#{1,6} ", "", text, flags=re.MULTILINE)


def drop(site: Site, jobs: dict[str, tuple[str, ...]]) -> None:
    for name, scripts in jobs.items():
        site.drop(name, document(scripts))


def read(site: Site, name: str) -> Job:
    job = site.result(name, PATIENCE)
    assert (job.status["status"], job.status["failed_pages"]) == ("completed", []), job.status
    return job


def assert_exact(job: Job, scripts: tuple[str, ...]) -> None:
    wanted = [without_levels(TEXTS[script].format(page=page)) for page, script in enumerate(scripts)]
    assert [without_levels(page) for page in pages_of(job.text())] == wanted
    figures = sorted(path.name for path in (job.folder / "images").iterdir())
    assert figures == sorted(f"{page}_0.jpg" for page, script in enumerate(scripts) if script == "report")


def engine_core(site: Site) -> psutil.Process | None:
    """The process of vLLM that computes."""
    daemon = psutil.Process(site.health()["pid"])
    return next((child for child in daemon.children(recursive=True) if "EngineCore" in " ".join(child.cmdline())), None)


def test_three_jobs_are_read_in_process_though_the_engine_is_killed(in_process: Site) -> None:
    site = in_process
    daemon = site.start()
    drop(site, JOBS)
    wait_for(lambda: site.health().get("engine_state") == "ready", "a loaded model", PATIENCE)
    assert site.health()["engine_model"]
    wait_for(lambda: site.health()["pages_done"] >= 3, "the first pages", PATIENCE)
    core = engine_core(site)
    assert core is not None
    core.kill()
    for name, scripts in JOBS.items():
        assert_exact(read(site, name), scripts)
    assert sum(line["event"] == "engine.ready" for line in daemon.logged()) == 2
    left = daemon.descendants()
    assert daemon.stop() == 0
    _gone, alive = psutil.wait_procs(left, timeout=20)
    assert not alive


def test_pages_on_which_the_model_runs_away_are_read_in_another_way(behind_a_server: Site) -> None:
    site = behind_a_server
    site.start()
    drop(site, JOBS | {"odd.pdf": ("letter", "endless", "loop", "empty")})
    job = read(site, "odd.pdf")
    letter, endless, loop, empty = pages_of(job.text())
    assert letter == TEXTS["letter"]
    assert (endless, empty) == (PLAIN, PLAIN), "a prompt without layout is the last resort"
    assert 0 < loop.count("again and again") < 10, "the model's own rule ends it"
    for name, scripts in JOBS.items():
        assert_exact(read(site, name), scripts)
    assert site.health()["engine_state"] == "ready"


def test_each_try_is_in_the_pages_checkpoint(behind_a_server: Site) -> None:
    site = behind_a_server
    daemon = site.start()
    site.drop("odd.pdf", document(("endless", *["letter"] * 40)))
    checkpoint = wait_for(lambda: next(iter(site.jobs.glob("*/pages/0000.json")), None), "the page", PATIENCE)
    reading = wait_for(lambda: read_json(checkpoint), "its checkpoint", PATIENCE)["reading"]
    assert [record["verdict"] for record in reading["tries"]] == ["length"] * 4 + [None]
    assert reading["tries"][-1]["prompt"] == "Free OCR."
    assert daemon.stop() == 0


def test_three_jobs_are_read_though_one_of_two_servers_is_killed(make_site: MakeSite, serve: Serve) -> None:
    doomed, other = serve(2)
    site = make_site(
        {
            "engine": {**ENGINE, "name": "vllm-server", "max_concurrency": 2},
            "servers": {"urls": [doomed.url, other.url], "health_interval": 0.5},
            "profiles": PROFILE,
            "output": OUTPUT,
        }
    )
    daemon = site.start()
    drop(site, JOBS)
    wait_for(lambda: site.health()["pages_done"] >= 3, "the first pages", PATIENCE)
    doomed.kill()
    assert site.health()["pages_done"] < sum(map(len, JOBS.values())), "it is killed in the middle of the work"
    for name, scripts in JOBS.items():
        assert_exact(read(site, name), scripts)
    assert site.health()["engine_state"] == "ready"
    lost = [line for line in daemon.logged() if doomed.url in json.dumps(line)]
    assert lost, "the log says which server is gone"
    assert daemon.stop() == 0
