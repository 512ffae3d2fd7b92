"""One line of `doctor`: how much it matters, what it is about, what is the case and what to do."""

from dataclasses import dataclass
from enum import StrEnum


class Level(StrEnum):
    """How much a finding matters."""

    GOOD = "good"
    #: It works, but something would make it better.
    ADVICE = "advice"
    #: It does not work like this.
    MISSING = "missing"


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of `doctor`."""

    level: Level
    subject: str
    text: str
