"""How much is tried of what there is too much of to try all of it at every change.

`PDFOCR_TEST_EVERY=N` takes one case out of N, from day to day others; all are tried where nothing is said. It is for
what is found at any of many like places, so that a run has a chance of it and N days have it surely.
"""

import os
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import TypeVar

_T = TypeVar("_T")
#: One case out of so many is tried.
EVERY = int(os.environ.get("PDFOCR_TEST_EVERY", "1"))


def thinned(cases: Iterable[_T]) -> list[_T]:
    """The cases that are tried today."""
    return list(cases)[datetime.now(UTC).toordinal() % EVERY :: EVERY]
