"""Page numbers, and the running titles beside them: only what is sure, the rest stays text."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from pdfocr_watcher.analysis.lines import Line
from pdfocr_watcher.analysis.rows import Row, rows_from_lines

#: Running titles and page numbers stand within this share of the page's height from its edge.
EDGE = 0.14
#: At most so many rows are looked at from each edge.
DEPTH = 2
#: The white space, in line heights, between a running title and the text.
GAP = 0.4
#: A running title has at most so many characters.
MAX_TITLE = 80
_PAGE_NUMBER = re.compile(
    r"[-\u2013\u2014.·|\[(]*\s*(?:(?:page|p\.|seite|s\.|pag\.|第)\s*)?(?:\d{1,4}|[ivxlc]{1,7})"
    r"(?:\s*(?:/|of|von|de|di|sur)\s*\d{1,4})?\s*(?:页|頁)?\s*[-\u2013\u2014.·|\])]*",
    re.IGNORECASE,
)
#: A page number and a running title in capitals, read as one line.
_NUMBERED_TITLE = re.compile(r"\d{1,4}[.,]?\s+[^\W\d][^a-z\d]{4,60}|[^\W\d][^a-z\d]{4,60}\s\d{1,4}[.]?")


@dataclass(frozen=True, slots=True)
class Furniture:
    """What frames the text of a page.

    Attributes:
        number: the page number; None where it is in one line with the running title.
        titles: the running titles in its row.
        at_top: whether they stand above the text.
    """

    number: Line | None
    titles: tuple[Line, ...]
    at_top: bool

    @property
    def lines(self) -> tuple[Line, ...]:
        """The page number and the titles."""
        return self.titles if self.number is None else (*self.titles, self.number)


def find_furniture(lines: Sequence[Line], height: int) -> list[Furniture]:
    """The page numbers of a page, with the running titles beside them; at most one at the top and one at the foot.

    Args:
        lines: of the whole page, in any order.
        height: of the raster, in pixels.
    """
    top = [line for line in lines if line.bottom <= 2 * EDGE * height]
    foot = [line for line in lines if line.top >= (1 - 2 * EDGE) * height]
    found = [
        _in_rows(rows_from_lines(top), 0, EDGE * height, at_top=True),
        _in_rows(rows_from_lines(foot)[::-1], (1 - EDGE) * height, height, at_top=False),
    ]
    return [furniture for furniture in found if furniture is not None]


def _in_rows(rows: Sequence[Row], low: float, high: float, *, at_top: bool) -> Furniture | None:
    """The page number in the outermost rows of a page, which come from its edge inwards."""
    for index, row in enumerate(rows[:DEPTH]):
        if not low <= row.middle <= high:
            return None
        numbers = [line for line in row.lines if _PAGE_NUMBER.fullmatch(line.text)]
        if index == 0 and len(row.lines) == 1 and _NUMBERED_TITLE.fullmatch(row.text):
            numbers = [row.lines[0]]
        if len(numbers) != 1 or not _stands_alone(row, rows[index + 1] if index + 1 < len(rows) else None):
            continue
        if _NUMBERED_TITLE.fullmatch(numbers[0].text):
            return Furniture(None, row.lines, at_top)
        titles = tuple(line for line in row.lines if line is not numbers[0])
        if sum(len(line.text) for line in titles) <= MAX_TITLE:
            return Furniture(numbers[0], titles, at_top)
    return None


def _stands_alone(row: Row, inner: Row | None) -> bool:
    """Whether there is white space between a row and the next one towards the text."""
    if inner is None:
        return True
    return max(inner.top - row.bottom, row.top - inner.bottom) >= GAP * min(row.height, inner.height)
