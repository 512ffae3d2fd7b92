"""Documents whose pages tell an engine that fails how to: see `tests/faults/engine_that_fails`."""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from enum import IntEnum
from pathlib import Path

from fpdf import FPDF

_ENGINE = Path(__file__).with_name("engine_that_fails")


class Shade(IntEnum):
    """What the engine does on a page of this shade; its order is that of the engine's deeds."""

    KILL = 0
    EXIT = 1
    LOOP = 2
    STOP = 3
    EAT = 4
    LEAK = 5
    TALK = 6
    FORK = 7
    SLOW = 8
    GOOD = 12


def shaded(shades: Sequence[Shade]) -> bytes:
    """Small pages, one of each shade."""
    pdf = FPDF(unit="pt", format=(100.0, 140.0))
    for shade in shades:
        pdf.add_page()
        pdf.set_fill_color(shade * 20)
        pdf.rect(0, 0, 100, 140, style="F")
    return bytes(pdf.output())


def environment(folder: Path) -> dict[str, str]:
    """The environment of a daemon with that engine; `folder` is where the two meet."""
    folder.mkdir(exist_ok=True)
    path = os.pathsep.join([str(_ENGINE), *filter(None, [os.environ.get("PYTHONPATH")])])
    return {**os.environ, "PYTHONPATH": path, "PDFOCR_ENGINE_THAT_FAILS": str(folder)}


@contextmanager
def broken(folder: Path) -> Iterator[None]:
    """Meanwhile the engine does not load."""
    folder.mkdir(exist_ok=True)
    (folder / "broken").touch()
    try:
        yield
    finally:
        (folder / "broken").unlink()
