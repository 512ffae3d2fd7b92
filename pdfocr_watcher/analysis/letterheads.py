"""Which header or footer of a document's first page is a letterhead, and so belongs to what the document says."""

import re

from pdfocr_watcher.document.model import Block, Label, Page

#: Blocks are in one row where their middles are in one step of so many of the grid.
ROW = 8
#: So many rows at one end are no running title, ...
ROWS = 3
#: ... nor is what says how somebody is reached.
_CONTACT = re.compile(
    r"\b(?:tel|telephone|phone|telefon|téléphone|fax|telefax|e-?mail|iban|bic)\b\s*[.:]|[^\s@]+@[^\s@]+\.[a-z]{2,}|☎|✆",
    re.IGNORECASE,
)


def letterhead(page: Page) -> frozenset[int]:
    """Which of a first page's headers and footers are content: positions of their blocks.

    A letterhead that is on every page is content where it is there first.
    """
    found: set[int] = set()
    for label in (Label.HEADER, Label.FOOTER):
        own = {position: block for position, block in enumerate(page.blocks) if block.label is label}
        rows = {_row(block) for block in own.values()}
        lines = sum(block.content.count("\n") for block in own.values())
        if len(rows) + lines >= ROWS or any(_CONTACT.search(block.content) for block in own.values()):
            found |= own.keys()
    return frozenset(found)


def _row(block: Block) -> int:
    """Where a block stands from top to bottom, in rows; without boxes all are in one."""
    return round((block.boxes[0].y1 + block.boxes[0].y2) / 2 / ROW) if block.boxes else 0
