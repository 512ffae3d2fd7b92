"""What the index says in short: how many jobs there are of each kind, and which ended last."""

import heapq
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from pdfocr_watcher.errors import ErrorCode
from pdfocr_watcher.jobs.index import Entry
from pdfocr_watcher.jobs.model import Status

#: Jobs of a kind that are told of one by one.
LATEST = 30


@dataclass(frozen=True, slots=True)
class Ended:
    """A job that is completed or failed.

    Attributes:
        job_id: its id.
        source: the PDF's path relative to the inbox.
        folder: where its result lies.
        completed_at: when it ended.
        total_pages: its pages; None if they were never counted.
        failed_pages: how many of them could not be read.
        error_code, error_message: None unless it failed.
    """

    job_id: str
    source: str
    folder: Path
    completed_at: datetime
    total_pages: int | None = None
    failed_pages: int = 0
    error_code: ErrorCode | None = None
    error_message: str | None = None


@dataclass(frozen=True, slots=True)
class Overview:
    """The jobs of an index.

    Attributes:
        counts: how many there are of each status.
        completed, failed: those that ended last, the latest first.
    """

    counts: Mapping[Status, int] = field(default_factory=dict)
    completed: tuple[Ended, ...] = ()
    failed: tuple[Ended, ...] = ()


_ended = TypeAdapter(Ended)


def overview_of(entries: Iterable[Entry], latest: int = LATEST) -> Overview:
    """What a list of entries comes to; one that is not as it should be is left out, for the index lies on a share.

    Args:
        entries: all jobs.
        latest: how many of those that ended are kept of each kind.
    """
    counts: Counter[Status] = Counter()
    ended: dict[Status, list[Entry]] = {Status.COMPLETED: [], Status.FAILED: []}
    for entry in entries:
        try:
            status = Status(entry["status"])
        except (KeyError, ValueError):
            continue
        counts[status] += 1
        if status.finished:
            ended[status].append(entry)
    newest = {
        status: tuple(filter(None, map(_read, heapq.nlargest(latest, jobs, key=_when_ended))))
        for status, jobs in ended.items()
    }
    return Overview(counts, newest[Status.COMPLETED], newest[Status.FAILED])


def _when_ended(entry: Entry) -> tuple[str, str]:
    # All moments are written alike, in UTC: their texts sort as they do.
    return str(entry.get("completed_at")), str(entry.get("job_id"))


def _read(entry: Entry) -> Ended | None:
    try:
        found = _ended.validate_python(entry)
    except ValidationError:
        return None
    return found if found.completed_at.tzinfo is not None else None
