"""Page numbers, and the running titles beside them: only what is sure, the rest stays text."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from pdfocr_watcher.analysis.headings import LARGER
from pdfocr_watcher.analysis.lines import Line
from pdfocr_watcher.analysis.marks import PARTING, marks_of
from pdfocr_watcher.analysis.page_numbers import reads_as_page_number
from pdfocr_watcher.analysis.prose import reads_as_caption, reads_as_sentence
from pdfocr_watcher.analysis.regions import Detection, Kind
from pdfocr_watcher.analysis.rows import Row, rows_from_lines

#: Running titles and page numbers stand within this share of the page's height from its edge.
EDGE = 0.14
#: At most so many rows are looked at from each edge.
DEPTH = 2
#: The white space, in line heights, between a running title and the text.
GAP = 0.4
#: A running title has at most so many characters.
MAX_TITLE = 80
#: What a layout model is so sure of is furniture, if it stands within this share of the page's height from its edge
#: and has white of so many line heights between it and the text; ...
SURE = 0.6
SEEN_EDGE = 0.085
SEEN_GAP = 0.6
#: ... this is enough for a number, and for what has so much white.
MIN_SEEN = 0.3
APART = 2.0
#: A running title is at most so many times as high as most lines of the page, if a model is as sure of it, and has at
#: most so many characters.
MAX_HEIGHT = 1.15
MAX_SURE_HEIGHT = 1.5
CERTAIN = 0.8
MAX_SEEN_TITLE = 160
#: At most so many rows at either end are furniture.
MAX_SEEN = 4
#: A number and a title right behind it, as headings have them.
_HEADED = re.compile(r"\d{1,2}(?:[.]\d{1,2})*[.]?\s+[^\W\d_].*[a-z]")
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


def find_furniture(lines: Sequence[Line], height: int, detections: Sequence[Detection] = ()) -> list[Furniture]:
    """The page numbers and running titles of a page; one group at the top and one at the foot at most.

    Args:
        lines: of the whole page, in any order.
        height: of the raster, in pixels.
        detections: what a layout model saw on the page; none where there is no model.
    """
    rows = rows_from_lines(lines)
    top = [row for row in rows if row.bottom <= 2 * EDGE * height]
    foot = [row for row in rows if row.top >= (1 - 2 * EDGE) * height]
    found: list[Furniture] = []
    for at_top, outermost, everything in ((True, top, rows), (False, foot[::-1], rows[::-1])):
        low, high = (0.0, EDGE * height) if at_top else ((1 - EDGE) * height, float(height))
        numbered = _in_rows(outermost, low, high, at_top=at_top)
        seen = _seen(everything, detections, height, at_top=at_top)
        framed = _joined(numbered, seen, at_top=at_top)
        if framed is not None:
            found.append(framed)
    return found


def _joined(numbered: Furniture | None, seen: Sequence[Row], *, at_top: bool) -> Furniture | None:
    """What the rules and the model found at one end of a page, together."""
    number = numbered.number if numbered is not None else None
    lines = [] if numbered is None else list(numbered.lines)
    for row in seen:
        lines += [line for line in row.lines if line not in lines]
    if not lines:
        return None
    if number is None:
        # In a row that the model took for furniture, the shortest number is that of the page.
        numbers = [line for line in lines if reads_as_page_number(line.text)]
        number = min(numbers, key=lambda line: len(line.text), default=None)
    return Furniture(number, tuple(line for line in lines if line is not number), at_top)


def _seen(rows: Sequence[Row], detections: Sequence[Detection], height: int, *, at_top: bool) -> list[Row]:
    """The outermost rows that a layout model takes for running titles or page numbers, from the edge inwards.

    What stands further out than such a row belongs to it. A lone number may stand anywhere: the page may be cut.
    """
    kind = Kind.HEADER if at_top else Kind.FOOTER
    own = [one for one in detections if one.kind is kind and one.confidence >= MIN_SEEN]
    if not own or not rows:
        return []
    usual = median(row.height for row in rows)
    marks = marks_of(rows[:MAX_SEEN], detections)
    last = 0
    for index, row in enumerate(rows[:MAX_SEEN]):
        inner = rows[index + 1] if index + 1 < len(rows) else None
        confidence = max((one.confidence for one in own if _in_row(one, row)), default=0.0)
        mark = marks[index]
        heading = _reads_as_heading(row) and row.height >= LARGER * usual
        if (
            confidence < MIN_SEEN
            or (mark is not None and mark.kind in PARTING)
            or heading
            or reads_as_caption(row.text)
        ):
            continue
        distance = row.middle if at_top else height - row.middle
        sure = confidence >= SURE and distance <= SEEN_EDGE * height and _stands_alone(row, inner, SEEN_GAP)
        # A sentence that far in is rather the first or the last of the text.
        apart = distance <= EDGE * height and _stands_alone(row, inner, APART)
        sure = sure or (apart and not reads_as_sentence(row.text))
        most = MAX_SURE_HEIGHT if confidence >= CERTAIN else MAX_HEIGHT
        number = all(reads_as_page_number(line.text) for line in row.lines)
        title = number or (row.height <= most * usual and len(row.text) <= MAX_SEEN_TITLE)
        if (number and index == last and _stands_alone(row, inner)) or (sure and title):
            last = index + 1
    return list(rows[:last])


def _in_row(detection: Detection, row: Row) -> bool:
    """Whether a rectangle is at the height of a row and over some of its lines."""
    box = detection.region
    beside = any(min(line.right, box.right) - max(line.left, box.left) > 0 for line in row.lines)
    return row.top <= box.middle <= row.bottom and beside


def _in_rows(rows: Sequence[Row], low: float, high: float, *, at_top: bool) -> Furniture | None:
    """The page number in the outermost rows of a page, which come from its edge inwards."""
    for index, row in enumerate(rows[:DEPTH]):
        if not low <= row.middle <= high:
            return None
        numbers = [line for line in row.lines if reads_as_page_number(line.text)]
        if index == 0 and len(row.lines) == 1 and _NUMBERED_TITLE.fullmatch(row.text):
            numbers = [row.lines[0]]
        if (
            len(numbers) != 1
            or _reads_as_heading(row)
            or not _stands_alone(row, rows[index + 1] if index + 1 < len(rows) else None)
        ):
            continue
        if _NUMBERED_TITLE.fullmatch(numbers[0].text):
            return Furniture(None, row.lines, at_top)
        titles = tuple(line for line in row.lines if line is not numbers[0])
        if sum(len(line.text) for line in titles) <= MAX_TITLE:
            return Furniture(numbers[0], titles, at_top)
    return None


def _reads_as_heading(row: Row) -> bool:
    """Whether a row is a number with a title right behind it; between that of a page and its title is more white."""
    return not row.tabular and bool(_HEADED.match(row.text))


def _stands_alone(row: Row, inner: Row | None, gap: float = GAP) -> bool:
    """Whether there is white space, of so many line heights, between a row and the next one towards the text."""
    if inner is None:
        return True
    return max(inner.top - row.bottom, row.top - inner.bottom) >= gap * min(row.height, inner.height)
