"""Hooks are run after a delivery, a few at a time, and whatever becomes of them is told and harms nothing."""

import asyncio
from pathlib import Path

import pytest

from pdfocr_watcher.config.model import Hooks as Settings
from pdfocr_watcher.daemon import hooks as hooks_module
from pdfocr_watcher.daemon.hooks import Hooks
from pdfocr_watcher.jobs.model import Stage, Status
from tests.pipeline.doubles import pending_status, until

COMPLETED = pending_status().model_copy(update={"status": Status.COMPLETED, "stage": Stage.DONE})
FAILED = COMPLETED.model_copy(update={"status": Status.FAILED})
RESULT = Path("/srv/outbox/letter.00000001")


@pytest.fixture
async def make_hooks():
    made = []

    def make(**settings):
        noted = []

        async def record(status, result, failure):
            noted.append((status.job_id, result, failure))
            await asyncio.sleep(0)

        hooks = Hooks(Settings(**settings), record)
        made.append(hooks)
        return hooks, noted

    yield make
    for hooks in made:
        await hooks.stop(0)


def shell(script):
    return ("/bin/sh", "-c", script)


async def test_each_ending_has_its_command(make_hooks, tmp_path):
    line = f'echo "$0 $PDFOCR_STATUS" >> {tmp_path}/log'
    hooks, noted = make_hooks(completed=(*shell(line), "one"), failed=(*shell(line), "two"), max_parallel=1)
    hooks.delivered(COMPLETED, RESULT)
    hooks.delivered(FAILED, RESULT)
    assert len(hooks) == 2
    await until(lambda: not len(hooks))
    assert (tmp_path / "log").read_text() == "one completed\ntwo failed\n"
    assert (noted, hooks.failed) == ([], 0)


async def test_without_a_command_nothing_is_run(make_hooks):
    hooks, _ = make_hooks(failed=shell("exit 1"))
    hooks.delivered(COMPLETED, RESULT)
    assert len(hooks) == 0


async def test_a_failure_is_noted_once_and_only_its_program_is_named(make_hooks):
    hooks, noted = make_hooks(completed=shell("exit 3"))
    hooks.delivered(COMPLETED, RESULT)
    await until(lambda: not len(hooks))
    ((job_id, result, failure),) = noted
    assert (job_id, result) == (COMPLETED.job_id, RESULT)
    assert (failure.command, failure.exit_status, failure.message) == ("/bin/sh", 3, "It ended with status 3.")
    assert hooks.failed == 1


async def test_no_more_run_at_a_time_than_may(make_hooks, tmp_path):
    # Whoever meets another one in the room fails.
    script = f"mkdir {tmp_path}/room && sleep 0.05 && rmdir {tmp_path}/room"
    hooks, noted = make_hooks(completed=shell(script), max_parallel=1)
    for _ in range(5):
        hooks.delivered(COMPLETED, RESULT)
    await until(lambda: not len(hooks))
    assert noted == []


async def test_beyond_the_most_that_may_wait_they_are_not_run(make_hooks, tmp_path, monkeypatch):
    monkeypatch.setattr(hooks_module, "_MOST_WAITING", 2)
    hooks, noted = make_hooks(completed=shell(f"sleep 0.2; echo x >> {tmp_path}/log"), max_parallel=1)
    for _ in range(3):
        hooks.delivered(COMPLETED, RESULT)
    await until(lambda: not len(hooks))
    assert (tmp_path / "log").read_text() == "x\nx\n"
    assert [failure.exit_status for _, _, failure in noted] == [None]


async def test_a_stop_ends_those_that_run_and_runs_no_more(make_hooks, tmp_path):
    hooks, noted = make_hooks(completed=shell(f"echo x >> {tmp_path}/log; sleep 60"), max_parallel=1)
    for _ in range(3):
        hooks.delivered(COMPLETED, RESULT)
    await until((tmp_path / "log").exists)
    await hooks.stop(0.1)
    assert len(hooks) == 0
    assert (tmp_path / "log").read_text() == "x\n"
    assert [failure.message for _, _, failure in noted] == ["It was ended with the daemon."]


async def test_a_failure_that_cannot_be_noted_harms_nothing():
    async def refuse(*_):
        await asyncio.sleep(0)
        raise OSError("full")

    hooks = Hooks(Settings(completed=shell("exit 1")), refuse)
    hooks.delivered(COMPLETED, RESULT)
    await until(lambda: not len(hooks))
    assert hooks.failed == 1
    await hooks.stop(0)
