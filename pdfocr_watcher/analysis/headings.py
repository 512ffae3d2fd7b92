"""Which paragraph is a title: by the height of its lines against that of the page's text, and by a layout model."""

import re
from collections.abc import Sequence
from statistics import mean, median

from pdfocr_watcher.analysis.lists import marker_of
from pdfocr_watcher.analysis.regions import Detection, Kind
from pdfocr_watcher.analysis.rows import Row
from pdfocr_watcher.document.model import Label

#: Lines this many times higher than the page's text are a title ...
TITLE = 1.7
#: ... and these a heading; ...
SUB_TITLE = 1.28
#: ... these are one where there is another sign of it: a number, or a layout model that takes them for one.
LARGER = 1.15
MAX_ROWS = 3
MAX_CHARACTERS = 150
#: At least this share of a title's characters are letters; figures and formulas are set large too.
LETTERS = 0.6
MIN_LETTERS = 3
#: A doubtful reading is rather a stroke of the pen or a piece of a picture.
CONFIDENCE = 0.75
#: On a page with fewer characters than this, all told, there is no text to compare with.
MIN_PAGE_CHARACTERS = 120
#: What a layout model takes for a heading may be longer.
MAX_MARKED = 250
MAX_MARKED_ROWS = 5
#: Of the size of the text, a row of so many words is a sentence; with a mark at its end already of so many.
SENTENCE = 10
SHORT = 6
#: The number of a heading, and that of a section with the beginning of its heading.
NUMBER = re.compile(r"(?:\d{1,3}|[A-Z])(?:[.]\d{1,2})*[.]?")
SECTION = re.compile(r"(?:\d{1,2}|[A-Z])(?:[.]\d{1,2})+[.]?\s+[^\W\d_a-z]")
#: A sentence that ends with another one behind it, or that goes on.
_SENTENCES = re.compile(r"[^\W\d_A-Z]{3}[.] [^\W\d_a-z]\w* \w|,\Z")
_CAPTIONS = {Kind.FIGURE_CAPTION: Label.IMAGE_CAPTION, Kind.TABLE_CAPTION: Label.TABLE_CAPTION}


def body_height(rows: Sequence[Row]) -> float | None:
    """The height of most of a page's text, in pixels; None where there is too little of it."""
    weighted = sorted((row.height, len(row.text)) for row in rows)
    total = sum(length for _, length in weighted)
    if total < MIN_PAGE_CHARACTERS:
        return None
    seen = 0
    for height, length in weighted:
        seen += length
        if 2 * seen >= total:
            return height
    return None


def heading_label(rows: Sequence[Row], body: float | None) -> Label | None:
    """Whether a paragraph is a title or a heading; None for text."""
    text = " ".join(row.text for row in rows)
    if body is None or len(rows) > MAX_ROWS or len(text) > MAX_CHARACTERS or any(map(has_cells, rows)):
        return None
    if not is_lettered(text) or text[0].islower() or "=" in text:
        return None
    if mean(line.confidence for row in rows for line in row.lines) < CONFIDENCE:
        return None
    ratio = median(row.height for row in rows) / body
    if ratio >= TITLE:
        return Label.TITLE
    return Label.SUB_TITLE if ratio >= SUB_TITLE and not _SENTENCES.search(text) else None


def has_cells(row: Row) -> bool:
    """Whether a row has cells; the number of a heading is none."""
    return row.tabular and (bool(row.lines[2:]) or not NUMBER.fullmatch(row.lines[0].text))


def is_lettered(text: str) -> bool:
    """Whether a text is letters rather than figures and formulas."""
    return sum(map(str.isalpha, text)) >= max(MIN_LETTERS, LETTERS * len(text.replace(" ", "")))


def _reads_as_heading(text: str, ratio: float) -> bool:
    """Whether what a layout model takes for a heading is none of the text, in which it is `ratio` times as high."""
    if sum(character.isalpha() for character in text) < MIN_LETTERS or len(text) > MAX_MARKED:
        return False
    sentence = len(text.split()) >= SENTENCE or (
        text.endswith((".", "!", ":", ";", ",")) and len(text.split()) >= SHORT
    )
    sentence = sentence and (text.endswith(".") or not SECTION.match(text))
    return ratio >= LARGER or not (sentence or text[0].islower())


def marked_label(marks: Sequence[Detection | None], rows: Sequence[Row], body: float | None) -> Label | None:
    """What a layout model makes of a paragraph: a heading or a caption; None where the rows must say.

    Args:
        marks: of each of its rows.
        rows: of the paragraph.
        body: the height of most of the page's text, in pixels.
    """
    mark = marks[0]
    if mark is None or any(other is not mark for other in marks) or any(map(has_cells, rows)):
        return None
    if mark.kind is Kind.TITLE:
        text = " ".join(row.text for row in rows)
        marker = marker_of(text)
        if marker is not None and marker.number is None:
            return None
        ratio = median(row.height for row in rows) / body if body is not None else 1.0
        if not _reads_as_heading(text, ratio) or len(rows) > MAX_MARKED_ROWS:
            return None
        return Label.TITLE if ratio >= TITLE else Label.SUB_TITLE
    # A heading below a figure is set larger than a caption ever is.
    return None if heading_label(rows, body) else _CAPTIONS.get(mark.kind)
