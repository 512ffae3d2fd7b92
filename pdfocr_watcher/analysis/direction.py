"""Pages that are read from the right: mirrored before they are analysed, and what comes of it mirrored back.

Everything in this room goes from left to right. So does a page of Arabic or Hebrew once it is mirrored: its lines begin
on the left, the first column stands there, and so does the first cell of a table.
"""

import re
from collections.abc import Sequence
from dataclasses import replace

from pdfocr_watcher.analysis.lines import Line, Word
from pdfocr_watcher.analysis.regions import Region
from pdfocr_watcher.document.model import GRID, Block, Box

#: Letters of Hebrew, Arabic, Syriac, Thaana, N'Ko and the like, with the forms that Unicode has of them besides.
_RIGHT_TO_LEFT = re.compile("[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc]")
_LETTER = re.compile(r"[^\W\d_]")


def is_right_to_left(lines: Sequence[Line]) -> bool:
    """Whether a page is read from the right."""
    return runs_right_to_left("".join(line.text for line in lines))


def runs_right_to_left(text: str) -> bool:
    """Whether most of the letters of a text are of scripts that run from right to left."""
    return 2 * len(_RIGHT_TO_LEFT.findall(text)) > len(_LETTER.findall(text))


def mirrored_line(line: Line, width: int) -> Line:
    """A line as it stands on the mirrored page.

    Args:
        line: its text in the order in which it is read.
        width: of the page's raster, in pixels.
    """
    words = tuple(Word(width - word.right, width - word.left, word.text) for word in reversed(line.words))
    return replace(line, left=width - line.right, right=width - line.left, words=words)


def mirrored_region(region: Region, width: int) -> Region:
    """A rectangle as it stands on the mirrored page of this width, in pixels."""
    return Region(width - region.right, region.top, width - region.left, region.bottom)


def mirrored_block(block: Block) -> Block:
    """A block as it stands on the mirrored page."""
    return replace(block, boxes=tuple(Box(GRID - b.x2, b.y1, GRID - b.x1, b.y2) for b in block.boxes))
