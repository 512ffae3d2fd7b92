"""The command `purge`: results that are older than a person says are listed, and removed."""

import re
from datetime import datetime, timedelta
from typing import Annotated

import typer

from pdfocr_watcher.cli.changing import change_jobs
from pdfocr_watcher.cli.context import ConfigOption, load
from pdfocr_watcher.config.model import Config
from pdfocr_watcher.jobs.folder import displayable
from pdfocr_watcher.jobs.model import Status
from pdfocr_watcher.jobs.naming import printable
from pdfocr_watcher.jobs.requests import Verb, ask
from pdfocr_watcher.jobs.retention import BATCH, Ages, Expired, Place, Purged, Roots, candidates, examine

_UNITS = {"h": timedelta(hours=1), "d": timedelta(days=1), "w": timedelta(weeks=1)}
_AGE = re.compile(r"([0-9]{1,5})([hdw])")
_STEP = 1000


def purge(
    older_than: Annotated[
        str | None, typer.Option("--older-than", metavar="AGE", help="How long ago the job ended: 12h, 30d, 8w.")
    ] = None,
    retention: Annotated[
        bool, typer.Option("--retention", help="As long ago as `retention` of the configuration says.")
    ] = False,
    completed: Annotated[bool, typer.Option("--completed", help="Only what was completed.")] = False,
    failed: Annotated[bool, typer.Option("--failed", help="Only what failed.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only list what would go.")] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    config: ConfigOption = None,
) -> None:
    """Remove old results with their PDFs; jobs in work, and folders in which somebody keeps other files, stay."""
    from pdfocr_watcher.daemon.retaining import ages_of  # noqa: PLC0415 - --help does not need it
    from pdfocr_watcher.pipeline.active import utc_now  # noqa: PLC0415 - the same

    if (older_than is None) is not retention:
        raise typer.BadParameter("give one of --older-than AGE and --retention", param_hint="--older-than")
    age, loaded, now = _age(older_than) if older_than is not None else None, load(config), utc_now()
    kept = Ages(age, age) if age is not None else ages_of(loaded)
    # Of one ending alone, the jobs' own settings would speak for both.
    own = kept.own and completed is failed
    ages = Ages(
        None if failed and not completed else kept.completed, None if completed and not failed else kept.failed, own
    )
    folders = loaded.folders
    roots = Roots(folders.outbox, folders.failed, folders.jobs)
    places = list(candidates(roots, ages, now))
    found = [one for place in places if (one := _examined(roots, place, ages, now)) is not None]
    going = [one for one in found if not one.kept]
    total = _total(len(going), sum(one.bytes for one in going))
    if dry_run:
        for one in found:
            typer.echo(printable(_line(roots, one)))
        typer.echo(f"{total}; nothing was removed.")
        return
    if going and not yes:
        typer.confirm(f"Remove {total}?", abort=True)
    done = Purged()
    for ending, age in ((Status.COMPLETED, ages.completed), (Status.FAILED, ages.failed)):
        left = [place for place in places if place.ending is ending]
        while left and ages.concern(ending):
            some, left = _purge_some(loaded, left, Ages(age, age, ages.own), now)
            done += some
    for line in done.kept:
        typer.echo(f"stays: {printable(displayable(line))}", err=True)
    typer.echo(f"{_total(len(done.job_ids), done.bytes)}, removed.")


def _age(text: str) -> timedelta:
    if (match := _AGE.fullmatch(text)) is None:
        raise typer.BadParameter(f"{text!r} is no age; write 12h, 30d or 8w.", param_hint="--older-than")
    return int(match[1]) * _UNITS[match[2]]


def _examined(roots: Roots, place: Place, ages: Ages, now: datetime) -> Expired | None:
    """A result that is old enough; what cannot be read is told when it is to be removed."""
    try:
        return examine(roots, place, ages, now)
    except OSError:
        return None


def _purge_some(config: Config, places: list[Place], ages: Ages, now: datetime) -> tuple[Purged, list[Place]]:
    """Have a running daemon remove the first of these results, or remove all of them; gives what is left to do too."""
    folders, batch = config.folders, places[:BATCH]

    def here() -> str:
        from pdfocr_watcher.daemon.changes import purge_without_daemon  # noqa: PLC0415 - it needs the pipeline

        batch[:] = places
        return purge_without_daemon(config, places, ages, now).to_json()

    done = change_jobs(
        folders, lambda: ask(folders.jobs, Verb.PURGE, places=batch, age=ages.completed, own=ages.own), here
    )
    return Purged.from_json(done), places[len(batch) :]


def _line(roots: Roots, one: Expired) -> str:
    folder = displayable(str(roots.of(one.place.ending).joinpath(*one.place.parts)))
    stays = f"  stays: {displayable(one.kept)}" if one.kept else ""
    return f"{one.ended.astimezone():%Y-%m-%d %H:%M}  {_size(one.bytes):>9}  {folder}{stays}"


def _total(count: int, size: int) -> str:
    return f"{count} {'result' if count == 1 else 'results'}, {_size(size)}"


def _size(count: int) -> str:
    """A number of bytes in three digits or four."""
    size, unit = float(count), "B"
    for larger in ("kB", "MB", "GB", "TB"):
        if size < _STEP:
            break
        size, unit = size / _STEP, larger
    return f"{size:.1f} {unit}" if unit != "B" else f"{count} B"
