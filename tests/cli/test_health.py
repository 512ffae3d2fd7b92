"""`health`: one line and an exit status, without a daemon to ask and without the right to write."""

import json
import os
from datetime import timedelta

import pytest

from pdfocr_watcher.pipeline.active import utc_now
from pdfocr_watcher.service.health import DaemonState, Health, write_health
from tests.cli.conftest import Command
from tests.end_to_end.harness import Site


def _leave(site: Site, state: DaemonState = DaemonState.RUNNING, age: float = 1, reason: str | None = None) -> None:
    """Leave a health.json as a daemon does."""
    moment = utc_now() - timedelta(seconds=age)
    counts = dict.fromkeys(("jobs_waiting", "jobs_in_work", "files_in_inbox", "pages_done", "events_lost"), 4)
    named = {"engine": "null", "engine_state": "ready", "free_bytes": 500}
    health = Health.model_validate(
        {"state": state, "reason": reason, "heartbeat": moment, "started_at": moment, **counts, **named}
    )
    write_health(site.root, health)


@pytest.mark.parametrize(
    ("state", "age", "status", "word"),
    [
        (DaemonState.RUNNING, 1, 0, "PDFOCR OK - 4 jobs in work, 4 waiting | age=1s in_work=4 "),
        (DaemonState.PAUSED, 1, 1, "PDFOCR WARNING - paused: no space left / it's full |"),
        (DaemonState.RUNNING, 45, 2, "PDFOCR CRITICAL - no heartbeat for 45 s"),
        (DaemonState.STOPPED, 1, 2, "PDFOCR CRITICAL - stopped"),
    ],
)
def test_one_line_and_the_exit_status_of_a_monitoring_plugin(
    command: Command, site: Site, state: DaemonState, age: float, status: int, word: str
) -> None:
    _leave(site, state, age, "no space\nleft | it's full" if state is DaemonState.PAUSED else None)
    said = command("health", "-c", site.config)
    assert (said.status, said.err, said.out.count("\n"), said.out.count("|")) == (status, "", 1, 1)
    assert said.out.startswith(word)


def test_how_old_it_may_be_is_the_callers_to_say(command: Command, site: Site) -> None:
    _leave(site, age=45)
    assert command("health", "--max-age", "60", "-c", site.config).status == 0
    assert command("health", "--max-age", "20", "-c", site.config).status == 2


def test_as_json(command: Command, site: Site) -> None:
    _leave(site, DaemonState.PAUSED, reason="No space.")
    said = command("health", "--json", "-c", site.config)
    assert said.status == 1
    content = json.loads(said.out)
    assert (content["level"], content["exit_status"], content["text"]) == ("WARNING", 1, "paused: No space.")
    assert content["age_seconds"] == pytest.approx(1, abs=5)
    assert content["health"] == json.loads((site.root / "health.json").read_bytes())


@pytest.mark.parametrize("content", [None, b"", b"{}", b'{"state": "running"}'])
def test_what_cannot_be_told_is_unknown(command: Command, site: Site, content: bytes | None) -> None:
    if content is not None:
        (site.root / "health.json").write_bytes(content)
    said = command("health", "-c", site.config)
    assert (said.status, said.out) == (3, "PDFOCR UNKNOWN - there is no health.json that can be read\n")
    assert json.loads(command("health", "--json", "-c", site.config).out)["health"] is None


def test_a_pipe_in_its_place_keeps_nobody_waiting(command: Command, site: Site) -> None:
    os.mkfifo(site.root / "health.json")
    assert command("health", "-c", site.config).status == 3


def test_a_configuration_that_cannot_be_used_is_unknown_too(command: Command, site: Site) -> None:
    site.config.write_text("engine: nothing\n")
    said = command("health", "-c", site.config)
    assert (said.status, said.out.count("\n")) == (3, 1)
    assert said.out.startswith("PDFOCR UNKNOWN - The configuration cannot be used.")


def test_nothing_is_written(command: Command, site: Site) -> None:
    _leave(site)
    before = {path: path.stat().st_mtime_ns for path in site.root.rglob("*")}
    command("health", "-c", site.config)
    assert {path: path.stat().st_mtime_ns for path in site.root.rglob("*")} == before
