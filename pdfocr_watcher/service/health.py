"""health.json: how the daemon is, rewritten every few seconds, so that nobody has to ask it.

`python -m pdfocr_watcher.service.health` rewrites its published JSON Schema from the model.
"""

import os
import socket
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from pdfocr_watcher import __version__
from pdfocr_watcher.errors import FAILURES, ErrorCode
from pdfocr_watcher.jobs.durable import read_file, write_file
from pdfocr_watcher.jobs.model import Moment
from pdfocr_watcher.json_schema import FOLDER, published_schema, schema_text

HEALTH_NAME = "health.json"
_MOST_BYTES = 1 << 20
#: The JSON Schema of health.json, as it ships.
SCHEMA_FILE = FOLDER / "health.schema.json"


class DaemonState(StrEnum):
    """What the daemon does."""

    STARTING = "starting"
    RUNNING = "running"
    #: It claims nothing, or goes on with nothing; `reason` says why.
    PAUSED = "paused"
    #: The inbox cannot be looked at.
    UNREACHABLE = "unreachable"
    STOPPING = "stopping"
    STOPPED = "stopped"


class _Value(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, json_schema_serialization_defaults_required=True)


class PagesPerMinute(_Value):
    """How many pages are done with in a minute, counted since the start of the daemon where that is less long ago."""

    last_minute: float = Field(0.0, ge=0)
    last_15_minutes: float = Field(0.0, ge=0)


class JobCounts(_Value):
    """How many jobs the index has of each status; it is some seconds behind."""

    pending: int = Field(0, ge=0)
    processing: int = Field(0, ge=0)
    completed: int = Field(0, ge=0)
    failed: int = Field(0, ge=0)


class LastError(_Value):
    """What went wrong last, of a job, a page or the engine; it may be mended long since."""

    code: ErrorCode = Field(description="a stable name")
    message: str = Field(description="what that means and what to do; no document is named")
    at: Moment = Field(description="when it happened, or was first met with")
    job_id: str | None = Field(None, description="the job that it happened to; null if it was none's")

    @classmethod
    def of(cls, code: ErrorCode, at: datetime, job_id: str | None = None) -> "LastError":
        """The error of a code."""
        failure = FAILURES[code]
        return cls(code=code, message=f"{failure.cause} {failure.advice}", at=at, job_id=job_id)


class FolderProblemNote(_Value):
    """A folder of the inbox whose settings cannot be used: what lies there waits until they are mended."""

    folder: str = Field(description="its path in the inbox; empty for the inbox itself")
    message: str = Field(description="what is wrong, and on which line")


class Health(_Value):
    """The content of health.json."""

    schema_version: Literal[1] = 1
    state: DaemonState
    reason: str | None = Field(None, description="why it is paused or unreachable")
    heartbeat: Moment = Field(description="when this file was written; an old one means a daemon that hangs or is gone")
    started_at: Moment
    version: str = __version__
    host: str = Field(default_factory=socket.gethostname)
    pid: int = Field(default_factory=os.getpid)
    engine: str = Field(description="the engine's name")
    engine_state: str = Field(description="loading, ready, unreachable (no server answers) or failed")
    engine_model: str | None = Field(None, description="who reads, as it calls itself; null until that is known")
    engine_notes: tuple[str, ...] = Field(
        (), description="what of the engine is not as it was configured, as where the GPU's memory did not suffice"
    )
    config_notes: tuple[str, ...] = Field(
        (), description="what of the changed configuration file is not in force: keys that need a restart, mistakes"
    )
    jobs_waiting: int = Field(ge=0, description="claimed jobs of which no page was begun")
    jobs_in_work: int = Field(ge=0, description="jobs of which a page was begun")
    files_in_inbox: int = Field(ge=0, description="files in the inbox that are neither claimed nor ignored")
    oldest_waiting_seconds: float | None = Field(
        None,
        ge=0,
        description="how long what has waited longest does: a claimed job of which no page was begun, since its claim, "
        "or a file in the inbox, since it was seen there; null if nothing waits",
    )
    jobs: JobCounts = JobCounts()
    pages_done: int = Field(ge=0, description="pages done with since the start")
    pages_per_minute: PagesPerMinute = PagesPerMinute()
    last_error: LastError | None = None
    free_bytes: int = Field(ge=0, description="free space where the jobs lie")
    folder_problems: tuple[FolderProblemNote, ...] = Field(
        (), description="folders of the inbox whose .pdfocr.yaml cannot be used, the first 20"
    )
    hooks_waiting: int = Field(0, ge=0, description="commands of hooks that wait or run")
    hooks_failed: int = Field(0, ge=0, description="commands of hooks that failed since the start")
    events_lost: int = Field(
        ge=0, description="how often file events were lost since the start; a sweep made up for it"
    )


def write_health(folder: Path, health: Health) -> None:
    """Write health.json whole.

    Raises:
        OSError: the file system refused.
    """
    write_file(folder / HEALTH_NAME, health.model_dump_json(indent=2).encode() + b"\n")


def read_health(folder: Path) -> Health | None:
    """The last health.json; None if there is none that can be read, as where a pipe has its name."""
    try:
        content = read_file(folder / HEALTH_NAME, _MOST_BYTES)
        return None if content is None else Health.model_validate_json(content)
    except (OSError, ValueError):
        return None


def heartbeat_age(health: Health, now: datetime) -> float:
    """Seconds since health.json was written."""
    return (now - health.heartbeat).total_seconds()


def health_schema_json() -> str:
    """The JSON Schema of health.json, as the text of its file."""
    schema = published_schema(Health, HEALTH_NAME)
    for field in schema["properties"].values():
        field.pop("default", None)  # a version, a host name and a process id of whoever writes the schema
    return schema_text(schema)


if __name__ == "__main__":
    SCHEMA_FILE.write_text(health_schema_json(), encoding="utf-8")
