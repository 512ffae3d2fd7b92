"""Whether something stands in a table's cell that nobody has read, and where. Pixels only; the engine reads it."""

from dataclasses import dataclass

from PIL import Image

from pdfocr_watcher.analysis.lines import Line
from pdfocr_watcher.analysis.regions import Region
from pdfocr_watcher.engines.ink import marked, pieces

#: A cell's edges, in text heights, are not looked at: its ruled lines are there.
INSET = 0.14
#: Letters are at least so high, in text heights; dashes are at most so high and so wide.
MIN_LETTER = 0.22
MAX_DASH_HEIGHT = 0.16
MAX_DASH_WIDTH = 0.9
MIN_DASH_WIDTH = 0.1
#: One line is at most so high.
MAX_LINE = 1.2
#: White around what is read, in text heights, and the least height of it.
AROUND = 0.25
MIN_READ = 0.95
#: A reading of overlooked ink is believed from this confidence on, one of a dash from this.
MIN_CONFIDENCE = 0.8
MIN_DASH = 0.3
_DASHES = frozenset("-_\u2010\u2011\u2012\u2013\u2014\u2015\u2212\u00b7\u4e00\u30fc~.")


@dataclass(frozen=True, slots=True)
class Ink:
    """Ink in a cell that nobody has read.

    Attributes:
        around: what to read, in pixels of the page.
        is_dash: whether it is flat and short.
    """

    around: Region
    is_dash: bool

    def bears_out(self, line: Line) -> bool:
        """Whether a reading of it can be believed."""
        if self.is_dash:
            return line.confidence >= MIN_DASH and set(line.text) <= _DASHES
        return line.confidence >= MIN_CONFIDENCE and any(character.isalnum() for character in line.text)


def unread_ink(image: Image.Image, cell: Region, em: float) -> Ink | None:
    """What stands in an empty cell; None for nothing, or for what reaches over its edges or is no single line.

    Args:
        image: the page's raster, any mode.
        cell: where the cell is, in pixels.
        em: the height of the table's text, in pixels.
    """
    left, top = max(0, round(cell.left + INSET * em)), max(0, round(cell.top + INSET * em))
    right, bottom = min(image.width, round(cell.right - INSET * em)), min(image.height, round(cell.bottom - INSET * em))
    if right - left < MIN_LETTER * em or bottom - top < MIN_LETTER * em:
        return None
    inside = [
        (x, y, x + width, y + height)
        for x, y, width, height, _ in pieces(marked(image.crop((left, top, right, bottom)))).tolist()
        if x > 0 and y > 0 and x + width < right - left and y + height < bottom - top
        if max(width, height) >= MIN_DASH_WIDTH * em
    ]
    if not inside:
        return None
    x1, y1 = min(piece[0] for piece in inside), min(piece[1] for piece in inside)
    x2, y2 = max(piece[2] for piece in inside), max(piece[3] for piece in inside)
    dash = y2 - y1 <= MAX_DASH_HEIGHT * em and x2 - x1 <= MAX_DASH_WIDTH * em
    if not dash and not MIN_LETTER * em <= y2 - y1 <= MAX_LINE * em:
        return None
    middle, high = (y1 + y2) / 2, max(y2 - y1 + 2 * AROUND * em, MIN_READ * em)
    around = Region(left + x1 - AROUND * em, top + middle - high / 2, left + x2 + AROUND * em, top + middle + high / 2)
    return Ink(around, dash)
