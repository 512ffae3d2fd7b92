"""What a server has and takes is found out: the model's no-repeat rule, vLLM's detection, the tokens of a page."""

from dataclasses import replace

import pytest
import structlog

from pdfocr_watcher.engines.profiles import Retry
from pdfocr_watcher.errors import ErrorCode
from tests.pipeline.doubles import outcome
from tests.pipeline.generating.model_server import LONG, MODEL, Answer, refusal

RULE = {"ngram_size": 30, "window_size": 90, "whitelist_token_ids": [128821, 128822]}
ALONE = {"min_pattern_size": 8, "max_pattern_size": 48, "min_count": 16}
BESIDE = {"min_pattern_size": 8, "max_pattern_size": 16, "min_count": 16}


def guards(server):
    """What was asked for against repetition, page by page."""
    names = ("vllm_xargs", "repetition_detection")
    return [{name: asked.body[name] for name in names if name in asked.body} for asked in server.pages]


async def test_a_retry_is_asked_with_its_own_settings(make_server, make_engine, page):
    server = await make_server()
    engine = await make_engine(server)
    await engine.generate(page(retry=Retry(ngram_size=12, window_size=200, temperature=0.2)), LONG)
    assert server.pages[0].body["temperature"] == 0.2
    assert guards(server)[0]["vllm_xargs"]["ngram_size"] == 12


async def test_a_server_that_was_started_without_the_rule_is_asked_to_detect(make_server, make_engine, page):
    server = await make_server(ngram_rule=False, version="0.33.0")
    with structlog.testing.capture_logs() as lines:
        engine = await make_engine(server)
        await engine.generate(page(), LONG)
        await engine.generate(page(retry=Retry(ngram_size=20, window_size=50)), LONG)
    assert guards(server) == [{"repetition_detection": ALONE}] * 2
    assert [line["instead"] for line in lines if line["event"] == "server.no_ngram_rule"] == ["detection"]


async def test_an_old_server_with_the_rule_has_that_alone(make_server, make_engine, page):
    server = await make_server(version="0.11.1")
    engine = await make_engine(server)
    await engine.generate(page(), LONG)
    assert guards(server) == [{"vllm_xargs": RULE}]


async def test_an_old_server_without_the_rule_has_nothing(make_server, make_engine, page):
    server = await make_server(ngram_rule=False, version="0.16.4+cu129")
    engine = await make_engine(server)
    await engine.generate(page(), LONG)
    assert guards(server) == [{}]


@pytest.mark.parametrize("version", [None, "unheard of"])
async def test_of_an_unknown_server_detection_is_hoped(make_server, make_engine, page, version):
    server = await make_server(ngram_rule=False, version=version)
    engine = await make_engine(server)
    await engine.generate(page(), LONG)
    assert guards(server) == [{"repetition_detection": ALONE}]
    assert engine.info.version == (version or "unknown")


async def test_a_rule_that_is_not_vllms_is_not_tried_with_what_it_may_not_bear(make_server, make_engine, page, profile):
    server = await make_server(ngram_rule=False)
    engine = await make_engine(server, profile=profile.model_copy(update={"ngram_processor": "mine.rules:NoRepeat"}))
    await engine.generate(page(), LONG)
    assert "vllm_xargs" in guards(server)[0]
    assert [asked.path for asked in server.asked].count("/v1/chat/completions") == 1


async def test_a_model_without_the_rule_is_not_asked_for_it(make_server, make_engine, page, profile):
    server = await make_server()
    sampling = profile.sampling.model_copy(update={"ngram_size": None})
    profile = profile.model_copy(update={"ngram_processor": None, "sampling": sampling, "retries": ()})
    engine = await make_engine(server, profile=profile)
    await engine.generate(replace(page(), sampling=profile.sampling_for()), LONG)
    assert guards(server) == [{"repetition_detection": ALONE}]
    besides = [asked.path for asked in server.asked if asked not in server.pages]
    assert set(besides) <= {"/health", "/v1/models", "/version"}


async def test_a_model_that_wants_the_rule_for_a_second_reading_gets_vllms(make_server, make_engine, page, profile):
    server = await make_server()
    sampling = profile.sampling.model_copy(update={"ngram_size": None})
    retry = Retry(ngram_size=20)
    profile = profile.model_copy(update={"ngram_processor": None, "sampling": sampling, "retries": (retry,)})
    with structlog.testing.capture_logs() as lines:
        engine = await make_engine(server, profile=profile)
        await engine.generate(replace(page(), sampling=profile.sampling_for()), LONG)
        await engine.generate(replace(page(), sampling=profile.sampling_for(retry)), LONG)
    assert guards(server) == [
        {"repetition_detection": ALONE},
        {"vllm_xargs": RULE | {"ngram_size": 20}, "repetition_detection": BESIDE},
    ]
    assert not [line for line in lines if line["event"] == "server.no_ngram_rule"]


async def test_a_server_that_does_not_tell_its_tokens_forbids_them_too(make_server, make_engine, page):
    server = await make_server(tokens=None)
    with structlog.testing.capture_logs() as lines:
        engine = await make_engine(server)
        await engine.generate(page("one"), LONG)
        await server.stop()
        await server.start()
        await engine.generate(page("two"), LONG)
    rule = RULE | {"whitelist_token_ids": []}
    assert guards(server) == [{"vllm_xargs": rule, "repetition_detection": BESIDE}] * 2
    assert len([line for line in lines if line["event"] == "server.no_whitelist"]) == 1


async def test_tokens_are_asked_for_once(make_server, make_engine, page):
    server = await make_server()
    engine = await make_engine(server)
    for number in range(3):
        await engine.generate(page(str(number)), LONG)
    assert [asked.body["prompt"] for asked in server.asked if asked.path == "/tokenize"] == ["<td>", "</td>"]


def taking(*fields, message="Extra inputs are not permitted: {name}"):
    """A server that refuses whatever of these a page is asked with."""

    async def behave(server, asked):
        del server
        for name in fields:
            if name in asked.body:
                return refusal(400, message.format(name=name))
        return Answer(body={"choices": [{"message": {"content": "read"}, "finish_reason": "stop"}]})

    return behave


async def test_what_a_server_refuses_is_left_out_from_then_on(make_server, make_engine, page):
    server = await make_server(behave=taking("vllm_xargs"))
    engine = await make_engine(server)
    for number in range(2):
        await engine.generate(page(str(number)), LONG)
    both = {"vllm_xargs": RULE, "repetition_detection": BESIDE}
    assert guards(server) == [both, *[{"repetition_detection": ALONE}] * 2]


async def test_a_server_that_takes_neither_is_asked_without(make_server, make_engine, page):
    server = await make_server(behave=taking("vllm_xargs", "repetition_detection"))
    engine = await make_engine(server)
    for number in range(2):
        await engine.generate(page(str(number)), LONG)
    assert [len(guard) for guard in guards(server)] == [2, 1, 0, 0]


async def test_what_one_server_refuses_another_is_still_asked(make_server, make_engine, page):
    plain, full = await make_server(behave=taking("vllm_xargs")), await make_server()
    engine = await make_engine(plain, full)
    for number in range(6):
        await engine.generate(page(str(number)), LONG)
    assert all("vllm_xargs" in guard for guard in guards(full))
    assert len(full.pages) >= 2


async def test_a_refusal_of_the_page_itself_teaches_nothing(make_server, make_engine, page):
    server = await make_server()

    async def refuse(_server, asked):
        del asked
        return refusal(400, "the picture is broken; vllm_xargs were fine")

    server.turns.extend([refuse] * 2)
    engine = await make_engine(server)
    assert await outcome(engine.generate(page("broken"), LONG)) is ErrorCode.ENGINE_FAILED
    await engine.generate(page("whole"), LONG)
    assert [len(guard) for guard in guards(server)] == [2, 1, 2]


@pytest.mark.parametrize(("room", "asked_for"), [(-3000, False), (0, False), (1, True), (20_000, True)])
async def test_more_tokens_than_fit_are_not_asked_for(make_server, make_engine, page, profile, room, asked_for):
    most = profile.sampling.max_tokens
    server = await make_server(models={MODEL: most + room})
    engine = await make_engine(server)
    await engine.generate(page(), LONG)
    assert server.pages[0].body.get("max_tokens") == (most if asked_for else None)


async def test_a_server_that_has_no_room_for_so_many_tokens_beside_the_picture_is_not_asked_for_them(
    make_server, make_engine, page, profile
):
    words = (
        "'max_tokens' or 'max_completion_tokens' is too large: 8192. This model's maximum context length is 8500 "
        "tokens and your request has 939 input tokens (8192 > 8500 - 939)."
    )
    server = await make_server(models={MODEL: 8192}, behave=taking("max_tokens", message=words))
    engine = await make_engine(server)
    for number in range(2):
        await engine.generate(page(str(number)), LONG)
    assert [asked.body.get("max_tokens") for asked in server.pages] == [profile.sampling.max_tokens, None, None]
    assert all("vllm_xargs" in guard for guard in guards(server))
