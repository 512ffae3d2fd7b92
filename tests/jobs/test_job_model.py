"""What a job is: its states, its ids, its times."""

import json
import re
from datetime import UTC, datetime, timedelta, timezone
from itertools import pairwise, product

import pytest
from pydantic import ValidationError

from pdfocr_watcher.errors import ErrorCode
from pdfocr_watcher.jobs.model import (
    JOB_ID,
    TRANSITIONS,
    FailedPageStatus,
    Stage,
    Status,
    TransitionError,
    new_job_id,
    short_id,
    well_formed,
)

NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


def test_every_status_has_its_row_in_the_table_of_transitions():
    assert set(TRANSITIONS) == set(Status)
    assert set().union(*TRANSITIONS.values()) <= set(Status)


def test_the_four_words_are_those_of_the_promise():
    assert [status.value for status in Status] == ["pending", "processing", "completed", "failed"]
    assert [status for status in Status if status.finished] == [Status.COMPLETED, Status.FAILED]


@pytest.mark.parametrize(("before", "after"), list(product(Status, Status)))
def test_a_status_goes_where_the_table_leads_and_nowhere_else(make_status, before, after):
    allowed = {
        (Status.PENDING, Status.PROCESSING),
        (Status.PENDING, Status.FAILED),
        (Status.PROCESSING, Status.PENDING),
        (Status.PROCESSING, Status.COMPLETED),
        (Status.PROCESSING, Status.FAILED),
        (Status.FAILED, Status.PENDING),
    }
    job = make_status(status=before)
    if before is after or (before, after) in allowed:
        advanced = job.advance(after, Stage.DELIVERING, NOON)
        assert (advanced.status, advanced.stage, advanced.updated_at) == (after, Stage.DELIVERING, NOON)
        assert job.status is before
    else:
        with pytest.raises(TransitionError, match=f"{before} -> {after}"):
            job.advance(after, Stage.DELIVERING, NOON)


@pytest.mark.parametrize(
    ("moment", "written"),
    [
        (datetime(2026, 11, 23, 12, 50, 45, 123_999, tzinfo=UTC), "2026-11-23T12:50:45.123Z"),
        (datetime(2026, 11, 23, 12, 50, 45, tzinfo=UTC), "2026-11-23T12:50:45.000Z"),
        (datetime(2026, 11, 23, 1, 0, tzinfo=timezone(timedelta(hours=2))), "2026-11-22T23:00:00.000Z"),
    ],
)
def test_times_are_rfc_3339_in_utc_with_milliseconds(make_status, moment, written):
    data = json.loads(make_status(updated_at=moment, completed_at=moment).model_dump_json())
    assert data["updated_at"] == data["completed_at"] == written


def test_a_time_without_a_zone_is_refused(make_status):
    with pytest.raises(ValidationError):
        make_status(updated_at=datetime(2026, 11, 23))  # noqa: DTZ001 - the fault that is tried


def test_job_ids_sort_by_time_whatever_their_random_part():
    moments = [NOON + timedelta(seconds=step) for step in (0, 1, 59, 60, 3600, 86_400 * 40, 86_400 * 400)]
    ids = [new_job_id(moment) for moment in moments]
    assert ids == sorted(ids)
    assert all(before < after for before, after in pairwise(ids))
    assert new_job_id(NOON.astimezone(timezone(timedelta(hours=-9)))).startswith("20261123T120000Z-")


def test_job_ids_of_one_second_differ_and_have_a_short_part():
    ids = {new_job_id(NOON) for _ in range(1000)}
    assert len(ids) == 1000
    assert all(JOB_ID.fullmatch(job_id) for job_id in ids)
    assert all(re.fullmatch("[0-9a-f]{8}", short_id(job_id)) for job_id in ids)
    assert short_id("20261123T125045Z-3f9a1c2b") == "3f9a1c2b"


@pytest.mark.parametrize("job_id", ["", "letter", "20261123T125045Z-3f9a1c2", "../20261123T125045Z-3f9a1c2b", "x\n"])
def test_what_is_no_job_id_is_refused(make_status, job_id):
    with pytest.raises(ValidationError):
        make_status(job_id=job_id)


def test_pages_are_counted_from_1():
    with pytest.raises(ValidationError):
        FailedPageStatus(page=0, code=ErrorCode.RENDER_FAILED, message="")


@pytest.mark.parametrize(
    ("text", "whole"),
    [
        ("plain", "plain"),
        ("größe 漢字 😀", "größe 漢字 😀"),
        ("a\ud800b", "a\ufffdb"),
        ("a\udcff", "a\ufffd"),
        ("\ud83d\ude00", "😀"),
    ],
)
def test_lone_surrogates_become_replacement_characters(text, whole):
    assert well_formed(text) == whole


def test_a_message_with_a_lone_surrogate_can_be_written(make_status):
    """An engine's error may quote anything; a status file that cannot be written would stop its job."""
    page = FailedPageStatus(page=1, code=ErrorCode.ENGINE_FAILED, message="said \udcff")
    data = json.loads(make_status(failed_pages=(page,), error_message="said \ud800").model_dump_json())
    assert data["failed_pages"][0]["message"] == "said \ufffd"
    assert data["error_message"] == "said \ufffd"
