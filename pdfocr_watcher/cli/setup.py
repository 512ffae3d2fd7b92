"""The commands about the installation: init, config, doctor."""

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from pdfocr_watcher.cli.context import ConfigOption, load, load_if_any
from pdfocr_watcher.cli.findings import Level
from pdfocr_watcher.config.load import find_config
from pdfocr_watcher.config.model import Config, Folders, Permissions
from pdfocr_watcher.config.permissions import policy_of
from pdfocr_watcher.config.problem import config_error
from pdfocr_watcher.errors import ErrorCode, PdfocrError
from pdfocr_watcher.jobs.durable import write_durably
from pdfocr_watcher.jobs.ownership import GroupRule, Policy

_CONFIG_NAME = "config.yaml"
_SAMPLE_NAME = "sample.pdf"
#: What is made in such a folder has its group; the group may change what people work with, and follow the jobs.
_SHARED, _READ_BY_GROUP = 0o2770, 0o2750


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command(epilog="Example: `pdfocr-watcher init /srv/ocr --sample`")(init)
    app.command(epilog="Example: `pdfocr-watcher config --check --config /srv/ocr/config.yaml`")(config)
    app.command(epilog="Example: `pdfocr-watcher doctor`")(doctor)


def init(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Made if it is missing.")],
    sample: Annotated[bool, typer.Option("--sample", help="Drop a sample PDF into the inbox.")] = False,
    group: Annotated[
        str | None, typer.Option("--group", help="Who shares the folders and the results: a group's name or number.")
    ] = None,
) -> None:
    """Make a folder with a commented config.yaml, an inbox, an outbox and all the rest."""
    from pdfocr_watcher.config.reference import sample_yaml  # noqa: PLC0415 - the other commands do not need it

    target = folder / _CONFIG_NAME
    if target.exists():
        typer.echo(f"{target} is there already and stays as it is.")
    else:
        settings = Config() if group is None else Config(permissions=Permissions(group=group))
        try:
            policy_of(settings.permissions)
        except ValueError as error:
            raise PdfocrError(ErrorCode.CONFIG_INVALID, f"--group: {error}.") from error
        folder.mkdir(parents=True, exist_ok=True)
        target.write_text(sample_yaml(settings), encoding="utf-8")
        typer.echo(f"{target} written: every key with its {'default' if group is None else 'value'}.")
    loaded = load(target)
    folders = loaded.folders
    _make_folders(folders, policy_of(loaded.permissions))
    if sample:
        from pdfocr_watcher.cli.sample import sample_pdf  # noqa: PLC0415 - it needs Pillow

        write_durably(folders.inbox / _SAMPLE_NAME, sample_pdf())
        typer.echo(f"{folders.inbox / _SAMPLE_NAME} dropped.")
    typer.echo(f"Start it with: pdfocr-watcher run --config {target}")


def _make_folders(folders: Folders, policy: Policy) -> None:
    """Make the folders that are missing; shared by a group where the configuration names one.

    Raises:
        PdfocrError: they cannot be given to the group (FOLDER_UNUSABLE).
    """
    for path, mode in (
        (folders.inbox, _SHARED),
        (folders.jobs, _READ_BY_GROUP),
        (folders.outbox, _SHARED),
        (folders.failed, _SHARED),
    ):
        if path.is_dir():
            continue
        path.mkdir(parents=True)
        if isinstance(policy.group, GroupRule):
            continue
        try:
            os.chown(path, -1, policy.group)
            path.chmod(mode)
        except PermissionError as error:
            detail = f"{path} cannot be given to the group {policy.group}: this user is not in it."
            raise PdfocrError(ErrorCode.FOLDER_UNUSABLE, detail) from error


def config(
    path: ConfigOption = None,
    check: Annotated[bool, typer.Option("--check", help="Only say whether the configuration can be used.")] = False,
    sample: Annotated[bool, typer.Option("--sample", help="Print the sample file with all defaults.")] = False,
    check_folder: Annotated[
        Path | None,
        typer.Option("--check-folder", metavar="PATH", help="Only say whether a folder's .pdfocr.yaml can be used."),
    ] = None,
) -> None:
    """Print the configuration as it is in force: the file, the environment and the defaults together."""
    from pdfocr_watcher.config.reference import sample_yaml  # noqa: PLC0415 - the other commands do not need it

    if sample:
        sys.stdout.write(sample_yaml())
        return
    loaded = load(path)
    if check_folder is not None:
        _check_folder(loaded, check_folder)
        return
    if check:
        typer.echo(f"{find_config(path, os.environ)}: good.")
        return
    sys.stdout.write(sample_yaml(loaded))


def _check_folder(loaded: Config, path: Path) -> None:
    from pdfocr_watcher.cli.showing import shown_value  # noqa: PLC0415 - only this option needs them
    from pdfocr_watcher.config.folder_file import FolderFileError, parse_folder_file  # noqa: PLC0415 - the same
    from pdfocr_watcher.config.folder_rules import FolderRules  # noqa: PLC0415 - the same
    from pdfocr_watcher.engines.registry import resolve_engine  # noqa: PLC0415 - the same
    from pdfocr_watcher.inbox.sweep import SETTINGS_NAME  # noqa: PLC0415 - the same

    file = path / SETTINGS_NAME if path.is_dir() else path
    rules = FolderRules.of(loaded, resolve_engine(loaded.engine.name))
    try:
        settings = parse_folder_file(file.read_bytes(), rules)
    except FolderFileError as error:
        raise config_error(file, error.problems) from error
    except OSError as error:
        raise PdfocrError(ErrorCode.CONFIG_INVALID, f"{file}: cannot be read: {error.strerror}.") from error
    typer.echo(f"{file}: good.")
    for name, value in settings.given.items():
        typer.echo(f"  {name}: {shown_value(value)}")


def doctor(path: ConfigOption = None) -> None:
    """Look at what the program needs, say what is missing and what to do; exit status 1 if it cannot work."""
    from pdfocr_watcher.cli.diagnosis import diagnose  # noqa: PLC0415 - it loads the engine

    findings = diagnose(load_if_any(path))
    for finding in findings:
        typer.echo(f"{finding.level.value:8}{finding.subject}: {finding.text}")
    if any(finding.level is Level.MISSING for finding in findings):
        raise typer.Exit(1)
