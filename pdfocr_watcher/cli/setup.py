"""The commands about the installation: init, config, doctor."""

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from pdfocr_watcher.cli.context import ConfigOption, load
from pdfocr_watcher.config.load import FILE_VARIABLE, find_config
from pdfocr_watcher.errors import PdfocrError
from pdfocr_watcher.jobs.durable import write_durably

_CONFIG_NAME = "config.yaml"
_SAMPLE_NAME = "sample.pdf"


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command(epilog="Example: `pdfocr-watcher init /srv/ocr --sample`")(init)
    app.command(epilog="Example: `pdfocr-watcher config --check --config /srv/ocr/config.yaml`")(config)
    app.command(epilog="Example: `pdfocr-watcher doctor`")(doctor)


def init(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Made if it is missing.")],
    sample: Annotated[bool, typer.Option("--sample", help="Drop a sample PDF into the inbox.")] = False,
) -> None:
    """Make a folder with a commented config.yaml, an inbox, an outbox and all the rest."""
    from pdfocr_watcher.config.reference import sample_yaml  # noqa: PLC0415 - the other commands do not need it

    target = folder / _CONFIG_NAME
    if target.exists():
        typer.echo(f"{target} is there already and stays as it is.")
    else:
        folder.mkdir(parents=True, exist_ok=True)
        target.write_text(sample_yaml(), encoding="utf-8")
        typer.echo(f"{target} written: every key with its default.")
    loaded = load(target)
    folders = loaded.folders
    for path in (folders.inbox, folders.jobs, folders.outbox, folders.failed):
        path.mkdir(parents=True, exist_ok=True)
    if sample:
        from pdfocr_watcher.cli.sample import sample_pdf  # noqa: PLC0415 - it needs Pillow

        write_durably(folders.inbox / _SAMPLE_NAME, sample_pdf())
        typer.echo(f"{folders.inbox / _SAMPLE_NAME} dropped.")
    typer.echo(f"Start it with: pdfocr-watcher run --config {target}")


def config(
    path: ConfigOption = None,
    check: Annotated[bool, typer.Option("--check", help="Only say whether the configuration can be used.")] = False,
    sample: Annotated[bool, typer.Option("--sample", help="Print the sample file with all defaults.")] = False,
) -> None:
    """Print the configuration as it is in force: the file, the environment and the defaults together."""
    from pdfocr_watcher.config.reference import sample_yaml  # noqa: PLC0415 - the other commands do not need it

    if sample:
        sys.stdout.write(sample_yaml())
        return
    loaded = load(path)
    if check:
        typer.echo(f"{find_config(path, os.environ)}: good.")
        return
    sys.stdout.write(sample_yaml(loaded))


def doctor(path: ConfigOption = None) -> None:
    """Look at what the program needs, say what is missing and what to do; exit status 1 if it cannot work."""
    from pdfocr_watcher.cli.diagnosis import Level, diagnose  # noqa: PLC0415 - it loads the engine

    try:
        file = find_config(path, os.environ)
    except PdfocrError:
        if path is not None or FILE_VARIABLE in os.environ:
            raise
        loaded = None
    else:
        loaded = load(file)
    findings = diagnose(loaded)
    for finding in findings:
        typer.echo(f"{finding.level.value:8}{finding.subject}: {finding.text}")
    if any(finding.level is Level.MISSING for finding in findings):
        raise typer.Exit(1)
