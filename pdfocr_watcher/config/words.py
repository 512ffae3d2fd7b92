"""What a key may hold, in plain words: for error messages and for the reference page."""

from collections.abc import Iterator
from datetime import time
from enum import StrEnum
from pathlib import Path
from typing import Any, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from pdfocr_watcher.config.model import Config
from pdfocr_watcher.config.source import Listing, Scalar, Table, Written

_SHOWN_CHARACTERS = 60


def sections() -> dict[str, type[BaseModel]]:
    """The sections of a configuration, by name, in the model's order."""
    return {
        name: field.annotation
        for name, field in Config.model_fields.items()
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel)
    }


def free_sections() -> tuple[str, ...]:
    """The sections whose keys are names that the configuration gives itself."""
    return tuple(name for name, field in Config.model_fields.items() if is_free(field.annotation))


def is_free(annotation: Any) -> bool:
    """Whether anything may stand there, keys of any name included."""
    return get_origin(annotation) is dict


def fields() -> Iterator[tuple[str, str, FieldInfo]]:
    """Every key: its section, its name, its definition."""
    for section, model in sections().items():
        for name, field in model.model_fields.items():
            yield section, name, field


def first_line(model: type[BaseModel]) -> str:
    """What a section is about."""
    return (model.__doc__ or "").strip().partition("\n")[0]


def choices(annotation: Any) -> tuple[str, ...]:
    """The words that may be chosen from; none where the key takes other values."""
    if isinstance(annotation, type) and issubclass(annotation, StrEnum):
        return tuple(member.value for member in annotation)
    return ()


def item_type(annotation: Any) -> Any:
    """What the items of a list are; None where the key takes no list."""
    return get_args(annotation)[0] if get_origin(annotation) in {tuple, list} else None


def wants_text(annotation: Any) -> bool:
    """Whether the key takes what is written as it is, even if YAML reads `null`, `2024` or `yes` otherwise."""
    return annotation in {str, Path, time} or bool(choices(annotation))


def kind(annotation: Any) -> str:
    """What a value must be: the words after "must be"."""
    if names := choices(annotation):
        return one_of(tuple(f'"{name}"' for name in names))
    if item_type(annotation) is not None:
        return "a list, such as [a, b]"
    if is_free(annotation):
        return "a section with keys"
    plain = {
        int: "a whole number",
        float: "a number",
        bool: "true or false",
        Path: "a path",
        str: "text",
        time: "a time of day, such as 03:30",
    }
    return plain.get(annotation, "a value of another kind")


def one_of(names: tuple[str, ...]) -> str:
    """A choice: `a, b or c`."""
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} or {names[-1]}"


def limits(field: FieldInfo) -> str:
    """The range of a number, such as "36 to 1200" or "more than 0, at most 604800"; empty where there is none."""
    found = {
        name: getattr(part, name)
        for part in field.metadata
        for name in ("gt", "ge", "lt", "le")
        if getattr(part, name, None) is not None
    }
    if set(found) == {"ge", "le"}:
        return f"{number(found['ge'])} to {number(found['le'])}"
    words = {"gt": "more than", "ge": "at least", "lt": "less than", "le": "at most"}
    return ", ".join(f"{words[name]} {number(limit)}" for name, limit in found.items())


def number(value: float) -> str:
    """A number without an exponent and without a needless `.0`."""
    return str(int(value)) if value == int(value) else str(value)


def shown(written: Written) -> str:
    """What is written, for the words after "not"."""
    match written:
        case Scalar(text=""):
            return "empty"
        case Scalar(text=text, value=None | int() | float()) if len(text) <= _SHOWN_CHARACTERS:
            return f"'{text}'" if isinstance(written.value, bool) else text
        case Scalar(text=text):
            return repr(text if len(text) <= _SHOWN_CHARACTERS else f"{text[:_SHOWN_CHARACTERS]}...")
        case Listing():
            return "a list"
        case Table():
            return "a section with keys"
