"""The commands about jobs: submit, status, list, result, retry, delete, reindex; `purge` is in a file of its own."""

import json
import sys
from pathlib import Path
from typing import Annotated

import typer

from pdfocr_watcher.cli.changing import change_jobs
from pdfocr_watcher.cli.context import ConfigOption, JobArgument, load
from pdfocr_watcher.cli.purging import purge
from pdfocr_watcher.cli.submitting import submit_file
from pdfocr_watcher.config.model import Config
from pdfocr_watcher.errors import ErrorCode, PdfocrError
from pdfocr_watcher.jobs.catalogue import FoundJob, find_job, jobs_in_work
from pdfocr_watcher.jobs.durable import read_file
from pdfocr_watcher.jobs.folder import JobFolder, displayable
from pdfocr_watcher.jobs.index import INDEX_NAME, Entry, entry_of, read_entries
from pdfocr_watcher.jobs.model import Status
from pdfocr_watcher.jobs.naming import printable, printable_json
from pdfocr_watcher.jobs.requests import Verb, ask
from pdfocr_watcher.jobs.status_file import status_json


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command(epilog="Example: `pdfocr-watcher submit letter.pdf book.pdf --into invoices`")(submit)
    app.command(epilog="Example: `pdfocr-watcher status letter.pdf --follow`")(status)
    app.command("list", epilog="Example: `pdfocr-watcher list --status failed --json`")(list_jobs)
    app.command(epilog="Example: `pdfocr-watcher result letter.pdf > letter.md`")(result)
    app.command(epilog="Example: `pdfocr-watcher retry 3f9a1c2b`")(retry)
    app.command(epilog="Example: `pdfocr-watcher delete 20261123T125045Z-3f9a1c2b --yes`")(delete)
    app.command(epilog="Example: `pdfocr-watcher purge --older-than 30d --dry-run`")(purge)
    app.command(epilog="Example: `pdfocr-watcher reindex`")(reindex)


def submit(
    files: Annotated[list[Path], typer.Argument(metavar="FILE...", help="The PDFs; they are copied.")],
    into: Annotated[str, typer.Option(help="A sub-folder of the inbox, kept in the result's path.")] = "",
    config: ConfigOption = None,
) -> None:
    """Copy PDFs into the inbox, each complete at once."""
    loaded = load(config)
    for file in files:
        typer.echo(printable(displayable(submit_file(file, loaded.folders.inbox, into, loaded.inbox.ignore))))


def status(
    job: Annotated[
        str | None, typer.Argument(metavar="[JOB]", help="A job id, a short id, or a file name; none: the daemon.")
    ] = None,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Show a progress bar until the job is done.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print status.json (health.json without JOB).")] = False,
    config: ConfigOption = None,
) -> None:
    """Show how a job is, or how the daemon is."""
    from pdfocr_watcher.cli.showing import follow_job, show_health, show_job  # noqa: PLC0415 - rich takes its time

    loaded = load(config)
    if job is None:
        show_health(loaded.folders.root, as_json=as_json)
        return
    found = _find(loaded, job)
    if follow:
        ended = follow_job(found, lambda: _find(loaded, found.status.job_id))
        raise typer.Exit(0 if ended.status.status is Status.COMPLETED else 1)
    if as_json:
        typer.echo(printable_json(status_json(found.status).decode()), nl=False)
    else:
        show_job(found)


def list_jobs(
    wanted: Annotated[Status | None, typer.Option("--status", help="Only jobs with this status.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="The newest so many.")] = 50,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document, oldest first.")] = False,
    config: ConfigOption = None,
) -> None:
    """List the jobs, those in work as they are now, the others as the index has them."""
    from pdfocr_watcher.cli.showing import show_jobs  # noqa: PLC0415 - rich takes its time

    entries = [entry for entry in _entries(load(config)) if wanted is None or entry["status"] == wanted]
    if as_json:
        typer.echo(printable_json(json.dumps(entries[-limit:], indent=2, ensure_ascii=False)))
    else:
        show_jobs(entries[-limit:], len(entries))


def result(job: JobArgument, config: ConfigOption = None) -> None:
    """Print the Markdown of a job: exit status 75 while it is not finished, 66 if there is no such job."""
    loaded = load(config)
    found = _find(loaded, job)
    if not found.status.status.finished:
        raise PdfocrError(ErrorCode.JOB_UNFINISHED, f"{found.status.job_id} is {found.status.status.value}.")
    text = _markdown(found)
    if text is None:  # it may have been delivered since it was found
        found = _find(loaded, found.status.job_id)
        text = _markdown(found)
    if text is None and found.status.status is Status.COMPLETED:
        raise PdfocrError(ErrorCode.STORAGE_FAILED, f"{JobFolder(found.folder).markdown} is missing.")
    if found.status.status is Status.FAILED:
        typer.echo(f"pdfocr-watcher: the job failed: {printable(found.status.error_message or '')}", err=True)
    if text is not None:
        sys.stdout.buffer.write(text)
        sys.stdout.flush()
    if found.status.status is Status.FAILED:
        raise typer.Exit(1)


def retry(job: JobArgument, config: ConfigOption = None) -> None:
    """Work on a failed job again: only the pages that are missing are read."""
    _change(load(config), Verb.RETRY, job)


def delete(
    job: JobArgument,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    config: ConfigOption = None,
) -> None:
    """Remove a job with its PDF and its results, wherever it is in its life."""
    loaded = load(config)
    if not yes:
        found = _find(loaded, job)
        typer.confirm(f"Remove {printable(found.status.source)} ({found.status.job_id}) and its results?", abort=True)
    _change(loaded, Verb.DELETE, job)


def reindex(config: ConfigOption = None) -> None:
    """Rebuild index.json from the status files."""
    _change(load(config), Verb.REINDEX, None)


def _markdown(found: FoundJob) -> bytes | None:
    try:
        return read_file(JobFolder(found.folder).markdown, sys.maxsize)
    except FileNotFoundError:
        return None


def _find(config: Config, name: str) -> FoundJob:
    folders = config.folders
    return find_job(name, folders.jobs, folders.outbox, folders.failed)


def _entries(config: Config) -> list[Entry]:
    """The index, corrected by what lies in the jobs folder now; from the disk where there is no index."""
    folders = config.folders
    entries = read_entries(folders.root / INDEX_NAME)
    if entries is None:
        from pdfocr_watcher.jobs.catalogue import entries_from_disk  # noqa: PLC0415 - the exception, not the rule

        return entries_from_disk(folders.jobs, folders.outbox, folders.failed)
    merged: dict[str, Entry] = {entry["job_id"]: entry for entry in entries}
    for found in jobs_in_work(folders.jobs):
        merged[found.status.job_id] = entry_of(found.status, found.folder)
    return [merged[job_id] for job_id in sorted(merged)]


def _change(config: Config, verb: Verb, job: str | None) -> None:
    """Have the daemon do it, or do it here when there is none."""
    job_id = _find(config, job).status.job_id if job is not None else ""

    def here() -> str:
        from pdfocr_watcher.daemon.changes import change_without_daemon  # noqa: PLC0415 - it needs the pipeline

        return change_without_daemon(config, verb, job_id)

    typer.echo(change_jobs(config.folders, lambda: ask(config.folders.jobs, verb, job_id), here))
