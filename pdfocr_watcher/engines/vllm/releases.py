"""What the releases of vLLM can do, by their number. A table, from their sources; nothing is imported from vLLM."""

import re
from dataclasses import dataclass
from enum import StrEnum


class Ability(StrEnum):
    """What not every release can do, or needs to be told."""

    #: It has the no-repeat rule of DeepSeek-OCR as a logits processor.
    NGRAM_PROCESSOR = "ngram_processor"
    #: It ends a text that repeats itself, if a request asks for it.
    REPETITION_DETECTION = "repetition_detection"
    #: It has two model runners, and only the first of them takes that logits processor.
    TWO_RUNNERS = "two_runners"


#: The first release with each ability. From 0.31 on the second runner is taken by itself, and refuses the processor; on
#: the releases from 0.12 to 0.30 it does no harm to ask for the first one.
SINCE: dict[Ability, tuple[int, ...]] = {
    Ability.NGRAM_PROCESSOR: (0, 11, 1),
    Ability.REPETITION_DETECTION: (0, 17),
    Ability.TWO_RUNNERS: (0, 12),
}
#: The oldest release that this program works with.
OLDEST = (0, 11, 1)


@dataclass(frozen=True, slots=True)
class Release:
    """A release of vLLM.

    Attributes:
        version: as it calls itself, such as `0.32.0+cpu`; empty where that is not known.
    """

    version: str

    @property
    def numbers(self) -> tuple[int, ...] | None:
        """Its number; None for what was built between two releases, which is taken for the newest."""
        found = re.match(r"(\d+)\.(\d+)(?:\.(\d+))?(?![\d.]*\.?dev)", self.version)
        return tuple(int(number or 0) for number in found.groups()) if found else None

    def can(self, ability: Ability) -> bool:
        """Whether it has an ability."""
        return self.numbers is None or self.numbers >= SINCE[ability]

    @property
    def too_old(self) -> bool:
        """Whether it is older than what this program works with."""
        return self.numbers is not None and self.numbers < OLDEST
