"""What a job is: its states, their allowed transitions and its status file's content.

The one definition of each. How the status is written to disk is in `jobs.status_file`.
"""

import re
import secrets
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, PlainSerializer, WithJsonSchema

from pdfocr_watcher.errors import ErrorCode
from pdfocr_watcher.jobs.settings import JobSettings


class Status(StrEnum):
    """The four words that a reader of status.json meets, and no others."""

    #: Claimed; waits for its turn.
    PENDING = "pending"
    #: At least one page was begun.
    PROCESSING = "processing"
    #: Done; the result is, or is about to be, in the outbox.
    COMPLETED = "completed"
    #: Given up; what there is is, or is about to be, in the failed folder.
    FAILED = "failed"

    @property
    def finished(self) -> bool:
        """Whether nothing more will happen to the job by itself."""
        return self in {Status.COMPLETED, Status.FAILED}


class Stage(StrEnum):
    """Where in its life a job is: more than its status says."""

    QUEUED = "queued"
    RENDERING = "rendering"
    RECOGNIZING = "recognizing"
    ASSEMBLING = "assembling"
    DELIVERING = "delivering"
    DONE = "done"


#: processing -> pending and failed -> pending are the ways back: a crash, and a person's `retry`.
TRANSITIONS: dict[Status, frozenset[Status]] = {
    Status.PENDING: frozenset({Status.PROCESSING, Status.FAILED}),
    Status.PROCESSING: frozenset({Status.PENDING, Status.COMPLETED, Status.FAILED}),
    Status.COMPLETED: frozenset(),
    Status.FAILED: frozenset({Status.PENDING}),
}


class TransitionError(ValueError):
    """A change of status that `TRANSITIONS` does not allow: a defect of the caller."""


def _rfc3339(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


#: A point in time; in JSON as RFC 3339 says, in UTC, with milliseconds.
Moment = Annotated[
    AwareDatetime,
    PlainSerializer(_rfc3339, return_type=str, when_used="json"),
    WithJsonSchema(
        {
            "type": "string",
            "format": "date-time",
            "pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}[.][0-9]{3}Z$",
        }
    ),
]


def well_formed(text: str) -> str:
    """The text with every lone surrogate replaced by U+FFFD: UTF-8 cannot hold one, and an engine may say one."""
    if text.isascii():
        return text
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


#: Text that comes from outside: a name, a message.
Words = Annotated[str, PlainSerializer(well_formed, return_type=str, when_used="json")]

JOB_ID = re.compile(r"[0-9]{8}T[0-9]{6}Z-[0-9a-f]{8}")


def new_job_id(now: datetime) -> str:
    """A job id: sorts by time, to the second, and is unique by 32 random bits."""
    return f"{now.astimezone(UTC):%Y%m%dT%H%M%SZ}-{secrets.token_hex(4)}"


def short_id(job_id: str) -> str:
    """The part of a job id that names its result folder."""
    return job_id.rpartition("-")[2]


class _Value(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, json_schema_serialization_defaults_required=True)


class FailedPageStatus(_Value):
    """A page that could not be read."""

    page: int = Field(ge=1, description="the page, counted from 1")
    code: ErrorCode = Field(description="why, as a stable name")
    message: Words = Field(description="why, in words")


class EngineStatus(_Value):
    """Who read the pages."""

    name: str
    model: str
    version: str


class Worker(_Value):
    """The daemon that has the job."""

    host: str
    pid: int


class Output(StrEnum):
    """What may be written beside the Markdown and the figures; the words are the fields of `Outputs`."""

    MARKDOWN_DET = "markdown_det"
    LAYOUTS = "layouts"
    DOCUMENT = "document"
    SEARCHABLE_PDF = "searchable_pdf"
    REPORT = "report"


#: What each of them is called.
OUTPUT_NAMES = {
    Output.MARKDOWN_DET: "output_det.mmd",
    Output.LAYOUTS: "output_layouts.pdf",
    Output.DOCUMENT: "output.json",
    Output.SEARCHABLE_PDF: "output_searchable.pdf",
    Output.REPORT: "report.html",
}


class Outputs(_Value):
    """The results, relative to the folder that status.json lies in; null is what was not written."""

    markdown: str = "output.mmd"
    markdown_det: str | None = Field(None, description="the Markdown with the label and the boxes of every block")
    layouts: str | None = Field(None, description="the pages with the labelled boxes drawn")
    document: str | None = Field(None, description="the document model: all that is known, for programs")
    searchable_pdf: str | None = Field(None, description="the PDF with an invisible layer of the recognised text")
    report: str | None = Field(None, description="the pages beside what was read, for a person's eye")
    images: str = "images"
    image_count: int = Field(0, ge=0, description="files in the images folder")
    left_out: dict[Output, Words] = Field(
        default_factory=dict, description="why an output that was wanted is not there, by its name here"
    )

    @classmethod
    def of(cls, written: Iterable[Output], image_count: int, left_out: Mapping[Output, str]) -> "Outputs":
        """What a job's folder holds.

        Args:
            written: the outputs beside the Markdown and the figures.
            image_count: how many figures there are.
            left_out: see the field.
        """
        names: dict[str, str] = {output.value: OUTPUT_NAMES[output] for output in written}
        return cls.model_validate({**names, "image_count": image_count, "left_out": dict(left_out)})


class HookFailure(_Value):
    """A command of `hooks` that was run for the job, and failed."""

    command: Words = Field(description="the program, without its arguments")
    exit_status: int | None = Field(description="negative for a signal; null if it was never started")
    message: Words = Field(description="what went wrong")


class JobStatus(_Value):
    """The content of status.json."""

    schema_version: Literal[1] = 1
    job_id: str = Field(pattern=f"^{JOB_ID.pattern}$", description="sorts by time; its last part names the result")
    status: Status
    stage: Stage
    filename: Words = Field(description="the PDF's name as it was dropped")
    source: Words = Field(description="the PDF's path relative to the inbox, with / between the parts")
    sha256: str | None = Field(None, pattern="^[0-9a-f]{64}$", description="of the PDF; null until it was computed")
    bytes: int = Field(ge=0, description="the PDF's size")
    total_pages: int | None = Field(None, ge=0, description="null until the PDF was opened")
    processed_pages: int = Field(0, ge=0, description="pages done with, the failed ones included")
    failed_pages: tuple[FailedPageStatus, ...] = ()
    created_at: Moment = Field(description="when the PDF was claimed")
    started_at: Moment | None = Field(None, description="when its first page was begun")
    updated_at: Moment = Field(description="when this file last changed")
    completed_at: Moment | None = Field(None, description="when the job was completed or failed")
    attempts: int = Field(0, ge=0, description="how often the job was begun")
    fruitless_attempts: int = Field(0, ge=0, description="how often in a row without a page that came of it")
    engine: EngineStatus | None = None
    eta_seconds: float | None = Field(None, ge=0, description="estimated seconds until it is done; null if unknown")
    worker: Worker | None = Field(None, description="the daemon that has the job; null when none has")
    duplicate_of: str | None = Field(None, description="the earlier job with the same content, if it was noticed")
    error_code: ErrorCode | None = Field(None, description="null unless the job failed")
    error_message: Words | None = Field(None, description="what went wrong and what to do; null unless the job failed")
    outputs: Outputs | None = Field(None, description="null until there are some")
    settings: JobSettings | None = Field(None, description="what its folder's .pdfocr.yaml said; null if nothing")
    hook: HookFailure | None = Field(None, description="null unless the command of hooks failed for this result")

    def advance(self, status: Status, stage: Stage, now: datetime) -> "JobStatus":
        """The status after a step.

        Raises:
            TransitionError: `TRANSITIONS` does not lead from here to `status`.
        """
        if status is not self.status and status not in TRANSITIONS[self.status]:
            raise TransitionError(f"{self.job_id}: {self.status} -> {status}")
        return self.model_copy(update={"status": status, "stage": stage, "updated_at": now})
