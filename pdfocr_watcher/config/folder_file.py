"""The settings in a folder's own file, `.pdfocr.yaml`: how they are read from its text, and what is wrong with them.

People who may drop PDFs may write one, so it can say little, and nothing that names a path, a program or an address.
Where such files lie is known in `inbox.folder_settings`, what they may say in `folder_rules`.
"""

from collections.abc import Callable, Iterator
from typing import Any

from pdfocr_watcher.config.choices import FolderKey
from pdfocr_watcher.config.folder_rules import FolderRules
from pdfocr_watcher.config.nearest import nearest_choice
from pdfocr_watcher.config.problem import Place, Problem, SourceError
from pdfocr_watcher.config.source import Entry, Listing, Scalar, Table, Written, parse
from pdfocr_watcher.config.words import one_of, shown
from pdfocr_watcher.jobs.settings import JobSettings, Priority

#: A larger file is none of these.
MOST_BYTES = 16_384
_MOST_DAYS = 36500
_LEAST_DPI, _MOST_DPI = 36, 1200
_LONGEST_PROMPT, _LONGEST_NAME, _MOST_LANGUAGES, _MOST_OUTPUTS = 2000, 100, 20, 10
_DAYS = ("completed_days", "failed_days")
_FIRST_PRINTABLE = 0x20


class FolderFileError(Exception):
    """A file that cannot be used.

    Args:
        problems: what is wrong with it, at least one thing.
    """

    def __init__(self, problems: list[Problem]) -> None:
        super().__init__(problems)
        self.problems = problems

    def __str__(self) -> str:
        return "; ".join(
            f"line {problem.place.line}: {problem.text}" if problem.place.line else problem.text
            for problem in self.problems
        )


class _WrongError(Exception):
    """A value that cannot be: a phrase that follows the key."""


def parse_folder_file(content: bytes, rules: FolderRules) -> JobSettings:
    """The settings in a file.

    Args:
        content: all of it.
        rules: what it may say.

    Raises:
        FolderFileError: it cannot be used; all that is wrong is told.
    """
    try:
        written = parse(content.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise FolderFileError([Problem(Place(line), "is not UTF-8 text; save it as UTF-8")]) from error
    except SourceError as error:
        raise FolderFileError([error.problem]) from error
    if isinstance(written, Scalar) and not written.text:
        return JobSettings()
    values: dict[str, Any] = {}
    places: dict[str, Place] = {}
    problems: list[Problem] = []
    for name, entry, read in _entries(written, problems):
        places[name] = entry.place
        try:
            values[name] = read(entry.value)
        except _WrongError as wrong:
            problems.append(Problem(entry.place, f"{name}: {wrong}"))
    settings = JobSettings(**values)
    problems += (Problem(places[name], f"{name}: {words}") for name, words in rules.objections(settings))
    if problems:
        raise FolderFileError(sorted(problems, key=lambda problem: problem.place.line))
    return settings


def _entries(written: Written, problems: list[Problem]) -> Iterator[tuple[str, Entry, Callable[[Written], Any]]]:
    """The settings that are written, each with the function that reads it; adds what is none to the problems."""
    if not isinstance(written, Table):
        problems.append(Problem(written.place, f"must hold keys such as `dpi: 300`, not {shown(written)}"))
        return
    yield from _known(written, {**_READERS, FolderKey.RETENTION.value: None}, "", problems)


def _known(
    table: Table, readers: dict[str, Callable[[Written], Any] | None], prefix: str, problems: list[Problem]
) -> Iterator[tuple[str, Entry, Callable[[Written], Any]]]:
    seen: set[str] = set()
    for entry in table.entries:
        name = f"{prefix}{entry.key}"
        if entry.key not in readers:
            meant = nearest_choice(entry.key, readers)
            text = f"{name}: unknown key; " + (
                f'did you mean "{meant}"?' if meant else f"there are {', '.join(readers)}"
            )
            problems.append(Problem(entry.place, text))
        elif entry.key in seen:
            problems.append(Problem(entry.place, f"{name}: is written twice"))
        elif (read := readers[entry.key]) is not None:
            yield entry.key, entry, read
        elif isinstance(entry.value, Table):
            yield from _known(entry.value, dict.fromkeys(_DAYS, _days), f"{entry.key}.", problems)
        else:
            words = f"must be a section with {one_of(_DAYS)} below it, not {shown(entry.value)}"
            problems.append(Problem(entry.place, f"{name}: {words}"))
        seen.add(entry.key)


def _number(least: int, most: int) -> Callable[[Written], int]:
    def read(written: Written) -> int:
        value = written.value if isinstance(written, Scalar) else None
        if isinstance(value, int) and not isinstance(value, bool) and least <= value <= most:
            return value
        raise _WrongError(f"must be a whole number from {least} to {most}, not {shown(written)}")

    return read


def _text(longest: int) -> Callable[[Written], str]:
    def read(written: Written) -> str:
        match written:
            case Scalar(text=text) if 0 < len(text.strip()) <= len(text) <= longest and _is_printable(text):
                return text
        raise _WrongError(f"must be text of 1 to {longest} characters, not {shown(written)}")

    return read


def _is_printable(text: str) -> bool:
    return all(ord(character) >= _FIRST_PRINTABLE or character in "\n\t" for character in text)


def _choice(choices: tuple[str, ...]) -> Callable[[Written], str]:
    def read(written: Written) -> str:
        if isinstance(written, Scalar) and written.text in choices:
            return written.text
        meant = nearest_choice(written.text, choices) if isinstance(written, Scalar) else None
        hint = f'; did you mean "{meant}"?' if meant else ""
        raise _WrongError(f"must be {one_of(choices)}, not {shown(written)}{hint}")

    return read


def _list(item: Callable[[Written], str], most: int, *, may_be_empty: bool) -> Callable[[Written], tuple[str, ...]]:
    def read(written: Written) -> tuple[str, ...]:
        if not isinstance(written, Listing) or len(written.items) > most:
            raise _WrongError(f"must be a list of at most {most}, such as [a, b], not {shown(written)}")
        if not written.items and not may_be_empty:
            raise _WrongError("must name at least one")
        return tuple(dict.fromkeys(map(item, written.items)))

    return read


_days = _number(0, _MOST_DAYS)
_READERS: dict[str, Callable[[Written], Any] | None] = {
    FolderKey.PROFILE: _text(_LONGEST_NAME),
    FolderKey.PROMPT: _text(_LONGEST_PROMPT),
    FolderKey.DPI: _number(_LEAST_DPI, _MOST_DPI),
    FolderKey.OUTPUTS: _list(_text(_LONGEST_NAME), _MOST_OUTPUTS, may_be_empty=True),
    FolderKey.PRIORITY: _choice(tuple(Priority)),
    FolderKey.LANGUAGES: _list(_text(_LONGEST_NAME), _MOST_LANGUAGES, may_be_empty=False),
}
