"""What the commands share: the configuration option and how it is loaded."""

import os
from pathlib import Path
from typing import Annotated

import typer

from pdfocr_watcher.config.load import FILE_VARIABLE, find_config, load_config
from pdfocr_watcher.config.model import Config
from pdfocr_watcher.errors import PdfocrError

ConfigOption = Annotated[
    Path | None,
    typer.Option(
        "--config",
        "-c",
        help="The configuration file; else PDFOCR_WATCHER_CONFIG, ./config.yaml, /etc/pdfocr-watcher/config.yaml.",
        show_default=False,
    ),
]

JobArgument = Annotated[
    str, typer.Argument(metavar="JOB", help="A job id, a short id (its last part), or the name of the dropped file.")
]


def load(path: Path | None) -> Config:
    """The configuration that the option and the environment name.

    Raises:
        PdfocrError: it cannot be used (CONFIG_INVALID).
    """
    return load_config(find_config(path, os.environ), os.environ)


def load_if_any(path: Path | None) -> Config | None:
    """The same for commands that do without; None where none is named and none is found.

    Raises:
        PdfocrError: there is one that cannot be used, or the named one is not there (CONFIG_INVALID).
    """
    try:
        file = find_config(path, os.environ)
    except PdfocrError:
        if path is not None or FILE_VARIABLE in os.environ:
            raise
        return None
    return load_config(file, os.environ)
