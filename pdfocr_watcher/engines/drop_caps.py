"""Initials over several lines: an engine that looks for lines overlooks them, or reads them as lines of their own.

They are found in the pixels, read, and put before the rest of their word.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace

from PIL import Image

from pdfocr_watcher.analysis.lines import Line
from pdfocr_watcher.analysis.regions import Region
from pdfocr_watcher.engines.ink import marked, pieces

#: An initial is at least so high, in heights of its line, and at most; its width is between these shares of its height.
MIN_HEIGHT, MAX_HEIGHT = 1.35, 5.0
MIN_WIDTH, MAX_WIDTH = 0.2, 1.5
#: It stands so close before its line, in heights of it, and begins no further above or below it.
MAX_GAP = 0.9
OFF_TOP = 0.7
#: The line below it begins where its own does, this close, in heights of it, and no lower than so many.
INDENT = 0.6
PITCH = 1.7
#: A reading of an initial is believed from this confidence on.
MIN_CONFIDENCE = 0.5
#: A line's box is higher than its letters by this factor.
BOX = 1.2
#: White around what is read, as a share of its height.
AROUND = 0.15


def with_initials(
    image: Image.Image, lines: Sequence[Line], read: Callable[[Image.Image, Region], Line | None]
) -> list[Line]:
    """The lines, those that lack an initial beginning with it; what was read of it alone is gone.

    Args:
        image: the page's raster, any mode.
        lines: of the page, in any order.
        read: reads the one line in a part of the page.
    """
    whole = list(lines)
    for line in lines:
        if not _may_go_on(line) or not _is_indented(line, lines):
            continue
        alone = next((other for other in whole if _is_initial(other, line)), None)
        place = _found(image, line, lines) if alone is None else None
        letter = alone or (read(image, place) if place is not None else None)
        if letter is None or not _is_letter(letter.text) or (alone is None and letter.confidence < MIN_CONFIDENCE):
            continue
        words = (replace(line.words[0], text=letter.text + line.words[0].text), *line.words[1:]) if line.words else ()
        whole[whole.index(line)] = replace(line, text=letter.text + line.text, words=words)
        if alone is not None:
            whole.remove(alone)
    return whole


def _is_letter(text: str) -> bool:
    return len(text) == 1 and text.isalpha() and text.isupper()


def _may_go_on(line: Line) -> bool:
    """Whether a line may begin within a word, in small letters or in capitals as first words are set."""
    first = line.text.split(maxsplit=1)[0]
    capitals = len(first) > 1 and first.isupper() and first.isalpha()
    return len(line.text.split()) > 1 and line.width > 3 * line.height and (first[0].islower() or capitals)


def _is_indented(line: Line, lines: Sequence[Line]) -> bool:
    """Whether the next line begins where this one does, and the one above does not: an initial has pushed them in."""
    near = [other for other in lines if abs(other.left - line.left) <= INDENT * line.height and other is not line]
    below = any(0 < other.middle - line.middle <= PITCH * line.height for other in near)
    above = any(0 < line.middle - other.middle <= PITCH * line.height for other in near)
    return below and not above


def _is_initial(other: Line, line: Line) -> bool:
    """Whether a line is nothing but the initial of another."""
    gap = line.left - other.right
    return (
        _is_letter(other.text)
        and MIN_HEIGHT * line.height <= other.height <= MAX_HEIGHT * line.height
        and -INDENT * line.height <= gap <= MAX_GAP * line.height
        and abs(other.top - line.top) <= OFF_TOP * line.height
    )


def _found(image: Image.Image, line: Line, lines: Sequence[Line]) -> Region | None:
    """The initial before a line, as ink; None where there is none."""
    high = line.height
    left, right = max(0, int(line.left - MAX_HEIGHT * MAX_WIDTH * high)), int(line.left + 0.1 * high)
    top, bottom = max(0, int(line.top - OFF_TOP * high)), min(image.height, int(line.top + (MAX_HEIGHT + 1) * high))
    if right - left < MIN_WIDTH * high or bottom - top < MIN_HEIGHT * high:
        return None
    for x, y, width, height, _area in pieces(marked(image.crop((left, top, right, bottom)))).tolist():
        box = Region(left + x, top + y, left + x + width, top + y + height)
        if (
            x > 0
            and y > 0
            and y + height < bottom - top
            and MIN_HEIGHT * high <= height * BOX <= MAX_HEIGHT * high
            and MIN_WIDTH * height <= width <= MAX_WIDTH * height
            and line.left - box.right <= MAX_GAP * high
            and abs(box.top - line.top) <= OFF_TOP * high
            and not any(other is not line and box.holds(other) for other in lines)
        ):
            around = AROUND * height
            return Region(box.left - around, box.top - around, box.right + around, box.bottom + around)
    return None
