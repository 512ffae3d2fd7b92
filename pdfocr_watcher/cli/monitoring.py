"""The command `health`: one line and an exit status for a monitoring system; it asks nobody and writes nothing."""

import json
from typing import Annotated

import typer

from pdfocr_watcher.cli.context import ConfigOption, load
from pdfocr_watcher.errors import PdfocrError
from pdfocr_watcher.jobs.naming import printable
from pdfocr_watcher.pipeline.active import utc_now
from pdfocr_watcher.service.health import Health, read_health
from pdfocr_watcher.service.verdict import Level, Verdict, longest_silence, verdict


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(epilog="Example: `pdfocr-watcher health --max-age 60`")(health)


def health(
    max_age: Annotated[
        float | None,
        typer.Option(min=0, help="Seconds that health.json may be old; else three of its intervals, at least 30."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document instead of the line.")] = False,
    config: ConfigOption = None,
) -> None:
    """Say in one line whether the daemon is well; exit status 0 OK, 1 WARNING, 2 CRITICAL, 3 UNKNOWN."""
    found = None
    try:
        loaded = load(config)
    except PdfocrError as error:
        said = Verdict(Level.UNKNOWN, str(error))
    else:
        found = read_health(loaded.folders.root)
        silence = longest_silence(loaded.service.health_interval) if max_age is None else max_age
        said = verdict(found, utc_now(), silence)
    typer.echo(_as_json(said, found) if as_json else _line(said, found))
    raise typer.Exit(said.level)


def _line(said: Verdict, found: Health | None) -> str:
    """What a monitoring plugin says: the verdict, then figures for a graph."""
    text = f"PDFOCR {said.level.name} - {printable(' '.join(said.text.split())).replace('|', '/')}"
    if found is None or said.age is None:
        return text
    figures = {
        "age": f"{said.age:.0f}s",
        "in_work": found.jobs_in_work,
        "waiting": found.jobs_waiting,
        "inbox": found.files_in_inbox,
        "pages": f"{found.pages_done}c",
        "pages_per_minute": found.pages_per_minute.last_minute,
        "oldest": f"{found.oldest_waiting_seconds or 0:.0f}s",
        "free": f"{found.free_bytes}B",
    }
    return f"{text} | {' '.join(f'{name}={value}' for name, value in figures.items())}"


def _as_json(said: Verdict, found: Health | None) -> str:
    content = {
        "level": said.level.name,
        "exit_status": int(said.level),
        "text": said.text,
        "age_seconds": None if said.age is None else round(said.age, 1),
        "health": None if found is None else json.loads(found.model_dump_json()),
    }
    return json.dumps(content, indent=2)
