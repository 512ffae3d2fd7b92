"""Bullets that an engine overlooks, or takes for letters: dots and squares before lines, found in the pixels.

An engine reads letters; the dot of a list stands alone and is often taken for dirt. Here it gets back before its line;
what a list is, is told by `analysis`.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from statistics import median

import numpy as np
from PIL import Image

from pdfocr_watcher.analysis.lines import Line, Word
from pdfocr_watcher.analysis.lists import marker_of
from pdfocr_watcher.engines.ink import marked, pieces

#: The page is looked at at this share of its size.
REDUCED = 2
#: A bullet is so large, in heights of a line, about as wide as high, and fills so much of its box, which no digit does,
#: nor a ring, which is often read as a letter.
MIN_SIZE, MAX_SIZE = 0.1, 0.45
MAX_ASPECT = 1.4
MIN_FILL = 0.65
#: It stands so far before its line, in heights of it, and at its middle.
MIN_GAP, MAX_GAP = 0.12, 2.6
OFF_MIDDLE = 0.15
#: Dirt stands anywhere; bullets of one list are below each other, this close, in heights of a line, and of one size.
SAME_PLACE = 0.35
SAME_SIZE = 0.4
BULLET = "\u2022"
#: What engines read where there is a ring or a dot: alone, at most so many times as wide as high, or before a capital.
_LONE = re.compile(r"[Oo\u00b0\u00b7\u2022\u25a0\u25a1\u25aa\u25cb\u25cf\u25e6\u3002.]")
_READ = re.compile(r"[Oo\u00b0\u25cb\u25e6]\s(?=[^\W\d_]{2})")
MAX_LONE = 1.8
#: What is inside of such a one's box, and what a letter at the beginning of a line is taken for, in heights of it.
GLYPH = 0.6
READ_SIZE = 0.3


@dataclass(frozen=True, slots=True)
class _Dot:
    """A compact piece of ink, in pixels of the page."""

    left: float
    right: float
    middle: float
    size: float


def with_bullets(image: Image.Image, lines: Sequence[Line]) -> list[Line]:
    """The lines, those with a bullet before them beginning with it; what was read of the bullet alone is gone.

    Args:
        image: the page's raster, any mode.
        lines: of the page, in any order.
    """
    lone = [line for line in lines if _LONE.fullmatch(line.text) and line.width <= MAX_LONE * line.height]
    rest = [line for line in lines if line not in lone]
    if not rest:
        return list(lines)
    dots = _dots(image, lines)
    read = {id(line): _glyph(line) for line in lone}
    dots += read.values()
    found = {index: dot for index, line in enumerate(rest) if (dot := _before(line, dots) or _read(line)) is not None}
    kept = {
        index: dot
        for index, dot in found.items()
        if any(_of_one_list(dot, other, rest[index].height) for at, other in found.items() if at != index)
    }
    used = {id(dot) for dot in kept.values()}
    unused = [line for line in lone if id(read[id(line)]) not in used]
    return [_marked(line, kept[index]) if index in kept else line for index, line in enumerate(rest)] + unused


def _glyph(line: Line) -> _Dot:
    """What was read as a letter that stands alone: its box is wider than it."""
    centre, size = (line.left + line.right) / 2, GLYPH * line.height
    return _Dot(centre - size / 2, centre + size / 2, line.middle, size)


def _marked(line: Line, dot: _Dot) -> Line:
    """A line with its bullet for a first word."""
    read = _READ.match(line.text) is not None and dot.left == line.left
    rest = line.words[1:] if read else line.words
    words = (Word(dot.left, dot.right, BULLET), *rest) if line.words else ()
    text = f"{BULLET}{line.text[1:]}" if read else f"{BULLET} {line.text}"
    return replace(line, left=dot.left, text=text, words=words)


def _of_one_list(one: _Dot, other: _Dot, height: float) -> bool:
    below = abs(one.left + one.right - other.left - other.right) <= 2 * SAME_PLACE * height
    return below and abs(one.size - other.size) <= SAME_SIZE * max(one.size, other.size)


def _before(line: Line, dots: Sequence[_Dot]) -> _Dot | None:
    """The one dot before a line; None where there is none, or several, or the line begins with a mark of its own."""
    if line.height > line.width or marker_of(line.text):
        return None
    near = [
        dot
        for dot in dots
        if MIN_GAP * line.height <= line.left - dot.right <= MAX_GAP * line.height
        and abs(dot.middle - line.middle) <= OFF_MIDDLE * line.height
        and MIN_SIZE * line.height <= dot.size <= MAX_SIZE * line.height
    ]
    return near[0] if len(near) == 1 else None


def _read(line: Line) -> _Dot | None:
    """The bullet that was read as a letter at the beginning of a line, if it begins so."""
    if not line.words or _READ.match(line.text) is None:
        return None
    return _Dot(line.left, min(line.words[0].right, line.left + line.height), line.middle, READ_SIZE * line.height)


def _dots(image: Image.Image, lines: Sequence[Line]) -> list[_Dot]:
    """Compact pieces of ink of about the size of bullets that no line covers."""
    page = image if image.mode == "L" else image.convert("L")
    ink = marked(page.reduce(REDUCED) if min(page.size) > REDUCED else page)
    scale = page.width / ink.shape[1]
    for line in lines:
        top, bottom = int(line.top / scale), int(line.bottom / scale) + 1
        ink[max(0, top) : bottom, max(0, int(line.left / scale)) : int(line.right / scale) + 1] = 0
    found = pieces(ink)
    em = median(line.height for line in lines) / scale
    wide, high, area = found[:, 2], found[:, 3], found[:, 4]
    larger, smaller = np.maximum(wide, high), np.minimum(wide, high)
    sized = (larger >= MIN_SIZE * em / 2) & (larger <= MAX_SIZE * em * 2)
    fits = sized & (larger <= MAX_ASPECT * smaller) & (area >= MIN_FILL * wide * high)
    return [
        _Dot(scale * left, scale * (left + width), scale * (top + height / 2), scale * max(width, height))
        for left, top, width, height in found[fits, :4].tolist()
    ]
