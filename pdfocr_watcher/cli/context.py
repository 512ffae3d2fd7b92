"""What the commands share: the configuration option and how it is loaded."""

import os
from pathlib import Path
from typing import Annotated

import typer

from pdfocr_watcher.config.load import find_config, load_config
from pdfocr_watcher.config.model import Config

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
