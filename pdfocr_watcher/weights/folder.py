"""Where weights lie, and whether what lies there is what the catalogue pins. Nothing is changed here."""

import hashlib
import os
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path

from pdfocr_watcher.weights.catalogue import QUICK, Weights, all_weights

#: Below a folder for data of all programs.
_BELOW = Path("pdfocr-watcher/models")
#: Where every user of the machine finds them.
MACHINE = Path("/usr/local/share") / _BELOW
#: What a file is read by, in bytes.
_PIECE = 1 << 20


class State(StrEnum):
    """How a file of weights is."""

    GOOD = "good"
    MISSING = "missing"
    #: It is there and is not what the catalogue pins, or cannot be read.
    DAMAGED = "damaged"


def weights_folder(configured: str, environ: Mapping[str, str], *, root: bool) -> Path:
    """The folder of the weights: the configured one, else the first that holds some, else where to put them.

    That of the user, by the XDG Base Directory Specification, comes before that of the machine: what root installs,
    a service that runs as another user finds.

    Args:
        configured: the configuration's `models.folder`, absolute or below `~`; empty for none.
        environ: `XDG_DATA_HOME` and `HOME` say where the user's data lies.
        root: whether the process may write where the data of the machine lies.
    """
    home = environ.get("HOME") or "/"
    if configured:
        return Path(home + configured[1:] if configured.startswith("~/") else configured)
    own = Path(environ.get("XDG_DATA_HOME") or Path(home) / ".local/share") / _BELOW
    for folder in (own, MACHINE):
        if any(is_there(folder, weights) for weights in all_weights()):
            return folder
    return MACHINE if root else own


def folder_in_force(configured: str) -> Path:
    """The folder of the weights for whoever runs this process; `configured` as in `weights_folder`."""
    return weights_folder(configured, os.environ, root=os.geteuid() == 0)


def is_there(folder: Path, weights: Weights) -> bool:
    """Whether a file of weights is in a folder and has its size; it is not read."""
    try:
        return (folder / weights.file).stat().st_size == weights.size
    except OSError:
        return False


def can_read_quickly(folder: Path) -> bool:
    """Whether the networks that read quickly are in a folder, by their sizes."""
    return all(is_there(folder, weights) for weights in QUICK)


def state_of(folder: Path, weights: Weights) -> State:
    """How a file of weights is; it is read as a whole."""
    path = folder / weights.file
    try:
        return State.GOOD if sha256_of(path) == weights.sha256 else State.DAMAGED
    except FileNotFoundError:
        return State.MISSING
    except OSError:
        return State.DAMAGED


def sha256_of(path: Path) -> str:
    """The hash of a file's content, in hex.

    Raises:
        OSError: it cannot be read.
    """
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while piece := stream.read(_PIECE):
            digest.update(piece)
    return digest.hexdigest()
