"""The worker processes are supervised: whatever happens to one, its task has an outcome and the next one is done.

A raster that is a FIFO keeps a worker in its task for as long as the test wants.
"""

import asyncio
import math
import os
import shutil
import signal
import subprocess
import sys
import time

import psutil
import pytest

from pdfocr_watcher.engines.base import EngineInfo
from pdfocr_watcher.errors import ErrorCode, PdfocrError
from pdfocr_watcher.pipeline import workers
from pdfocr_watcher.pipeline.reader import EngineState
from pdfocr_watcher.pipeline.tasks import AssembleTask, PageTask
from pdfocr_watcher.pipeline.worker import WorkerSettings
from pdfocr_watcher.pipeline.worker_process import WorkerProcess
from pdfocr_watcher.pipeline.workers import WorkerPool
from tests.pipeline.doubles import NULL_WORKER, PATIENCE, START, outcome, page_task, ppm, until, worker_in_task

NO_ENGINE = WorkerSettings("no such engine", 1, 72, 80)


class Held:
    """A page whose reading lasts until it is released."""

    def __init__(self, folder, index=0):
        self.path = folder.rasters / f"{index:04d}.ppm"
        os.mkfifo(self.path)
        self.index = index
        self.task = PageTask(str(folder.path), index, str(self.path), 72.0)
        self._writer = None

    async def in_hand(self):
        await until(self._opened)

    def _opened(self):
        if self._writer is None:
            self._writer = worker_in_task(self.path)
        return self._writer is not None

    def release(self):
        os.write(self._writer, ppm(self.index))
        self.close()

    def close(self):
        if self._writer is not None:
            os.close(self._writer)
            self._writer = None


@pytest.fixture
def hold(folder):
    held = []

    def make(index=0):
        held.append(Held(folder, index))
        return held[-1]

    yield make
    for one in held:
        one.close()


async def test_workers_load_their_engine_and_say_which_it_is(make_pool):
    pool = await make_pool(size=2)
    await until(lambda: len(pool.pids) == 2)
    assert (pool.state, pool.failure) == (EngineState.READY, None)
    assert pool.info == EngineInfo("null", "none", pool.info.version)


async def test_pages_are_read_and_results_put_together(make_pool, folder):
    pool = await make_pool(size=2)
    tasks = [page_task(folder, index) for index in range(6)]
    await asyncio.gather(*(pool.call(task, 10) for task in tasks))
    assert folder.checkpointed() == set(range(6))

    reply = await pool.call(AssembleTask(str(folder.path), 6, ("layouts",)), 10)

    assert (reply["images"], reply["written"], reply["left_out"]) == (0, ["layouts"], {})
    assert folder.layouts.read_bytes().startswith(b"%PDF-")


async def test_a_failure_of_a_task_is_told_and_the_worker_goes_on(make_pool, folder):
    pool = await make_pool()
    pids = pool.pids
    assert await outcome(pool.call(AssembleTask(str(folder.path), 1), 10)) is ErrorCode.ASSEMBLY_FAILED
    assert await outcome(pool.call(page_task(folder), 10)) is None
    assert pool.pids == pids


async def test_as_many_tasks_are_done_at_a_time_as_there_are_workers(make_pool, folder, hold):
    pool = await make_pool(size=2)
    held = [hold(0), hold(1)]
    calls = [asyncio.create_task(pool.call(one.task, 10)) for one in held]
    for one in held:
        await one.in_hand()
    for one in held:
        one.release()
    await asyncio.gather(*calls)
    assert folder.checkpointed() == {0, 1}


async def test_a_worker_that_was_killed_while_idle_costs_no_task(make_pool, folder):
    pool = await make_pool()
    (pid,) = pool.pids
    os.kill(pid, signal.SIGKILL)
    await until(lambda: not pool.pids)

    assert await outcome(pool.call(page_task(folder), 10)) is None
    assert pool.pids not in ([], [pid])


async def test_a_worker_that_was_killed_in_its_task_costs_that_task_alone(make_pool, folder, hold):
    pool = await make_pool()
    (pid,) = pool.pids
    held = hold(0)
    first = asyncio.create_task(outcome(pool.call(held.task, 60)))
    second = asyncio.create_task(outcome(pool.call(page_task(folder, 1), 60)))
    await held.in_hand()

    os.kill(pid, signal.SIGKILL)

    assert await first is ErrorCode.ENGINE_CRASHED
    assert await second is None
    assert pool.pids not in ([], [pid])
    assert folder.checkpointed() == {1}


async def test_a_task_over_its_time_limit_is_ended_with_its_process(make_pool, folder, hold):
    pool = await make_pool()
    (pid,) = pool.pids
    began = time.monotonic()

    assert await outcome(pool.call(hold(0).task, 0.2)) is ErrorCode.ENGINE_TIMEOUT

    assert time.monotonic() - began < PATIENCE / 2
    assert not psutil.pid_exists(pid)
    assert await outcome(pool.call(page_task(folder, 1), 10)) is None


async def test_how_late_an_answer_is_counts_from_the_limit_of_what_is_in_hand(make_pool, hold):
    pool = await make_pool()
    assert pool.overdue == 0.0
    page = hold()
    task = asyncio.create_task(pool.call(page.task, 50.0))
    await page.in_hand()
    assert -50.0 <= pool.overdue < -40.0
    page.release()
    await task
    assert pool.overdue == 0.0


async def test_a_worker_that_answers_nothing_and_that_nothing_ends_is_late(make_pool, hold, monkeypatch):
    pool = await make_pool()
    monkeypatch.setattr(WorkerProcess, "call", lambda *_: asyncio.Event().wait())
    task = asyncio.create_task(pool.call(hold().task, 0.05))
    await until(lambda: pool.overdue > 0.1)
    task.cancel()


async def test_a_pool_in_which_nobody_hands_out_tasks_any_more_is_late_for_ever(make_pool):
    pool = await make_pool()
    pool._runners[0].cancel()
    await until(lambda: pool.overdue == math.inf)
    pool.drain()  # told to end, it may
    assert pool.overdue == 0.0


async def test_the_time_limit_counts_from_when_a_worker_takes_the_task(make_pool, folder, hold):
    pool = await make_pool()
    held = hold(0)
    first = asyncio.create_task(outcome(pool.call(held.task, 60)))
    await held.in_hand()
    second = asyncio.create_task(outcome(pool.call(page_task(folder, 1), 0.5)))
    await asyncio.sleep(0.6)  # the limit has to pass, and it is the real clock's
    assert not second.done()
    held.release()
    assert (await first, await second) == (None, None)


async def test_urgent_tasks_go_before_those_that_wait_and_each_kind_in_order(make_pool, folder, hold):
    pool = await make_pool()
    held = hold(9)
    order = []

    async def call(index, *, urgent=False):
        await pool.call(page_task(folder, index), 10, urgent=urgent)
        order.append(index)

    first = asyncio.create_task(pool.call(held.task, 10))
    await held.in_hand()
    waiting = [asyncio.create_task(call(index, urgent=index in {2, 3})) for index in range(4)]
    await asyncio.sleep(0)
    held.release()
    await asyncio.gather(first, *waiting)

    assert order == [2, 3, 0, 1]


async def test_a_call_that_was_given_up_before_a_worker_took_it_is_not_done(make_pool, folder, hold):
    pool = await make_pool()
    held = hold(0)
    first = asyncio.create_task(pool.call(held.task, 10))
    await held.in_hand()
    given_up = asyncio.create_task(pool.call(page_task(folder, 1), 10))
    await asyncio.sleep(0)
    given_up.cancel()
    held.release()
    await first
    await pool.call(page_task(folder, 2), 10)
    assert folder.checkpointed() == {0, 2}


async def test_a_call_that_was_given_up_in_a_workers_hand_does_not_disturb_the_next(make_pool, folder, hold):
    pool = await make_pool()
    held = hold(0)
    given_up = asyncio.create_task(pool.call(held.task, 10))
    await held.in_hand()
    given_up.cancel()
    await asyncio.wait([given_up])
    second = asyncio.create_task(pool.call(AssembleTask(str(folder.path), 1), 10))
    held.release()
    assert (await second)["images"] == 0


async def test_an_engine_that_does_not_load_is_said_and_tasks_wait(make_pool, folder):
    pool = await make_pool(NO_ENGINE)
    assert pool.state is EngineState.FAILED
    assert pool.failure.code is ErrorCode.ENGINE_UNAVAILABLE
    assert "no such engine" in pool.failure.detail

    call = asyncio.create_task(pool.call(page_task(folder), 10))
    await asyncio.sleep(0.1)
    assert not call.done()

    await pool.stop()
    await asyncio.wait([call], timeout=PATIENCE)
    assert call.cancelled()


#: A worker that answers every task with a failure whose message has more than 64 KiB.
TALKATIVE = """
import json, sys
print(json.dumps({"ready": True, "engine": {"name": "null", "model": "none", "version": "1"}}), flush=True)
for line in sys.stdin:
    number = json.loads(line)["number"]
    answer = {"number": number, "ok": False, "code": "engine_failed", "detail": "much too long " * 10_000}
    print(json.dumps(answer), flush=True)
"""


async def test_an_answer_that_is_longer_than_any_should_be_costs_its_task_alone(
    make_pool, folder, start_with, tmp_path
):
    (tmp_path / "talkative.py").write_text(TALKATIVE)
    start_with(f"exec {sys.executable} {tmp_path}/talkative.py")
    pool = await make_pool()
    (pid,) = pool.pids
    start_with(None)  # whoever takes the next task may be another process
    first = asyncio.create_task(outcome(pool.call(page_task(folder, 0), 60)))
    second = asyncio.create_task(outcome(pool.call(page_task(folder, 1), 60)))

    assert await first in {ErrorCode.ENGINE_FAILED, ErrorCode.ENGINE_CRASHED}

    assert await second is None
    assert pool.pids not in ([], [pid])
    assert folder.checkpointed() == {1}


@pytest.mark.parametrize("script", ["exit 3", "echo this is no answer; exec sleep 60", "echo 5; exec sleep 60", ""])
async def test_a_worker_that_does_not_start_is_tried_again_until_it_does_and_then_tasks_are_done(
    make_pool, folder, start_with, script
):
    start_with(script)
    pool = await make_pool()
    assert pool.state is EngineState.FAILED
    assert pool.failure.code is ErrorCode.ENGINE_UNAVAILABLE
    call = asyncio.create_task(outcome(pool.call(page_task(folder), 10)))

    start_with(None)

    assert await call is None
    assert (pool.state, pool.failure) == (EngineState.READY, None)


async def test_tries_to_start_an_engine_come_less_and_less_often(monkeypatch):
    waited = []

    async def sleep(seconds):
        waited.append(seconds)
        if len(waited) == 2000:
            raise asyncio.CancelledError

    async def start(*_arguments):
        raise PdfocrError(ErrorCode.ENGINE_UNAVAILABLE)

    monkeypatch.setattr(WorkerProcess, "start", start)
    monkeypatch.setattr(workers.asyncio, "sleep", sleep)
    pool = WorkerPool(NULL_WORKER, 1, START)
    await asyncio.gather(pool._run(pool._places[0]), return_exceptions=True)
    assert waited == [1, 2, 4, 8, 16, 32] + 1994 * [60], "for ever, but no more often than once a minute"


async def test_an_engine_that_takes_too_long_to_load_is_ended(make_pool, start_with, tmp_path):
    start_with(f"echo $$ > {tmp_path}/pid; exec sleep 60")
    pool = await make_pool(start_timeout=0.5)
    assert pool.failure.code is ErrorCode.ENGINE_UNAVAILABLE
    assert "0.5 s" in pool.failure.detail
    await pool.stop()
    assert not psutil.pid_exists(int((tmp_path / "pid").read_text()))


async def test_a_task_whose_worker_cannot_be_replaced_ends_with_the_pool(make_pool, folder, start_with):
    pool = await make_pool()
    start_with("exit 3")
    os.kill(pool.pids[0], signal.SIGKILL)
    await until(lambda: not pool.pids)
    call = asyncio.create_task(pool.call(page_task(folder), 10))
    await until(lambda: pool.state is EngineState.FAILED)

    await pool.stop()

    await asyncio.wait([call], timeout=PATIENCE)
    assert call.cancelled()


async def test_draining_gives_up_what_waits_and_finishes_what_is_in_hand(make_pool, folder, hold):
    pool = await make_pool()
    held = hold(0)
    in_hand = asyncio.create_task(pool.call(held.task, 10))
    await held.in_hand()
    waiting = asyncio.create_task(pool.call(page_task(folder, 1), 10))
    await asyncio.sleep(0)

    pool.drain()

    await asyncio.wait([waiting], timeout=PATIENCE)
    assert waiting.cancelled()
    late = asyncio.create_task(pool.call(page_task(folder, 2), 10))
    await asyncio.wait([late], timeout=PATIENCE)
    assert late.cancelled()
    held.release()
    assert (await in_hand)["ok"]
    assert folder.checkpointed() == {0}


async def test_stopping_leaves_no_process_though_a_worker_is_stuck(make_pool, monkeypatch, hold):
    monkeypatch.setattr(workers, "_GRACE", 0.2)
    pool = await make_pool(size=2)
    await until(lambda: len(pool.pids) == 2)
    pids = pool.pids
    stuck = hold(0)
    call = asyncio.create_task(pool.call(stuck.task, 60))
    await stuck.in_hand()

    await pool.stop()

    assert not any(map(psutil.pid_exists, pids))
    await asyncio.wait([call], timeout=PATIENCE)
    assert call.cancelled()


async def test_stopping_before_anything_was_started_is_no_trouble():
    await WorkerPool(NULL_WORKER, 2, START).stop()


DAEMON = """
import asyncio
import structlog
import sys
from pdfocr_watcher.pipeline.tasks import PageTask
from pdfocr_watcher.pipeline.worker import WorkerSettings
from pdfocr_watcher.pipeline.workers import WorkerPool

structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(50))

async def main():
    pool = WorkerPool(WorkerSettings("null", 1, 72, 80), 2, 10)
    pool.start()
    await pool.settled()
    while len(pool.pids) < 2 and pool.failure is None:
        await asyncio.sleep(0.01)
    print(*pool.pids, flush=True)
    {then}

asyncio.run(main())
"""


async def test_workers_end_with_a_daemon_that_was_killed_also_in_the_middle_of_a_page(hold):
    held = hold(0)
    code = DAEMON.format(then="await pool.call(PageTask(sys.argv[1], 0, sys.argv[2], 72.0), 60)")
    command = [sys.executable, "-c", code, str(held.path.parent.parent), str(held.path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as daemon:  # noqa: ASYNC220 - nothing else waits
        pids = [int(pid) for pid in daemon.stdout.readline().split()]
        assert len(pids) == 2
        await held.in_hand()
        daemon.kill()
        await until(lambda: not any(map(_runs, pids)))


def _runs(pid):
    """Whether a process is there that is more than an entry nobody has collected yet."""
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


@pytest.mark.skipif(
    shutil.which("unshare") is None
    or subprocess.run(["unshare", "-Urpf", "true"], check=False, capture_output=True).returncode != 0,
    reason="no PID namespaces here",
)
def test_workers_start_though_the_daemon_is_the_first_process_of_a_container():
    code = DAEMON.format(then="await pool.stop()")
    done = subprocess.run(
        ["unshare", "-Urpf", "--kill-child", sys.executable, "-c", code], check=False, capture_output=True, timeout=60
    )
    assert len(done.stdout.split()) == 2, done.stderr.decode()
