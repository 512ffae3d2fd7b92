"""What status and list look like on a terminal."""

import json
import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from pdfocr_watcher.errors import ErrorCode, PdfocrError
from pdfocr_watcher.jobs.catalogue import FoundJob
from pdfocr_watcher.jobs.index import Entry
from pdfocr_watcher.jobs.model import JobStatus, Status
from pdfocr_watcher.jobs.naming import printable
from pdfocr_watcher.pipeline.active import utc_now
from pdfocr_watcher.service.health import HEALTH_NAME, heartbeat_age, read_health

_COLOURS = {Status.PENDING: "yellow", Status.PROCESSING: "cyan", Status.COMPLETED: "green", Status.FAILED: "red"}
_FOLLOW_INTERVAL = 0.25
#: Failed pages that are shown one by one.
_PAGES_SHOWN = 20


def show_job(found: FoundJob) -> None:
    """Print a job for a person."""
    status = found.status
    table = Table.grid(padding=(0, 2))
    table.add_column(style="dim")
    table.add_column(overflow="fold")
    rows = {
        "job": status.job_id,
        "file": status.source,
        "status": f"[{_COLOURS[status.status]}]{status.status.value}[/] ({status.stage.value})",
        "pages": _pages(status),
        "dropped": _local(status.created_at),
        "finished": _local(status.completed_at) if status.completed_at else None,
        "left": f"about {status.eta_seconds:.0f} s" if status.eta_seconds else None,
        "engine": f"{status.engine.name} ({status.engine.model})" if status.engine else None,
        "folder": str(found.folder),
        "error": status.error_message,
    }
    for name, value in rows.items():
        if value is not None:
            table.add_row(name, value if name == "status" else _plain(value))
    for page in status.failed_pages[:_PAGES_SHOWN]:
        table.add_row(f"page {page.page}", _plain(page.message))
    if (more := len(status.failed_pages) - _PAGES_SHOWN) > 0:
        table.add_row("", f"and {more} more pages, see status.json")
    Console().print(table)


def _plain(text: str) -> str:
    """A text of other people's, as a terminal may show it: no markup, nothing that moves its cursor."""
    return escape(printable(text))


def _pages(status: JobStatus) -> str:
    total = "?" if status.total_pages is None else str(status.total_pages)
    failed = f", {len(status.failed_pages)} could not be read" if status.failed_pages else ""
    return f"{status.processed_pages} of {total}{failed}"


def _local(moment: datetime) -> str:
    return f"{moment.astimezone():%Y-%m-%d %H:%M:%S}"


def show_jobs(entries: list[Entry], total: int) -> None:
    """Print a table of index entries, the oldest first."""
    table = Table(box=None, header_style="bold", pad_edge=False)
    for column in ("job", "status", "pages", "dropped", "file"):
        table.add_column(column, no_wrap=column != "file", overflow="fold")
    for entry in entries:
        status = Status(entry["status"])
        pages = f"{entry['processed_pages']}/{'?' if entry['total_pages'] is None else entry['total_pages']}"
        dropped = _local(datetime.fromisoformat(entry["created_at"]))
        note = f" [red]{entry['error_code']}[/]" if entry["error_code"] else ""
        coloured = f"[{_COLOURS[status]}]{status.value}[/]"
        table.add_row(entry["job_id"], coloured, pages, dropped, _plain(entry["source"]) + note)
    console = Console()
    console.print(table if entries else "No jobs.")
    if total > len(entries):
        console.print(f"[dim]The newest {len(entries)} of {total}; --limit shows more.[/]")


def follow_job(found: FoundJob, again: Callable[[], FoundJob]) -> FoundJob:
    """Show a progress bar until the job is done.

    Args:
        found: the job as it is now.
        again: looks for it again.

    Returns:
        The job as it ended.

    Raises:
        PdfocrError: it is gone (JOB_NOT_FOUND).
    """
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task(_plain(found.status.filename), total=found.status.total_pages)
        while True:
            status = found.status
            bar.update(
                task,
                total=status.total_pages,
                completed=status.processed_pages,
                description=f"{_plain(status.filename)} {status.status.value}",
            )
            if status.status.finished:
                break
            time.sleep(_FOLLOW_INTERVAL)
            found = again()
    show_job(found)
    return found


def show_health(root: Path, *, as_json: bool) -> None:
    """Print how the daemon is.

    Raises:
        PdfocrError: there is no health.json (DAEMON_SILENT).
    """
    health = read_health(root)
    if health is None:
        raise PdfocrError(
            ErrorCode.DAEMON_SILENT, f"There is no {HEALTH_NAME} in {root}: no daemon was ever started here."
        )
    if as_json:
        typer.echo(json.dumps(json.loads(health.model_dump_json()), indent=2))
        return
    age, error, rate = heartbeat_age(health, utc_now()), health.last_error, health.pages_per_minute.last_minute
    rows = {
        "daemon": health.state.value + (f": {health.reason}" if health.reason else ""),
        "heard of": f"{age:.0f} s ago (pid {health.pid} on {health.host})",
        "engine": f"{health.engine}, {health.engine_state}",
        "jobs": f"{health.jobs_in_work} in work, {health.jobs_waiting} waiting",
        "inbox": f"{health.files_in_inbox} files",
        "pages": f"{health.pages_done} done since the start, {rate:.1f} in the last minute",
        "free": f"{health.free_bytes / 1e9:.1f} GB",
        "last error": None if error is None else f"{error.code} at {_local(error.at)}: {error.message}",
    }
    table = Table.grid(padding=(0, 2))
    table.add_column(style="dim")
    for name, value in rows.items():
        if value is not None:
            table.add_row(name, _plain(value))
    Console().print(table)
