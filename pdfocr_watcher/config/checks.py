"""What must hold between the keys of a configuration, and what the values of its texts must mean.

Where the folders may lie stands in `overlaps`.
"""

import os
from collections.abc import Iterator, Mapping
from pathlib import Path

from pdfocr_watcher.config.choices import EngineName, TextLayer
from pdfocr_watcher.config.model import Config, Engine, Folders, Permissions
from pdfocr_watcher.config.nearest import nearest_choice
from pdfocr_watcher.config.overlaps import STATIONS, Clash, folder_around, folder_clashes
from pdfocr_watcher.config.permissions import file_mode, folder_mode, group_of
from pdfocr_watcher.config.words import number
from pdfocr_watcher.engines.own_profiles import profile_names
from pdfocr_watcher.engines.scripts import AUTO, code_of, known_names
from pdfocr_watcher.engines.server_address import Address, without_login

#: Below this, in dots per inch, nothing can be read.
_LEAST_DPI = 36
_RGB_BYTES = 3
#: What the smallest engine needs beside its page.
_ENGINE_BYTES = 150_000_000


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
    yield from folder_clashes(config.folders)
    yield from _permission_clashes(config.permissions)
    yield from _order_clashes(config)
    yield from _pattern_clashes(config)
    yield from _models_clashes(config)
    yield from _passwords_clashes(config)
    yield from _hooks_clashes(config)
    yield from _engine_clashes(config)
    yield from _language_clashes(config.engine)
    yield from _text_layer_clashes(config.engine)
    yield from _metrics_clashes(config)


def _order_clashes(config: Config) -> Iterator[Clash]:
    render, inbox, engine = config.render, config.inbox, config.engine
    if 0 < render.dpi < _LEAST_DPI:
        yield Clash((("render", "dpi"),), f"render.dpi ({render.dpi}) must be 0 or at least {_LEAST_DPI}")
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


def _models_clashes(config: Config) -> Iterator[Clash]:
    folder = config.models.folder
    if folder and not folder.startswith(("/", "~/")):
        text = f"models.folder: {folder!r} must begin with / or ~/, for it does not lie with the PDFs"
        yield Clash((("models", "folder"),), text)


def _passwords_clashes(config: Config) -> Iterator[Clash]:
    name = config.render.passwords_file
    keys = (("render", "passwords_file"),)
    if name and not name.startswith(("/", "~/")):
        yield Clash(keys, f"render.passwords_file: {name!r} must begin with / or ~/, for it does not lie with the PDFs")
    elif name and (shared := folder_around(config.folders, Path(name).expanduser())):
        text = f"render.passwords_file: {name!r} lies in folders.{shared}, where others may read it"
        yield Clash(keys, text)


def _hooks_clashes(config: Config) -> Iterator[Clash]:
    for key in ("completed", "failed"):
        program, *_ = getattr(config.hooks, key) or ("",)
        keys, name = (("hooks", key),), f"hooks.{key}"
        if not program:
            if getattr(config.hooks, key):
                yield Clash(keys, f"{name}: the first item must be a program, not empty")
        elif "/" in program and not program.startswith("/"):
            yield Clash(keys, f"{name}: {program!r} must begin with /, or be a name that PATH leads to")
        elif program.startswith("/") and (shared := folder_around(config.folders, Path(program))):
            yield Clash(keys, f"{name}: {program!r} lies in folders.{shared}, where others may change it")


def _metrics_clashes(config: Config) -> Iterator[Clash]:
    file = config.service.metrics_file
    if not file:
        return
    fault = ""
    if not file.startswith("/") or not file.endswith(".prom"):
        fault = "must be an absolute path that ends in .prom, for node_exporter reads no other"
    for name in STATIONS:
        if Path(os.path.normpath(file)).is_relative_to(getattr(config.folders, name)):
            fault = f"lies inside folders.{name} ({getattr(config.folders, name)})"
    if fault:
        yield Clash((("service", "metrics_file"),), f"service.metrics_file: {file!r} {fault}")


def _pattern_clashes(config: Config) -> Iterator[Clash]:
    for pattern in config.inbox.ignore:
        if not pattern or "/" in pattern:
            text = f"inbox.ignore: {pattern!r} matches nothing: a pattern is for one name, without a '/'"
            yield Clash((("inbox", "ignore"),), text)


def _text_layer_clashes(engine: Engine) -> Iterator[Clash]:
    if engine.name in {EngineName.VLLM, EngineName.VLLM_SERVER} and engine.text_layer is not TextLayer.IGNORE:
        yield Clash((("engine", "text_layer"), ("engine", "name")), f"engine.text_layer: {no_layers(engine.name)}")


def no_layers(engine: str) -> str:
    """Why an engine that is a model has no use for text layers."""
    return f"must be ignore with the engine {engine}: its model reads pages as a whole, not the words of a layer"


def _engine_clashes(config: Config) -> Iterator[Clash]:
    name, names = config.engine.profile, profile_names(config.profiles)
    if name not in names:
        meant = nearest_choice(name, names)
        hint = f'; did you mean "{meant}"?' if meant else ""
        text = f"engine.profile: there is no profile {name!r}; there are {', '.join(names)}{hint}"
        yield Clash((("engine", "profile"),), text)
    if config.engine.name is EngineName.VLLM_SERVER and not config.servers.urls:
        text = "engine.name is vllm-server, and servers.urls names no server"
        yield Clash((("engine", "name"), ("servers", "urls")), text)
    seen: set[str] = set()
    for url in config.servers.urls:
        try:
            base = Address.parse(url).base
            fault = "it is named twice" if base in seen else ""
            seen.add(base)
        except ValueError as error:
            fault = str(error)
        if fault:
            yield Clash((("servers", "urls"),), f"servers.urls: {without_login(url)!r}: {fault}")


def _language_clashes(engine: Engine) -> Iterator[Clash]:
    if engine.tessdata and not engine.tessdata.startswith(("/", "~/")):
        text = f"engine.tessdata: {engine.tessdata!r} must begin with / or ~/"
        yield Clash((("engine", "tessdata"),), text)
    key = ("engine", "languages")
    if not engine.languages:
        yield Clash((key,), f"engine.languages: names no language; [{AUTO}] tells them from the pages")
    if AUTO in engine.languages and len(engine.languages) > 1:
        yield Clash((key,), f"engine.languages: {AUTO} stands alone, or the languages are named")
    for name in engine.languages:
        # What a folder of one's own has data of, one may have called as one likes.
        if name != AUTO and code_of(name) is None and not engine.tessdata:
            meant = nearest_choice(name, known_names())
            hint = f'; did you mean "{meant}"?' if meant else "; docs/languages.md has them"
            yield Clash((key,), f"engine.languages: there is no language {name!r}{hint}")


def _permission_clashes(permissions: Permissions) -> Iterator[Clash]:
    for key, meaning in (("group", group_of), ("mode", folder_mode), ("index_mode", file_mode)):
        try:
            meaning(getattr(permissions, key))
        except ValueError as error:
            yield Clash((("permissions", key),), f"permissions.{key}: {error}")
