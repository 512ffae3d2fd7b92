"""Servers are looked after: what is wrong with one is told in words, and it is used again as soon as it is well."""

import asyncio

import pytest
import structlog

from pdfocr_watcher.errors import ErrorCode
from pdfocr_watcher.pipeline.generating.endpoints import post
from pdfocr_watcher.pipeline.reader import EngineState
from tests.pipeline.doubles import until
from tests.pipeline.generating.model_server import LONG, Answer, answer, hold, read, refusal

HUB = "deepseek-ai/DeepSeek-OCR"


async def test_a_server_wants_its_key(make_server, make_engine, page):
    engine = await make_engine(await make_server(key="secret"), api_key="secret\n")
    assert (await engine.generate(page(), LONG)).text == "read one"


@pytest.mark.parametrize("key", ["", "wrong"])
async def test_without_the_right_key_it_is_said_where_the_key_belongs(make_server, make_engine, key):
    server = await make_server(key="secret")
    engine = await make_engine(server, api_key=key, start_grace=3600)
    assert engine.state is EngineState.FAILED
    assert engine.failure.code is ErrorCode.ENGINE_UNREACHABLE
    assert f"{server.url}: it wants another key (HTTP 401: Unauthorized): see servers.api_key_file." in str(
        engine.failure
    )


async def test_a_key_that_is_changed_while_pages_are_read_costs_none(make_server, make_engine, page):
    server = await make_server(key="secret")
    engine = await make_engine(server, api_key="secret")
    server.key = "another"
    call = asyncio.create_task(engine.generate(page(), LONG))
    await until(lambda: engine.state is EngineState.FAILED)
    assert "servers.api_key_file" in str(engine.failure)
    server.key = "secret"
    assert (await call).text == "read one"


async def test_another_model_is_named_with_what_is_served(make_server, make_engine):
    server = await make_server(models={"qwen": 4096, "llama": 8192})
    engine = await make_engine(server, model="deepseek-ocr")
    assert engine.state is EngineState.FAILED
    assert f"{server.url}: it serves qwen, llama, not deepseek-ocr: see engine.model." in str(engine.failure)


async def test_of_several_models_the_profiles_is_taken_and_none_at_random(make_server, make_engine, page):
    server = await make_server(models={"qwen": 4096, HUB: 8192})
    engine = await make_engine(server)
    assert engine.info.model == HUB
    server.models = {"qwen": 4096, "llama": 8192}
    call = asyncio.create_task(engine.generate(page(), LONG))
    await until(lambda: engine.state is EngineState.FAILED)
    assert "it serves qwen, llama, and it is not said which is meant: see engine.model." in str(engine.failure)
    server.models = {HUB: 8192}
    assert (await call).text == "read one"


async def test_a_server_that_serves_something_else_now_is_put_aside(make_server, make_engine, page):
    changed, other = await make_server(), await make_server()
    engine = await make_engine(changed, other, model="deepseek-ocr", concurrency=1)
    await until(lambda: all(condition.useful for condition in engine.conditions))
    changed.models = {"qwen": 4096}
    for number in range(4):
        assert (await engine.generate(page(f"page-{number}"), LONG)).text == f"read page-{number}"
    await until(lambda: not engine.conditions[0].useful)
    assert engine.conditions[0].reason == "it serves qwen, not deepseek-ocr: see engine.model"
    assert (engine.state, engine.failure) == (EngineState.READY, None)


async def test_a_server_without_a_model_is_said_to_have_none(make_server, make_engine):
    engine = await make_engine(await make_server(models={}))
    assert engine.state is EngineState.FAILED
    assert "it serves nothing" in str(engine.failure)


async def test_a_path_that_is_wrong_is_said_to_be(make_server, make_engine):
    server = await make_server()
    engine = await make_engine(f"{server.url}/elsewhere")
    assert engine.state is EngineState.FAILED
    assert "/elsewhere: it is no OpenAI-compatible server (HTTP 404: Not Found): see servers.urls." in str(
        engine.failure
    )


async def test_a_server_that_sends_elsewhere_is_not_followed(make_server, make_engine, page):
    server = await make_server()
    server.behave = answer(Answer(307, "", {"Location": "http://user:secret@elsewhere/v1"}))
    engine = await make_engine(server)
    call = asyncio.create_task(engine.generate(page(), LONG))
    await until(lambda: engine.conditions[0].reason)
    assert engine.conditions[0].reason == (
        "it sends requests elsewhere (HTTP 307 to http://elsewhere/v1): see servers.urls"
    )
    server.behave = read
    assert (await call).text == "read one"


async def test_a_server_without_health_is_looked_at_by_its_models(make_server, make_engine, page):
    server = await make_server(health=None)
    engine = await make_engine(server)
    assert (await engine.generate(page(), LONG)).text == "read one"
    looks = len(server.asked)
    await until(lambda: len(server.asked) > looks + 2)
    assert {asked.path for asked in server.asked[looks:]} == {"/v1/models"}


async def test_a_load_balancer_without_a_list_of_models_needs_the_models_name(make_server, make_engine, page):
    server = await make_server(health=None, models=None)
    engine = await make_engine(server, model="deepseek-ocr")
    assert (await engine.generate(page(), LONG)).text == "read one"
    other = await make_engine(server)
    assert "it is no OpenAI-compatible server (HTTP 404: Not Found): see servers.urls." in str(other.failure)


async def test_an_unwell_server_gets_no_page_until_it_is_well(make_server, make_engine, page):
    unwell, other = await make_server(), await make_server()
    engine = await make_engine(unwell, other, concurrency=1)
    await until(lambda: all(condition.useful for condition in engine.conditions))
    unwell.health = 503
    await until(lambda: not engine.conditions[0].useful)
    assert engine.conditions[0].reason == "HTTP 503"
    for number in range(3):
        await engine.generate(page(f"page-{number}"), LONG)
    assert (len(unwell.pages), len(other.pages)) == (0, 3)
    unwell.health = 200
    await until(lambda: engine.conditions[0].useful)
    await asyncio.gather(*(engine.generate(page(f"page-{number}"), LONG) for number in range(6)))
    assert unwell.pages


async def test_a_silent_server_is_noticed_and_welcome_back(make_server, make_engine, page, monkeypatch):
    monkeypatch.setattr(post, "_HEALTH", 0.1)
    server = await make_server()
    engine = await make_engine(server)
    server.mute = True
    await until(lambda: engine.state is EngineState.UNREACHABLE)
    assert "it does not answer." in str(engine.failure)
    server.mute = False
    assert (await engine.generate(page(), LONG)).text == "read one"


async def test_what_a_server_has_is_found_out_anew_when_it_was_away(make_server, make_engine, page):
    server = await make_server()
    engine = await make_engine(server)
    await server.stop()
    await until(lambda: engine.state is EngineState.UNREACHABLE)
    server.ngram_rule = False
    server.version = "0.33.0"
    await server.start()
    await until(lambda: engine.state is EngineState.READY)
    await engine.generate(page(), LONG)
    assert engine.info.version == "0.33.0"
    assert "repetition_detection" in server.pages[0].body


async def test_name_and_password_of_an_address_are_used_and_never_told(make_server, make_engine, page):
    server = await make_server(key=None)
    with structlog.testing.capture_logs() as lines:
        engine = await make_engine(server.url.replace("//", "//reader:pa%3Ass@"), api_key="key")
        await engine.generate(page(), LONG)
        await server.stop()
        await until(lambda: engine.state is EngineState.UNREACHABLE)
    assert {asked.headers["authorization"] for asked in server.asked} == {"Basic cmVhZGVyOnBhOnNz"}
    told = f"{lines} {engine.failure} {engine.conditions} {engine.info}"
    assert server.url in told
    assert "reader" not in told
    assert "pa:ss" not in told


async def test_the_key_is_never_told(make_server, make_engine, page):
    server = await make_server(key="sesame")
    with structlog.testing.capture_logs() as lines:
        engine = await make_engine(server, api_key="sesame")
        await engine.generate(page(), LONG)
        await server.stop()
        await until(lambda: engine.state is EngineState.UNREACHABLE)
    assert "sesame" not in f"{lines} {engine.failure} {engine.conditions} {engine.info}"


async def test_proxies_of_the_environment_are_not_used(make_server, make_engine, page, monkeypatch):
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy", "HTTPS_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    engine = await make_engine(await make_server())
    assert (await engine.generate(page(), LONG)).text == "read one"


async def test_many_servers_that_are_gone_are_not_all_named(make_server, make_engine):
    servers = [await make_server() for _ in range(6)]
    for server in servers:
        await server.stop()
    engine = await make_engine(*servers, start_grace=0.05)
    assert engine.state is EngineState.UNREACHABLE
    assert engine.failure.detail.count("http://") == 4
    assert engine.failure.detail.endswith("And 2 more.")


async def test_one_server_that_must_be_mended_and_one_that_is_gone_are_both_named(make_server, make_engine):
    locked, gone = await make_server(key="secret"), await make_server()
    await gone.stop()
    engine = await make_engine(locked, gone, start_grace=0.05)
    assert engine.state is EngineState.UNREACHABLE
    assert f"{locked.url}: it wants another key" in engine.failure.detail
    assert f"{gone.url}: no connection" in engine.failure.detail


async def test_pages_in_hand_go_on_when_a_look_fails_once(make_server, make_engine, page):
    server = await make_server(behave=hold)
    engine = await make_engine(server)
    call = asyncio.create_task(engine.generate(page(), LONG))
    await until(lambda: server.in_hand)
    server.health = 503
    await until(lambda: engine.state is EngineState.UNREACHABLE)
    server.health = 200
    server.released.set()
    assert (await call).text == "read one"
    assert len(server.pages) == 1


async def test_a_server_that_is_overloaded_is_not_called_unreachable(make_server, make_engine, page):
    server = await make_server()
    server.turns.extend([answer(refusal(429, "slow down"))] * 2)
    engine = await make_engine(server)
    states = []

    async def look():
        while True:
            states.append(engine.state)
            await asyncio.sleep(0)

    looking = asyncio.create_task(look())
    await engine.generate(page(), LONG)
    looking.cancel()
    assert set(states) == {EngineState.READY}
