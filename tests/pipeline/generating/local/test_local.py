"""An engine in a process of its own gives each request an answer, whatever becomes of the process.

The processes are real: programs that speak the protocol and do with each picture what its name says (see `stub_host`).
"""

import asyncio
import errno
import os
import signal
import tempfile
import threading
import time

import psutil
import pytest

from pdfocr_watcher.engines.base import EngineInfo
from pdfocr_watcher.engines.generation import FinishReason, Generation
from pdfocr_watcher.errors import ErrorCode
from pdfocr_watcher.pipeline.generating import host_process, local, session
from pdfocr_watcher.pipeline.generating.generator import Generator
from pdfocr_watcher.pipeline.generating.local import LocalEngine
from pdfocr_watcher.pipeline.reader import EngineState
from tests.pipeline.doubles import PATIENCE, START, until
from tests.pipeline.generating.local.conftest import SETTINGS, asked, held, read


async def test_an_engine_says_which_it_is_and_answers(make_engine, stub):
    engine = await make_engine()
    assert (engine.state, engine.failure) == (EngineState.READY, None)
    assert engine.info == EngineInfo("vllm", "/models/m", "0.0")
    assert engine.figures == {"max_num_seqs": 32}
    assert await engine.generate(asked("good-1"), 10) == Generation("good-1.png", FinishReason.STOP, 3, 5)
    (line,) = stub.logged("environment")
    assert line["environment"]["HF_HUB_OFFLINE"] == "1"
    assert len(stub.folders()) == 1


async def test_many_requests_are_in_hand_at_a_time_and_each_gets_its_own_answer(make_engine, stub):
    engine = await make_engine(capacity=8)
    names = [f"slow-{number % 3 / 10}-{number}" for number in range(24)]
    assert await asyncio.gather(*(read(engine, name) for name in names)) == names
    assert max(len(line["beside"]) for line in stub.logged("asked")) == 7


async def test_urgent_requests_go_first_and_each_kind_in_order(make_engine, stub):
    engine = await make_engine(capacity=1)
    async with held(engine, stub, "held-0"):
        calls = [asyncio.create_task(read(engine, f"good-{n}", urgent=n in {2, 3})) for n in range(4)]
        await asyncio.sleep(0)
    await asyncio.gather(*calls)
    assert stub.asked() == ["held-0", "good-2", "good-3", "good-0", "good-1"]


async def test_a_refused_request_fails_and_the_others_go_on(make_engine):
    engine = await make_engine()
    pids = engine.pids
    names = ["good-1", "refused-2", "good-3"]
    assert await asyncio.gather(*(read(engine, name) for name in names)) == [
        "good-1", ErrorCode.ENGINE_FAILED, "good-3",
    ]  # fmt: skip
    assert engine.pids == pids


async def test_a_request_that_was_taken_back_is_taken_from_the_engine_and_makes_room(make_engine, stub):
    engine = await make_engine(capacity=1)
    call = asyncio.create_task(read(engine, "endless-1"))
    await until(stub.asked)
    next_one = asyncio.create_task(read(engine, "good-2"))
    call.cancel()
    assert await next_one == "good-2"
    await until(lambda: [line["cancel"] for line in stub.logged("cancel")] == ["endless-1.png"])


async def test_how_late_an_answer_is_counts_from_the_limit_of_what_the_engine_was_given(make_engine, stub):
    engine = await make_engine(capacity=1)
    assert engine.overdue == 0.0
    async with held(engine, stub, "held-0"):
        assert engine.overdue < 0.0
    await until(lambda: engine.overdue == 0.0)


async def test_a_request_that_was_taken_back_before_it_was_given_is_never_asked(make_engine, stub):
    engine = await make_engine(capacity=1)
    async with held(engine, stub, "held-0"):
        call = asyncio.create_task(read(engine, "good-1"))
        await asyncio.sleep(0)
        call.cancel()
        await asyncio.wait([call])
    assert await read(engine, "good-2") == "good-2"
    assert stub.asked() == ["held-0", "good-2"]


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSEGV])
async def test_an_engine_that_is_killed_in_work_costs_nothing_but_time(make_engine, stub, number):
    engine = await make_engine(capacity=8)
    (pid,) = engine.pids
    names = [f"slow-0.3-{number}" for number in range(8)]
    calls = [asyncio.create_task(read(engine, name)) for name in names]
    await until(lambda: len(stub.asked()) == 8)

    os.kill(pid, number)

    assert await asyncio.gather(*calls) == names
    assert engine.pids not in ([], [pid])
    assert len(stub.starts()) == 2


async def test_an_engine_that_is_killed_while_idle_is_replaced_before_anybody_needs_it(make_engine):
    engine = await make_engine()
    (pid,) = engine.pids
    os.kill(pid, signal.SIGKILL)
    await until(lambda: engine.state is EngineState.READY and engine.pids not in ([], [pid]))
    assert await read(engine, "good-1") == "good-1"


@pytest.mark.parametrize("name", ["die-9", "kill-9", "text-9", "liar-9", "huge-9", "gone-9"])
async def test_a_page_that_kills_every_engine_fails_alone_and_the_others_are_read(make_engine, stub, states, name):
    engine = await make_engine(capacity=8)
    others = [f"slow-0.2-{number}" for number in range(4)]

    *texts, code = await asyncio.gather(*(read(engine, one) for one in [*others, name]))

    assert texts == others
    assert code is ErrorCode.ENGINE_CRASHED
    deaths = [line for line in stub.logged("asked") if line["asked"] == f"{name}.png"]
    assert [bool(line["beside"]) for line in deaths][2:] in ([], [False]), "after two deaths it is alone"
    assert EngineState.FAILED not in states, "whoever waits for the others need not give up"


async def test_an_engine_that_hangs_at_a_page_again_and_again_has_not_failed_itself(make_engine, states):
    engine = await make_engine()
    assert await read(engine, "stuck-1", limit=0.3) is ErrorCode.ENGINE_TIMEOUT
    assert await read(engine, "good-2") == "good-2"
    assert EngineState.FAILED not in states


async def test_an_engine_that_dies_again_and_again_without_a_page_has_failed(make_engine, stub, states):
    stub.start_with("ready(); os._exit(0)")
    await make_engine()
    await until(lambda: EngineState.FAILED in states)
    stub.start_with(None)


async def test_who_was_there_at_two_deaths_is_alone_until_the_cause_is_found_and_then_no_longer(make_engine, stub):
    engine = await make_engine(capacity=4)
    names = ["slow-0.2-1", "die-2", "slow-0.2-3", "slow-0.2-4"]
    calls = [asyncio.create_task(read(engine, name)) for name in names]
    await until(lambda: len(stub.starts()) == 3)
    await asyncio.gather(*calls)
    third = [line for line in stub.logged("asked") if line["pid"] == stub.logged("start")[2]["pid"]]
    assert [(line["asked"], line["beside"]) for line in third] == [("slow-0.2-1.png", []), ("die-2.png", [])]
    fourth = [line for line in stub.logged("asked") if line["pid"] == stub.logged("start")[3]["pid"]]
    assert [line["asked"] for line in fourth] == ["slow-0.2-3.png", "slow-0.2-4.png"]
    assert fourth[1]["beside"] == ["slow-0.2-3.png"], "the others are in work together again"


async def test_a_page_that_was_alone_at_one_death_is_asked_again(make_engine, stub):
    engine = await make_engine()
    assert await read(engine, "die1-1") == "die1-1"
    assert len(stub.starts()) == 2


async def test_a_page_over_its_time_limit_fails_alone_where_the_engine_works_on(make_engine, stub):
    engine = await make_engine()
    pids = engine.pids
    async with held(engine, stub, "held-1"):
        assert await read(engine, "endless-2", limit=0.3) is ErrorCode.ENGINE_TIMEOUT
    assert engine.pids == pids
    await until(lambda: [line["cancel"] for line in stub.logged("cancel")] == ["endless-2.png"])


async def test_the_time_limit_counts_from_when_the_engine_is_given_the_request(make_engine, stub):
    engine = await make_engine(capacity=1)
    async with held(engine, stub, "held-1"):
        call = asyncio.create_task(read(engine, "good-2", limit=0.3))
        await asyncio.sleep(0.4)  # the limit has to pass, and it is the real clock's
        assert not call.done()
    assert await call == "good-2"


async def test_an_engine_that_hangs_is_ended_and_what_it_had_is_asked_again(make_engine):
    engine = await make_engine()
    (pid,) = engine.pids
    calls = [asyncio.create_task(read(engine, name, limit=0.5)) for name in ("stuck-1", "slow-0.1-2", "slow-0.1-3")]

    stuck, *others = await asyncio.gather(*calls)

    assert others == ["slow-0.1-2", "slow-0.1-3"]
    assert stuck is ErrorCode.ENGINE_TIMEOUT, "it hung again when it was alone"
    assert not psutil.pid_exists(pid)


async def test_progress_is_told_by_answers_where_tokens_cannot_be_counted(make_engine):
    settings = type(SETTINGS)(SETTINGS.model, "no tokens", SETTINGS.engine_args)
    engine = await make_engine(settings)
    pids = engine.pids
    endless = asyncio.create_task(read(engine, "endless-1", limit=0.6))
    for number in range(5):
        await read(engine, f"slow-0.2-{number}")
    assert await endless is ErrorCode.ENGINE_TIMEOUT
    assert engine.pids == pids


async def test_a_process_that_no_longer_says_that_it_lives_is_replaced(make_engine, monkeypatch):
    monkeypatch.setattr(local, "_SILENT", 0.5)
    engine = await make_engine()
    (pid,) = engine.pids
    os.kill(pid, signal.SIGSTOP)
    await until(lambda: engine.pids not in ([], [pid]))
    assert await read(engine, "good-1") == "good-1"
    assert not psutil.pid_exists(pid)


async def test_a_gpu_that_runs_out_of_memory_in_work_is_given_less_at_a_time_until_it_suffices(
    make_engine, stub, states
):
    engine = await make_engine(capacity=32)
    others = [f"slow-0.1-{number}" for number in range(6)]

    texts = await asyncio.gather(*(read(engine, name) for name in ["oom-1", *others]))

    assert texts == ["oom-1", *others], "no page is blamed for what less at a time has cured"
    assert [settings["engine_args"]["max_num_seqs"] for settings in stub.starts()] == [32, 16, 8]
    assert EngineState.FAILED not in states
    assert engine.capacity == 8
    assert [note.split(" and ")[0] for note in engine.notes] == [
        "max_num_seqs is lowered from 32 to 16", "max_num_seqs is lowered from 16 to 8",
    ]  # fmt: skip


async def test_a_page_is_not_blamed_for_a_death_that_less_at_a_time_may_cure_though_it_was_there_at_another(
    make_engine,
):
    engine = await make_engine()
    assert await read(engine, "die1oom-1") == "die1oom-1"


async def test_without_stepping_down_the_page_that_is_too_much_fails_with_a_code_that_says_so(make_engine, stub):
    settings = type(SETTINGS)(SETTINGS.model, SETTINGS.template, SETTINGS.engine_args, step_down=False)
    engine = await make_engine(settings)
    assert await read(engine, "oom-1") is ErrorCode.ENGINE_OUT_OF_GPU_MEMORY
    assert await read(engine, "good-2") == "good-2"
    assert {settings["engine_args"]["max_num_seqs"] for settings in stub.starts()} == {32}


async def test_an_engine_that_does_not_load_is_said_and_requests_wait_until_it_does(make_engine, stub):
    stub.start_with("say({'ready': False, 'code': 'engine_unavailable', 'detail': 'ValueError: odd'}); sys.exit(1)")
    engine = await make_engine()
    assert engine.state is EngineState.FAILED
    assert engine.failure.code is ErrorCode.ENGINE_UNAVAILABLE
    assert "ValueError: odd" in engine.failure.detail
    call = asyncio.create_task(read(engine, "good-1"))
    stub.start_with(None)
    assert await call == "good-1"
    assert (engine.state, engine.failure) == (EngineState.READY, None)


async def test_what_vllm_says_of_a_failure_becomes_advice(make_engine, stub):
    stub.start_with(
        "sys.stderr.write('(EngineCore pid=7) ValueError: No available memory for the cache blocks. Try ...\\n')\n"
        "say({'ready': False, 'code': 'engine_unavailable', 'detail': 'RuntimeError: See root cause above.'})\n"
        "os._exit(1)\n"
    )
    engine = await make_engine()
    assert engine.failure.code is ErrorCode.ENGINE_OUT_OF_GPU_MEMORY
    assert "raise vllm.gpu_memory_utilization" in engine.failure.detail


async def test_what_was_said_before_an_engine_was_ready_explains_no_later_death(make_engine, stub):
    stub.start_with("sys.stderr.write('CUDA out of memory\\n'); sys.stderr.flush(); time.sleep(0.3)")
    engine = await make_engine()
    assert await read(engine, "die-1") is ErrorCode.ENGINE_CRASHED


async def test_what_the_engine_before_said_explains_no_start_that_fails_before_there_is_a_process(
    make_engine, stub, monkeypatch
):
    def full(**_named):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    engine = await make_engine()
    with monkeypatch.context() as patch:
        patch.setattr(tempfile, "mkdtemp", full)
        call = asyncio.create_task(read(engine, "oom-1"))
        await until(lambda: engine._failures > 4)
        assert engine.failure.code is ErrorCode.ENGINE_UNAVAILABLE
        assert "A disk is full" in engine.failure.detail
    assert await call == "oom-1"
    assert [settings["engine_args"]["max_num_seqs"] for settings in stub.starts()] == [32, 16, 8], "and no less"


async def test_a_gpu_whose_memory_others_use_is_shared_when_it_stays_so(make_engine, stub):
    stub.start_with(
        "if settings['engine_args']['gpu_memory_utilization'] > 0.8:\n"
        "    sys.stderr.write('ValueError: Free memory on device cuda:0 (20.0/25.0 GiB) on startup is less than '\n"
        "        'desired GPU memory utilization (0.9, 22.5 GiB).\\n')\n"
        "    say({'ready': False, 'code': 'engine_unavailable', 'detail': 'RuntimeError'})\n"
        "    os._exit(1)\n"
    )
    engine = await make_engine()
    assert engine.state is EngineState.READY, "it has not failed as long as it is started with less"
    shares = [settings["engine_args"]["gpu_memory_utilization"] for settings in stub.starts()]
    assert shares == [0.9, 0.9, 0.9, 0.78], "the engine before may still have held it"
    assert "from 0.9 to 0.78" in engine.notes[0]


async def test_what_an_engine_is_without_is_noted_beside_what_was_changed_for_it(make_engine, stub):
    stub.start_with(
        "say({'ready': True, 'engine': {'name': 'vllm', 'model': 'm', 'version': '0.0'}, 'figures': {},\n"
        "     'notes': ['vllm.repetition: ngram is left out']})\n"
        "ready = lambda: None\n"
    )
    engine: Generator = await make_engine()
    assert engine.notes == ("vllm.repetition: ngram is left out",)
    assert await read(engine, "die1oom-1") == "die1oom-1"
    assert [note.split(":")[0].split(" ")[0] for note in engine.notes] == [
        "max_num_seqs", "max_num_seqs", "vllm.repetition",
    ]  # fmt: skip


@pytest.mark.parametrize(
    "code",
    [
        "os._exit(3)",
        "say('Downloading ...')",
        "say('[1]')",
        "say('{}')",
        "os.close(1); time.sleep(600)",
        "say('x' * (1 << 24))",
    ],
)
async def test_a_start_that_is_none_is_tried_again(make_engine, stub, code):
    stub.start_with(code + "\ntime.sleep(600)")
    engine = await make_engine()
    assert (engine.state, engine.failure.code) == (EngineState.FAILED, ErrorCode.ENGINE_UNAVAILABLE)
    stub.start_with(None)
    assert await read(engine, "good-1") == "good-1"


async def test_an_engine_that_takes_too_long_to_load_is_ended(make_engine, stub):
    stub.start_with("time.sleep(600)")
    engine = await make_engine(start_timeout=0.5)
    assert "0.5 s" in engine.failure.detail
    await engine.stop()
    assert not any(psutil.pid_exists(line["pid"]) for line in stub.logged("start"))


async def test_an_engine_that_never_lives_until_its_first_answer_is_said_and_tried_less_and_less_often(
    make_engine, stub
):
    stub.start_with("ready(); os._exit(0)")
    engine = await make_engine()
    await until(lambda: engine.failure is not None and engine._failures > 3)
    assert engine.failure.code is ErrorCode.ENGINE_CRASHED
    stub.start_with(None)
    assert await read(engine, "good-1") == "good-1"
    assert engine._failures == 0


async def test_draining_gives_up_what_waits_and_finishes_what_is_in_hand(make_engine, stub):
    engine = await make_engine(capacity=1)
    async with held(engine, stub, "held-1"):
        waiting = asyncio.create_task(engine.generate(asked("good-2"), 10))
        await asyncio.sleep(0)
        engine.drain()
        await asyncio.wait([waiting], timeout=PATIENCE)
        assert waiting.cancelled()
        late = asyncio.create_task(engine.generate(asked("good-3"), 10))
        await asyncio.wait([late], timeout=PATIENCE)
        assert late.cancelled()
    assert stub.asked() == ["held-1"]


async def test_an_engine_that_dies_while_it_is_drained_is_not_replaced(make_engine, stub):
    engine = await make_engine()
    call = asyncio.create_task(engine.generate(asked("endless-1"), 60))
    await until(stub.asked)
    engine.drain()
    os.kill(engine.pids[0], signal.SIGKILL)
    await asyncio.wait([call], timeout=PATIENCE)
    assert call.cancelled()
    assert len(stub.starts()) == 1


async def test_stopping_cancels_what_is_in_hand_and_leaves_no_process(make_engine, stub, monkeypatch):
    monkeypatch.setattr(local, "_GRACE", 0.2)
    engine = await make_engine()
    (pid,) = engine.pids
    call = asyncio.create_task(engine.generate(asked("endless-1"), 60))
    await until(stub.asked)
    os.kill(pid, signal.SIGSTOP)
    began = time.monotonic()
    await engine.stop()
    assert time.monotonic() - began < PATIENCE
    assert not psutil.pid_exists(pid)
    assert call.cancelled() or await asyncio.gather(call, return_exceptions=True)


async def test_who_gives_up_waiting_for_its_end_leaves_no_process(make_engine, monkeypatch):
    engine = await make_engine()
    (pid,) = engine.pids
    os.kill(pid, signal.SIGSTOP)
    with monkeypatch.context() as patch:
        patch.setattr(local, "_GRACE", 600.0)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(engine.stop(), 0.2)
    await until(lambda: not psutil.pid_exists(pid))


async def test_a_look_at_processes_that_hangs_in_a_device_holds_up_nothing_but_the_next_start(make_engine, monkeypatch):
    monkeypatch.setattr(host_process, "_GROUP_GONE", 0.3)
    driver, looks = threading.Event(), []

    def hangs(group):
        looks.append((group, threading.current_thread()))
        driver.wait(PATIENCE)
        return {}

    engine = await make_engine()
    (pid,) = engine.pids
    with monkeypatch.context() as patch:
        patch.setattr(session, "members", hangs)
        os.kill(pid, signal.SIGKILL)
        await until(lambda: engine.state is EngineState.READY and engine.pids not in ([], [pid]))
        driver.set()
        assert looks[0][0] == pid
        assert threading.main_thread() not in {thread for _, thread in looks}
    assert await read(engine, "good-1") == "good-1"


async def test_a_process_that_ended_long_ago_is_not_looked_for_again_its_number_may_be_anothers(
    make_engine, monkeypatch
):
    engine = await make_engine()
    await engine.stop()
    looked_for = []
    monkeypatch.setattr(session, "members", lambda group: looked_for.append(group) or {})
    monkeypatch.setattr(host_process, "kill_group", looked_for.append)
    await engine.stop()
    assert looked_for == []


async def test_stopping_while_the_engine_loads_leaves_no_process(stub):
    stub.start_with("time.sleep(600)")
    engine = LocalEngine(SETTINGS, 4, START)
    engine.start()
    await until(lambda: stub.logged("start"))
    (pid,) = engine.pids
    await engine.stop()
    assert not psutil.pid_exists(pid)


async def test_stopping_before_anything_was_started_is_no_trouble():
    await LocalEngine(SETTINGS, 4, START).stop()


async def test_a_defect_of_the_supervisor_costs_no_request(make_engine, stub, monkeypatch):
    engine = await make_engine()
    real, calls = engine._take, []

    async def fails_once(said):
        if not calls and engine._in_hand:
            calls.append(said)
            raise ZeroDivisionError
        await real(said)

    monkeypatch.setattr(engine, "_take", fails_once)
    assert await read(engine, "slow-0.1-1") == "slow-0.1-1"
    assert calls
    assert len(stub.starts()) == 2
