"""Two readings of a page become one: the embedded engine's, and Tesseract's of the page as a whole.

Pure, on the lines of both.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from statistics import median

from pdfocr_watcher.analysis.lines import Line
from pdfocr_watcher.engines.rapidocr import is_sure
from pdfocr_watcher.engines.scripts import Script

#: A line is of the script from this share of its letters on. There Tesseract is believed, unless the embedded engine is
#: so sure of its own reading, and Tesseract not even that sure; elsewhere, who is surer.
MIN_SHARE = 0.2
SURE, CONVINCED = 0.95, 0.85
#: Readings of Tesseract that are less sure than this are worth nothing.
MIN_CONFIDENCE = 0.5
#: A line that Tesseract found itself is said already where others have this part of its area.
COVERED = 0.3
#: It is all of one with this share of its width and this one of its area, and at most so many times higher.
WHOLE, SAME, HIGHER = 0.8, 0.4, 2.0


class TwoReadings:
    """What both read on a page.

    Args:
        found: the lines of the embedded engine.
        page: those of Tesseract, of the page as a whole; none where it did not read it so.
        script: that of the lines in doubt.
    """

    def __init__(self, found: Sequence[Line], page: Sequence[Line], script: Script) -> None:
        self._page = [line for line in page if line.confidence >= MIN_CONFIDENCE]
        self._script = script
        #: The lines of Tesseract that are believed, each with those at whose place it stands.
        self._whole: dict[Line, list[Line]] = {}
        self.left_over: list[Line] = []
        for line in found:
            other = self._whole_line(line)
            if other is None:
                self.left_over.append(line)
            else:
                self._whole.setdefault(other, []).append(line)

    def merged(self, readings: Mapping[Line, Line | None]) -> list[Line]:
        """The lines of the page, each said once.

        Boxes of Tesseract end with the ink; where the embedded engine found the line too, it is as high as that has it.

        Args:
            readings: what Tesseract read, by itself, of each line that is `left_over`; None where it read nothing.
        """
        whole = [_as_high(other, lines) for other, lines in self._whole.items()]
        higher = [line.height / other.height for line, other in zip(whole, self._whole, strict=True)]
        better = (self._better(line, reading) for line, reading in readings.items())
        lines = [*whole, *(line for line in better if line is not None)]
        return [*lines, *(_grown(line, median(higher or [1.0])) for line in self._beside(lines))]

    def _whole_line(self, line: Line) -> Line | None:
        """What Tesseract surely read at the place of a whole line; None where the line is better read by itself."""
        for other in self._page:
            width = min(line.right, other.right) - max(line.left, other.left)
            there = width >= WHOLE * line.width and line.shared(other) >= SAME * max(line.area, other.area * SAME)
            better = self._script.share(other.text) >= MIN_SHARE or not is_sure(line)
            if there and better and other.confidence >= CONVINCED and other.height <= HIGHER * line.height:
                return other
        return None

    def _better(self, line: Line, reading: Line | None) -> Line | None:
        """Who is to be believed about a line: the embedded engine, Tesseract or neither."""
        if reading is None or reading.confidence < MIN_CONFIDENCE:
            return line if is_sure(line) else None
        foreign = self._script.share(reading.text) >= MIN_SHARE
        convinced = reading.confidence >= CONVINCED
        if not is_sure(line):
            return reading if foreign or convinced else None
        if foreign:
            return line if line.confidence >= SURE and not convinced else reading
        return line if line.confidence >= reading.confidence else reading

    def _beside(self, lines: Sequence[Line]) -> Iterable[Line]:
        """The lines of Tesseract that are not where others are, one of them or several cells together."""
        for line in self._page:
            if line not in self._whole and sum(map(line.shared, lines)) <= COVERED * line.area:
                yield line


def _as_high(line: Line, others: Sequence[Line]) -> Line:
    """A line with the upper and the lower edge of others at its place, unless those are several rows."""
    top, bottom = min(other.top for other in others), max(other.bottom for other in others)
    if bottom - top > HIGHER * line.height:
        return line
    return replace(line, top=top, bottom=bottom)


def _grown(line: Line, factor: float) -> Line:
    """A line that is so many times as high, about its middle."""
    more = (factor - 1) * line.height / 2
    return replace(line, top=line.top - more, bottom=line.bottom + more)
