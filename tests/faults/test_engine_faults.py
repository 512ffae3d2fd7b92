"""An engine that dies, hangs, eats memory or does not start costs pages that are named, and nothing else.

The real daemon with its real workers; the engine in them does as the shade of a page says, or gets a signal.
"""

import contextlib
import os
import random
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil  # type: ignore[import-untyped]
import pytest

from tests.conftest import MakeSite
from tests.end_to_end.harness import Daemon, Site, temporary_files, wait_for
from tests.faults.shades import Shade, broken, environment, shaded
from tests.pdfs import born_digital

_LIMIT = 120.0
#: The same where a worker may hang while it puts results together, which has a time limit of two minutes and more.
_ASSEMBLY_LIMIT = 400.0
#: Small pages need little memory, so that a limit on it can be low.
_SMALL = {"max_pixels": 1_000_000, "dpi": 36}


def _settings(**engine: Any) -> dict[str, dict[str, Any]]:
    return {
        "engine": {"name": "null", "max_concurrency": 2, "page_timeout_seconds": 3.0, **engine},
        "render": {**_SMALL, "range_pages": 4, "queue_pages": 8},
        "job": {"min_page_success": 0.1},
    }


def _workers(daemon: Daemon) -> list[psutil.Process]:
    found = []
    for process in daemon.descendants():
        with contextlib.suppress(psutil.Error):
            if "pdfocr_watcher.pipeline.worker" in process.cmdline():
                found.append(process)
    return found


def _failed(status: dict[str, Any]) -> dict[int, str]:
    return {page["page"]: page["code"] for page in status["failed_pages"]}


def _nothing_left(site: Site, daemon: Daemon, workers: int = 2) -> None:
    """The pool is whole again, nobody is a zombie, and no job, raster or half-written file is left."""
    wait_for(lambda: len(_workers(daemon)) == workers, "as many workers as before")
    zombies = [process for process in daemon.descendants() if process.status() == psutil.STATUS_ZOMBIE]
    assert zombies == []
    wait_for(lambda: not site.in_work(), "no job is left")
    assert daemon.process.poll() is None
    assert temporary_files(site.jobs, site.outbox, site.failed) == []


def test_a_page_that_kills_or_hangs_its_worker_twice_is_named_and_the_rest_is_read(
    make_site: MakeSite, tmp_path: Path
) -> None:
    site = make_site(_settings())
    daemon = site.start(environment(tmp_path / "engine"))
    good = Shade.GOOD
    pages = [good, Shade.KILL, good, Shade.EXIT, good, Shade.LOOP, good, Shade.STOP, good, Shade.TALK, Shade.FORK, good]
    site.drop("bad.pdf", shaded(pages))
    site.drop("letter.pdf", born_digital(3))

    bad, letter = site.result("bad.pdf", _LIMIT), site.result("letter.pdf", _LIMIT)

    assert letter.status["status"] == "completed"
    assert letter.status["failed_pages"] == []
    assert bad.status["status"] == "completed"
    assert _failed(bad.status) == {
        2: "engine_crashed",
        4: "engine_crashed",
        6: "engine_timeout",
        8: "engine_timeout",
        11: "engine_crashed",
    }
    assert bad.text().count("<--- Page Split --->") == len(pages)
    lost = [line["exit_status"] for line in daemon.logged() if line["event"] == "worker.lost"]
    assert sorted(lost) == [-9, -9, 3, 3, 3, 3], "each of these pages was tried twice, and no more often"
    child = int((tmp_path / "engine" / "child").read_text())
    wait_for(lambda: not psutil.pid_exists(child), "what a worker left behind is gone")
    assert daemon.log.stat().st_size < 200_000, "what the engine said without end is not in the log"
    _nothing_left(site, daemon)


def test_a_page_that_eats_memory_is_named_and_workers_that_grow_are_replaced_between_two_pages(
    make_site: MakeSite, tmp_path: Path
) -> None:
    site = make_site(_settings(max_concurrency=1, memory_bytes=400_000_000, page_timeout_seconds=60.0))
    daemon = site.start(environment(tmp_path / "engine"))
    site.drop("leaks.pdf", shaded([Shade.LEAK] * 15))
    leaks = site.result("leaks.pdf", _LIMIT)
    # Not beside it: a worker that ends begins anew with nothing, and is not renewed.
    site.drop("eats.pdf", shaded([Shade.GOOD, Shade.EAT, Shade.GOOD]))
    eats = site.result("eats.pdf", _LIMIT)

    assert (leaks.status["status"], leaks.status["failed_pages"]) == ("completed", [])
    assert _failed(eats.status) == {2: "engine_out_of_memory"}
    assert eats.status["status"] == "completed"
    assert sum(line["event"] == "worker.renewed" for line in daemon.logged()) >= 2
    _nothing_left(site, daemon, workers=1)


@pytest.fixture
def memory_group() -> Iterator[Path]:
    """A memory group of version 1; whoever was put into it is gone when it is removed."""
    group = Path(f"/sys/fs/cgroup/memory/pdfocr-faults-{os.getpid()}")
    try:
        group.mkdir()
    except OSError as error:
        pytest.skip(f"no memory group can be made here; that takes root and cgroup version 1: {error}")
    yield group
    deadline = time.monotonic() + 30
    while (pids := (group / "cgroup.procs").read_text().split()) and time.monotonic() < deadline:
        for pid in map(int, pids):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(0.05)
    group.rmdir()


def _expendable(pid: int) -> int:
    """How gladly the system ends a process where memory runs out."""
    return int(Path(f"/proc/{pid}/oom_score_adj").read_text())


def test_where_memory_runs_out_the_system_takes_a_worker_and_not_the_daemon(
    make_site: MakeSite, tmp_path: Path, memory_group: Path
) -> None:
    site = make_site(_settings(memory_bytes=10_000_000_000, page_timeout_seconds=60.0))
    daemon = site.start(environment(tmp_path / "engine"))
    wait_for(lambda: len(_workers(daemon)) == 2, "both workers")
    own = _expendable(daemon.process.pid)
    wait_for(lambda: all(_expendable(worker.pid) > own for worker in _workers(daemon)), "the workers offer themselves")
    (memory_group / "memory.limit_in_bytes").write_text("600000000")
    for process in (psutil.Process(daemon.process.pid), *daemon.descendants()):
        (memory_group / "cgroup.procs").write_text(str(process.pid))
    site.drop("eats.pdf", shaded([Shade.GOOD, Shade.EAT, Shade.GOOD]))
    site.drop("letter.pdf", born_digital(3))

    eats, letter = site.result("eats.pdf", _LIMIT), site.result("letter.pdf", _LIMIT)

    assert _failed(eats.status) == {2: "engine_crashed"}
    assert "lack of memory" in eats.status["failed_pages"][0]["message"]
    assert letter.status["status"] == "completed"
    assert "oom_kill 0" not in (memory_group / "memory.oom_control").read_text()
    _nothing_left(site, daemon)


def test_an_engine_that_does_not_start_is_said_in_health_and_work_begins_when_it_does(
    make_site: MakeSite, tmp_path: Path
) -> None:
    site = make_site(_settings())
    folder = tmp_path / "engine"
    with broken(folder):
        daemon = site.start(environment(folder))
        site.drop("letter.pdf", born_digital(2))

        def told() -> bool:
            health = site.health()
            return health["engine_state"] == "failed" and "the weights are gone" in (health["reason"] or "")

        wait_for(told, "health.json says why nothing goes on")
        assert site.health()["state"] == "paused"
        assert site.results() == []
    assert site.result("letter.pdf", _LIMIT).status["status"] == "completed"
    wait_for(lambda: site.health()["state"] == "running", "health.json says that it goes on")
    assert site.health()["engine_state"] == "ready"
    _nothing_left(site, daemon)


def _counts(daemon: Daemon) -> tuple[int, int]:
    process = psutil.Process(daemon.process.pid)
    return process.num_fds(), process.num_threads()


@pytest.mark.long
@pytest.mark.timeout(600)
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSTOP], ids=lambda number: number.name)
def test_workers_that_get_a_signal_in_the_middle_of_pages_again_and_again_cost_nothing_but_time(
    make_site: MakeSite, tmp_path: Path, number: signal.Signals
) -> None:
    settings = _settings()
    settings["job"] = {"page_attempts": 50}  # the same page may be hit by chance more often than twice
    site = make_site(settings)
    daemon = site.start(environment(tmp_path / "engine"))
    wait_for(lambda: len(_workers(daemon)) == 2, "both workers")
    site.drop("first.pdf", born_digital(2))
    site.result("first.pdf")
    before = _counts(daemon)
    chance = random.Random(number)  # noqa: S311 - the same moments at every run
    for name in range(4):
        site.drop(f"{name}.pdf", shaded([Shade.SLOW, Shade.GOOD] * 4))
    for _ in range(4 if number == signal.SIGSTOP else 8):  # each of those costs the time limit of a page
        time.sleep(chance.random())  # at any moment of the work that goes on meanwhile
        workers = _workers(daemon)
        if workers:
            with contextlib.suppress(psutil.NoSuchProcess):
                chance.choice(workers).send_signal(number)
    for name in range(4):
        job = site.result(f"{name}.pdf", _ASSEMBLY_LIMIT)
        assert (job.status["status"], job.status["failed_pages"]) == ("completed", [])
    _nothing_left(site, daemon)
    # Threads come and go with the processes that they wait for; descriptors with their pipes.
    wait_for(lambda: _counts(daemon)[0] <= before[0] + 2 and _counts(daemon)[1] <= before[1] + 6, "no descriptor left")
