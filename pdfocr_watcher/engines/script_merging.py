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
#: A line is at its place with this share of its width and this one of its area; ...
WHOLE, SAME = 0.8, 0.4
#: ... it is all that is there where they fill its width as far as that, or a single one this share of its area; ...
LEAST = 0.16
#: ... and is at most so many times higher than they are, who are one row.
HIGHER = 1.4


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
        self.left_over = list(found)
        for other in self._page:
            there = [line for line in self.left_over if _is_there(line, other)]
            if there and self._is_believed(other, there):
                self._whole[other] = there
                self.left_over = [line for line in self.left_over if line not in there]

    def merged(self, readings: Mapping[Line, Line | None]) -> list[Line]:
        """The lines of the page, each said once.

        Boxes of Tesseract end with the ink; where the embedded engine found the line too, it is as high as that has it.

        Args:
            readings: what Tesseract read, by itself, of each line that is `left_over`; None where it read nothing.
        """
        whole = [replace(line, top=_top(there), bottom=_bottom(there)) for line, there in self._whole.items()]
        higher = median([line.height / other.height for line, other in zip(whole, self._whole, strict=True)] or [1.0])
        better = (self._better(line, reading) for line, reading in readings.items())
        lines = [*whole, *(line for line in better if line is not None)]
        return [*lines, *(_grown(line, higher) for line in self._beside(lines))]

    def _is_believed(self, line: Line, others: Sequence[Line]) -> bool:
        """Whether Tesseract surely read a line as a whole; if not, those at its place are better read one by one."""
        filled = sum(other.width for other in others) >= WHOLE * line.width
        whole = filled or (len(others) == 1 and others[0].shared(line) >= LEAST * line.area)
        highest = HIGHER * max(other.height for other in others)
        one_row = max(line.height, _bottom(others) - _top(others)) <= highest
        better = self._script.share(line.text) >= MIN_SHARE or not any(map(is_sure, others))
        return whole and one_row and better and line.confidence >= CONVINCED

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
            if sum(map(line.shared, lines)) <= COVERED * line.area:
                yield line


def _is_there(line: Line, other: Line) -> bool:
    """Whether a line is at the place of a line of Tesseract, or of a part of it."""
    width = min(line.right, other.right) - max(line.left, other.left)
    return width >= WHOLE * line.width and line.shared(other) >= SAME * line.area


def _top(lines: Iterable[Line]) -> float:
    return min(line.top for line in lines)


def _bottom(lines: Iterable[Line]) -> float:
    return max(line.bottom for line in lines)


def _grown(line: Line, factor: float) -> Line:
    """A line that is so many times as high, about its middle."""
    more = (factor - 1) * line.height / 2
    return replace(line, top=max(0.0, line.top - more), bottom=line.bottom + more)
