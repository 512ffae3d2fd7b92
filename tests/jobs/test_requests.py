"""A request reaches the daemon and its answer the one who asked; rubbish in the folder stops nothing."""

import json
import os
from datetime import timedelta

import pytest

from pdfocr_watcher.errors import ErrorCode, PdfocrError
from pdfocr_watcher.jobs.model import Status
from pdfocr_watcher.jobs.requests import (
    PATIENCE,
    Answer,
    Request,
    Verb,
    ask,
    forget_old,
    give_answer,
    pending_requests,
    take_answer,
    withdraw,
)
from pdfocr_watcher.jobs.retention import Place


@pytest.mark.parametrize("verb", Verb)
def test_a_request_is_found_answered_and_gone(tmp_path, verb):
    request = ask(tmp_path, verb, "a-job")
    assert take_answer(tmp_path, request) is None
    assert pending_requests(tmp_path) == [request] == [Request(request.token, verb, "a-job")]
    give_answer(tmp_path, request, Answer(None, "done ä"))
    assert pending_requests(tmp_path) == []
    answer = take_answer(tmp_path, request)
    assert answer == Answer(None, "done ä")
    answer.raise_failure()
    assert take_answer(tmp_path, request) is None
    assert os.listdir(tmp_path / ".requests") == []


def test_a_refusal_is_raised_where_it_was_asked(tmp_path):
    request = ask(tmp_path, Verb.RETRY, "a-job")
    give_answer(tmp_path, request, Answer(ErrorCode.JOB_STATUS_CONFLICT, "It is pending."))
    with pytest.raises(PdfocrError, match="It is pending") as caught:
        take_answer(tmp_path, request).raise_failure()
    assert caught.value.code is ErrorCode.JOB_STATUS_CONFLICT


def test_each_answer_reaches_its_own_request(tmp_path):
    first, second = (ask(tmp_path, Verb.DELETE, name) for name in ("one", "two"))
    give_answer(tmp_path, second, Answer(None, "two"))
    assert take_answer(tmp_path, first) is None
    assert take_answer(tmp_path, second).detail == "two"


def test_no_folder_means_no_request(tmp_path):
    assert pending_requests(tmp_path) == []
    forget_old(tmp_path)


def test_what_is_no_request_goes_and_does_not_hold_up_the_others(tmp_path):
    request = ask(tmp_path, Verb.REINDEX, "")
    folder = tmp_path / ".requests"
    for number, content in enumerate((b"", b"{", b"7", b"null", b"{}", b'{"verb": "explode", "job_id": ""}', b"\xff")):
        (folder / f"{number}.request.json").write_bytes(content)
    (folder / "folder.request.json").mkdir()
    (folder / "elsewhere.txt").touch()
    assert pending_requests(tmp_path) == [request]
    assert pending_requests(tmp_path) == [request]
    assert sorted(os.listdir(folder)) == sorted(
        [f"{request.token}.request.json", "elsewhere.txt", "folder.request.json"]
    )


def test_a_flood_is_taken_in_parts(tmp_path):
    for _ in range(120):
        ask(tmp_path, Verb.DELETE, "a")
    taken = pending_requests(tmp_path)
    assert len(taken) == 100
    for request in taken:
        give_answer(tmp_path, request, Answer(None, ""))
    assert len(pending_requests(tmp_path)) == 20


def test_a_request_that_is_withdrawn_is_not_done(tmp_path):
    request = ask(tmp_path, Verb.DELETE, "a")
    withdraw(tmp_path, request)
    assert pending_requests(tmp_path) == []
    withdraw(tmp_path, request)


def test_an_answer_that_comes_as_its_request_is_withdrawn_does_not_stay(tmp_path):
    request = ask(tmp_path, Verb.DELETE, "a")
    give_answer(tmp_path, request, Answer(None, ""))
    withdraw(tmp_path, request)
    assert os.listdir(tmp_path / ".requests") == []


def _age(path, seconds):
    moment = path.stat().st_mtime - seconds
    os.utime(path, (moment, moment))


@pytest.mark.parametrize("seconds", [PATIENCE + 1, -3600])
def test_a_new_daemon_forgets_what_nobody_waits_for_any_more(tmp_path, seconds):
    give_answer(tmp_path, ask(tmp_path, Verb.DELETE, "a"), Answer(None, ""))
    ask(tmp_path, Verb.DELETE, "b")
    folder = tmp_path / ".requests"
    (folder / ".pdfocr-x.request.json.1-1.tmp").touch()
    (folder / "folder.request.json").mkdir()
    for path in folder.iterdir():
        _age(path, seconds)
    forget_old(tmp_path)
    assert os.listdir(folder) == ["folder.request.json"]


def test_what_was_asked_while_a_daemon_started_is_done_by_it(tmp_path):
    answered = ask(tmp_path, Verb.DELETE, "a")
    give_answer(tmp_path, answered, Answer(None, "done"))
    asked = ask(tmp_path, Verb.DELETE, "b")
    forget_old(tmp_path)
    assert pending_requests(tmp_path) == [asked]
    assert take_answer(tmp_path, answered) == Answer(None, "done")


def test_which_results_are_to_be_purged_arrives_as_it_was_asked(tmp_path):
    places = (Place(Status.COMPLETED, ("sub", "sch\udcf6n.00000001")), Place(Status.FAILED, ("b.00000002",)))
    request = ask(tmp_path, Verb.PURGE, places=places, age=timedelta(days=30))
    assert pending_requests(tmp_path) == [request]
    assert (request.places, request.age) == (places, timedelta(days=30))


@pytest.mark.parametrize(
    "values",
    [
        {"places": [{"ending": "pending", "parts": ["a"]}]},
        {"places": [{"ending": "failed", "parts": []}]},
        {"places": [{"ending": "failed"}]},
        {"places": 3},
        {"age": 1e300},
        {"age": "old"},
        {"age": None},
    ],
)
def test_a_purge_that_makes_no_sense_is_thrown_away(tmp_path, values):
    path = tmp_path / ".requests" / f"{ask(tmp_path, Verb.PURGE).token}.request.json"
    path.write_text(json.dumps({**json.loads(path.read_bytes()), **values}))
    assert pending_requests(tmp_path) == []
    assert not path.exists()
