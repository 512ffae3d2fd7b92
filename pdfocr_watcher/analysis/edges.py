"""The short lines at the head and at the foot of a page: what may be a running title or a page number.

A page gives few and small values, so that those of a long document fit into memory. Which of them run through the
document is decided in `running_titles`.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from pdfocr_watcher.analysis.furniture import EDGE
from pdfocr_watcher.document.model import GRID, Block, Box, Label, Page

#: Running titles and page numbers stand near the page's edge (`EDGE`), in so many rows at most ...
DEPTH = 3
#: ... with so many blocks that are looked at in each, ...
ROW_BLOCKS = 8
#: ... of so many characters, ...
MAX_CHARACTERS = 140
#: ... and in one line each: a box is at most so many times as high as its lines, or as this share of the page.
LINES = 1.9
LINE = 0.03
#: Of a page without boxes so many blocks at either end are looked at, if they are no longer than this.
UNPLACED_DEPTH = 2
MAX_UNPLACED_CHARACTERS = 100
#: What is higher and narrower than these shares of the page runs up a margin, and is in no row.
MARGIN_HEIGHT = 0.25
MARGIN_WIDTH = 0.06

FURNITURE = frozenset({Label.HEADER, Label.FOOTER, Label.PAGE_NUMBER})
HEADINGS = frozenset({Label.TITLE, Label.SUB_TITLE})
_EDGE_LABELS = FURNITURE | HEADINGS | {Label.TEXT}

_MARKS = re.compile(r"\A#{1,6}\s+|\\(?=[\\`*_{}\[\]()#+.!<>|~=:-])|[*_]{2}")
_POINTS_PER_INCH = 72


@dataclass(frozen=True, slots=True)
class EdgeText:
    """A short line at an edge of a page.

    Attributes:
        page: the page's position in the document, counted from 0.
        block: the block's position on the page.
        at_top: whether it is at the head of the page, else at the foot.
        row: its row, counted from the edge.
        middle: where it stands, as a share of the page's height; None where there is no box.
        points: how high its line is, in points; None where that is not known.
        text: what it says, without markup.
        label: what the page's engine takes it for.
    """

    page: int
    block: int
    at_top: bool
    row: int
    middle: float | None
    points: float | None
    text: str
    label: Label


def line_points(block: Block, page: Page) -> float | None:
    """How high a block's lines are, in points: pages of a document may differ in size."""
    return None if block.size is None else block.size * page.height / page.dpi * _POINTS_PER_INCH


def bare_text(content: str) -> str:
    """What a line of Markdown says, without its markup and with single blanks."""
    return " ".join(_MARKS.sub("", content).split())


def edge_texts(page: Page) -> list[EdgeText]:
    """The short lines at both ends of a page, each from the edge inwards; a line is at one end only."""
    found: dict[int, EdgeText] = {}
    for at_top in (True, False):
        for depth, row in enumerate(_rows(page, at_top=at_top)):
            for position in row:
                block = page.blocks[position]
                middle = _middle(block.boxes[0]) if block.boxes else None
                text = bare_text(block.content)
                points = line_points(block, page)
                found.setdefault(
                    position, EdgeText(page.index, position, at_top, depth, middle, points, text, block.label)
                )
    return list(found.values())


def _rows(page: Page, *, at_top: bool) -> list[list[int]]:
    """The rows at one end of a page, from the edge inwards up to the first that is none: positions of their blocks."""
    placed = [position for position, block in enumerate(page.blocks) if block.boxes]
    if not placed:
        return _unplaced(page.blocks, at_top=at_top)
    placed = [position for position in placed if not _in_margin(page.blocks[position])]
    rows: list[list[int]] = []
    for position in sorted(placed, key=lambda one: _distance(page.blocks[one], at_top=at_top)):
        block = page.blocks[position]
        if block.label is Label.IMAGE:
            continue  # a logo may stand beside or above a running title
        if rows and _beside(block, page.blocks[rows[-1][0]]):
            if len(rows[-1]) < ROW_BLOCKS:
                rows[-1].append(position)
        elif len(rows) == DEPTH:
            break
        else:
            rows.append([position])
        if not _is_line(block) or _distance(block, at_top=at_top) > EDGE:
            return rows[:-1]
    return rows


def _unplaced(blocks: Sequence[Block], *, at_top: bool) -> list[list[int]]:
    """The same of a page without boxes: its first blocks, or its last ones."""
    rows: list[list[int]] = []
    positions = range(len(blocks)) if at_top else range(len(blocks) - 1, -1, -1)
    for position in positions[:UNPLACED_DEPTH]:
        block = blocks[position]
        short = "\n" not in block.content and 0 < len(block.content) <= MAX_UNPLACED_CHARACTERS
        if block.label not in _EDGE_LABELS or not short:
            break
        rows.append([position])
    return rows


def _is_line(block: Block) -> bool:
    """Whether a block is one short line of text."""
    if block.label not in _EDGE_LABELS or not 0 < len(block.content) <= MAX_CHARACTERS or "\n" in block.content:
        return False
    box = block.boxes[0]
    height = (box.y2 - box.y1) / GRID
    return len(block.boxes) == 1 and height <= max(LINE, LINES * (block.size or 0.0))


def _middle(box: Box) -> float:
    return (box.y1 + box.y2) / 2 / GRID


def _distance(block: Block, *, at_top: bool) -> float:
    """How far a block's outer side is from the edge, as a share of the page's height."""
    if at_top:
        return min(box.y1 for box in block.boxes) / GRID
    return 1 - max(box.y2 for box in block.boxes) / GRID


def _beside(block: Block, other: Block) -> bool:
    """Whether a block stands in the row of another one."""
    box, row = block.boxes[0], other.boxes[0]
    return box.y1 <= (row.y1 + row.y2) / 2 <= box.y2 or row.y1 <= (box.y1 + box.y2) / 2 <= row.y2


def _in_margin(block: Block) -> bool:
    """Whether a block runs up a margin."""
    box = block.boxes[0]
    return box.y2 - box.y1 >= MARGIN_HEIGHT * GRID and box.x2 - box.x1 <= MARGIN_WIDTH * GRID
