"""A worker that speaks rubbish, lies, hangs or cannot be killed costs a task, never its place in the pool.

The workers here are real processes: programs that speak the protocol badly, or ours with a signal.
"""

import asyncio
import json
import os
import signal
import sys
import time
from pathlib import Path

import psutil
import pytest

from pdfocr_watcher.errors import ErrorCode, PdfocrError
from pdfocr_watcher.pipeline import child_process, workers
from pdfocr_watcher.pipeline.reader import EngineState
from tests.pipeline.doubles import NULL_WORKER, PATIENCE, outcome, page_task, until

READY = json.dumps({"ready": True, "engine": {"name": "null", "model": "none", "version": "1"}})
DONE = '{"number": number, "ok": True}'

#: What a worker may do instead of answering: Python, with the task's number at hand.
RUBBISH = {
    "text": "print('Loading checkpoint shards: 100%')",
    "bytes": r"sys.stdout.buffer.write(b'\x00\xff\xfe\n')",
    "an empty line": "print()",
    "no object": "print('[1, 2]')",
    "an empty object": "print('{}')",
    "no number": """print('{"ok": true}')""",
    "another task's number": "print(json.dumps({'number': number + 1, 'ok': True}))",
    "no code": "print(json.dumps({'number': number, 'ok': False}))",
    "an unknown code": "print(json.dumps({'number': number, 'ok': False, 'code': 'tired', 'detail': ''}))",
    "an ok that is none": "print(json.dumps({'number': number, 'ok': 'yes'}))",
    "brackets within brackets": "print('[' * 60_000)",
    "a line without end": "sys.stdout.write('x' * (1 << 24))",
    "the end of its output": "sys.stdout.flush(); os.close(1); time.sleep(600)",
    "its own end": "os._exit(3)",
}

#: The same for the first line, with which a worker says that it is ready.
BAD_STARTS = {
    "text": "print('Downloading model ...')",
    "bytes": r"sys.stdout.buffer.write(b'\x00\xff\xfe\n')",
    "an empty object": "print('{}')",
    "no engine": """print('{"ready": true}')""",
    "an engine that is none": """print('{"ready": true, "engine": 5}')""",
    "no code": """print('{"ready": false}')""",
    "an unknown code": """print('{"ready": false, "code": "tired", "detail": ""}')""",
    "brackets within brackets": "print('[' * 60_000)",
    "a line without end": "sys.stdout.write('x' * (1 << 24))",
    "the end of its output": "sys.stdout.flush(); os.close(1); time.sleep(600)",
    "its own end": "os._exit(3)",
}


@pytest.fixture
def speak(tmp_path, start_with):
    """Have workers be a program of the test's; None for ours again."""

    def use(text):
        if text is None:
            start_with(None)
            return
        program = tmp_path / "speaker.py"
        program.write_text(f"import json, os, sys, time\n{text}\nsys.stdout.flush()\ntime.sleep(600)\n")
        start_with(f"exec {sys.executable} {program}")

    return use


def answering(action):
    """A worker that starts well, and then does `action` for every task."""
    return (
        f"print({READY!r}, flush=True)\n"
        "for line in sys.stdin:\n"
        "    number = json.loads(line)['number']\n"
        f"    {action}\n"
        "    sys.stdout.flush()\n"
    )


@pytest.mark.parametrize("said", RUBBISH.values(), ids=RUBBISH.keys())
async def test_an_answer_that_is_none_costs_its_task_alone(make_pool, folder, speak, said):
    speak(answering(said))
    pool = await make_pool()
    (pid,) = pool.pids
    speak(None)

    assert await outcome(pool.call(page_task(folder, 0), 600)) is ErrorCode.ENGINE_CRASHED
    assert await outcome(pool.call(page_task(folder, 1), 60)) is None

    assert folder.checkpointed() == {1}
    assert pool.pids not in ([], [pid])
    assert not psutil.pid_exists(pid)


@pytest.mark.parametrize("said", BAD_STARTS.values(), ids=BAD_STARTS.keys())
async def test_a_start_that_is_none_is_tried_again_until_it_is_one(make_pool, folder, speak, said):
    speak(said)
    pool = await make_pool()
    assert (pool.state, pool.failure.code) == (EngineState.FAILED, ErrorCode.ENGINE_UNAVAILABLE)
    speak(None)
    assert await outcome(pool.call(page_task(folder), 60)) is None
    assert (pool.state, pool.failure) == (EngineState.READY, None)


async def test_a_second_answer_is_not_taken_for_the_next_tasks(make_pool, folder, speak):
    speak(answering(f"print(json.dumps({DONE}) + chr(10) + json.dumps({DONE}))"))
    pool = await make_pool()
    (pid,) = pool.pids
    speak(None)
    assert await outcome(pool.call(page_task(folder, 0), 60)) is None
    await until(lambda: pool.pids not in ([], [pid]))
    assert await outcome(pool.call(page_task(folder, 1), 60)) is None
    assert folder.checkpointed() == {1}, "the next task was really done"


async def test_a_worker_that_talks_without_being_asked_is_replaced_and_costs_no_task(make_pool, folder, speak):
    speak(f"print({READY!r}, flush=True)\nwhile True: print('Still here.' * 1000, flush=True)")
    pool = await make_pool()
    (pid,) = pool.pids
    speak(None)
    await until(lambda: pool.pids not in ([], [pid]))
    assert await outcome(pool.call(page_task(folder), 60)) is None


async def test_a_worker_that_dies_while_it_is_idle_is_replaced_before_anybody_needs_it(make_pool):
    pool = await make_pool(size=2)
    await until(lambda: len(pool.pids) == 2)
    before = pool.pids
    os.kill(before[0], signal.SIGKILL)
    await until(lambda: len(pool.pids) == 2 and pool.pids[0] != before[0])


async def test_an_engine_that_never_lives_until_its_first_task_is_said_and_tried_less_and_less_often(
    make_pool, folder, speak
):
    speak(f"print({READY!r}, flush=True)\nos._exit(0)")
    pool = await make_pool()
    await until(lambda: pool.failure is not None)
    assert "does not live" in pool.failure.detail
    assert pool._places[0].failures > 1
    speak(None)
    assert await outcome(pool.call(page_task(folder), 60)) is None
    assert pool._places[0].failures == 0


async def test_a_stopped_worker_costs_a_task_its_time_limit_and_is_replaced(make_pool, folder):
    pool = await make_pool()
    (pid,) = pool.pids
    os.kill(pid, signal.SIGSTOP)
    assert await outcome(pool.call(page_task(folder, 0), 0.5)) is ErrorCode.ENGINE_TIMEOUT
    assert not psutil.pid_exists(pid)
    assert await outcome(pool.call(page_task(folder, 1), 60)) is None


async def test_a_worker_that_grew_too_large_in_a_task_is_ended_with_a_code_that_says_so(make_pool, folder, speak):
    speak(answering("eaten = []\n    while True: eaten.append(b'x' * 10_000_000); time.sleep(0.02)"))
    pool = await make_pool(memory_bytes=200_000_000)
    speak(None)
    with pytest.raises(PdfocrError) as caught:
        await pool.call(page_task(folder, 0), 60)
    assert caught.value.code is ErrorCode.ENGINE_OUT_OF_MEMORY
    assert "200000000 are allowed" in caught.value.detail
    pool._memory_bytes = None  # ours is larger than that
    assert await outcome(pool.call(page_task(folder, 1), 60)) is None


async def test_what_a_worker_started_counts_as_its_own_memory(make_pool, folder, speak):
    eater = "import time; eaten = b'x' * 400_000_000; time.sleep(600)"
    speak(answering(f"import subprocess; subprocess.run([sys.executable, '-c', {eater!r}])"))
    pool = await make_pool(memory_bytes=200_000_000)
    speak(None)
    assert await outcome(pool.call(page_task(folder, 0), 60)) is ErrorCode.ENGINE_OUT_OF_MEMORY


async def test_a_worker_that_grows_from_task_to_task_is_replaced_between_two_and_no_task_is_lost(
    make_pool, folder, speak
):
    speak("kept = []\n" + answering(f"kept.append(b'x' * 40_000_000); print(json.dumps({DONE}))"))
    pool = await make_pool(memory_bytes=300_000_000)
    seen = set()
    for index in range(20):
        assert await outcome(pool.call(page_task(folder, index), 60)) is None
        seen.update(pool.pids)
    assert len(seen) >= 3


@pytest.mark.parametrize("leave", ["", "os.setsid(); "], ids=["in its session", "in a session of its own"])
async def test_a_child_that_a_dead_worker_leaves_behind_holds_nothing_up(make_pool, folder, speak, tmp_path, leave):
    told = tmp_path / "child"
    # The child is a fork: it holds the worker's pipes open.
    speak(
        answering(
            "hear, say = os.pipe()\n"
            "    child = os.fork()\n"
            "    if child == 0:\n"
            f"        {leave}os.write(say, b'.')\n"
            "        time.sleep(600)\n"
            "    os.read(hear, 1)\n"
            f"    with open({str(told)!r}, 'w') as file: file.write(str(child))\n"
            "    os._exit(3)"
        )
    )
    pool = await make_pool()
    speak(None)
    began = time.monotonic()
    assert await outcome(pool.call(page_task(folder, 0), 600)) is ErrorCode.ENGINE_CRASHED
    assert time.monotonic() - began < PATIENCE, "it is the crash that was noticed, not the time limit"
    assert await outcome(pool.call(page_task(folder, 1), 60)) is None
    child = int(told.read_text())
    if leave:
        assert psutil.pid_exists(child), "nobody finds it any more; a service manager ends it with the service"
        os.kill(child, signal.SIGKILL)
    else:
        await until(lambda: not psutil.pid_exists(child) or psutil.Process(child).status() == psutil.STATUS_ZOMBIE)


def descriptors():
    return len(os.listdir("/proc/self/fd"))


def zombies(process):
    return {child.pid for child in process.children() if child.status() == psutil.STATUS_ZOMBIE}


async def test_crashes_leave_no_descriptor_no_zombie_and_no_thread(make_pool, folder, monkeypatch):
    monkeypatch.setattr(workers, "_WATCH_INTERVAL", 0.02)
    pool = await make_pool(size=2)
    await until(lambda: len(pool.pids) == 2)
    myself = psutil.Process()
    # Tests before this one may have left some that nobody waits for.
    dead = zombies(myself)
    before = descriptors(), myself.num_threads()
    for index in range(8):
        os.kill(pool.pids[index % 2], signal.SIGKILL)
        await until(lambda: len(pool.pids) < 2)
        await until(lambda: len(pool.pids) == 2)
        assert await outcome(pool.call(page_task(folder, index), 60)) is None
    await until(lambda: all(place.worker.ready for place in pool._places))
    await until(lambda: (descriptors(), myself.num_threads()) == before)
    assert zombies(myself) <= dead


@pytest.fixture
def freezer():
    """A group whose processes nobody can kill while it is frozen, as one that waits for a dead disk."""
    group = Path(f"/sys/fs/cgroup/freezer/pdfocr-{os.getpid()}")
    try:
        group.mkdir()
    except OSError as error:
        pytest.skip(f"no process can be frozen here; that takes root and the freezer of cgroup version 1: {error}")
    yield group
    (group / "freezer.state").write_text("THAWED")
    deadline = time.monotonic() + PATIENCE
    while (group / "cgroup.procs").read_text() and time.monotonic() < deadline:
        time.sleep(0.01)
    group.rmdir()


async def test_a_worker_that_cannot_be_killed_is_not_waited_for_and_no_more_are_heaped_upon_it(
    make_pool, folder, freezer, monkeypatch
):
    monkeypatch.setattr(child_process, "_KILLED", 0.3)
    monkeypatch.setattr(workers, "_BACKOFF", (0.05, 0.2))
    pool = await make_pool()
    (pid,) = pool.pids
    (freezer / "cgroup.procs").write_text(str(pid))
    (freezer / "freezer.state").write_text("FROZEN")
    began = time.monotonic()

    assert await outcome(pool.call(page_task(folder, 0), 0.3)) is ErrorCode.ENGINE_TIMEOUT

    assert time.monotonic() - began < PATIENCE
    second = asyncio.create_task(outcome(pool.call(page_task(folder, 1), 60)))
    await until(lambda: pool.state is EngineState.FAILED)
    assert f"process {pid} hangs" in pool.failure.detail
    assert pool.pids == [pid]

    (freezer / "freezer.state").write_text("THAWED")

    assert await second is None
    assert pool.state is EngineState.READY
    assert pool.pids not in ([], [pid])


async def test_what_a_worker_says_without_end_is_read_and_forgotten(make_pool, folder, speak):
    speak(answering(f"sys.stderr.write('warning ' * 1_000_000); print(json.dumps({DONE}))"))
    pool = await make_pool(NULL_WORKER)
    assert await outcome(pool.call(page_task(folder), 60)) is None
    assert len(pool._places[0].worker._wire.said) <= 2048
