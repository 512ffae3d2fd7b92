"""Where the folders may not lie: in one another, in the program, in the system's own folders.

Names, symbolic links, and what is mounted in two places are seen; no folder needs to be there. Whether one can be
used is found out by who uses it.
"""

import os
import sys
import sysconfig
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

from pdfocr_watcher.config.model import Folders
from pdfocr_watcher.config.settings import KeyPath
from pdfocr_watcher.jobs.folder import SHOWN_NAME

#: The folders that files move between; none may hold another.
STATIONS = ("inbox", "jobs", "outbox", "failed")

_ROOT: tuple[KeyPath, ...] = (("folders", "root"),)
_CODE = Path(__file__).resolve().parent.parent
#: Folders of the system: nothing of ours may lie in them.
_SYSTEM = tuple(
    map(Path, ("/bin", "/boot", "/etc", "/lib", "/lib32", "/lib64", "/libx32", "/proc", "/sbin", "/sys", "/usr"))
)
#: Folders that hold other people's things as well: a folder of ours may lie in them, and may not be one of them.
_SHARED = frozenset(
    map(Path, ("/", "/dev", "/home", "/opt", "/root", "/run", "/tmp", "/usr/local", "/var", "/var/lib"))  # noqa: S108 - is refused
)
_ALLOWED, _HOMES = Path("/usr/local"), Path("/home")


@dataclass(frozen=True, slots=True)
class Clash:
    """Keys that do not go together.

    Attributes:
        keys: those that the text names.
        text: what is wrong.
        behind: those that the values of the named ones begin at; they are to blame where no named one is written.
    """

    keys: tuple[KeyPath, ...]
    text: str
    behind: tuple[KeyPath, ...] = ()


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a folder lies.

    Attributes:
        path: without links.
        name: as a file system sees it that does not tell upper from lower case, nor the two ways to write an accent.
        self: device and inode of the folder; None while it is not there.
        around: those of all folders that it lies in.
    """

    path: Path
    name: Path
    self: tuple[int, int] | None
    around: frozenset[tuple[int, int]]

    @classmethod
    def of(cls, folder: Path) -> "_Place":
        path = Path(os.path.realpath(folder))
        name = Path(unicodedata.normalize("NFC", str(path)).casefold())
        around = frozenset(filter(None, map(_identity, path.parents)))
        return cls(path, name, _identity(path), around)

    def is_same(self, other: "_Place") -> bool:
        return self.name == other.name or (self.self is not None and self.self == other.self)

    def lies_in(self, other: "_Place") -> bool:
        """Whether it is inside the other, or the other itself."""
        return self.is_same(other) or self.name.is_relative_to(other.name) or other.self in self.around


def _identity(folder: Path) -> tuple[int, int] | None:
    try:
        found = folder.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


def folder_clashes(folders: Folders) -> Iterator[Clash]:
    """All that is wrong with where the folders lie; they are placed."""
    places = {name: _Place.of(getattr(folders, name)) for name in ("root", *STATIONS)}
    yield from _between(folders, places)
    yield from _shown_clashes(folders, places)
    yield from _code_clashes(folders, {name: place.path for name, place in places.items()})
    yield from _system_clashes(folders, {name: place.path for name, place in places.items()})


def _between(folders: Folders, places: Mapping[str, _Place]) -> Iterator[Clash]:
    root = places["root"]
    above_root = [name for name in STATIONS if root.lies_in(places[name])]
    for name in above_root:
        relation = "is the same folder as" if root.is_same(places[name]) else "lies inside"
        text = f"{_named(folders, 'root')} {relation} {_named(folders, name)}, which may hold no other folder of ours"
        yield Clash((("folders", "root"), ("folders", name)), text)
    for first, second in combinations(STATIONS, 2):
        one, other = places[first], places[second]
        if one.is_same(other):
            relation, pair = "is the same folder as", (first, second)
        elif one.lies_in(other):
            relation, pair = "lies inside", (first, second)
        elif other.lies_in(one):
            relation, pair = "lies inside", (second, first)
        else:
            continue
        if pair[1] in above_root and places[pair[0]].lies_in(root):
            continue  # said already: what holds root holds what lies in root
        inner, outer = (_named(folders, name) for name in pair)
        keys = (("folders", first), ("folders", second))
        yield Clash(keys, f"{inner} {relation} {outer}; they must lie beside each other", behind=_ROOT)


def _shown_clashes(folders: Folders, places: Mapping[str, _Place]) -> Iterator[Clash]:
    """Where the dashboard lies nothing else of ours may."""
    shown = _Place.of(folders.root / SHOWN_NAME)
    for name in STATIONS:
        if places[name].lies_in(shown):
            text = f"{_named(folders, name)} lies in {folders.root / SHOWN_NAME}, where people see how the jobs are"
            yield Clash((("folders", name),), text, behind=_ROOT)


def _code_clashes(folders: Folders, real: Mapping[str, Path]) -> Iterator[Clash]:
    code, what = next(
        ((code, what) for code, what in _code() if any(_clashes_with(code, name, path) for name, path in real.items())),
        (None, ""),
    )
    if code is None:
        return
    root_in_code = real["root"].is_relative_to(code)
    for name, path in real.items():
        if not _clashes_with(code, name, path):
            continue
        inside = path.is_relative_to(code)
        if inside and name != "root" and root_in_code and path.is_relative_to(real["root"]):
            continue  # said already of root
        text = f"{_named(folders, name)} {'lies inside' if inside else 'contains'} {what} ({code})"
        yield Clash((("folders", name),), text, behind=_ROOT)


def _clashes_with(code: Path, name: str, path: Path) -> bool:
    return path.is_relative_to(code) or (name != "root" and code.is_relative_to(path))


def _code() -> Iterator[tuple[Path, str]]:
    """The program and what it runs from, the innermost first: only the first that is met is told of."""
    yield _CODE, "the program's own code"
    for scheme in ("purelib", "platlib"):
        yield Path(os.path.realpath(sysconfig.get_path(scheme))), "the folder of installed Python packages"
    if sys.prefix != sys.base_prefix:
        yield Path(os.path.realpath(sys.prefix)), "the virtual environment that the program runs from"


def _system_clashes(folders: Folders, real: Mapping[str, Path]) -> Iterator[Clash]:
    told_of_root = False
    for name, path in real.items():
        system = next((system for system in _SYSTEM if path.is_relative_to(system)), None)
        if system is not None and not (path.is_relative_to(_ALLOWED) and path != _ALLOWED):
            if told_of_root and path.is_relative_to(real["root"]):
                continue
            told_of_root = told_of_root or name == "root"
            advice = "; name another root" if name == "root" else ""
            yield Clash((("folders", name),), f"{_named(folders, name)} lies in {system}{advice}", behind=_ROOT)
        elif name != "root" and (path in _SHARED or path.parent == _HOMES):
            what = "a home folder" if path.parent == _HOMES else "a folder of the system"
            text = f"{_named(folders, name)} is {what}; it must be a folder of its own"
            yield Clash((("folders", name),), text, behind=_ROOT)


def _named(folders: Folders, name: str) -> str:
    return f"folders.{name} ({getattr(folders, name)})"
