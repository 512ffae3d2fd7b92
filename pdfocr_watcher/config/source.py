"""A configuration as it is written: YAML values together with the places where they stand.

Which keys there are and what they may say is not known here.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import yaml

from pdfocr_watcher.config.problem import Place, Problem, SourceError

_TAG = "tag:yaml.org,2002:"
#: Plain words that YAML 1.1 takes for something, but a configuration for text (a folder may be called 2024-01-01).
_TEXT_TAGS = frozenset(_TAG + name for name in ("str", "timestamp", "value", "merge"))
_TAGS: dict[type[yaml.Node], frozenset[str]] = {
    yaml.ScalarNode: _TEXT_TAGS | {_TAG + name for name in ("int", "float", "bool", "null")},
    yaml.SequenceNode: frozenset({_TAG + "seq"}),
    yaml.MappingNode: frozenset({_TAG + "map"}),
}

#: What the parser says, or begins to say, and what a person needs to hear. True: the mistake is where the
#: construct begins, not where the parser gave up.
_PLAIN_WORDS: tuple[tuple[str, str, bool], ...] = (
    (
        "mapping values are not allowed",
        "a ':' too many, or one too few on the line above (text with ': ' in it needs quotes)",
        False,
    ),
    ("could not find expected ':'", "a ':' is missing after the key", True),
    ("expected <block end>", "the indentation does not fit the lines above", False),
    ("found character '\\t'", "a tab stands where only spaces may", False),
    ("that cannot start any token", "text that begins with a special character needs quotes", False),
    ("found unexpected end of stream", "a quote is not closed", True),
    ("found unexpected document separator", "a quote is not closed", True),
    ("expected ',' or ']'", "a list is not closed with ']', or a comma is missing", True),
    ("expected ',' or '}'", "braces are not closed, or a comma is missing", True),
    ("expected the node content", "a value is missing", False),
    ("expected alphabetic or numeric character", "text that begins with '*' or '&' needs quotes", False),
    ("but found another document", "a second document begins (a line '---'); there may be only one", False),
)


@dataclass(frozen=True, slots=True)
class Scalar:
    """A single value.

    Attributes:
        text: as it is written, without quotes; empty where there is nothing.
        value: what YAML takes it for.
        place: where it stands.
    """

    text: str
    value: float | str | None
    place: Place


@dataclass(frozen=True, slots=True)
class Listing:
    """A list of values."""

    items: tuple["Written", ...]
    place: Place


@dataclass(frozen=True, slots=True)
class Entry:
    """A key and its value; the place is the key's."""

    key: str
    value: "Written"
    place: Place


@dataclass(frozen=True, slots=True)
class Table:
    """Keys and values in the order of their writing; a key that is written twice stands here twice."""

    entries: tuple[Entry, ...]
    place: Place


Written = Scalar | Listing | Table


class _Loader(yaml.SafeLoader):
    """YAML without aliases: they make cycles and explosions possible, and `*.tmp` without quotes a riddle."""

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        if self.check_event(yaml.AliasEvent):
            mark = self.peek_event().start_mark  # type: ignore[no-untyped-call]
            raise yaml.composer.ComposerError(None, None, "text that begins with '*' needs quotes", mark)
        return super().compose_node(parent, index)


def parse(text: str, variable: str = "") -> Written:
    """Read one YAML document.

    Args:
        text: the document.
        variable: the environment variable that it comes from, if it is not a file's content.

    Returns:
        What is written; an empty scalar for an empty document.

    Raises:
        SourceError: it is not YAML, or it uses tags or aliases.
    """
    try:
        loader = _Loader(text)
    except yaml.reader.ReaderError as error:
        place = Place(0 if variable else text[: error.position].count("\n") + 1, variable)
        raise SourceError(Problem(place, f"holds the control character {_character(error.character)}")) from error
    try:
        node = loader.get_single_node()
        if node is None:
            return Scalar("", None, Place(0 if variable else 1, variable))
        return _written(loader, node, variable)
    except yaml.MarkedYAMLError as error:
        raise SourceError(_syntax_problem(error, variable)) from error
    except RecursionError as error:
        raise SourceError(Problem(Place(0, variable), "is nested too deeply")) from error
    except (ValueError, ArithmeticError) as error:  # PyYAML lets through what Python says of a huge or odd number
        raise SourceError(Problem(Place(0, variable), "is not valid YAML: it has a number that is none")) from error
    finally:
        loader.dispose()


def free_value(written: Written) -> Any:
    """What is written where anything may stand: as any reader of YAML takes it, but that days stay text."""
    match written:
        case Table(entries=entries):
            return {entry.key: free_value(entry.value) for entry in entries}
        case Listing(items=items):
            return [free_value(item) for item in items]
        case Scalar(value=value):
            return value


def place_of(written: Written, path: Iterable[str | int]) -> Place | None:
    """Where the end of a path of keys and positions is written, or as much of its beginning as is; None for nothing."""
    place = None
    for part in path:
        match written:
            case Table(entries=entries):
                found = [entry for entry in entries if entry.key == part]
                if not found:
                    break
                written, place = found[0].value, found[0].place
            case Listing(items=items) if isinstance(part, int) and part < len(items):
                written = items[part]
                place = written.place
            case _:
                break
    return place


def _character(character: int | str | bytes) -> str:
    return f"U+{character if isinstance(character, int) else ord(character):04X}"


def _syntax_problem(error: yaml.MarkedYAMLError, variable: str) -> Problem:
    said = error.problem or "it cannot be read"
    for beginning, words, at_start in _PLAIN_WORDS:
        if beginning in said:
            said, mark = words, error.context_mark if at_start else error.problem_mark
            break
    else:
        mark = error.problem_mark
    mark = mark or error.problem_mark or error.context_mark
    line = 0 if variable or mark is None else mark.line + 1
    return Problem(Place(line, variable), f"is not valid YAML: {said}")


def _written(loader: _Loader, node: yaml.Node, variable: str) -> Written:
    place = _place(node, variable)
    if node.tag not in _TAGS[type(node)]:
        raise SourceError(Problem(place, f"the YAML tag {node.tag.replace(_TAG, '!!')} is not used here"))
    if isinstance(node, yaml.SequenceNode):
        return Listing(tuple(_written(loader, item, variable) for item in node.value), place)
    if isinstance(node, yaml.MappingNode):
        return Table(tuple(_entry(loader, key, value, variable) for key, value in node.value), place)
    text = str(node.value)
    _check_characters(text, place)
    return Scalar(text, text if node.tag in _TEXT_TAGS else _value(loader, node, text), place)


def _value(loader: _Loader, node: yaml.Node, text: str) -> float | str | None:
    """The number, truth value or nothing that a plain word stands for; itself where YAML errs (`!!int x`, `0b_`)."""
    try:
        value: float | None = loader.construct_object(node)
    except (ValueError, LookupError, ArithmeticError):
        return text
    return value


def _entry(loader: _Loader, key: yaml.Node, value: yaml.Node, variable: str) -> Entry:
    place = _place(key, variable)
    if not isinstance(key, yaml.ScalarNode):
        raise SourceError(Problem(place, "a key must be a single word, not a list or a section"))
    _check_characters(key.value, place)
    return Entry(key.value, _written(loader, value, variable), place)


def _check_characters(text: str, place: Place) -> None:
    """Refuse what YAML can escape but no file name can hold: NUL and halves of surrogate pairs."""
    for character in text:
        if character == "\0" or "\ud800" <= character <= "\udfff":
            raise SourceError(Problem(place, f"holds the character {_character(character)}, which no name can hold"))


def _place(node: yaml.Node, variable: str) -> Place:
    return Place(0, variable) if variable else Place(node.start_mark.line + 1)
