"""Where Tesseract's language data lie on this machine, and of which languages.

Loads nothing: a language is installed where its file is.
"""

import os
from collections.abc import Iterable, Mapping
from pathlib import Path

from pdfocr_watcher.engines.scripts import AUTO, code_of, install_advice
from pdfocr_watcher.errors import ErrorCode, PdfocrError

#: Where systems put them: Debian and Ubuntu, by Tesseract's major version; Fedora and Arch; built from source.
PLACES = ("usr/share/tesseract-ocr/*/tessdata", "usr/share/tessdata", "usr/local/share/tessdata")
_SUFFIX = ".traineddata"
#: Data that say how a page lies, and of which script it is, not what it says.
OSD = "osd"
_NO_LANGUAGE = frozenset({OSD, "equ"})


def find_tessdata(configured: str = "", environ: Mapping[str, str] = os.environ, root: Path = Path("/")) -> Path | None:
    """The folder with the language data; None where there is none.

    Args:
        configured: the folder that the configuration names; empty for none.
        environ: `TESSDATA_PREFIX` may name one, as for Tesseract itself.
        root: the folder below which the system's places lie.
    """
    if configured:
        return Path(configured).expanduser()
    if named := environ.get("TESSDATA_PREFIX"):
        return next((path for path in (Path(named), Path(named) / "tessdata") if _files(path)), Path(named))
    # The highest version first.
    found = (path for place in PLACES for path in sorted(root.glob(place), key=_version, reverse=True))
    return next((path for path in found if _files(path)), None)


def installed_languages(folder: Path | None) -> tuple[str, ...]:
    """The codes of the languages whose data lie in a folder, in alphabetical order; none for no folder."""
    names = (file.name.removesuffix(_SUFFIX) for file in _files(folder))
    return tuple(sorted(name for name in names if name not in _NO_LANGUAGE))


def has_script_detection(folder: Path | None) -> bool:
    """Whether the data for telling scripts are there."""
    return any(file.name == OSD + _SUFFIX for file in _files(folder))


def installed_codes(names: Iterable[str], folder: Path | None) -> tuple[str, ...]:
    """The codes of languages, each of which has its data in a folder.

    Args:
        names: codes or other names of languages (`scripts.known_names`), or what a file in the folder is called.
        folder: with the data; None where there is none.

    Returns:
        Each once, in the given order; none for `auto`.

    Raises:
        PdfocrError: `engine_unavailable`; the detail says what to install.
    """
    installed = installed_languages(folder)
    wanted = [name if name in installed else code_of(name) or name for name in names if name != AUTO]
    codes = tuple(dict.fromkeys(wanted))
    if missing := [code for code in codes if code not in installed]:
        where = f"in {folder}" if folder is not None else "on this machine"
        raise PdfocrError(
            ErrorCode.ENGINE_UNAVAILABLE,
            f"Tesseract has no data of {', '.join(missing)} {where}: {install_advice(missing)}, or see "
            "docs/languages.md",
        )
    return codes


def _files(folder: Path | None) -> list[Path]:
    try:
        return list(folder.glob(f"*{_SUFFIX}")) if folder is not None else []
    except OSError:
        return []


def _version(path: Path) -> float:
    try:
        return float(path.parent.name)
    except ValueError:
        return 0.0
