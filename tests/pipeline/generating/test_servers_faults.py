"""What becomes of a page whose server does not answer as it should: it is asked again, but not for ever."""

import asyncio
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from pdfocr_watcher.errors import ErrorCode, PdfocrError
from pdfocr_watcher.pipeline.generating.endpoints import endpoint, post, standing
from pdfocr_watcher.pipeline.reader import EngineState
from tests.pipeline.doubles import PATIENCE, outcome, until
from tests.pipeline.generating.model_server import LONG, Answer, answer, chat, hold, read, refusal, vanish

WHOLE = chat("read one")

#: What costs a page nothing, however it is that a server does not answer.
ONCE = {
    "the connection is closed": vanish,
    "the answer is cut short": answer(Answer(body=WHOLE.body, sent=40)),
    "the head alone comes": answer(Answer(body=WHOLE.body, sent=0)),
    "less is sent than was promised": answer(Answer(body="{", length=5000, sent=1)),
    "the answer is cut short where nobody can see it": answer(Answer(body='{"choices": [', length=-1)),
    "it is no JSON": answer(Answer(body="<html>Welcome</html>")),
    "it is other JSON": answer(Answer(body={"choices": []})),
    "it is deep JSON": answer(Answer(body="[" * 100_000)),
    "it has numbers that are none": answer(
        Answer(body='{"choices": [{"message": {"content": "a"}}], "usage": {"prompt_tokens": Infinity}}')
    ),
    "it is compressed": answer(Answer(body=WHOLE.body, headers={"Content-Encoding": "gzip"})),
    "the server was stopped while it wrote": answer(chat("read o", "abort")),
    "a defect of the server": answer(refusal(500, "engine")),
    "a bad gateway": answer(Answer(502, "<html>502</html>")),
    "not available": answer(refusal(503, "starting")),
    "a gateway's time-out": answer(Answer(504, "")),
    "too many requests": answer(refusal(429, "slow down")),
    "nothing but a status": answer(Answer(204, "")),
}


@pytest.mark.parametrize("behaviour", ONCE.values(), ids=ONCE)
async def test_a_page_is_asked_again_on_another_server(make_server, make_engine, page, behaviour):
    first, other = await make_server(), await make_server()
    engine = await make_engine(first, other, concurrency=1)
    await until(lambda: all(condition.useful for condition in engine.conditions))
    for server in (first, other):  # whichever has it first
        server.turns.append(behaviour)
    assert (await engine.generate(page(), LONG)).text == "read one"
    assert len(first.pages) + len(other.pages) == 3


@pytest.mark.parametrize("behaviour", ONCE.values(), ids=ONCE)
async def test_a_page_is_asked_again_on_the_same_server_where_there_is_no_other(
    make_server, make_engine, page, behaviour
):
    server = await make_server()
    server.turns.append(behaviour)
    engine = await make_engine(server)
    assert (await engine.generate(page(), LONG)).text == "read one"
    assert (engine.state, engine.failure) == (EngineState.READY, None)


async def test_an_answer_of_any_size_is_not_held(make_server, make_engine, page, monkeypatch):
    monkeypatch.setattr(endpoint, "_MOST_BYTES", 1 << 20)
    server = await make_server(behave=answer(chat("x" * (2 << 20))))
    engine = await make_engine(server)
    with pytest.raises(PdfocrError) as failure:
        await engine.generate(page(), LONG)
    assert failure.value.code is ErrorCode.ENGINE_FAILED
    assert "more than 1 MB" in failure.value.detail


async def test_an_error_of_any_size_is_told_in_a_line(make_server, make_engine, page):
    engine = await make_engine(await make_server(behave=answer(Answer(400, "no\n" * (1 << 20)))))
    with pytest.raises(PdfocrError) as failure:
        await engine.generate(page(), LONG)
    assert "HTTP 400: no no no" in failure.value.detail
    assert len(failure.value.detail) < 400


@pytest.mark.parametrize(
    ("behaviour", "code"),
    [
        (vanish, ErrorCode.ENGINE_CRASHED),
        (answer(Answer(502, "")), ErrorCode.ENGINE_CRASHED),
        (answer(Answer(504, "")), ErrorCode.ENGINE_TIMEOUT),
        (answer(Answer(body="garbage")), ErrorCode.ENGINE_FAILED),
        (answer(refusal(500, "engine")), ErrorCode.ENGINE_FAILED),
        (answer(refusal(403, "not this picture")), ErrorCode.ENGINE_FAILED),
    ],
)
async def test_a_page_that_no_server_answers_fails_after_three_times(make_server, make_engine, page, behaviour, code):
    servers = [await make_server(behave=behaviour) for _ in range(2)]
    engine = await make_engine(*servers)

    with pytest.raises(PdfocrError) as failure:
        await engine.generate(page(), LONG)

    assert failure.value.code is code
    assert any(server.url in failure.value.detail for server in servers)
    assert sum(len(server.pages) for server in servers) == 3


async def test_a_busy_server_is_asked_again_for_as_long_as_it_takes(make_server, make_engine, page):
    server = await make_server()
    server.turns.extend([answer(refusal(429, "slow down"))] * 8)
    engine = await make_engine(server)
    assert (await engine.generate(page(), LONG)).text == "read one"
    assert len(server.pages) == 9


@pytest.mark.parametrize("form", [lambda _: "1", lambda now: format_datetime(now + timedelta(seconds=2), usegmt=True)])
async def test_a_server_is_left_alone_for_as_long_as_it_asks(make_server, make_engine, page, form):
    server = await make_server()
    server.turns.append(answer(Answer(503, "", {"Retry-After": form(datetime.now(UTC))})))
    engine = await make_engine(server)
    began = asyncio.get_running_loop().time()
    await engine.generate(page(), LONG)
    assert asyncio.get_running_loop().time() - began > 0.9  # it waits; not how long it takes
    assert len(server.pages) == 2


async def test_a_page_that_takes_too_long_fails_and_its_server_goes_on(make_server, make_engine, page):
    server = await make_server(behave=hold)
    engine = await make_engine(server)
    assert await outcome(engine.generate(page(), 0.2)) is ErrorCode.ENGINE_TIMEOUT
    await until(lambda: not server.in_hand)
    server.behave = read
    assert (await engine.generate(page("two"), LONG)).text == "read two"


async def test_the_time_limit_counts_from_when_a_server_is_given_the_page(make_server, make_engine, page):
    server = await make_server(behave=hold)
    engine = await make_engine(server, concurrency=1)
    first = asyncio.create_task(engine.generate(page("first"), LONG))
    await until(lambda: server.in_hand)
    second = asyncio.create_task(engine.generate(page("second"), 2.0))
    await asyncio.sleep(2.1)  # the limit has to pass, and it is the real clock's
    assert not second.done()
    server.released.set()
    assert [(await call).text for call in (first, second)] == ["read first", "read second"]


async def test_a_page_on_a_machine_that_fell_silent_is_asked_elsewhere(make_server, make_engine, page, monkeypatch):
    monkeypatch.setattr(post, "_HEALTH", 0.2)
    silent, other = await make_server(behave=hold), await make_server(behave=hold)
    engine = await make_engine(silent, other, concurrency=1, health_interval=60)
    await until(lambda: all(condition.useful for condition in engine.conditions))
    calls = [asyncio.create_task(engine.generate(page(name), 3.0)) for name in ("a", "b")]
    await until(lambda: silent.in_hand and other.in_hand)
    other.behave = read
    other.released.set()

    silent.mute = True  # its time limit passes, and it says nothing when it is asked how it is

    assert [(await call).text for call in calls] == ["read a", "read b"]


async def test_pages_on_a_machine_that_fell_silent_do_not_wait_for_their_time_limit(
    make_server, make_engine, page, monkeypatch
):
    monkeypatch.setattr(post, "_HEALTH", 0.1)
    silent, other = await make_server(behave=hold), await make_server(behave=hold)
    engine = await make_engine(silent, other, concurrency=1)
    await until(lambda: all(condition.useful for condition in engine.conditions))
    calls = [asyncio.create_task(engine.generate(page(name), 3600)) for name in ("a", "b")]
    await until(lambda: silent.in_hand and other.in_hand)
    other.behave = read
    other.released.set()
    silent.mute = True

    async with asyncio.timeout(PATIENCE):
        assert [(await call).text for call in calls] == ["read a", "read b"]


async def test_a_page_that_ends_its_servers_fails_and_costs_no_other(make_server, make_engine, page):
    """Every server that has the poisonous page in hand dies with all that it has, and is started again."""
    servers = [await make_server() for _ in range(2)]
    deaths = []

    async def live(server, asked):
        if asked.picture == b"poison":
            await until(lambda: server.in_hand > 3 or len(deaths) > 1)  # there are others that it takes with it
            deaths.append(server.in_hand)
            tasks.append(asyncio.create_task(restart(server)))
            await asyncio.Event().wait()
        await until(lambda: len(deaths) > 1)  # and are not done before
        return await read(server, asked)

    async def restart(server):
        await server.stop()
        await server.start()

    tasks = []
    for server in servers:
        server.behave = live
    engine = await make_engine(*servers, concurrency=20)
    names = [f"page-{number}" for number in range(30)]
    names.insert(10, "poison")
    calls = {name: asyncio.create_task(engine.generate(page(name), LONG)) for name in names}

    assert await outcome(calls.pop("poison")) is ErrorCode.ENGINE_CRASHED

    assert {name: (await call).text for name, call in calls.items()} == {name: f"read {name}" for name in calls}
    assert [taken > 3 for taken in deaths] == [True, True, False]
    await asyncio.gather(*tasks)


async def test_a_server_that_looks_well_and_answers_nothing_is_called_unreachable(make_server, make_engine, page):
    server = await make_server(behave=answer(refusal(500, "CUDA error")))
    engine = await make_engine(server, concurrency=8)
    calls = [asyncio.create_task(outcome(engine.generate(page(f"page-{number}"), LONG))) for number in range(4)]
    await until(lambda: engine.state is EngineState.UNREACHABLE)
    assert "answers no page; the last time, HTTP 500: CUDA error" in engine.failure.detail
    server.behave = read

    assert (await engine.generate(page("last"), LONG)).text == "read last"
    assert (engine.state, engine.failure) == (EngineState.READY, None)
    await asyncio.gather(*calls)


async def test_a_server_that_answers_nothing_is_given_page_after_page_not_all_at_once(
    make_server, make_engine, page, monkeypatch
):
    monkeypatch.setattr(standing, "_BACKOFF", (0.02, 3600.0))
    server = await make_server(behave=answer(refusal(500, "CUDA error")))
    engine = await make_engine(server, concurrency=100)
    calls = [asyncio.create_task(outcome(engine.generate(page(f"page-{number}"), LONG))) for number in range(50)]
    await until(lambda: engine.state is EngineState.UNREACHABLE)
    assert sum(call.done() for call in calls) < 5
    for call in calls:
        call.cancel()
    await asyncio.gather(*calls, return_exceptions=True)
