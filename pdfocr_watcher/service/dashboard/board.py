"""What the dashboard shows: values, decided before and without any markup."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from pdfocr_watcher.errors import ErrorCode
from pdfocr_watcher.jobs.model import Stage
from pdfocr_watcher.service.health import Health


@dataclass(frozen=True, slots=True)
class Card:
    """A job as the dashboard shows it.

    Attributes:
        job_id: its id.
        name: the PDF's path relative to the inbox, as it was given; None where not everybody may know it who may
            read the dashboard.
        stage: where in its life it is.
        since: when it was claimed; when it ended, if it did.
        total_pages: its pages; None until they were counted.
        processed_pages: those that are done with.
        failed_pages: those that could not be read.
        eta_seconds: estimated seconds until it is done; None if unknown.
        error_code: why it failed; None if it did not.
        error_message: the same in words, with what may be known to the readers of the dashboard.
        folder: where a link to its result leads; None where none can.
        outputs: where links to its outputs lead, by what status.json calls them.
        image_count: figures in its folder of images.
    """

    job_id: str
    name: str | None
    stage: Stage
    since: datetime
    total_pages: int | None = None
    processed_pages: int = 0
    failed_pages: int = 0
    eta_seconds: float | None = None
    error_code: ErrorCode | None = None
    error_message: str | None = None
    folder: str | None = None
    outputs: Mapping[str, str] = field(default_factory=dict)
    image_count: int = 0


@dataclass(frozen=True, slots=True)
class Board:
    """The whole dashboard.

    Attributes:
        health: how the daemon is.
        interval: seconds between two writes of it.
        in_work, waiting, completed, failed: jobs, those first that a person looks for first; not all of them.
    """

    health: Health
    interval: float
    in_work: tuple[Card, ...] = ()
    waiting: tuple[Card, ...] = ()
    completed: tuple[Card, ...] = ()
    failed: tuple[Card, ...] = ()
