"""Which valid name a person probably meant."""

from collections.abc import Iterable
from difflib import SequenceMatcher

from pdfocr_watcher.config.words import fields, free_sections, sections

_ALIKE = 0.6  # below this, two names share some letters and nothing else
_SAME_SECTION = 0.15  # how much a key of the section that was named is preferred to a better match elsewhere


def nearest_choice(word: str, choices: Iterable[str]) -> str | None:
    """The choice that is most like `word`; None where none is."""
    scored = [(_alike(word, choice), choice) for choice in choices]
    score, choice = max(scored, default=(0.0, ""), key=lambda pair: pair[0])
    return choice if score >= _ALIKE else None


def nearest_key(section: str | None, key: str) -> str | None:
    """The key path that is most like what was written, wherever it is; None where nothing is.

    Args:
        section: the section in which the key was written, known or not; None at top level.
        key: the unknown key.

    Returns:
        A section's name (only for a key at top level) or `section.key`.
    """
    scored: list[tuple[float, str]] = []
    for known_section, known_key, _ in fields():
        score = _alike(key, known_key)
        if section is None:
            score = max(score, _alike(key, f"{known_section}_{known_key}"))
        if score >= _ALIKE:
            nearby = _alike(section, known_section) if section is not None else 0.0
            bonus = _SAME_SECTION * nearby if nearby >= _ALIKE else 0.0
            scored.append((score + bonus, f"{known_section}.{known_key}"))
    if section is None:
        names = (*sections(), *free_sections())
        scored += [(score, name) for name in names if (score := _alike(key, name)) >= _ALIKE]
    return max(scored, default=(0.0, None), key=lambda pair: pair[0])[1]


def _alike(left: str, right: str) -> float:
    return SequenceMatcher(None, _plain(left), _plain(right), autojunk=False).ratio()


def _plain(word: str) -> str:
    return word.lower().replace("-", "_").replace(".", "_")
