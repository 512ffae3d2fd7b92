"""What goes between the daemon and the engine's process arrives as it was meant, and rubbish is known as such."""

import json
from pathlib import Path

import pytest

from pdfocr_watcher.engines.base import EngineInfo
from pdfocr_watcher.engines.generation import FinishReason, Generation, GenerationRequest, Sampling
from pdfocr_watcher.errors import ErrorCode, PdfocrError
from pdfocr_watcher.pipeline.generating import protocol
from pdfocr_watcher.pipeline.generating.protocol import Answer, Beat, Gone, Ready
from pdfocr_watcher.pipeline.wire import NO_MESSAGE

REQUEST = GenerationRequest(
    Path("/jobs/a\nb/\udcff/é.jpg"), 'Read "it"\n{all}', Sampling(max_tokens=99, ngram_size=30, temperature=0.2)
)
GENERATION = Generation("<|ref|>Größe 表\n\x00<|/ref|>", FinishReason.REPETITION, 309, 60)


def failure(outcome):
    return outcome.code, outcome.detail


def test_a_request_arrives_whatever_is_in_it():
    line = protocol.request_line(7, REQUEST)
    assert line.count(b"\n") == 1
    assert protocol.read_request(line) == (7, REQUEST)
    assert protocol.read_request(protocol.cancel_line(7)) == (7, None)


def test_an_answer_arrives_whatever_is_in_it():
    line = protocol.answer_line(Answer(7, GENERATION))
    assert line.count(b"\n") == 1
    assert protocol.read_line(line) == Answer(7, GENERATION)


def test_a_failure_arrives_with_no_more_detail_than_is_read():
    line = protocol.answer_line(Answer(7, PdfocrError(ErrorCode.ENGINE_FAILED, "x" * 100_000)))
    answer = protocol.read_line(line)
    assert (answer.number, failure(answer.outcome)) == (7, (ErrorCode.ENGINE_FAILED, "x" * 2000))


def test_a_text_that_is_too_long_to_be_one_is_a_failure_of_its_page():
    answer = protocol.read_line(protocol.answer_line(Answer(7, Generation("表" * 10**6, FinishReason.STOP, 1, 1))))
    assert failure(answer.outcome) == (ErrorCode.ENGINE_FAILED, "The text of the page has 1000000 characters.")


def test_how_the_process_is_arrives():
    ready = Ready(EngineInfo("vllm", "/models/m", "0.32.0"), {"max_num_seqs": 100}, ("something is missing",))
    assert protocol.read_start(protocol.ready_line(ready)) == ready
    refused = protocol.read_start(protocol.refusal_line(PdfocrError(ErrorCode.ENGINE_UNAVAILABLE, "no")))
    assert failure(refused) == (ErrorCode.ENGINE_UNAVAILABLE, "no")
    assert protocol.read_line(protocol.beat_line(Beat(3, None))) == Beat(3, None)
    assert protocol.read_line(protocol.beat_line(Beat(3, 12))) == Beat(3, 12)
    assert protocol.read_line(protocol.gone_line("dead")) == Gone("dead")


def test_half_a_character_becomes_a_question_mark():
    said = json.dumps({"number": 1, "ok": True, "text": "a\ud800b", "finish_reason": "stop",
                       "prompt_tokens": 1, "completion_tokens": 1})  # fmt: skip
    assert protocol.read_line(said.encode()).outcome.text == "a?b"


ANSWER = {"number": 1, "ok": True, "text": "a", "finish_reason": "stop", "prompt_tokens": 1, "completion_tokens": 1}


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"\n",
        b"\x00\xff\xfe\n",
        b"Loading checkpoint shards: 100%\n",
        b"[1, 2]\n",
        b"[" * 60_000 + b"\n",
        b"{}\n",
        b'{"beat": 5}\n',
        b'{"beat": {"running": "3", "tokens": null}}\n',
        b'{"beat": {"running": -1, "tokens": null}}\n',
        *(json.dumps({**ANSWER, **odd}).encode() for odd in (
            {"number": "1"}, {"number": True}, {"ok": "yes"}, {"text": 5}, {"text": None}, {"finish_reason": "tired"},
            {"finish_reason": None}, {"prompt_tokens": None}, {"completion_tokens": 1.5}, {"ok": False, "code": "odd"},
        )),
    ],
)  # fmt: skip
def test_what_is_no_message_is_known(line):
    with pytest.raises(NO_MESSAGE):
        protocol.read_line(line)


@pytest.mark.parametrize(
    "said",
    [
        {},
        {"ready": True},
        {"ready": True, "engine": 5},
        {"ready": False},
        {"ready": False, "code": "odd", "detail": ""},
    ],
)
def test_a_start_that_is_none_is_known(said):
    with pytest.raises(NO_MESSAGE):
        protocol.read_start(json.dumps(said).encode())
