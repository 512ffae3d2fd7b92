"""The text layer of a page: words and where they stand, as the PDF says and not as the picture does.

Whoever made the PDF wrote it, so nothing of it is believed here: sizes, types and characters are checked. How its words
become lines stands in `layer_lines`; whether they say what the picture shows is found out in `engines.layer_checks`.
"""

import json
import math
import unicodedata
from dataclasses import dataclass, replace
from functools import lru_cache

from pdfocr_watcher.analysis.regions import Region

#: The longest file, in bytes, and the most words of a page that anybody would read; a page with more has no layer.
MAX_BYTES = 2_000_000
MAX_WORDS = 10_000
#: The longest word, in characters: leader dots of a table of contents are one.
MAX_WORD = 1_000
#: By how much, as a share, the page may be of another shape than its raster: one renderer cut it otherwise.
SHAPE = 0.02
#: The words of a page cover so many pages at most, all together; what is piled higher is no text that anybody reads.
PILED = 8
_FIELDS = 8

#: What stands for a character that nobody can tell.
UNKNOWN = "\ufffd"
#: Bullets of the fonts Symbol and Wingdings, which PDFs leave in the private use area.
_BULLETS = {"\uf0b7": "•", "\uf0a7": "▪", "\uf0d8": "➢", "\uf0fc": "✓", "\uf0a8": "□", "\uf02d": "-", "\uf06c": "●"}
#: Ligatures and Arabic letters in the shapes that fonts give them.
_SHAPES = (range(0xFB00, 0xFB50), range(0xFB50, 0xFE00), range(0xFE70, 0xFEFF))
_SOFT_HYPHEN = "\u00ad"
_QUOTES = {"\u2018": "\u201c", "\u2019": "\u201d"}
#: These say how the letters beside them are joined.
_JOINERS = "\u200c\u200d"


@dataclass(frozen=True, slots=True)
class LayerWord(Region):
    """A word of a text layer.

    Attributes:
        text: what it says, normalised; never empty.
        size: of its font, in the unit of its box, which is around its ink; near enough for gaps.
        angle: degrees clockwise by which it is turned from upright, 0..360.
        glued: whether no blank stands before it although it stands apart.
    """

    text: str
    size: float
    angle: float = 0.0
    glued: bool = False


@dataclass(frozen=True, slots=True)
class TextLayer:
    """The words of a page in the order of its content.

    Attributes:
        width, height: the page as its reader sees it, in points.
        words: their boxes in points from the page's upper left corner.
    """

    width: float
    height: float
    words: tuple[LayerWord, ...]


def parse_layer(data: bytes) -> TextLayer | None:
    """The text layer in a file that a renderer made; None where it is none, or has no words."""
    if len(data) > MAX_BYTES:
        return None
    try:
        content = json.loads(data)
        width, height = float(content["width"]), float(content["height"])
        listed = content["words"]
        if not (0 < width < math.inf and 0 < height < math.inf and 0 < len(listed) <= MAX_WORDS):
            return None
        words = [word for fields in listed if (word := _word(fields)) is not None]
    except (ValueError, LookupError, TypeError, OverflowError, RecursionError):
        return None
    return TextLayer(width, height, tuple(words)) if words else None


def _word(fields: list[object]) -> LayerWord | None:
    if len(fields) != _FIELDS:
        raise ValueError("not a word")
    written, *figures, glued = fields
    # What is no figure raises, as the caller expects.
    left, top, right, bottom, size, angle = (float(figure) for figure in figures)  # type: ignore[arg-type]
    if not isinstance(written, str) or not all(map(math.isfinite, (left, top, right, bottom, size, angle))):
        raise ValueError("not a word")
    text = normalised(written[:MAX_WORD])
    if not text or right <= left or bottom <= top or size <= 0:
        return None
    return LayerWord(left, top, right, bottom, text, size, angle % 360, glued is True)


def normalised(text: str) -> str:
    """A word as a reader sees it: ligatures taken apart, what cannot be seen left out, `UNKNOWN` for what has no name.

    A soft hyphen is seen where a word ends with it. Two single quotation marks side by side are how some typesetters
    make a double one.
    """
    inside, end = text.rstrip(_SOFT_HYPHEN), "-" if text.endswith(_SOFT_HYPHEN) else ""
    shown = unicodedata.normalize("NFC", "".join(map(_shown, inside))) + end
    for single, double in _QUOTES.items():
        shown = shown.replace(2 * single, double)
    return shown


@lru_cache(maxsize=4096)
def _shown(character: str) -> str:
    if character in _BULLETS:
        return _BULLETS[character]
    if any(ord(character) in shapes for shapes in _SHAPES):
        return unicodedata.normalize("NFKC", character)
    match unicodedata.category(character):
        case "Cc" | "Zs" | "Zl" | "Zp":
            return ""
        case "Cf":
            return character if character in _JOINERS else ""
        case "Co" | "Cn" | "Cs":
            return UNKNOWN
    return character


def placed(layer: TextLayer, size: tuple[int, int], turn: int, skew: float) -> tuple[LayerWord, ...]:
    """The words on the upright raster of the page, in pixels; those that stand outside of it are left out.

    Args:
        layer: as the PDF has it.
        size: width and height of the raster after it was made upright.
        turn: degrees clockwise by which it was turned: 0, 90, 180 or 270.
        skew: degrees clockwise by which it was turned after that, about its centre.

    Returns:
        None of them where the page and the raster differ in shape, or the words are piled upon one another.
    """
    width, height = size
    across, down = (width, height) if turn in {0, 180} else (height, width)
    scale = (across / layer.width, down / layer.height)
    largest = float(max(size))  # what a font without outlines says of its size may be anything
    # Every started pixel of a raster counts.
    if (
        abs(scale[0] * layer.height - down) > SHAPE * down + 1
        or abs(scale[1] * layer.width - across) > SHAPE * across + 1
    ):
        return ()
    found = []
    for word in layer.words:
        box = _turned(word, scale, (across, down), turn)
        box = _levelled(box, width, height, skew)
        x, y = (box.left + box.right) / 2, box.middle
        if 0 <= x < width and 0 <= y < height:
            inside = (
                max(0.0, box.left),
                max(0.0, box.top),
                min(float(width), box.right),
                min(float(height), box.bottom),
            )
            font = min(word.size * scale[0], largest)
            found.append(LayerWord(*inside, word.text, font, (word.angle + turn + skew) % 360, word.glued))
    return tuple(found) if sum(word.area for word in found) <= PILED * width * height else ()


def _turned(word: LayerWord, scale: tuple[float, float], size: tuple[int, int], turn: int) -> Region:
    left, right = word.left * scale[0], word.right * scale[0]
    top, bottom = word.top * scale[1], word.bottom * scale[1]
    across, down = size
    match turn:
        case 90:
            return Region(down - bottom, left, down - top, right)
        case 180:
            return Region(across - right, down - bottom, across - left, down - top)
        case 270:
            return Region(top, across - right, bottom, across - left)
    return Region(left, top, right, bottom)


def _levelled(box: Region, width: int, height: int, skew: float) -> Region:
    """A box moved with the page, itself level before and after."""
    if not skew:
        return box
    sine, cosine = math.sin(math.radians(skew)), math.cos(math.radians(skew))
    x, y = (box.left + box.right - width) / 2, box.middle - height / 2
    across = x * cosine - y * sine - x
    down = x * sine + y * cosine - y
    return replace(box, left=box.left + across, right=box.right + across, top=box.top + down, bottom=box.bottom + down)
