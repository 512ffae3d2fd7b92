"""Pages go to servers with room, urgent ones first, and each gets its own answer, whatever happens to a server."""

import asyncio

import pytest

from pdfocr_watcher.engines.base import EngineInfo
from pdfocr_watcher.engines.generation import FinishReason, Generation
from pdfocr_watcher.engines.profiles import ServerMessage
from pdfocr_watcher.errors import ErrorCode, PdfocrError
from pdfocr_watcher.pipeline.generating.servers import Servers
from pdfocr_watcher.pipeline.reader import EngineState
from tests.pipeline.doubles import PATIENCE, outcome, until
from tests.pipeline.generating.model_server import LONG, MODEL, Answer, answer, chat, hold, read, refusal, vanish


async def test_a_page_is_read(make_server, make_engine, page):
    server = await make_server()
    engine = await make_engine(server)

    generation = await engine.generate(page("letter"), LONG)

    assert generation == Generation("read letter", FinishReason.STOP, 939, 12)
    assert (engine.state, engine.failure, engine.pids) == (EngineState.READY, None, [])
    assert engine.info == EngineInfo("vllm-server", MODEL, "0.32.0")
    assert engine.notes == ()


async def test_what_is_asked_is_the_models_recipe(make_server, make_engine, page, profile):
    server = await make_server()
    engine = await make_engine(server)
    await engine.generate(page("letter"), LONG)

    (asked,) = server.pages
    picture, text = asked.body["messages"][0]["content"]
    assert asked.body == {
        "messages": [{"role": "user", "content": [picture, text]}],
        "model": MODEL,
        "temperature": 0,
        "top_p": 1,
        "repetition_penalty": 1,
        "seed": 0,
        "max_tokens": profile.sampling.max_tokens,
        "skip_special_tokens": False,
        "stream": False,
        "vllm_xargs": {"ngram_size": 30, "window_size": 90, "whitelist_token_ids": [128821, 128822]},
        "repetition_detection": {"min_pattern_size": 8, "max_pattern_size": 16, "min_count": 16},
    }
    assert picture["type"] == "image_url"
    assert picture["image_url"]["url"].startswith("data:image/jpeg;base64,")
    assert text == {"type": "text", "text": "<|grounding|>Convert the document to markdown."}
    assert asked.picture == b"letter"


async def test_a_model_is_sent_what_its_chat_template_wants(make_server, make_engine, page, profile):
    message = ServerMessage(system="You read.", text='<"@picture@">{prompt}', picture_first=False)
    server = await make_server()
    engine = await make_engine(server, profile=profile.model_copy(update={"server": message}))
    await engine.generate(page("letter"), LONG)

    system, user = server.pages[0].body["messages"]
    assert system == {"role": "system", "content": "You read."}
    assert user["content"][0] == {"type": "text", "text": '<"@picture@"><|grounding|>Convert the document to markdown.'}
    assert server.pages[0].picture == b"letter"


async def test_a_picture_may_stand_alone(make_server, make_engine, page, profile):
    server = await make_server()
    engine = await make_engine(server, profile=profile.model_copy(update={"server": ServerMessage(text="")}))
    await engine.generate(page("letter"), LONG)
    assert [part["type"] for part in server.pages[0].body["messages"][0]["content"]] == ["image_url"]


async def test_a_picture_of_any_size_arrives_whole(make_server, make_engine, page):
    server = await make_server(behave=answer(chat("read")))
    engine = await make_engine(server)
    pictures = [b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 3000, b"", b"x" * (3 << 16), b"yz" * (3 << 15) + b"1"]
    for number, picture in enumerate(pictures):
        request = page(str(number))
        request.picture.write_bytes(picture)
        await engine.generate(request, LONG)

    assert [asked.picture for asked in server.pages] == pictures
    kinds = [asked.url[:15] for asked in server.pages]
    assert kinds == ["data:image/png;", *["data:image/jpeg"] * 3]


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ("stop", FinishReason.STOP),
        ("length", FinishReason.LENGTH),
        ("repetition", FinishReason.REPETITION),
        ("content_filter", FinishReason.OTHER),
        (None, FinishReason.OTHER),
        (["stop"], FinishReason.OTHER),
    ],
)
async def test_why_the_model_stopped_is_told(make_server, make_engine, page, said, reason):
    engine = await make_engine(await make_server(behave=answer(chat("text", said))))
    assert (await engine.generate(page(), LONG)).finish_reason is reason


async def test_no_text_is_an_empty_one_and_reasoning_is_not_text(make_server, make_engine, page):
    engine = await make_engine(await make_server(behave=answer(chat(None, reasoning_content="hm"))))
    assert (await engine.generate(page(), LONG)).text == ""


async def test_pages_are_shared_out_and_none_gets_anothers_answer(make_server, make_engine, page):
    servers = [await make_server(behave=hold) for _ in range(2)]
    engine = await make_engine(*servers, concurrency=4)
    await until(lambda: all(condition.useful for condition in engine.conditions))
    assert engine.capacity == 8
    calls = [asyncio.create_task(engine.generate(page(f"page-{number}"), LONG)) for number in range(20)]
    await until(lambda: [server.in_hand for server in servers] == [4, 4])
    for server in servers:
        server.released.set()

    texts = [(await call).text for call in calls]

    assert texts == [f"read page-{number}" for number in range(20)]
    assert [server.most_in_hand for server in servers] == [4, 4]


async def test_urgent_pages_go_before_those_that_wait_and_each_kind_in_order(make_server, make_engine, page):
    server = await make_server(behave=hold)
    engine = await make_engine(server, concurrency=1)
    first = asyncio.create_task(engine.generate(page("first"), LONG))
    await until(lambda: server.in_hand)
    waiting = [
        asyncio.create_task(engine.generate(page(name), LONG, urgent=name.startswith("urgent")))
        for name in ("a", "b", "urgent-a", "urgent-b")
    ]
    await asyncio.sleep(0)
    server.released.set()
    await asyncio.gather(first, *waiting)

    assert [asked.picture.decode() for asked in server.pages] == ["first", "urgent-a", "urgent-b", "a", "b"]


async def test_a_page_that_was_given_up_while_it_waited_is_not_asked(make_server, make_engine, page):
    server = await make_server(behave=hold)
    engine = await make_engine(server, concurrency=1)
    first = asyncio.create_task(engine.generate(page("first"), LONG))
    await until(lambda: server.in_hand)
    second = asyncio.create_task(engine.generate(page("second"), LONG))
    third = asyncio.create_task(engine.generate(page("third"), LONG))
    await asyncio.sleep(0)
    second.cancel()
    server.released.set()
    await asyncio.gather(first, third)

    assert second.cancelled()
    assert [asked.picture for asked in server.pages] == [b"first", b"third"]


async def test_a_page_that_was_given_up_is_taken_back_from_its_server(make_server, make_engine, page):
    server = await make_server(behave=hold)
    engine = await make_engine(server, concurrency=1)
    call = asyncio.create_task(engine.generate(page("first"), LONG))
    await until(lambda: server.in_hand)
    call.cancel()
    await until(lambda: not server.in_hand)
    server.behave = read

    assert (await engine.generate(page("second"), LONG)).text == "read second"
    assert engine.conditions[0].in_flight == 0


async def test_a_page_that_is_given_up_in_the_moment_of_its_turn_leaves_the_place_free(
    make_server, make_engine, page, monkeypatch
):
    server = await make_server(behave=hold)
    engine = await make_engine(server, concurrency=1)
    first = asyncio.create_task(engine.generate(page("first"), LONG))
    await until(lambda: server.in_hand)
    second = asyncio.create_task(engine.generate(page("second"), LONG))
    await asyncio.sleep(0)
    real = engine._line.advance

    def advance():
        waiting = len(engine._line._tickets)
        real()
        if len(engine._line._tickets) < waiting:
            second.cancel()

    monkeypatch.setattr(engine._line, "advance", advance)
    server.released.set()
    await asyncio.gather(first, second, return_exceptions=True)
    monkeypatch.undo()

    assert second.cancelled()
    assert engine.conditions[0].in_flight == 0
    assert (await engine.generate(page("third"), LONG)).text == "read third"
    assert [asked.picture for asked in server.pages] == [b"first", b"third"]


async def test_the_server_with_the_least_to_do_gets_the_next_page(make_server, make_engine, page):
    slow, quick = await make_server(behave=hold), await make_server()
    engine = await make_engine(slow, quick, concurrency=3)
    await until(lambda: all(condition.useful for condition in engine.conditions))
    held = []
    while not slow.in_hand:
        held.append(asyncio.create_task(engine.generate(page(f"first-{len(held)}"), LONG)))
        await until(lambda: slow.in_hand or held[-1].done())
    for number in range(5):
        await engine.generate(page(f"page-{number}"), LONG)
    assert (len(slow.pages), slow.in_hand) == (1, 1)
    slow.released.set()
    await asyncio.gather(*held)


async def test_a_server_that_dies_with_pages_in_hand_costs_none(make_server, make_engine, page):
    dying, other = await make_server(behave=hold), await make_server(behave=hold)
    engine = await make_engine(dying, other, concurrency=10)
    await until(lambda: all(condition.useful for condition in engine.conditions))
    calls = [asyncio.create_task(engine.generate(page(f"page-{number}"), LONG)) for number in range(12)]
    await until(lambda: dying.in_hand == other.in_hand == 6)
    other.behave = read
    other.released.set()

    await dying.stop()

    assert [(await call).text for call in calls] == [f"read page-{number}" for number in range(12)]
    assert engine.state is EngineState.READY


async def test_when_all_servers_are_gone_pages_wait_and_go_on_by_themselves(make_server, make_engine, page):
    servers = [await make_server(behave=hold) for _ in range(2)]
    engine = await make_engine(*servers, concurrency=4)
    calls = [asyncio.create_task(engine.generate(page(f"page-{number}"), LONG)) for number in range(10)]
    await until(lambda: any(server.in_hand for server in servers))
    for server in servers:
        await server.stop()
    await until(lambda: str(engine.failure).count("no connection") == 2)
    assert (engine.state, engine.failure.code) == (EngineState.UNREACHABLE, ErrorCode.ENGINE_UNREACHABLE)
    assert all(server.url in engine.failure.detail for server in servers)
    assert not any(call.done() for call in calls)

    servers[1].behave = read
    await servers[1].start()

    assert [(await call).text for call in calls] == [f"read page-{number}" for number in range(10)]
    assert (engine.state, engine.failure) == (EngineState.READY, None)


async def test_a_server_that_comes_later_is_waited_for(make_server, make_engine, page):
    server = await make_server()
    await server.stop()
    engine = await make_engine(server, wait=False, start_grace=60)
    call = asyncio.create_task(engine.generate(page(), LONG))
    await until(lambda: engine.conditions[0].reason)
    assert (engine.state, engine.failure) == (EngineState.LOADING, None)
    await server.start()
    await engine.settled()

    assert (await call).text == "read one"
    assert engine.state is EngineState.READY


async def test_a_server_that_does_not_come_in_time_is_called_unreachable_and_still_waited_for(
    make_server, make_engine, page
):
    server = await make_server()
    await server.stop()
    engine = await make_engine(server, start_grace=0.05)
    assert engine.state is EngineState.UNREACHABLE
    assert server.url in str(engine.failure)
    await server.start()

    assert (await engine.generate(page(), LONG)).text == "read one"
    assert (engine.state, engine.failure) == (EngineState.READY, None)


async def test_drained_it_gives_out_no_page_and_lets_those_in_hand_go_on(make_server, make_engine, page):
    server = await make_server(behave=hold)
    engine = await make_engine(server, concurrency=1)
    first = asyncio.create_task(engine.generate(page("first"), LONG))
    await until(lambda: server.in_hand)
    second = asyncio.create_task(engine.generate(page("second"), LONG))
    await asyncio.sleep(0)
    engine.drain()
    third = asyncio.create_task(engine.generate(page("third"), LONG))
    await asyncio.gather(second, third, return_exceptions=True)
    assert second.cancelled()
    assert third.cancelled()
    server.released.set()

    assert (await first).text == "read first"


async def test_stopped_it_cancels_what_is_in_hand(make_server, make_engine, page):
    server = await make_server(behave=hold)
    engine = await make_engine(server, concurrency=2)
    calls = [asyncio.create_task(engine.generate(page(name), LONG)) for name in ("a", "b", "c")]
    await until(lambda: server.in_hand == 2)

    async with asyncio.timeout(PATIENCE):
        await engine.stop()
        await asyncio.gather(*calls, return_exceptions=True)

    assert all(call.cancelled() for call in calls)
    await until(lambda: not server.in_hand)


async def test_it_stops_without_ever_having_met_a_server(make_server, make_engine, page):
    server = await make_server(mute=True)
    engine = await make_engine(server, wait=False)
    call = asyncio.create_task(engine.generate(page(), LONG))
    await until(lambda: server.asked)
    async with asyncio.timeout(PATIENCE):
        await engine.stop()
        await asyncio.gather(call, return_exceptions=True)
    assert call.cancelled()


async def test_a_page_of_which_the_picture_is_gone_fails_alone(make_server, make_engine, page):
    engine = await make_engine(await make_server())
    request = page("gone")
    request.picture.unlink()

    assert await outcome(engine.generate(request, LONG)) is ErrorCode.STORAGE_FAILED
    assert (await engine.generate(page(), LONG)).text == "read one"


@pytest.mark.parametrize("status", [400, 413, 422])
async def test_a_refused_page_fails_with_what_the_server_says(make_server, make_engine, page, status):
    server = await make_server(behave=answer(refusal(status, "no such\n picture " + "x" * 1000)))
    engine = await make_engine(server)

    with pytest.raises(PdfocrError) as failure:
        await engine.generate(page(), LONG)

    assert failure.value.code is ErrorCode.ENGINE_FAILED
    assert failure.value.detail.startswith(f"{server.url}: HTTP {status}: no such picture xxx")
    assert len(failure.value.detail) < 400
    assert len(server.pages) == 1
    assert engine.state is EngineState.READY


async def test_addresses_are_taken_with_and_without_version_and_each_server_once(make_server, make_engine, page):
    server = await make_server()
    engine = await make_engine(server.url, f"{server.url}/", f"{server.url}/v1", f" {server.url}/v1/ ", concurrency=3)
    assert engine.capacity == 3
    assert (await engine.generate(page(), LONG)).text == "read one"


@pytest.mark.parametrize(
    "urls", [[], ["gpu1:8000"], ["http://"], ["http://a:b@gpu1:99999"], ["http://gpu1/v1?key=secret"], ["ftp://gpu1"]]
)
def test_addresses_that_are_none_are_refused(profile, urls):
    with pytest.raises(PdfocrError) as failure:
        Servers(profile, urls)
    assert failure.value.code is ErrorCode.CONFIG_INVALID
    assert "servers.urls" in failure.value.detail
    assert "secret" not in failure.value.detail
    assert "a:b@" not in failure.value.detail


async def test_a_vanished_connection_is_asked_again_on_the_same_server_if_there_is_no_other(
    make_server, make_engine, page
):
    server = await make_server()
    server.turns.append(vanish)
    engine = await make_engine(server)
    assert (await engine.generate(page(), LONG)).text == "read one"
    assert len(server.pages) == 2


async def test_an_unknown_answer_is_not_taken_for_one(make_server, make_engine, page):
    server = await make_server()
    server.turns.append(answer(Answer(body={"choices": [{"message": {"content": ["a", "list"]}}]})))
    engine = await make_engine(server)
    assert (await engine.generate(page(), LONG)).text == "read one"
