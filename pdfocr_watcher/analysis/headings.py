"""Which paragraph is a title: by the height of its lines against that of the page's text."""

from collections.abc import Sequence
from statistics import mean, median

from pdfocr_watcher.analysis.rows import Row
from pdfocr_watcher.document.model import Label

#: Lines this many times higher than the page's text are a title ...
TITLE = 1.7
#: ... and these a heading.
SUB_TITLE = 1.28
MAX_ROWS = 3
MAX_CHARACTERS = 150
#: At least this share of a title's characters are letters; figures and formulas are set large too.
LETTERS = 0.6
MIN_LETTERS = 3
#: A doubtful reading is rather a stroke of the pen or a piece of a picture.
CONFIDENCE = 0.75
#: On a page with fewer characters than this, all told, there is no text to compare with.
MIN_PAGE_CHARACTERS = 120


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
    letters = sum(character.isalpha() for character in text)
    if body is None or len(rows) > MAX_ROWS or len(text) > MAX_CHARACTERS or any(row.tabular for row in rows):
        return None
    if letters < max(MIN_LETTERS, LETTERS * len(text.replace(" ", ""))) or text[0].islower():
        return None
    if mean(line.confidence for row in rows for line in row.lines) < CONFIDENCE:
        return None
    ratio = median(row.height for row in rows) / body
    if ratio >= TITLE:
        return Label.TITLE
    return Label.SUB_TITLE if ratio >= SUB_TITLE else None
