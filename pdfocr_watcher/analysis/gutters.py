"""Where a gutter runs between two columns of text, and what stands across it.

Pure geometry of one region; the places to try come from `whitespace`, how regions follow each other stands in
`reading_order`.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from pdfocr_watcher.analysis.lines import Line
from pdfocr_watcher.analysis.splitting import Cut, cuts, split_at, split_near
from pdfocr_watcher.analysis.whitespace import gutter_candidates

#: A line may reach over the middle of a gutter by this share of its height: boxes are drawn a little too wide.
OVERHANG = 0.3
#: A stretch of page is in columns from this number of lines on each side ...
MIN_LINES = 3
#: ... though one of them may have a line less.
SHORT_SIDE = MIN_LINES - 1
#: The white that makes a gutter sure, in line heights, by the number of rows witnessing it: in set text, blanks happen
#: to stand below each other over a few lines, hardly ever over many.
SURE_WHITE = ((12, 0.15), (6, 0.6), (0, 1.0))
#: Below or above a stretch that is sure by its many lines, this is enough.
MIN_WHITE = 0.15
#: Lines that end or begin no further than this from a gutter, in line heights, witness it; ...
NEAR = 4
#: ... a line that had to be split there counts for this part of one.
SPLIT_WITNESS = 1 / 3
#: This share of the rows may have less white: slips of the pen and of the detector.
SLIPS = 0.15
#: Columns whose lines have fewer characters than this on the average, and which stand row by row, are a table's.
MIN_CHARACTERS = 12
#: The share of lines with a neighbour at the same height from which columns stand row by row.
ALIGNED = 0.5
#: Two lines are at the same height where their middles are closer than this share of a line's height.
SAME_HEIGHT = 0.35
#: Two lines are in one row where their middles are closer than this, in line heights.
ROW = 0.6
#: A line over a gutter that has rows of both columns closer than this above and below, in line heights, is one of both.
TIGHT = 0.4
#: How many lines before and after are looked at for that.
NEIGHBOURS = 4

#: A line's part on the left and on the right of a gutter; None for a line that stands across it.
_Sides = tuple[Line | None, Line | None] | None


@dataclass(frozen=True, slots=True)
class Band:
    """A stretch of a region: either two columns or what stands across them, never both.

    Attributes:
        left, right: the lines of the two columns; `right` is empty for a band without columns.
        trust: how much a band in columns counts for its gutter, 0..1: a narrow gutter over few lines may be chance.
    """

    left: tuple[Line, ...]
    right: tuple[Line, ...] = ()
    trust: float = 0.0


def best_gutter(lines: Sequence[Line], em: float) -> list[Band]:
    """Cut a region at the gutter that orders most of its lines.

    Args:
        lines: the region's lines, from top to bottom.
        em: the median height of the lines, in pixels.

    Returns:
        The bands from top to bottom, holding every line once (a line over the gutter as its two parts); empty where
        there is no gutter.
    """
    best: list[Band] = []
    most = 0.0
    all_cuts = [cuts(line, em) for line in lines]
    for x in gutter_candidates(lines, em):
        bands = list(_bands(lines, all_cuts, x, em))
        ordered = sum(band.trust * (len(band.left) + len(band.right)) for band in bands if band.right)
        if ordered > most:
            best, most = bands, ordered
        if ordered >= len(lines):
            break
    return best


@dataclass(slots=True)
class _Stretch:
    """Lines that follow each other from top to bottom, all beside the gutter or all across it.

    Attributes:
        lines: as they were.
        left, right: what stands on the two sides; both empty for lines across.
    """

    lines: list[Line] = field(default_factory=list)
    left: list[Line] = field(default_factory=list)
    right: list[Line] = field(default_factory=list)

    def add(self, line: Line, sides: _Sides) -> None:
        """Put a line where it belongs."""
        self.lines.append(line)
        for part, side in zip(sides or (), (self.left, self.right), strict=False):
            if part is not None:
                side.append(part)

    @property
    def across(self) -> bool:
        """Whether the lines stand across the gutter."""
        return not (self.left or self.right)

    def witnesses(self, x: float, em: float) -> float:
        """The rows that show a gutter at `x`."""
        split = len(self.left) + len(self.right) - len(self.lines)
        ends = sum(x - line.right < NEAR * em for line in self.left) - split
        begins = sum(line.left - x < NEAR * em for line in self.right) - split
        return max(0, min(ends, begins)) + SPLIT_WITNESS * split

    def beside(self) -> bool:
        """Whether the two sides may be columns of text: tall enough, beside each other, and no table."""
        if min(len(self.left), len(self.right)) < SHORT_SIDE or max(len(self.left), len(self.right)) < MIN_LINES:
            return False
        top = max(min(line.top for line in side) for side in (self.left, self.right))
        bottom = min(max(line.bottom for line in side) for side in (self.left, self.right))
        em = min(line.height for line in (self.left[0], self.right[0]))
        return bottom - top >= SHORT_SIDE * em and not _tabular(self.left, self.right)


def _bands(lines: Sequence[Line], all_cuts: Sequence[Sequence[Cut]], x: float, em: float) -> Iterator[Band]:
    """Cut a region at `x`, from top to bottom, wherever a line stands across it."""
    stretches = _stretches(lines, _sides(lines, all_cuts, x, em))
    trusts = _trusts(stretches, x, em)
    across: list[Line] = []
    for index, stretch in enumerate(stretches):
        if trusts[index] <= 0:
            across.extend(stretch.lines)
            continue
        if across:
            across.extend(_outliers(stretch, across[-1], above=True))
            yield Band(tuple(across))
            across = []
        if index + 1 < len(stretches):
            across.extend(_outliers(stretch, stretches[index + 1].lines[0], above=False))
        yield Band(tuple(stretch.left), tuple(stretch.right), trusts[index])
    if across:
        yield Band(tuple(across))


def _trusts(stretches: Sequence[_Stretch], x: float, em: float) -> list[float]:
    """How far each of the stretches is to be taken for columns of text, 0..1; 0 where it is not."""
    white = [_white(stretch.left, stretch.right, em) / em if stretch.beside() else -1.0 for stretch in stretches]
    witnesses = [stretch.witnesses(x, em) for stretch in stretches]
    enough = [next(width for least, width in SURE_WHITE if count >= least) for count in witnesses]
    anchored = any(
        width >= least and count >= SURE_WHITE[1][0]
        for width, least, count in zip(white, enough, witnesses, strict=True)
    )
    return [
        0.0 if width < (MIN_WHITE if anchored else least) else 1.0 if count >= SURE_WHITE[0][0] else min(1.0, width)
        for width, least, count in zip(white, enough, witnesses, strict=True)
    ]


def _white(left: Sequence[Line], right: Sequence[Line], em: float) -> float:
    """The width between lines at the same height on both sides, in pixels, that is there in nearly every row.

    Measured row by row, since on a skewed page the gutter wanders. Negative where the sides overlap.
    """
    ordered = sorted(left, key=lambda line: line.middle)
    middles = [line.middle for line in ordered]
    gaps: list[float] = []
    for line in right:
        beside = ordered[bisect_left(middles, line.middle - ROW * em) : bisect_right(middles, line.middle + ROW * em)]
        gaps.extend(line.left - other.right for other in beside)
    if not gaps:
        return min(line.left for line in right) - max(line.right for line in left)
    return sorted(gaps)[int(SLIPS * len(gaps))]


def _sides(lines: Sequence[Line], all_cuts: Sequence[Sequence[Cut]], x: float, em: float) -> list[_Sides]:
    """On which side of `x` each line stands."""
    sides: list[_Sides] = []
    low, high = x - OVERHANG * em, x + OVERHANG * em
    for line, line_cuts in zip(lines, all_cuts, strict=True):
        if line.right <= high:
            sides.append((line, None))
        elif line.left >= low:
            sides.append((None, line))
        else:
            index = next((cut.index for cut in line_cuts if cut.left <= high and cut.right >= low), 0)
            sides.append(split_at(line, index) if index else None)
    for index, line in enumerate(lines):
        if sides[index] is None and len(line.words) > 1:
            above, below = sides[max(0, index - NEIGHBOURS) : index], sides[index + 1 : index + 1 + NEIGHBOURS]
            if _touches(line, above, em) and _touches(line, below, em):
                sides[index] = split_near(line, x, em)
    return sides


def _touches(line: Line, neighbours: Sequence[_Sides], em: float) -> bool:
    """Whether there are rows of both columns right above, or right below, a line."""
    lefts = [sides[0] for sides in neighbours if sides and sides[0]]
    rights = [sides[1] for sides in neighbours if sides and sides[1]]
    return all(
        any(max(line.top - other.bottom, other.top - line.bottom) < TIGHT * em for other in side)
        for side in (lefts, rights)
    )


def _stretches(lines: Sequence[Line], sides: Sequence[_Sides]) -> list[_Stretch]:
    """Lines beside the gutter and lines across it, by turns."""
    stretches: list[_Stretch] = []
    for line, where in zip(lines, sides, strict=True):
        if not stretches or stretches[-1].across != (where is None):
            stretches.append(_Stretch())
        stretches[-1].add(line, where)
    return stretches


def _outliers(stretch: _Stretch, across: Line, *, above: bool) -> list[Line]:
    """Take from a column the lines at its end that belong to what stands across: a short heading, a list's last entry.

    They reach beyond the other column and are nearer to the line across than to the next one of their own column.
    """
    taken: list[Line] = []
    for side, other in ((stretch.left, stretch.right), (stretch.right, stretch.left)):
        while len(side) > MIN_LINES:
            end, following = (side[0], side[1]) if above else (side[-1], side[-2])
            if above:
                beyond = end.bottom <= min(line.top for line in other)
                nearer = end.top - across.bottom < following.top - end.bottom
            else:
                beyond = end.top >= max(line.bottom for line in other)
                nearer = across.top - end.bottom < end.top - following.bottom
            if not (beyond and nearer):
                break
            taken.append(side.pop(0 if above else -1))
            across = end
    return sorted(taken, key=lambda line: line.middle)


def _tabular(left: Sequence[Line], right: Sequence[Line]) -> bool:
    """Whether two sides are a table's columns: short pieces that stand row by row."""
    # A line without text holds the place of a figure or a table, which makes no cell of it.
    read = [[line for line in side if line.text] for side in (left, right)]
    if not all(read) or min(sum(len(line.text) for line in side) / len(side) for side in read) >= MIN_CHARACTERS:
        return False
    few, many = sorted(read, key=len)
    middles = sorted(line.middle for line in many)
    return sum(_has_neighbour(line, middles) for line in few) >= ALIGNED * len(few)


def _has_neighbour(line: Line, middles: Sequence[float]) -> bool:
    """Whether one of the sorted `middles` is at the height of `line`."""
    index = bisect_left(middles, line.middle)
    reach = SAME_HEIGHT * line.height
    return any(abs(middle - line.middle) <= reach for middle in middles[max(0, index - 1) : index + 1])
