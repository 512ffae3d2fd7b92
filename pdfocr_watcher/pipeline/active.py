"""A job that the daemon has in hand: its status, its folder and what is known of its pages."""

import asyncio
import os
import socket
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pdfocr_watcher.document.model import FailedPage
from pdfocr_watcher.errors import ErrorCode, PdfocrError
from pdfocr_watcher.jobs.folder import JobFolder
from pdfocr_watcher.jobs.model import FailedPageStatus, JobStatus, Stage, Status, Worker
from pdfocr_watcher.jobs.settings import JobSettings, Priority
from pdfocr_watcher.pipeline.rendering import PageSize

Now = Callable[[], datetime]


def utc_now() -> datetime:
    """The clock of the status files."""
    return datetime.now(UTC)


@dataclass(slots=True, eq=False)
class ActiveJob:
    """The one mutable thing about a job, owned by the event loop.

    Attributes:
        status: what status.json says, or will say at the next write.
        folder: its folder in jobs/.
        sizes: the pages' sizes; empty until the PDF was opened.
        unlocked: whether its pages are read from a copy without the PDF's encryption.
        tries: failed tries of a page, by index.
        render_seconds: time that renderers have worked on it since this daemon began.
        remaining: pages that have no checkpoint.
        in_flight: turns and pages that are being worked on.
        cancelled: whether it is to be dropped as soon as nothing is in flight.
        tasks: the turns and pages in flight.
        remarks: what people were told already of its pages.
        begun_pages: pages that were done with when this daemon began, for the estimate.
    """

    status: JobStatus
    folder: JobFolder
    sizes: tuple[PageSize, ...] = ()
    unlocked: bool = False
    tries: dict[int, int] = field(default_factory=dict)
    render_seconds: float = 0.0
    remaining: int = 0
    in_flight: int = 0
    cancelled: bool = False
    remarks: set[str] = field(default_factory=set)
    begun_pages: int = 0
    begun_at: datetime | None = None
    written_at: float = 0.0
    tasks: set[asyncio.Task[None]] = field(default_factory=set)
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    idle: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def job_id(self) -> str:
        """The job's id."""
        return self.status.job_id

    @property
    def settings(self) -> JobSettings:
        """What holds for this job alone."""
        return self.status.settings or JobSettings()

    @property
    def priority(self) -> Priority:
        """Whose pages go before and after its own."""
        return self.settings.priority or Priority.NORMAL

    @property
    def input(self) -> Path:
        """The claimed PDF."""
        return self.folder.input(self.status.filename)

    @property
    def readable(self) -> Path:
        """What its pages are read from: the claimed PDF, or its copy without encryption."""
        return self.folder.unlocked if self.unlocked else self.input

    def enter(self) -> None:
        """Something of this job is being worked on."""
        self.in_flight += 1
        self.idle.clear()

    def leave(self) -> None:
        """It is no longer."""
        self.in_flight -= 1
        if not self.in_flight:
            self.idle.set()

    def change(self, now: datetime, **values: Any) -> None:
        """Change the status without moving it on."""
        self.status = self.status.model_copy(update={**values, "updated_at": now})

    def advance(self, status: Status, stage: Stage, now: datetime, **values: Any) -> None:
        """Move the status on."""
        self.status = self.status.advance(status, stage, now)
        self.change(now, **values)

    def begin(self, now: datetime) -> None:
        """The daemon takes the job up."""
        self.begun_at = now
        self.advance(
            Status.PROCESSING,
            Stage.RENDERING,
            now,
            attempts=self.status.attempts + 1,
            fruitless_attempts=self.status.fruitless_attempts + 1,
            started_at=self.status.started_at or now,
            worker=Worker(host=socket.gethostname(), pid=os.getpid()),
        )

    def opened(
        self, now: datetime, sizes: tuple[PageSize, ...], done: frozenset[int], failed: tuple[FailedPageStatus, ...]
    ) -> list[int]:
        """The PDF was opened: what is known of its pages from now on.

        Returns:
            The pages, counted from 0, that have no checkpoint yet.
        """
        self.sizes = sizes
        missing = [index for index in range(len(sizes)) if index not in done]
        self.remaining = len(missing)
        self.begun_pages = len(sizes) - len(missing)
        self.change(now, total_pages=len(sizes), processed_pages=self.begun_pages, failed_pages=failed)
        return missing

    def page_done(self, now: datetime, failed: FailedPage | None = None) -> None:
        """A page has its checkpoint."""
        self.remaining -= 1
        total = len(self.sizes)
        values: dict[str, Any] = {"processed_pages": total - self.remaining, "fruitless_attempts": 0}
        if failed is not None:
            page = FailedPageStatus(page=failed.index + 1, code=ErrorCode(failed.code), message=failed.message)
            values["failed_pages"] = (*self.status.failed_pages, page)
        if self.begun_at is not None:
            done = max(1, values["processed_pages"] - self.begun_pages)
            per_page = (now - self.begun_at).total_seconds() / done
            values["eta_seconds"] = round(per_page * self.remaining, 1)
        stage = Stage.RECOGNIZING if self.remaining else Stage.ASSEMBLING
        self.advance(Status.PROCESSING, stage, now, **values)

    def end(self, status: Status, now: datetime, error: PdfocrError | None = None, **values: Any) -> None:
        """The job is completed or failed."""
        self.advance(
            status,
            Stage.DONE,
            now,
            completed_at=now,
            eta_seconds=None,
            worker=None,
            error_code=error.code if error else None,
            error_message=str(error) if error else None,
            **values,
        )

    def put_back(self, now: datetime, checkpointed: int) -> None:
        """The daemon lets go of a job in good order: it waits again, and this begin does not count as an attempt.

        Args:
            now: the time.
            checkpointed: the pages that are done with, as the disk has them.
        """
        values = {
            "attempts": max(0, self.status.attempts - 1),
            "fruitless_attempts": max(0, self.status.fruitless_attempts - 1),
            "processed_pages": checkpointed,
        }
        self.advance(Status.PENDING, Stage.QUEUED, now, eta_seconds=None, worker=None, **values)
