"""Which names in the inbox are never looked at: shell patterns, matched without regard to case.

A pattern is held against every part of a path, so that one that names a folder leaves out all inside it.
"""

import fnmatch
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

_MAGIC = frozenset("*?[")


@dataclass(frozen=True, slots=True)
class IgnoreRules:
    """Patterns, sorted by the cheapest way to try them.

    A sweep tries every name in the inbox; nearly all patterns are a bare name, a beginning or an ending,
    and only the others need a regular expression.

    Attributes:
        names: whole names, lower case.
        beginnings: of patterns like `~$*`.
        endings: of patterns like `*.part`.
        others: all other patterns in one, or None.
    """

    names: frozenset[str]
    beginnings: tuple[str, ...]
    endings: tuple[str, ...]
    others: re.Pattern[str] | None

    @staticmethod
    def of(patterns: Sequence[str]) -> "IgnoreRules":
        """Sort the patterns (kept for the next call with the same ones). A trailing `/` means nothing."""
        return _sort(tuple(patterns))

    def match(self, name: str) -> bool:
        """Whether a name, without any folder before it, is ignored."""
        lower = name.lower()
        if lower in self.names or lower.startswith(self.beginnings) or lower.endswith(self.endings):
            return True
        return self.others is not None and self.others.match(lower) is not None


@lru_cache(maxsize=8)
def _sort(patterns: tuple[str, ...]) -> IgnoreRules:
    names: set[str] = set()
    beginnings: list[str] = []
    endings: list[str] = []
    others: list[str] = []
    for pattern in (raw.rstrip("/").lower() for raw in patterns):
        if not pattern:
            continue
        if _MAGIC.isdisjoint(pattern):
            names.add(pattern)
        elif pattern[-1] == "*" and _MAGIC.isdisjoint(pattern[:-1]):
            beginnings.append(pattern[:-1])
        elif pattern[0] == "*" and _MAGIC.isdisjoint(pattern[1:]):
            endings.append(pattern[1:])
        else:
            others.append(fnmatch.translate(pattern))
    return IgnoreRules(
        frozenset(names), tuple(beginnings), tuple(endings), re.compile("|".join(others)) if others else None
    )
