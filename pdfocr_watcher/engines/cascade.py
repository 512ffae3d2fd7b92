"""A page's lines, found and read by one pair of networks, or by a quick one with a careful one behind it.

When a quick reading will not do stands in `policy`.
"""

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from pdfocr_watcher.engines.policy import is_doubtful, is_page_doubtful, is_page_hopeless, sample_of
from pdfocr_watcher.engines.raster import TURNED_ASPECT, Quad, Raster, crop
from pdfocr_watcher.engines.recognition import LineReading


class FindsLines(Protocol):
    """Finds lines of text."""

    def find(self, raster: Raster, /) -> list[Quad]:
        """The four corners of each."""


class ReadsLines(Protocol):
    """Reads one line of text that lies level."""

    def read(self, picture: Raster, /) -> LineReading:
        """What it says."""


@dataclass(frozen=True, slots=True)
class Networks:
    """Two networks that read a page between them."""

    detector: FindsLines
    recognizer: ReadsLines


@dataclass(frozen=True, slots=True)
class FoundLine:
    """A line on a raster, read.

    Attributes:
        quad: its corners.
        reading: what it says.
        height: of its picture, in pixels.
        turned: whether it runs down or up the page.
    """

    quad: Quad
    reading: LineReading
    height: float
    turned: bool


class RereadsLines(Protocol):
    """Knows more than the networks of what a line may say."""

    def reread(self, raster: Raster, lines: list[FoundLine], /) -> list[FoundLine]:
        """All lines of a raster, some of them read otherwise."""


class Cascade:
    """Finds and reads the lines of rasters.

    Args:
        first: reads every page.
        second: reads again what `first` reads with doubt; None for nobody.
        guide: looks at what was read in the end; None for nobody.
    """

    def __init__(self, first: Networks, second: Networks | None = None, guide: RereadsLines | None = None) -> None:
        self._first = first
        self._second = second
        self._guide = guide

    def read(self, raster: Raster) -> list[FoundLine]:
        """All lines, also those that say nothing."""
        lines = self._read(raster)
        return lines if self._guide is None else self._guide.reread(raster, lines)

    def _read(self, raster: Raster) -> list[FoundLine]:
        if self._second is None:
            return _read_page(self._first, raster)
        first, second = self._first.recognizer, self._second.recognizer
        quads = self._first.detector.find(raster)
        read = {number: _read_line(first, raster, quads[number]) for number in sample_of(len(quads))}
        if is_page_hopeless([line.reading for line in read.values()]):
            return _read_page(self._second, raster)
        lines = [read.get(number) or _read_line(first, raster, quad) for number, quad in enumerate(quads)]
        if is_page_doubtful([line.reading for line in lines]):
            return _read_page(self._second, raster)
        return [_read_line(second, raster, one.quad) if is_doubtful(one.reading) else one for one in lines]

    def read_piece(self, picture: Raster) -> LineReading:
        """One line that is known to be there; a lone digit or letter is worth the best there is."""
        return (self._second or self._first).recognizer.read(picture)


def _read_page(networks: Networks, raster: Raster) -> list[FoundLine]:
    return [_read_line(networks.recognizer, raster, quad) for quad in networks.detector.find(raster)]


def _read_line(recognizer: ReadsLines, raster: Raster, quad: Quad) -> FoundLine:
    """What stands inside `quad`, whichever way it runs."""
    picture = crop(raster, quad)
    height, width = picture.shape[:2]
    turned = height >= TURNED_ASPECT * width
    reading = recognizer.read(np.ascontiguousarray(np.rot90(picture)) if turned else picture)
    if turned and height < 2 * TURNED_ASPECT * width:
        # A lone upright character (1, I, l) is as slim as a turned word.
        upright = recognizer.read(picture)
        if upright.confidence > reading.confidence:
            reading, turned = upright, False
    return FoundLine(quad, reading, float(height), turned)
