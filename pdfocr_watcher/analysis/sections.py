"""Headings that are set like the text and told by what they say: "2.3 Methods", "Abstract"."""

import re
from collections.abc import Sequence
from dataclasses import replace
from itertools import chain
from statistics import median

from pdfocr_watcher.analysis.headings import LARGER, NUMBER, SECTION, SENTENCE, has_cells, is_lettered
from pdfocr_watcher.analysis.objects import Item
from pdfocr_watcher.analysis.pieces import Piece
from pdfocr_watcher.document.model import Label

MAX_ROWS = 2
#: A lone number tells a heading that is a little larger than the text.
_NUMBERED = re.compile(rf"{NUMBER.pattern}(?<=\d)\s+[^\W\d_a-z]")
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
    around = zip([None, *items], items, [*items[1:], None], strict=False)
    return [_labelled(item, before, after, body) for before, item, after in around]


def _labelled(item: Item, before: Item | None, after: Item | None, body: float | None) -> Item:
    if not isinstance(item, Piece) or item.label is not Label.TEXT:
        return item
    text = item.text
    if len(item.rows) > MAX_ROWS or len(text.split()) > SENTENCE or any(map(has_cells, item.rows)):
        return item
    if _KNOWN.fullmatch(text.rstrip(".:")) and text[0].isupper():
        return replace(item, label=Label.SUB_TITLE)
    larger = body is not None and median(row.height for row in item.rows) >= LARGER * body
    numbered = (_NUMBERED if larger else SECTION).match(text)
    if numbered and _PHRASE.fullmatch(text) and is_lettered(text) and not _is_listed(before, after):
        return replace(item, label=Label.SUB_TITLE)
    return item


def _is_listed(before: Item | None, after: Item | None) -> bool:
    """Whether the rows around a piece make it an entry of a table of contents."""
    above = before.rows[-1:] if isinstance(before, Piece) and before.label is Label.TEXT else ()
    below = after.rows[:1] if isinstance(after, Piece) and after.label is Label.TEXT else ()
    return any(SECTION.match(row.text) or _ENTRY.fullmatch(row.text) for row in chain(above, below))
