"""Which key was set to what, and where: the file's sections and the environment's variables, laid over each other.

Whether the values are allowed is decided in `load`.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from pdfocr_watcher.config.nearest import nearest_key
from pdfocr_watcher.config.problem import Place, Problem, SourceError
from pdfocr_watcher.config.source import Entry, Listing, Scalar, Table, Written, parse
from pdfocr_watcher.config.words import free_sections, is_free, sections, shown

#: What the names of all variables that set a key begin with.
PREFIX = "PDFOCR_WATCHER__"

KeyPath = tuple[str, str]

#: Sections for which a single word stands for one of their keys: `engine: rapidocr`.
_SHORT_FORMS = {"engine": "name"}


@dataclass(frozen=True, slots=True)
class Setting:
    """A key's value and where the key is written."""

    written: Written
    place: Place


@dataclass(slots=True)
class Settings:
    """What was set, later additions over earlier ones, and what could not be understood on the way."""

    values: dict[KeyPath, Setting] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)

    def place(self, *keys: KeyPath) -> Place | None:
        """Where the last of these keys is written; None where all have their defaults."""
        places = [self.values[key].place for key in keys if key in self.values]
        return max(places, default=None, key=lambda place: (place.variable, place.line))

    def add_file(self, text: str) -> None:
        """Take the content of a configuration file.

        Raises:
            SourceError: it is not YAML.
        """
        match parse(text):
            case Table() as table:
                self._add_sections(table)
            case Scalar(text=""):
                pass
            case other:
                words = f"must hold sections such as `folders:` and `inbox:`, not {shown(other)}"
                self.problems.append(Problem(other.place, words))

    def add_environment(self, environ: Mapping[str, str]) -> None:
        """Take the variables that begin with `PREFIX`; one that names a key goes over one that names its section."""
        names = [name for name in environ if name.startswith(PREFIX)]
        seen: dict[tuple[str, ...], str] = {}
        for name in sorted(names, key=lambda name: (name.count("__"), name)):
            place = Place(0, name)
            path = tuple(name.removeprefix(PREFIX).lower().split("__"))
            if path in seen:
                self.problems.append(Problem(place, f"sets the same key as {seen[path]}"))
                continue
            seen[path] = name
            if not _known(path):
                self.problems.append(Problem(place, "unknown variable" + _suggestion(path, in_environment=True)))
                continue
            try:
                written = parse(environ[name], name)
            except SourceError as error:
                self.problems.append(error.problem)
                continue
            for part in reversed(path):
                written = Table((Entry(part, written, place),), place)
            self._add_sections(written)

    def _add_sections(self, written: Written) -> None:
        for entry in self._once("", written):
            section = entry.key
            if section not in sections() and section not in free_sections():
                self.problems.append(Problem(entry.place, f"{section}: unknown key{_suggestion((section,))}"))
                continue
            match entry.value:
                case Table() as table if section in free_sections():
                    for named in self._once(f"{section}.", table):
                        self.values[section, named.key] = Setting(named.value, named.place)
                        self._look_for_twins(f"{section}.{named.key}", named.value)
                case Table() as table:
                    self._add_keys(section, table)
                case Scalar(text=""):
                    pass
                case Scalar() as word if section in _SHORT_FORMS:
                    self.values[section, _SHORT_FORMS[section]] = Setting(word, entry.place)
                case other:
                    words = f"{section}: must be a section with keys below it, not {shown(other)}"
                    self.problems.append(Problem(entry.place, words))

    def _add_keys(self, section: str, table: Table) -> None:
        known = sections()[section].model_fields
        for entry in self._once(f"{section}.", table):
            if entry.key in known:
                self.values[section, entry.key] = Setting(entry.value, entry.place)
                if is_free(known[entry.key].annotation):
                    self._look_for_twins(f"{section}.{entry.key}", entry.value)
                continue
            suggestion = _suggestion((section, entry.key), in_environment=bool(entry.place.variable))
            self.problems.append(Problem(entry.place, f"{section}.{entry.key}: unknown key{suggestion}"))

    def _once(self, prefix: str, written: Written) -> Iterable[Entry]:
        """The entries of a table without those whose key stood there before: which of the two is meant is unknown."""
        first: dict[str, Place] = {}
        for entry in written.entries if isinstance(written, Table) else ():
            if entry.key not in first:
                first[entry.key] = entry.place
                yield entry
                continue
            before = first[entry.key]
            where = f"first on line {before.line}" if before.line else "in the same variable"
            self.problems.append(Problem(entry.place, f"{prefix}{entry.key}: is written twice, {where}"))

    def _look_for_twins(self, name: str, written: Written) -> None:
        """Tell of keys that stand twice beside one another, however deep."""
        match written:
            case Table() as table:
                for entry in self._once(f"{name}.", table):
                    self._look_for_twins(f"{name}.{entry.key}", entry.value)
            case Listing(items=items):
                for number, item in enumerate(items, 1):
                    self._look_for_twins(f"{name}, item {number}", item)
            case _:
                pass


def variable(section: str, key: str = "") -> str:
    """The environment variable that sets a key, or a whole section."""
    return PREFIX + (f"{section}__{key}" if key else section).upper()


def _known(path: tuple[str, ...]) -> bool:
    match path:
        case (section,):
            return section in sections() or section in free_sections()
        case (section, key):
            return section in free_sections() or (section in sections() and key in sections()[section].model_fields)
        case _:
            return False


def _suggestion(path: tuple[str, ...], *, in_environment: bool = False) -> str:
    """The end of the sentence about an unknown name: empty, or what was probably meant."""
    if len(path) == 1 and _known(tuple(path[0].split("."))):
        section, key = path[0].split(".")
        return f"; write `{key}` on a line of its own below `{section}:`"
    name = nearest_key(path[0], "_".join(path[1:])) if len(path) > 1 else nearest_key(None, path[0])
    if name is None:
        return ""
    return f'; did you mean "{variable(*name.split("."))}"?' if in_environment else f'; did you mean "{name}"?'
