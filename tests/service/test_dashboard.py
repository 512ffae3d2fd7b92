"""The dashboard's page: what it says, and that nobody's name is more than a name in it."""

import dataclasses
import os
import re
from pathlib import Path
from urllib.parse import unquote_to_bytes, urljoin

import pytest

from pdfocr_watcher.errors import FAILURES, ErrorCode
from pdfocr_watcher.jobs.model import Stage
from pdfocr_watcher.jobs.naming import printable
from pdfocr_watcher.service.dashboard.board import Board, Card
from pdfocr_watcher.service.dashboard.elements import duration
from pdfocr_watcher.service.dashboard.links import below, link_to
from pdfocr_watcher.service.dashboard.page import page
from pdfocr_watcher.service.health import DaemonState, FolderProblemNote, JobCounts
from tests.service.boards import ATTACKS, MOMENT, TAGS, Page, attacked

_ROOT = Path("/srv/ocr")
_CARD = Card("20261123T120000Z-3f9a1c2b", "letters/a.pdf", Stage.RECOGNIZING, MOMENT)


def _text(board):
    return " ".join("".join(Page(page(board).decode()).texts).split())


@pytest.fixture
def board(make_health):
    return Board(make_health(), 5.0)


@pytest.mark.parametrize("name", ATTACKS, ids=range(len(ATTACKS)))
def test_a_name_is_never_more_than_a_name(make_health, name):
    """The page has the very elements and attributes that it has with a harmless name."""
    found = Page(page(attacked(make_health, [name])).decode())
    harmless = Page(page(attacked(make_health, ["b.pdf" if "/" not in name else "a/b.pdf"])).decode())
    assert [(tag, sorted(attributes)) for tag, attributes in found.elements] == [
        (tag, sorted(attributes)) for tag, attributes in harmless.elements
    ]
    assert {tag for tag, _ in found.elements} <= TAGS
    assert printable(name.rpartition("/")[2]) in "".join(found.texts)


def test_what_is_not_seen_or_turns_the_writing_is_shown_as_an_escape(make_health):
    text = page(attacked(make_health, ATTACKS)).decode()
    assert not {character for character in text if not character.isprintable()} - {"\n", "\u200d"}
    for shown in ("\\u202efdp.exe", "caf\\udce9", "a\\nb\\tc", "nul\\x00"):
        assert shown in text


@pytest.mark.parametrize("name", ATTACKS, ids=range(len(ATTACKS)))
def test_a_link_leads_to_the_very_file_and_nowhere_else(name):
    target = _ROOT / "outbox" / name.replace("\0", "").lstrip("/") / "output.mmd"
    link = link_to(target, _ROOT / "status", _ROOT)
    assert link.startswith("../outbox/")
    assert re.fullmatch(r"[A-Za-z0-9_.~%/-]+", link)
    led = urljoin("file:///srv/ocr/status/index.html", link).removeprefix("file://")
    assert unquote_to_bytes(led) == os.fsencode(os.path.normpath(target))


@pytest.mark.parametrize("target", ["/elsewhere/outbox/a", "/srv/ocrs/a", "/srv/ocr/../a"])
def test_there_is_no_link_to_what_is_not_shared(target):
    assert link_to(Path(target), _ROOT / "status", _ROOT) is None


@pytest.mark.parametrize("path", ["", ".", "..", "../a", "a/../../b", "/etc/passwd"])
def test_an_output_that_leads_out_of_its_result_has_no_link(path):
    assert below("../outbox/a", path) is None


def test_outputs_whatever_they_are_called_have_links(board):
    named = {"images": "images", "markdown": "output.mmd", "word_document": "a b.docx", "report": "report.html"}
    outputs = {key: below("../outbox/x", path) for key, path in named.items()}
    card = dataclasses.replace(_CARD, folder="../outbox/x", outputs=outputs)
    found = Page(page(dataclasses.replace(board, completed=(card,))).decode())
    mine = [link for link in found.links if link.startswith("../outbox")]
    start = "../outbox/x/"
    assert mine == [start, f"{start}report.html", f"{start}output.mmd", f"{start}a%20b.docx"], "no figures, no link"
    assert "Word document" in found.texts
    card = dataclasses.replace(card, image_count=2)
    assert f"{start}images" in Page(page(dataclasses.replace(board, completed=(card,))).decode()).links


def test_a_job_in_work_shows_how_far_it_is(board):
    card = dataclasses.replace(_CARD, total_pages=1200, processed_pages=300, failed_pages=1, eta_seconds=5400)
    board = dataclasses.replace(board, in_work=(card,))
    text = _text(board)
    for said in ("a.pdf", "in letters", "3f9a1c2b", "Reading", "300 of 1,200 pages", "about 1 h 30 min left",
                 "1 page could not be read"):  # fmt: skip
        assert said in text
    (bar,) = (attributes for tag, attributes in Page(page(board).decode()).elements if tag == "progress")
    assert (bar["value"], bar["max"]) == ("300", "1200")
    unknown = page(dataclasses.replace(board, in_work=(_CARD,))).decode()
    assert "value" not in next(attributes for tag, attributes in Page(unknown).elements if tag == "progress")


def test_a_failure_says_why_and_what_to_do(board):
    error = {"error_code": ErrorCode.PDF_ENCRYPTED, "error_message": "Page 3 is shut. "}
    error["error_message"] += FAILURES[ErrorCode.PDF_ENCRYPTED].advice
    text = _text(dataclasses.replace(board, failed=(dataclasses.replace(_CARD, stage=Stage.DONE, **error),)))
    assert "pdf_encrypted" in text
    assert f"Page 3 is shut.What to do: {FAILURES[ErrorCode.PDF_ENCRYPTED].advice.replace('`', '')}" in text


def test_a_folder_whose_settings_cannot_be_used_is_named_with_what_is_wrong(make_health):
    problems = (
        FolderProblemNote(folder="scans/<b>", message=".pdfocr.yaml: line 2: priorty: unknown key"),
        FolderProblemNote(folder="", message=".pdfocr.yaml: line 1: dpi: must be a number"),
    )
    text = _text(Board(make_health(folder_problems=problems), 5.0))
    assert "What lies in scans/<b> waits. .pdfocr.yaml: line 2: priorty: unknown key" in text
    assert "What lies in the inbox waits. .pdfocr.yaml: line 1: dpi" in text


@pytest.mark.parametrize("code", ErrorCode)
def test_every_failure_has_an_advice(board, code):
    card = dataclasses.replace(_CARD, stage=Stage.DONE, error_code=code)
    assert "What to do:" in _text(dataclasses.replace(board, failed=(card,)))


def test_a_private_document_is_not_named(board):
    card = dataclasses.replace(_CARD, name=None, total_pages=7)
    board = dataclasses.replace(board, in_work=(card,), completed=(card,))
    text = _text(board)
    assert "a.pdf" not in text
    assert text.count("A private document") == 2
    assert Page(page(board).decode()).links == ["../health.json"]


def test_what_is_not_shown_is_counted(make_health):
    health = make_health(jobs_waiting=5000, files_in_inbox=1, jobs=JobCounts(completed=12_345))
    text = _text(Board(health, 5.0, waiting=(_CARD,) * 15, completed=(_CARD,) * 30))
    assert "and 4,985 more, 1 file in the inbox" in text
    assert "and 12,315 more" in text


@pytest.mark.parametrize("state", DaemonState)
def test_every_state_is_said_with_its_reason(make_health, state):
    text = _text(Board(make_health(state=state, reason="Because of <b>."), 5.0))
    assert "Because of <b>." in text
    assert "rewritten every 5 s" in text or state is DaemonState.STOPPED


def test_a_page_without_scripts_says_when_it_was_written_and_loads_itself_again(make_health):
    for interval, refresh in ((5.0, "5"), (0.2, "2"), (300.0, "300")):
        found = Page(page(Board(make_health(), interval)).decode())
        metas = [attributes for tag, attributes in found.elements if tag == "meta"]
        assert {"http-equiv": "refresh", "content": refresh} in metas
    (moment, *_) = (attributes["datetime"] for tag, attributes in found.elements if tag == "time")
    assert moment == "2026-11-23T12:00:00+00:00"
    (stale,) = (attributes for _, attributes in found.elements if attributes.get("id") == "stale")
    assert "hidden" in stale, "only a script can know that it is old"


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(0.2, "1 s"), (59, "59 s"), (61, "1 min"), (3599, "60 min"), (5400, "1 h 30 min"), (40 * 3600, "40 h"),
     (86400 * 12, "12 days")],
)  # fmt: skip
def test_a_duration_in_words(seconds, said):
    assert duration(seconds) == said
