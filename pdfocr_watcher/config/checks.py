"""What must hold between the keys of a configuration, and where its folders lie.

Looks at names, symlinks included, and never needs a folder to exist; whether one can be used is found out by
who uses it.
"""

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

from pdfocr_watcher.config.model import Config, Folders
from pdfocr_watcher.config.settings import KeyPath
from pdfocr_watcher.config.words import number

#: The folders that files move between; none may hold another.
STATIONS = ("inbox", "jobs", "outbox", "failed")

_ROOT: tuple[KeyPath, ...] = (("folders", "root"),)
_CODE = Path(__file__).resolve().parent.parent
_RGB_BYTES = 3
#: What the smallest engine needs beside its page.
_ENGINE_BYTES = 150_000_000


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


def expand_user(path: str, environ: Mapping[str, str]) -> str:
    """A path with `~` and `~name` at its beginning put in full.

    Raises:
        RuntimeError: there is no such home.
    """
    if path.partition("/")[0] == "~" and (home := environ.get("HOME")):
        return home + path[1:]
    return str(Path(path).expanduser())


def placed(folders: Folders, base: Path) -> Folders:
    """The folders with absolute, normalised paths.

    Args:
        folders: as configured, `~` expanded.
        base: the folder of the configuration file; where a relative root begins.
    """
    root = _normal(base.absolute() / folders.root)
    return Folders(root=root, **{name: _normal(root / getattr(folders, name)) for name in STATIONS})


def _normal(path: Path) -> Path:
    # Exactly two leading slashes mean something to POSIX, and so to normpath, but not to Linux.
    return Path("/" + os.path.normpath(path).lstrip("/"))


def clashes(config: Config) -> Iterator[Clash]:
    """All that does not go together in a configuration whose folders are placed."""
    yield from _folder_clashes(config.folders)
    yield from _order_clashes(config)
    yield from _pattern_clashes(config)


def _folder_clashes(folders: Folders) -> Iterator[Clash]:
    real = {name: Path(os.path.realpath(getattr(folders, name))) for name in ("root", *STATIONS)}
    above_root = [name for name in STATIONS if real["root"].is_relative_to(real[name])]
    for name in above_root:
        relation = "is the same folder as" if real["root"] == real[name] else "lies inside"
        text = f"{_named(folders, 'root')} {relation} {_named(folders, name)}, which may hold no other folder of ours"
        yield Clash((("folders", "root"), ("folders", name)), text)
    for first, second in combinations(STATIONS, 2):
        if real[first] == real[second]:
            relation, pair = "is the same folder as", (first, second)
        elif real[first].is_relative_to(real[second]):
            relation, pair = "lies inside", (first, second)
        elif real[second].is_relative_to(real[first]):
            relation, pair = "lies inside", (second, first)
        else:
            continue
        if pair[1] in above_root and real[pair[0]].is_relative_to(real["root"]):
            continue  # said already: what holds root holds what lies in root
        inner, outer = (_named(folders, name) for name in pair)
        keys = (("folders", first), ("folders", second))
        yield Clash(keys, f"{inner} {relation} {outer}; they must lie beside each other", behind=_ROOT)
    yield from _code_clashes(folders, real)


def _code_clashes(folders: Folders, real: Mapping[str, Path]) -> Iterator[Clash]:
    root_in_code = real["root"].is_relative_to(_CODE)
    for name, path in real.items():
        if path.is_relative_to(_CODE):
            if name != "root" and root_in_code and path.is_relative_to(real["root"]):
                continue  # said already of root
            relation = "lies inside"
        elif name != "root" and _CODE.is_relative_to(path):
            relation = "contains"
        else:
            continue
        text = f"{_named(folders, name)} {relation} the program's own code ({_CODE})"
        yield Clash((("folders", name),), text, behind=_ROOT)


def _named(folders: Folders, name: str) -> str:
    return f"folders.{name} ({getattr(folders, name)})"


def _order_clashes(config: Config) -> Iterator[Clash]:
    render, inbox, engine = config.render, config.inbox, config.engine
    if render.range_pages > render.queue_pages:
        yield Clash(
            (("render", "range_pages"), ("render", "queue_pages")),
            f"render.range_pages ({render.range_pages}) must not be more than render.queue_pages "
            f"({render.queue_pages}): one renderer would make more pages than may exist",
        )
    if render.max_pixels * _RGB_BYTES > render.memory_bytes:
        yield Clash(
            (("render", "max_pixels"), ("render", "memory_bytes")),
            f"render.max_pixels ({render.max_pixels}) needs {render.max_pixels * _RGB_BYTES} bytes a page, more than "
            f"render.memory_bytes ({render.memory_bytes}) allows",
        )
    needed = _ENGINE_BYTES + 2 * render.max_pixels * _RGB_BYTES
    if 0 < engine.memory_bytes < needed:
        yield Clash(
            (("engine", "memory_bytes"), ("render", "max_pixels")),
            f"engine.memory_bytes ({engine.memory_bytes}) is less than the {needed} bytes that any engine needs for a "
            f"page of render.max_pixels ({render.max_pixels})",
        )
    if inbox.settle_seconds > inbox.unmarked_settle_seconds:
        yield Clash(
            (("inbox", "settle_seconds"), ("inbox", "unmarked_settle_seconds")),
            f"inbox.settle_seconds ({number(inbox.settle_seconds)}) must not be more than "
            f"inbox.unmarked_settle_seconds ({number(inbox.unmarked_settle_seconds)}): a file without an end-of-file "
            "marker is waited for longer, not shorter",
        )


def _pattern_clashes(config: Config) -> Iterator[Clash]:
    for pattern in config.inbox.ignore:
        if not pattern or "/" in pattern:
            text = f"inbox.ignore: {pattern!r} matches nothing: a pattern is for one name, without a '/'"
            yield Clash((("inbox", "ignore"),), text)
