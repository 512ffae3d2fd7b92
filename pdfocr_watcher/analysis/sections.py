"""Headings that are set like the text and told by what they say: "2.3 Methods", "Abstract"."""

import re
from collections.abc import Sequence
from dataclasses import replace
from itertools import chain
from statistics import median

from pdfocr_watcher.analysis.headings import LARGER, NUMBER, SECTION, SENTENCE, has_cells, is_lettered
from pdfocr_watcher.analysis.objects import Item
from pdfocr_watcher.analysis.pieces import HEADING_MARKS, Piece
from pdfocr_watcher.analysis.prose import reads_as_prose
from pdfocr_watcher.document.model import Label

MAX_ROWS = 2
#: A lone number tells a heading that is a little larger than the text.
_NUMBERED = re.compile(rf"{NUMBER.pattern}(?<=\d)\s+[^\W\d_a-z]")
#: Roman numbers, and any number before capitals, tell one above a paragraph.
_ROMAN = re.compile(r"[IVX]{2,5}[.]\s+[^\W\d_a-z]")
_COUNTED = re.compile(r"(?:\d{1,2}|[IVX]{1,5}|[A-Z])[.]?\s+[^\W\d_]")
#: So does a letter, above so many rows, where there are others, or Roman numbers, on the page; else it is an initial.
MIN_ROWS = 3
_PART = re.compile(r"(?:[A-H]|[IVX]{1,5})[.]\s+[^\W\d_a-z]")
#: An entry of a table of contents ends with a page.
_ENTRY = re.compile(rf"{NUMBER.pattern}\s.*\d")
#: One phrase to the end, after its number.
_PHRASE = re.compile(r"\S+\s+(?!.*(?:[.:]\s|\s[\u2013\u2014-]\s)).*[^\W\d_]")
_KNOWN = re.compile(
    r"abstract|(?:table of )?contents|references|bibliography|acknowledge?ments?"
    r"|zusammenfassung|inhalt(?:sverzeichnis)?|literatur(?:verzeichnis)?|danksagung"
    r"|résumé|sommaire|table des matières|références|bibliographie|remerciements"
    r"|resumen|índice|contenido|referencias|bibliografía|agradecimientos"
    r"|riassunto|sommario|indice|bibliografia|riferimenti|ringraziamenti"
    r"|samenvatting|inhoud(?:sopgave)?|literatuur(?:lijst)?|dankwoord"
    r"|resumo|conteúdo|sumário|referências|agradecimentos",
    re.IGNORECASE,
)


def with_sections(items: Sequence[Item], body: float | None) -> list[Item]:
    """The same with such headings labelled.

    Args:
        items: of a page, in reading order.
        body: the height of most of the page's text, in pixels; None where there is too little of it.
    """
    labelled: list[Item] = list(items)
    parts = sum(
        isinstance(item, Piece) and len(item.rows) <= MAX_ROWS and bool(_PART.match(item.text)) for item in items
    )
    # From below, since a heading may stand above another one.
    for index in range(len(items) - 1, -1, -1):
        before, item, after = (
            labelled[index + step] if 0 <= index + step < len(items) else None for step in (-1, 0, 1)
        )
        if isinstance(item, Piece) and _reads_as_heading(item, before, after, body, among_parts=parts > 1):
            labelled[index] = replace(item, label=Label.SUB_TITLE)
    return labelled


def _reads_as_heading(
    piece: Piece, before: Item | None, after: Item | None, body: float | None, *, among_parts: bool
) -> bool:
    text = piece.text
    short = len(piece.rows) <= MAX_ROWS and len(text.split()) <= SENTENCE and not any(map(has_cells, piece.rows))
    if piece.label is not Label.TEXT or not short:
        return False
    if _KNOWN.fullmatch(text.rstrip(".:")) and text[0].isupper():
        return True
    if not _PHRASE.fullmatch(text) or not is_lettered(text) or _is_listed(before, after):
        return False
    larger = body is not None and median(row.height for row in piece.rows) >= LARGER * body
    if (_NUMBERED if larger else SECTION).match(text):
        return True
    if _ROMAN.match(text) or (text.isupper() and _COUNTED.match(text)):
        return _is_above_text(after)
    return among_parts and bool(_PART.match(text)) and _is_above_text(after, MIN_ROWS)


def _is_above_text(after: Item | None, rows: int = 1) -> bool:
    """Whether a heading follows, or a paragraph in lower case of at least so many rows."""
    if not isinstance(after, Piece):
        return False
    prose = len(after.rows) >= rows and reads_as_prose(after.text) and not after.text.isupper()
    return after.label in HEADING_MARKS or prose


def _is_listed(before: Item | None, after: Item | None) -> bool:
    """Whether the rows around a piece make it an entry of a table of contents."""
    above = before.rows[-1:] if isinstance(before, Piece) and before.label is Label.TEXT else ()
    below = after.rows[:1] if isinstance(after, Piece) and after.label is Label.TEXT else ()
    return any(SECTION.match(row.text) or _ENTRY.fullmatch(row.text) for row in chain(above, below))
