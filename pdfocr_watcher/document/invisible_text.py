"""The lines of a page as PDF content that shows nothing: text that is found, copied and marked in its place.

Each word is as wide as on the page, in a font of empty glyphs (`document.invisible_font`). What is written from right
to left goes into the content as it is seen, from left to right: that is what readers of PDF expect and put in order.
"""

import math
import unicodedata
from collections.abc import Iterable, Iterator
from itertools import zip_longest

from pdfocr_watcher.document.invisible_font import ADVANCE, DESCENT, Codes
from pdfocr_watcher.document.model import TextLine
from pdfocr_watcher.document.page_geometry import Matrix

#: The name of the font in the resources of the content.
FONT_NAME = "F"

_RIGHT_TO_LEFT = frozenset({"R", "AL"})
#: A line that is so many times higher than wide runs down the page.
_UPENDED = 1.5
#: The least width of a space, as a share of the line's height.
_SPACE = 0.1

#: What is shown at once: where it begins and ends along its line, and what it says.
_Run = tuple[float, float, str]


def invisible_text(lines: Iterable[TextLine], to_page: Matrix, codes: Codes) -> bytes:
    """The content of a page's layer.

    Args:
        lines: boxes in pixels of the upright picture of the page.
        to_page: from these pixels to user space.
        codes: of the document's characters; more come to it.
    """
    parts = ["BT 3 Tr"]
    for line in lines:
        parts += _line(line, to_page, codes)
    parts.append("ET")
    return "\n".join(parts).encode("ascii")


def _line(line: TextLine, to_page: Matrix, codes: Codes) -> Iterator[str]:
    left, top, right, bottom = line.box
    width, height = right - left, bottom - top
    if width <= 0 or height <= 0:
        return
    down = height > _UPENDED * width and len(line.text) > 1
    # From the line's own axes, along it and up from its base line, to the picture, to the page.
    hang = -DESCENT / 1000 * (width if down else height)
    axes = Matrix(0, 1, 1, 0, left + hang, top) if down else Matrix(1, 0, 0, -1, left, bottom - hang)
    place = axes.then(to_page)
    scale = math.hypot(place.a, place.b)
    size = (width if down else height) * math.hypot(place.c, place.d)
    turn = " ".join(f"{value:.5f}" for value in (place.a / scale, place.b / scale, -place.b / scale, place.a / scale))
    yield f"/{FONT_NAME} {size:.2f} Tf"
    for start, end, text in _runs_down(line) if down else _runs(line):
        x, y = place.at(start, 0)
        yield f"{turn} {x:.2f} {y:.2f} Tm {_stretch((end - start) * scale, text, size)} Tz {codes.encoded(text)} Tj"


def _stretch(width: float, text: str, size: float) -> str:
    """The horizontal scaling, in percent, that makes a text as wide as it is to be."""
    return f"{max(0.01, 100 * width / (len(text) * size * ADVANCE / 1000)):.2f}"


def _runs(line: TextLine) -> Iterator[_Run]:
    """What is shown of a level line from its left edge on: its words and the spaces between them."""
    left, top, right, bottom = line.box
    text = _clean(line.text)
    words = [(start - left, end - left, _clean(word)) for start, end, word in line.words]
    words = [word for word in words if word[2] and word[1] > word[0]]
    if sorted("".join(word for *_, word in words).replace(" ", "")) != sorted(text.replace(" ", "")):
        words = [(0, right - left, text)] if text else []
    least = _SPACE * (bottom - top)
    for (start, end, word), following in zip_longest(words, words[1:]):
        spaced = following is not None and word + following[2] not in text and following[2] + word not in text
        if following is None or not spaced:
            yield start, end, _as_seen(word)
            continue
        # Readers take what overlaps for one character drawn twice.
        middle = (start + end) / 2
        space = max(middle, min(end, following[0] - least))
        yield start, space, _as_seen(word)
        yield space, max(following[0], space + least), " "


def _runs_down(line: TextLine) -> Iterator[_Run]:
    """What is shown of a line that runs down the page: all at once, for words are places across the page."""
    if text := _clean(line.text):
        yield 0, line.box[3] - line.box[1], _as_seen(text)


def _clean(text: str) -> str:
    """A text without control characters, every white space a single blank."""
    text = "".join(" " if character.isspace() else character for character in text)
    return " ".join("".join(one for one in text if unicodedata.category(one) not in {"Cc", "Cs"}).split())


def _as_seen(text: str) -> str:
    """A text as it stands from left to right: words from right to left are turned, and their order if they begin it."""
    words = [word[::-1] if _begins_right_to_left(word) else word for word in text.split(" ")]
    return " ".join(reversed(words) if _begins_right_to_left(text) else words)


def _begins_right_to_left(text: str) -> bool:
    """Whether the first letter of a text is one of a script that is written from right to left."""
    directions = map(unicodedata.bidirectional, text)
    return next((one for one in directions if one in {"L", *_RIGHT_TO_LEFT}), "L") != "L"
