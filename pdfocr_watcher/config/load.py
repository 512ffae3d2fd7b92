"""From a configuration file and the environment to a `Config`, or to one error that names every mistake.

How YAML is read stands in `source`, what is set where in `settings`, what must hold between keys in `checks`.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from pdfocr_watcher.config.checks import clashes, expand_user, placed
from pdfocr_watcher.config.model import Config
from pdfocr_watcher.config.nearest import nearest_choice
from pdfocr_watcher.config.problem import Place, Problem, SourceError, config_error
from pdfocr_watcher.config.settings import KeyPath, Setting, Settings
from pdfocr_watcher.config.source import Listing, Scalar, Table, Written, free_value, place_of
from pdfocr_watcher.config.words import (
    choices,
    free_sections,
    is_free,
    item_type,
    kind,
    number,
    sections,
    shown,
    wants_text,
)
from pdfocr_watcher.engines.own_profiles import Fault, profile_faults
from pdfocr_watcher.errors import ErrorCode, PdfocrError

#: The environment variable that names the configuration file.
FILE_VARIABLE = "PDFOCR_WATCHER_CONFIG"

#: Where a configuration file is looked for when none is named, in this order.
SEARCHED = (Path("config.yaml"), Path("/etc/pdfocr-watcher/config.yaml"))

_LIMITS = {
    "greater_than": ("more than", "gt"),
    "greater_than_equal": ("at least", "ge"),
    "less_than": ("less than", "lt"),
    "less_than_equal": ("at most", "le"),
}


def find_config(explicit: Path | None, environ: Mapping[str, str]) -> Path:
    """The configuration file to use: the one that is named, else the one that is found.

    Args:
        explicit: the file that the command line names, if it does.
        environ: may name one in `PDFOCR_WATCHER_CONFIG`.

    Returns:
        A path at which something lies.

    Raises:
        PdfocrError: `config_invalid`, there is none; the detail says where it was looked for.
    """
    advice = "`pdfocr-watcher init DIR` makes one."
    if explicit is not None:
        if explicit.exists():
            return explicit
        raise PdfocrError(ErrorCode.CONFIG_INVALID, f"There is no file {explicit}; {advice}")
    if name := environ.get(FILE_VARIABLE):
        path = Path(name)
        if path.exists():
            return path
        raise PdfocrError(ErrorCode.CONFIG_INVALID, f"There is no file {path}, which {FILE_VARIABLE} names; {advice}")
    for path in SEARCHED:
        if path.exists():
            return path
    looked = " and ".join(str(path.absolute()) for path in SEARCHED)
    raise PdfocrError(ErrorCode.CONFIG_INVALID, f"There is no configuration file: looked for {looked}; {advice}")


def load_config(path: Path, environ: Mapping[str, str]) -> Config:
    """Read the configuration.

    Args:
        path: the YAML file.
        environ: variables `PDFOCR_WATCHER__SECTION__KEY` go over what the file says; `HOME` is what `~` means.

    Returns:
        The configuration; its folders are absolute, normalised paths.

    Raises:
        PdfocrError: `config_invalid`; the detail has one line for each mistake.
    """
    settings = Settings()
    try:
        settings.add_file(path.read_bytes().decode("utf-8-sig"))
    except OSError as error:
        raise PdfocrError(ErrorCode.CONFIG_INVALID, f"{path}: cannot be read: {error.strerror or error}.") from error
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise config_error(path, [Problem(Place(line), "is not UTF-8 text; save it as UTF-8")]) from error
    except SourceError as error:
        raise config_error(path, [error.problem]) from error
    settings.add_environment(environ)
    return _validated(settings, path, environ)


def config_without_file(folder: Path, environ: Mapping[str, str]) -> Config:
    """The configuration of the environment and the defaults, for commands that do without a file.

    Args:
        folder: where the file would lie.
        environ: as for `load_config`.

    Raises:
        PdfocrError: `config_invalid`, as `load_config` does.
    """
    settings = Settings()
    settings.add_environment(environ)
    return _validated(settings, folder / SEARCHED[0], environ)


def _validated(settings: Settings, path: Path, environ: Mapping[str, str]) -> Config:
    data: dict[str, dict[str, Any]] = {name: {} for name in (*sections(), *free_sections())}
    for (section, key), setting in settings.values.items():
        free = section in free_sections()
        data[section][key] = (
            free_value(setting.written) if free else _plain(setting.written, _field(section, key).annotation)
        )
    wrong = _expand_homes(data["folders"], settings, environ)
    config = _config_without(wrong, data, settings)
    for fault in profile_faults(config.profiles):
        settings.problems.append(_profile_problem(fault, settings))
    config = config.model_copy(update={"folders": placed(config.folders, path.parent)})
    for clash in clashes(config):
        if wrong.isdisjoint(clash.keys + clash.behind):
            place = settings.place(*clash.keys) or settings.place(*clash.behind) or Place()
            settings.problems.append(Problem(place, clash.text))
    if settings.problems:
        raise config_error(path, settings.problems)
    return config


def _config_without(wrong: set[KeyPath], data: dict[str, dict[str, Any]], settings: Settings) -> Config:
    """The configuration of all keys that are not wrong; adds to `wrong` and to the problems what pydantic refuses.

    The wrong keys step aside so that mistakes between the others can be told at the same time.
    """
    while True:
        for section, key in wrong:
            data[section].pop(key, None)
        try:
            return Config.model_validate(data)
        except ValidationError as error:
            for details in error.errors():
                path, rest = (str(details["loc"][0]), str(details["loc"][1])), list(details["loc"][2:])
                settings.problems.append(_value_problem(details, path, rest, settings.values[path]))
                wrong.add(path)


def _field(section: str, key: str) -> FieldInfo:
    return sections()[section].model_fields[key]


def _profile_problem(fault: Fault, settings: Settings) -> Problem:
    setting = settings.values["profiles", str(fault.path[0])]
    meant = nearest_choice(fault.given, fault.choices) if fault.given else None
    hint = f'; did you mean "{meant}"?' if meant else ""
    return Problem(place_of(setting.written, fault.path[1:]) or setting.place, f"{fault.key}: {fault.text}{hint}")


def _plain(written: Written, annotation: Any) -> Any:
    """What is written as the model takes it."""
    if is_free(annotation):
        return free_value(written)
    match written:
        case Listing(items=items):
            return [_plain(item, item_type(annotation)) for item in items]
        case Table(entries=entries):
            return {entry.key: _plain(entry.value, None) for entry in entries}
        case Scalar(text="") | Scalar(text="null" | "Null" | "NULL", value=None) if annotation is Path:
            return None  # no name for a folder; but `~`, which YAML takes for nothing as well, is one
        case Scalar(text=text, value=value):
            # A truth value would pass for 0 or 1 where a number is wanted; its word does not.
            as_it_is = bool(text) and (wants_text(annotation) or (isinstance(value, bool) and annotation is not bool))
            return text if as_it_is else value


def _expand_homes(folders: dict[str, Any], settings: Settings, environ: Mapping[str, str]) -> set[KeyPath]:
    """Put `~` in full, in place; gives the keys for which that cannot be done."""
    wrong: set[KeyPath] = set()
    for key, value in folders.items():
        if isinstance(value, str):
            try:
                folders[key] = expand_user(value, environ)
            except RuntimeError:
                words = f"folders.{key}: there is no home folder that {value.partition('/')[0]!r} could mean"
                settings.problems.append(Problem(settings.values["folders", key].place, words))
                wrong.add(("folders", key))
    return wrong


def _value_problem(details: ErrorDetails, path: KeyPath, rest: list[int | str], setting: Setting) -> Problem:
    name, written, place = ".".join(path), setting.written, setting.place
    annotation: Any = _field(*path).annotation
    if rest and isinstance(rest[0], int) and isinstance(written, Listing):
        name, written, annotation = f"{name}, item {rest[0] + 1}", written.items[rest[0]], item_type(annotation)
        place = written.place
    if limit := _LIMITS.get(details["type"]):
        words, bound = limit
        return Problem(place, f"{name}: must be {words} {number(details['ctx'][bound])}, not {shown(written)}")
    text = f"{name}: must be {kind(annotation)}, not {shown(written)}"
    if isinstance(written, Scalar) and (meant := nearest_choice(written.text, choices(annotation))):
        text += f'; did you mean "{meant}"?'
    return Problem(place, text)
