"""The index in short: what is counted, and which of the jobs that ended are shown."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

from pdfocr_watcher.errors import ErrorCode
from pdfocr_watcher.jobs.index import entry_of
from pdfocr_watcher.jobs.model import Stage, Status
from pdfocr_watcher.jobs.overview import Overview, overview_of

_START = datetime(2026, 11, 23, 12, tzinfo=UTC)


def _entry(make_status, number, status, **values):
    moment = _START + timedelta(minutes=number)
    values = {"completed_at": moment, "stage": Stage.DONE, **values} if status.finished else values
    job_id = f"20261123T120000Z-{number:08x}"
    return entry_of(make_status(job_id=job_id, status=status, source=f"{number}.pdf", **values), Path(f"/srv/{number}"))


def test_every_job_is_counted_and_the_latest_are_kept(make_status):
    entries = [_entry(make_status, number, Status.COMPLETED, total_pages=number) for number in range(50)]
    failed = {"error_code": ErrorCode.PDF_DAMAGED, "error_message": "It is damaged."}
    entries += [_entry(make_status, 100 + number, Status.FAILED, **failed) for number in range(5)]
    entries += [_entry(make_status, 200, Status.PENDING), _entry(make_status, 201, Status.PROCESSING)]
    seen = overview_of(reversed(entries), 3)
    assert seen.counts == {Status.COMPLETED: 50, Status.FAILED: 5, Status.PENDING: 1, Status.PROCESSING: 1}
    assert [job.source for job in seen.completed] == ["49.pdf", "48.pdf", "47.pdf"]
    assert [job.source for job in seen.failed] == ["104.pdf", "103.pdf", "102.pdf"]
    assert (seen.completed[0].total_pages, seen.completed[0].folder) == (49, Path("/srv/49"))
    assert (seen.failed[0].error_code, seen.failed[0].error_message) == (ErrorCode.PDF_DAMAGED, "It is damaged.")


def test_no_jobs():
    assert overview_of([]) == Overview()


def test_an_entry_that_somebody_spoilt_costs_itself_alone(make_status):
    whole = _entry(make_status, 7, Status.COMPLETED)
    spoilt = [
        {},
        {"status": "dozing"},
        {"status": "completed"},
        {**whole, "completed_at": "noon"},
        {**whole, "completed_at": None},
        {**whole, "completed_at": "2026-11-23T12:00:00"},
        {**whole, "error_code": "no_such_code"},
        {**whole, "source": 5},
    ]
    seen = overview_of([*spoilt, whole])
    assert [job.source for job in seen.completed] == ["7.pdf"]
