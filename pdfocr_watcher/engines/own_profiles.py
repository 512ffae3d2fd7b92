"""Profiles that a configuration describes: what they take over from others, and what is wrong with them.

Faults are values, since who wrote the profile wants to hear of all of them at once, with the line of each; the
configuration's loader knows the lines.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from pdfocr_watcher.engines.profiles import (
    PROMPT,
    ModelSampling,
    Parser,
    Picture,
    PictureFormat,
    Profile,
    Retry,
    ServerMessage,
    builtin_data,
    builtin_names,
)
from pdfocr_watcher.errors import ErrorCode, PdfocrError

#: The key by which a profile names the one that it changes.
EXTENDS = "extends"

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_SHOWN_CHARACTERS = 60
#: The length of the path of a profile's own key: its name and the key.
_TOP = 2
_LIMITS = {
    "greater_than": ("more than", "gt"),
    "greater_than_equal": ("at least", "ge"),
    "less_than": ("less than", "lt"),
    "less_than_equal": ("at most", "le"),
}
#: What a value must be, by the beginning of pydantic's name for the mistake.
_KINDS = (
    ("int_", "a whole number"),
    ("float_", "a number"),
    ("finite_", "a number"),
    ("bool_", "true or false"),
    ("string_pattern", "of the form module:Class"),
    ("string_too_short", "more than nothing"),
    ("too_short", "more than nothing"),
    ("string_", "text (put quotes around it)"),
    ("tuple_", "a list, such as [a, b]"),
    ("dict_", "a section with keys"),
    ("model_", "a section with keys"),
)

Path = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Fault:
    """One mistake in a profile.

    Attributes:
        path: where it is: the profile's name, then keys, and positions in lists from 0.
        text: what is wrong, a phrase without a full stop.
        given: the name that was written, where it is not one of `choices`.
        choices: the names that would do there.
    """

    path: Path
    text: str
    given: str = ""
    choices: tuple[str, ...] = ()

    @property
    def key(self) -> str:
        """The path in words, such as `profiles.mine.retries, item 2.mode`."""
        words = "profiles"
        for part in self.path:
            words += f", item {part + 1}" if isinstance(part, int) else f".{part}"
        return words


def profile_names(own: Mapping[str, Any]) -> tuple[str, ...]:
    """The names that `engine.profile` may have: of the profiles that ship, and of one's own."""
    return tuple(dict.fromkeys((*builtin_names(), *own)))


def resolve_profile(name: str, own: Mapping[str, Any]) -> Profile:
    """A profile by its name, whole.

    Args:
        name: of a built-in profile, or of one of `own`, which go first.
        own: the section `profiles` of the configuration.

    Raises:
        PdfocrError: `config_invalid`, there is no such profile, or it has mistakes; the detail has a line for each.
    """
    if name not in own and name in builtin_names():
        return Profile.model_validate(builtin_data(name))
    if name not in own:
        names = ", ".join(profile_names(own))
        raise PdfocrError(ErrorCode.CONFIG_INVALID, f"engine.profile: there is no profile {name!r}; there are {names}.")
    profile, faults = _built(name, own)
    if profile is None:
        raise PdfocrError(ErrorCode.CONFIG_INVALID, "\n".join(f"{fault.key}: {fault.text}." for fault in faults))
    return profile


def profile_faults(own: Mapping[str, Any]) -> Iterator[Fault]:
    """Everything that is wrong with one's own profiles, each mistake once.

    Args:
        own: the section `profiles` of the configuration.
    """
    seen: set[tuple[Path, str]] = set()
    for name in own:
        for fault in _built(name, own)[1]:
            if (fault.path, fault.text) not in seen:
                seen.add((fault.path, fault.text))
                yield fault


def contradictions(profile: Profile) -> Iterator[Fault]:
    """What does not go together in a profile whose single values are right."""
    name = profile.name
    for mark, what in ((PROMPT, "where the prompt stands"), (profile.mark, "where the picture stands")):
        if (count := profile.template.count(mark)) != 1:
            yield Fault((name, "template"), f"must have {mark} once, {what}; it has it {count or 'no'} times")
    prompts: list[tuple[Path, str | None]] = [((name, "prompt"), profile.prompt)]
    prompts += [((name, "retries", index, "prompt"), retry.prompt) for index, retry in enumerate(profile.retries)]
    for path, prompt in prompts:
        if prompt is not None and profile.mark in prompt:
            yield Fault(path, f"must not have {profile.mark}: the template has it")
    yield from _modes(profile)
    yield from _numbers(profile)


def _modes(profile: Profile) -> Iterator[Fault]:
    name, known = profile.name, tuple(profile.modes)
    wanted: list[tuple[Path, str | None]] = [((name, "mode"), profile.mode)]
    wanted += [((name, "retries", index, "mode"), retry.mode) for index, retry in enumerate(profile.retries)]
    for path, mode in wanted:
        if mode is not None and mode not in known:
            text = f"must be one of the profile's modes ({', '.join(known)}), not {mode!r}"
            yield Fault(path, text, mode, known)
    for mode, picture in profile.modes.items():
        if picture.min_tiles > picture.max_tiles:
            text = f"must not be more than max_tiles ({picture.max_tiles})"
            yield Fault((name, "modes", mode, "min_tiles"), text)


def _numbers(profile: Profile) -> Iterator[Fault]:
    name, sampling = profile.name, profile.sampling
    if sampling.max_tokens > profile.max_model_len:
        text = f"must not be more than max_model_len ({profile.max_model_len})"
        yield Fault((name, "sampling", "max_tokens"), text)
    tries: list[tuple[Path, Any]] = [((name, "sampling"), None)]
    tries += [((name, "retries", index), retry) for index, retry in enumerate(profile.retries)]
    for path, retry in tries:
        chosen = profile.sampling_for(retry)
        if chosen.ngram_size is None or (retry is not None and retry.ngram_size is None and retry.window_size is None):
            continue
        if chosen.window_size < chosen.ngram_size:
            text = f"must be at least ngram_size ({chosen.ngram_size}), or nothing is ever found in it"
            yield Fault((*path, "window_size"), text)


def _built(name: str, own: Mapping[str, Any], above: tuple[str, ...] = ()) -> tuple[Profile | None, list[Fault]]:
    """One of one's own profiles, or what is wrong with it; `above` are those that extend it."""
    if not _NAME.fullmatch(name):
        return None, [Fault((name,), "a profile's name has letters, digits and . _ - only")]
    data, faults = _extended(name, own, (*above, name))
    if faults:
        return None, faults
    try:
        profile = Profile.model_validate({**data, "name": name})
    except ValidationError as error:
        return None, [_fault(name, details, whole=EXTENDS not in own[name]) for details in error.errors()]
    faults = list(contradictions(profile))
    return (None if faults else profile), faults


def _extended(name: str, own: Mapping[str, Any], chain: tuple[str, ...]) -> tuple[dict[str, Any], list[Fault]]:
    """What a profile says, over what the one says that it extends."""
    said = own[name]
    if not isinstance(said, Mapping):
        return {}, [Fault((name,), f"must be a section with keys, not {_shown(said)}")]
    if "name" in said:
        return {}, [Fault((name, "name"), "its name is the key that it stands below")]
    change = {key: value for key, value in said.items() if key != EXTENDS}
    if EXTENDS not in said:
        return change, []
    data, faults = _base(name, said[EXTENDS], own, chain)
    data.pop("seen", None)  # what was seen running is not what comes of the change
    return _laid_over(data, change), faults


def _base(name: str, base: Any, own: Mapping[str, Any], chain: tuple[str, ...]) -> tuple[dict[str, Any], list[Fault]]:
    """What the profile says that the profile `name` extends; one that is called the same is the built-in one."""
    path = (name, EXTENDS)
    if isinstance(base, str) and base in own and base != name:
        if base in chain:
            return {}, [Fault(path, f"{base} extends {name} in turn")]
        profile, faults = _built(base, own, chain)
        return ({}, faults) if profile is None else _extended(base, own, (*chain, base))
    if isinstance(base, str) and base in builtin_names():
        return dict(builtin_data(base)), []
    others = tuple(known for known in profile_names(own) if known != name or known in builtin_names())
    text = f"must be the name of a profile ({', '.join(others)}), not {_shown(base)}"
    return {}, [Fault(path, text, str(base), others)]


def _laid_over(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    """One mapping over another, key by key down to the single values; lists are taken whole."""
    laid = dict(below)
    for key, value in above.items():
        under = laid.get(key)
        laid[key] = _laid_over(under, value) if isinstance(under, Mapping) and isinstance(value, Mapping) else value
    return laid


def _fault(name: str, details: ErrorDetails, *, whole: bool) -> Fault:
    """What pydantic refuses, in words."""
    path, kind, given = (name, *details["loc"]), details["type"], details["input"]
    if kind == "missing":
        hint = f", or `{EXTENDS}: NAME` that says which profile it changes" if whole and len(path) == _TOP else ""
        return Fault(path, f"is missing{hint}")
    if kind == "extra_forbidden":
        return Fault(path, "unknown key", str(path[-1]), _keys_beside(details["loc"]))
    if limit := _LIMITS.get(kind):
        words, bound = limit
        return Fault(path, f"must be {words} {details['ctx'][bound]:g}, not {_shown(given)}")
    if kind == "enum":
        choices = _choices(path[-1])
        return Fault(path, f"must be {_one_of(choices)}, not {_shown(given)}", str(given), choices)
    wanted = next((words for beginning, words in _KINDS if kind.startswith(beginning)), "a value of another kind")
    return Fault(path, f"must be {wanted}, not {_shown(given)}")


def _keys_beside(loc: tuple[int | str, ...]) -> tuple[str, ...]:
    """The keys that there are where pydantic met an unknown one."""
    match loc:
        case (_,):
            return (*(key for key in Profile.model_fields if key != "name"), EXTENDS)
        case ("sampling", _):
            return tuple(ModelSampling.model_fields)
        case ("server", _):
            return tuple(ServerMessage.model_fields)
        case ("modes", _, _):
            return tuple(Picture.model_fields)
        case _:
            return tuple(Retry.model_fields)


def _choices(key: str | int) -> tuple[str, ...]:
    return tuple(member.value for member in (PictureFormat if key == "format" else Parser))


def _one_of(names: tuple[str, ...]) -> str:
    return f"{', '.join(names[:-1])} or {names[-1]}"


def _shown(value: Any) -> str:
    """A value for the words after "not"."""
    match value:
        case None | "":
            return "empty"
        case bool():
            return str(value).lower()
        case int() | float():
            return str(value)
        case str():
            return repr(value if len(value) <= _SHOWN_CHARACTERS else f"{value[:_SHOWN_CHARACTERS]}...")
        case Mapping():
            return "a section with keys"
        case _:
            return "a list"
