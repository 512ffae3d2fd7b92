"""The decisions about servers as values: addresses, faults, how one stands, which is chosen, what becomes of a page."""

import contextlib
import json
from datetime import UTC, datetime

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pdfocr_watcher.engines.server_address import Address
from pdfocr_watcher.errors import ErrorCode
from pdfocr_watcher.pipeline.generating.endpoints import fleet, standing
from pdfocr_watcher.pipeline.generating.endpoints.chat import message_of, read_answer
from pdfocr_watcher.pipeline.generating.endpoints.described import served_models, token_ids
from pdfocr_watcher.pipeline.generating.endpoints.fault import Fault, FaultKind, Reply, fault_of_reply
from pdfocr_watcher.pipeline.generating.endpoints.fleet import Load, choose, outlook
from pdfocr_watcher.pipeline.generating.endpoints.standing import Standing
from pdfocr_watcher.pipeline.generating.endpoints.tries import Tries
from pdfocr_watcher.pipeline.reader import EngineState

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
LOST = Fault(FaultKind.LOST, "connection lost")
BUSY = Fault(FaultKind.BUSY, "HTTP 503")
LOCKED = Fault(FaultKind.LOCKED, "it wants another key")


@pytest.fixture(autouse=True)
def _backoff(monkeypatch):
    """Count as it is really counted."""
    monkeypatch.setattr(standing, "_BACKOFF", (1.0, 60.0))


@pytest.mark.parametrize(
    ("url", "base"),
    [
        ("http://gpu1:8000", "http://gpu1:8000"),
        ("http://gpu1:8000/", "http://gpu1:8000"),
        ("http://gpu1:8000/v1", "http://gpu1:8000"),
        ("https://gpu1/v1/", "https://gpu1"),
        ("https://GPU1/ocr/v1", "https://gpu1/ocr"),
        ("https://gpu1/ocr/", "https://gpu1/ocr"),
        ("http://[::1]:8000/v1", "http://[::1]:8000"),
        ("http://user:pass@gpu1:8000/v1", "http://gpu1:8000"),
    ],
)
def test_an_address_is_written_in_one_way(url, base):
    assert str(Address.parse(url)) == base
    assert Address.parse(url).url("/v1/models") == f"{base}/v1/models"


def test_a_password_is_not_told():
    address = Address.parse("http://user:p%40ss@gpu1")
    assert address.credentials == "user:p@ss"
    assert "p@ss" not in f"{address} {address!r}"


@pytest.mark.parametrize(
    ("status", "message", "kind"),
    [
        (400, "", None), (413, "", None), (422, "", None), (418, "", None),
        (401, "", FaultKind.LOCKED), (403, "", FaultKind.LOCKED),
        (404, "The model `x` does not exist.", FaultKind.NO_MODEL), (404, "Not Found", FaultKind.FOREIGN),
        (405, "", FaultKind.FOREIGN), (301, "", FaultKind.FOREIGN), (308, "", FaultKind.FOREIGN),
        (408, "", FaultKind.BUSY), (429, "", FaultKind.BUSY), (503, "", FaultKind.BUSY),
        (502, "", FaultKind.LOST), (504, "", FaultKind.GATEWAY),
        (500, "", FaultKind.BROKEN), (501, "", FaultKind.BROKEN), (599, "", FaultKind.BROKEN),
        (204, "", FaultKind.BROKEN),
    ],
)  # fmt: skip
def test_every_status_means_something(status, message, kind):
    fault = fault_of_reply(Reply(status, httpx.Headers(), b""), message, NOW)
    assert (fault.kind if fault else None) is kind


@pytest.mark.parametrize(
    ("retry_after", "rest"),
    [
        ("", None), ("7", 7.0), ("0", 1.0), ("-5", 1.0), ("1e9", 60.0), ("nan", None), ("inf", 60.0), ("soon", None),
        ("Fri, 02 Jan 2026 03:04:25 GMT", 20.0), ("Fri, 02 Jan 2026 03:04:25", 20.0),
        ("Fri, 02 Jan 2125 03:04:25 GMT", 60.0), ("Fri, 02 Jan 1970 03:04:25 GMT", 1.0), ("Fri, 99 Foo 2026", None),
    ],
)  # fmt: skip
def test_the_rest_that_a_server_asks_for_is_granted_within_bounds(retry_after, rest):
    reply = Reply(503, httpx.Headers({"Retry-After": retry_after}), b"")
    assert fault_of_reply(reply, "", NOW).rest == rest


@given(st.text(max_size=40))
def test_no_header_of_a_server_is_a_defect_of_ours(text):
    headers = httpx.Headers([(b"Retry-After", text.encode()), (b"Location", text.encode())])
    for status in (302, 503):
        assert fault_of_reply(Reply(status, headers, b""), text, NOW) is not None


@given(st.binary(max_size=200) | st.recursive(st.none() | st.integers() | st.floats() | st.text(), lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(["error", "message", "choices", "content", "finish_reason", "usage", "data", "id", "tokens", "detail"]), inner)).map(lambda data: json.dumps(data).encode()))  # fmt: skip  # noqa: E501
def test_no_body_of_a_server_is_a_defect_of_ours(body):
    assert len(message_of(body)) <= 300
    assert isinstance(token_ids(body), tuple)
    for reader in (read_answer, served_models):
        with contextlib.suppress(ValueError):
            reader(body)


def test_half_a_character_is_none():
    body = rb'{"choices": [{"message": {"content": "a\ud83d\ude00b\ud83dc"}}]}'
    assert read_answer(body).text == "a\U0001f600b\N{REPLACEMENT CHARACTER}c"


def test_messages_are_found_wherever_a_server_puts_them():
    bodies = ['{"error": {"message": "a\\n b"}}', '{"error": "a b"}', '{"message": "a b"}', '{"detail": "a b"}', "a  b"]
    assert {message_of(body.encode()) for body in bodies} == {"a b"}
    assert message_of(b"<html><h1>502 Bad Gateway</h1></html>") == ""


def test_adapters_are_no_models():
    body = b'{"data": [{"id": "a", "max_model_len": 8192}, {"id": "lora", "parent": "a"}, {"id": "b"}]}'
    assert served_models(body) == {"a": 8192, "b": None}


def test_the_server_with_the_least_to_do_is_chosen_and_equals_take_turns():
    assert choose([Load(3, 9), Load(1, 9), Load(2, 9)], 0) == 1
    assert choose([Load(1, 9)] * 3, 0) == 1
    assert choose([Load(1, 9)] * 3, 2) == 0
    assert choose([], -1) is None
    assert choose([Load(4, 4), Load(0, 0)], 0) is None


def test_a_server_with_failures_is_chosen_more_seldom():
    loads = [Load(0, 9, failures=2), Load(1, 9)]
    assert choose(loads, 0) == 1
    assert choose([loads[0], Load(3, 9)], 0) == 0


@given(
    st.lists(st.builds(Load, st.integers(0, 5), st.integers(0, 5), st.integers(0, 3)), max_size=6), st.integers(-1, 5)
)
def test_a_server_is_chosen_whenever_one_has_room_and_never_one_that_has_none(loads, last):
    index = choose(loads, last)
    if index is None:
        assert all(load.in_flight >= load.room for load in loads)
    else:
        assert loads[index].in_flight < loads[index].room


def test_pages_whose_server_was_lost_are_kept_apart():
    assert Load(50, 100).takes(2)
    assert Load(57, 100, suspects=(1,) * 7).takes(1)
    assert not Load(58, 100, suspects=(1,) * 8).takes(1)
    assert not Load(51, 100, suspects=(1,)).takes(2)
    assert not Load(51, 100, suspects=(2,)).takes(1)
    assert Load(51, 100, suspects=(2,)).takes(0)
    assert set(fleet.TOGETHER) == {0, 1}


def met(**values):
    server = Standing(**values)
    server.found_well(0)
    return server


def test_a_server_that_lost_a_page_is_used_again_as_soon_as_it_looks_well():
    server = met()
    assert server.room(8, 0) == 8
    assert server.left_unanswered(server.spell, LOST, 0)
    assert (server.room(8, 0), server.useful) == (0, True)
    assert server.found_well(server.spell)
    assert server.room(8, 0) == 8


def test_pages_that_were_lost_together_count_once():
    server = met()
    spell = server.spell
    assert [server.left_unanswered(spell, LOST, 0) for _ in range(5)] == [True, False, False, False, False]
    assert (server.failed, server.failures(0)) == (1, 1)
    server.found_well(server.spell)
    assert not server.left_unanswered(spell, LOST, 0)  # it was sent before it went
    assert server.room(8, 0) == 8


def test_a_look_that_began_before_a_page_was_lost_says_nothing():
    server = met()
    spell = server.spell
    server.left_unanswered(spell, LOST, 0)
    assert not server.found_well(spell)
    assert server.room(8, 0) == 0


def test_a_server_that_answers_no_page_rests_longer_and_longer_and_then_gets_one_at_a_time():
    server, rests, now = met(), [], 0.0
    for _ in range(10):
        server.left_unanswered(server.spell, LOST, now)
        server.found_well(server.spell)
        rests.append(server.rests_until - now)
        assert server.room(8, now) == (8 if not rests[-1] else 0)
        now = server.rests_until
        assert server.room(8, now) == (8 if len(rests) == 1 else 1)
    assert rests == [0, 1, 2, 4, 8, 16, 32, 60, 60, 60]
    assert not server.useful
    server.answered()
    assert (server.room(8, now), server.useful, server.fault) == (8, True, None)


def test_a_busy_server_rests_as_long_as_it_asks_and_stays_well():
    server = met()
    server.left_unanswered(server.spell, BUSY, 0)
    assert (server.rests_until, server.well) == (1, True)
    server.left_unanswered(server.spell, Fault(FaultKind.BUSY, "HTTP 503", rest=30), 10)
    assert server.rests_until == 40


def test_an_unwell_server_is_looked_at_more_and_more_seldom():
    server = met()
    intervals = [server.next_look(5)]
    for _ in range(8):
        server.found_unwell(LOST)
        intervals.append(server.next_look(5))
    assert intervals == [5, 1, 2, 4, 8, 16, 32, 60, 60]
    for _ in range(5000):  # it goes on for years
        server.found_unwell(LOST)
    assert server.next_look(5) == 60


def test_failures_are_forgotten():
    server = met()
    server.took_too_long(100)
    assert [server.failures(now) for now in (100, 159, 161)] == [1, 1, 0]


def test_how_servers_stand_together():
    unmet, well, gone, locked = Standing(), met(), met(), Standing()
    gone.found_unwell(LOST)
    locked.found_unwell(LOCKED)

    def state(*servers, patient=False):
        return outlook([(f"http://{number}", server) for number, server in enumerate(servers)], patient=patient)

    assert state(unmet, patient=True) == (EngineState.LOADING, "")
    assert state(unmet) == (EngineState.UNREACHABLE, "http://0: it did not answer yet.")
    assert state(well, gone, locked) == (EngineState.READY, "")
    assert state(gone) == (EngineState.UNREACHABLE, "http://0: connection lost.")
    assert state(locked, patient=True) == (EngineState.FAILED, "http://0: it wants another key.")
    assert state(locked, unmet, patient=True) == (EngineState.LOADING, "")
    assert state(locked, gone)[0] is EngineState.UNREACHABLE


@pytest.mark.parametrize(
    ("kinds", "codes"),
    [
        ([FaultKind.LOST] * 3, [None, None, ErrorCode.ENGINE_CRASHED]),
        ([FaultKind.GATEWAY] * 3, [None, None, ErrorCode.ENGINE_TIMEOUT]),
        ([FaultKind.BROKEN, FaultKind.LOCKED, FaultKind.FOREIGN], [None, None, ErrorCode.ENGINE_FAILED]),
        ([FaultKind.LOST, FaultKind.BROKEN, FaultKind.LOST, FaultKind.BROKEN], [None] * 4),
        ([FaultKind.UNREACHED, FaultKind.BUSY] * 20, [None] * 40),
    ],
)
def test_a_page_is_asked_again_but_not_for_ever(kinds, codes):
    tries = Tries()
    failures = [tries.after(Fault(kind, "so"), "http://gpu1") for kind in kinds]
    assert [failure.code if failure else None for failure in failures] == codes
