r"""dots.ocr: a JSON list of the page's elements in reading order.

    [{"bbox": [x1, y1, x2, y2], "category": "Section-header", "text": "## Results"}, ...]

Sources: the layout prompt, `dots_ocr/utils/layout_utils.py` and `format_transformer.py` in rednote-hilab/dots.ocr.
Text is Markdown, a formula LaTeX, a table HTML; a picture has no text. The corners are pixels of the picture as the
model's processor resizes it (`seen_size`).

The list is taken apart at the beginnings of its elements, and each element is read by itself: one that is broken costs
none of the others. Backslashes that JSON does not allow (LaTeX that was not escaped) are taken as they are. Of an
element that cannot be read as JSON, as the last one of a text that was cut off, the text is kept, without its box.
"""

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from pdfocr_watcher.document.boxes import placed_box
from pdfocr_watcher.document.markdown_reader import read_markdown
from pdfocr_watcher.document.model import Block, Box, Label
from pdfocr_watcher.document.model_text import cleaned, model_blocks
from pdfocr_watcher.document.reading import Reading

_LABELS = {
    "title": Label.TITLE,
    "section-header": Label.SUB_TITLE,
    "text": Label.TEXT,
    "list-item": Label.LIST,
    "table": Label.TABLE,
    "picture": Label.IMAGE,
    "caption": Label.IMAGE_CAPTION,
    "footnote": Label.TEXT,
    "formula": Label.EQUATION,
    "page-header": Label.HEADER,
    "page-footer": Label.FOOTER,
}
_CAPTIONED = frozenset({Label.TABLE, Label.IMAGE})
_TABLE_WORDS = re.compile(r"\W*tab", re.IGNORECASE)
_PAGE_NUMBER = re.compile(r"[\W_]*(?:[0-9]{1,5}|[ivxlcIVXLC]{1,7})[\W_]*")

_ELEMENT = re.compile(r'\{\s*"(?:bbox|category|text)"\s*:')
_BAD_ESCAPE = re.compile(r'\\(?:(["\\/bfnrt]|u[0-9A-Fa-f]{4})|)')
_CATEGORY = re.compile(r'"category"\s*:\s*"([A-Za-z-]{1,20})"')
_TEXT = re.compile(r'"text"\s*:\s*"')
_CUT_ESCAPE = re.compile(r"(?<!\\)((?:\\\\)*)\\(?:u[0-9A-Fa-f]{0,3})?\Z")
_QUOTE = re.compile(r'(?<!\\)((?:\\\\)*)"')
#: What may stand before the list and behind it without being text of the page.
_AROUND = re.compile(r'```(?:json)?|"[A-Za-z_]{1,30}"\s*:|[\s\[\]{},]+')
#: LaTeX that was not escaped and yet is JSON: `\frac` begins with a form feed, `\beta` with a backspace.
_SWALLOWED = re.compile(r"([\f\x08])(?=[a-z])")
#: What an element that was cut off before its first value begins with, the frame (`_AROUND`) taken away.
_CUT_FIELDS = frozenset(f'"{name}"'[:length] for name in ("bbox", "category", "text") for length in range(10))
_DECODER = json.JSONDecoder(strict=False)

#: Qwen2-VL's processor, which dots.ocr uses: the sides become multiples of the patch, the area stays within limits.
_PATCH = 28
_MIN_PIXELS = 3_136
_MAX_PIXELS = 11_289_600


@dataclass(frozen=True, slots=True)
class _Element:
    """An element as it was read: `box` None without a box that can be used, `malformed` how much of it is broken."""

    category: str
    text: str
    box: Box | None
    malformed: int


def read_layout_json(text: str, width: int, height: int) -> Reading:
    """The blocks that the elements are. A text without any element is read as Markdown.

    Args:
        text: all that the model wrote for the page.
        width: of the picture that the model was given, in pixels.
        height: of that picture, in pixels.
    """
    text = cleaned(text)
    starts = [start.start() for start in _ELEMENT.finditer(text)]
    before = text[: starts[0]] if starts else text
    elements = _beside_elements(before)
    width, height = seen_size(width, height)
    for start, end in pairwise([*starts, len(text)]):
        elements += _elements(text[start:end], width, height)
    if not starts:
        said = any(element.text for element in elements)
        return Reading(read_markdown(text).blocks if said else (), len(elements))
    malformed = sum(element.malformed for element in elements)
    return Reading(tuple(_blocks(elements)), malformed)


def seen_size(width: int, height: int) -> tuple[int, int]:
    """Width and height in pixels of the picture that the model sees, after its processor resized it."""
    wide, high = (max(_PATCH, round(side / _PATCH) * _PATCH) for side in (width, height))
    if wide * high > _MAX_PIXELS:
        factor = (width * height / _MAX_PIXELS) ** 0.5
        wide, high = (max(_PATCH, int(side / factor / _PATCH) * _PATCH) for side in (width, height))
    elif wide * high < _MIN_PIXELS:
        factor = (_MIN_PIXELS / (width * height)) ** 0.5
        wide, high = (-int(-side * factor // _PATCH) * _PATCH for side in (width, height))
    return wide, high


def _elements(written: str, width: int, height: int) -> list[_Element]:
    """The element that a piece of the text begins with, and another one if text stands behind it."""
    fields, end = _decoded(written)
    if fields is None:
        mended = _BAD_ESCAPE.sub(_allowed_escape, written)
        fields, end = _decoded(mended)
        if fields is None:
            category = _CATEGORY.search(written)
            return [_Element(category[1].lower() if category else "", _salvaged_text(written), None, 1)]
        written = mended
    corners, said = fields.get("bbox"), fields.get("text")
    box, sound = None, False
    if isinstance(corners, list) and all(type(corner) in {int, float} for corner in corners):
        box, sound = placed_box(corners, width, height)
    kind = str(fields.get("category")).lower()
    text = said if isinstance(said, str) else "" if said is None else json.dumps(said, ensure_ascii=False)
    element = _Element(kind, _with_backslashes(cleaned(text)), box, (not sound) + (kind not in _LABELS))
    return [element, *_beside_elements(written[end:])]


def _beside_elements(written: str) -> list[_Element]:
    """What stands before or between elements: nothing if it is the list's frame, else text of the page."""
    rest = _AROUND.sub("", written)
    return [_Element("text", "" if rest in _CUT_FIELDS else written.strip(), None, 1)] if rest else []


def _decoded(written: str) -> tuple[dict[str, Any] | None, int]:
    """The object that the text begins with, None if it cannot be read, and where it ends."""
    try:
        fields, end = _DECODER.raw_decode(written)
    except (ValueError, RecursionError):
        return None, 0
    return (fields, end) if isinstance(fields, dict) else (None, 0)


def _allowed_escape(escape: re.Match[str]) -> str:
    return escape[0] if escape[1] else r"\\"


def _with_backslashes(text: str) -> str:
    """The text with the commands of LaTeX of which JSON made control characters."""
    return _SWALLOWED.sub(lambda control: r"\f" if control[0] == "\f" else r"\b", text)


def _salvaged_text(written: str) -> str:
    """The text of an element that is no JSON: as far as it goes, escapes undone where they can be."""
    start = _TEXT.search(written)
    if not start:
        return ""
    text = written[start.end() :]
    end = text.rstrip(" \t\r\n,]").removesuffix("}").rstrip()
    text = end[:-1] if end.endswith('"') else text
    quoted = _QUOTE.sub(r'\1\\"', _BAD_ESCAPE.sub(_allowed_escape, _CUT_ESCAPE.sub(r"\1", text)))
    try:
        return _with_backslashes(cleaned(json.loads(f'"{quoted}"', strict=False)))
    except ValueError:
        return text


def _blocks(elements: Sequence[_Element]) -> Iterator[Block]:
    for number, element in enumerate(elements):
        yield from model_blocks(_label(elements, number), (element.box,) if element.box else (), element.text)


def _label(elements: Sequence[_Element], number: int) -> Label:
    """The label of an element; a caption's depends on its neighbours, a footer that is a number is a page number."""
    element = elements[number]
    label = _LABELS.get(element.category, Label.TEXT)
    if label in {Label.HEADER, Label.FOOTER} and _PAGE_NUMBER.fullmatch(element.text):
        return Label.PAGE_NUMBER
    if label is not Label.IMAGE_CAPTION:
        return label
    around = [*elements[max(0, number - 1) : number], *elements[number + 1 : number + 2]]
    captioned = {_LABELS.get(each.category) for each in around} & _CAPTIONED
    of_table = bool(_TABLE_WORDS.match(element.text)) if len(captioned) != 1 else Label.TABLE in captioned
    return Label.TABLE_CAPTION if of_table else Label.IMAGE_CAPTION
