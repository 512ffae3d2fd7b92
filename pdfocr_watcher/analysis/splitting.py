"""How a line that was read across a gutter is cut in two, between its words."""

from dataclasses import dataclass, replace
from itertools import pairwise
from statistics import median

from pdfocr_watcher.analysis.lines import Line, Word

#: The narrowest gap, in line heights, at which a line is cut ...
MIN_GAP = 0.4
#: ... and how much wider than the usual gap between its words.
WIDER = 1.4
#: Fewer gaps than this have no usual width.
MIN_GAPS = 3
#: A line that is known to run across both columns is cut no further than this from the gutter, in line heights.
REACH = 1.5


@dataclass(frozen=True, slots=True)
class Cut:
    """A place where a line may be cut.

    Attributes:
        index: the word that begins the second part.
        left, right: where the first part ends and the second begins, in pixels.
    """

    index: int
    left: float
    right: float


def cuts(line: Line, em: float) -> tuple[Cut, ...]:
    """The gaps of a line that may be a gutter's, from left to right; `em` is the usual height of a line in pixels."""
    gaps = _gaps(line)
    usual = median(gaps) if len(gaps) >= MIN_GAPS else 0.0
    least = max(MIN_GAP * em, WIDER * usual)
    return tuple(
        Cut(index, line.words[index - 1].right, line.words[index].left)
        for index, gap in enumerate(gaps, start=1)
        if gap >= least
    )


def split_at(line: Line, index: int) -> tuple[Line, Line]:
    """The parts of a line before and from the word `index`."""
    return _part(line, line.words[:index]), _part(line, line.words[index:])


def split_near(line: Line, x: float, em: float) -> tuple[Line, Line] | None:
    """The parts of a line that is known to run across `x`, at the gap nearest to it; None where none is near."""
    gaps = _gaps(line)
    if not gaps:
        return None
    middles = [line.words[index].left - gap / 2 for index, gap in enumerate(gaps, start=1)]
    nearest = min(range(len(middles)), key=lambda index: abs(middles[index] - x))
    if abs(middles[nearest] - x) > REACH * em:
        return None
    return split_at(line, nearest + 1)


def _gaps(line: Line) -> list[float]:
    """The widths between the words, in pixels."""
    return [b.left - a.right for a, b in pairwise(line.words)]


def _part(line: Line, words: tuple[Word, ...]) -> Line:
    """The piece of `line` that consists of `words`."""
    left = line.left if words[0] is line.words[0] else words[0].left
    right = line.right if words[-1] is line.words[-1] else words[-1].right
    text = " ".join(word.text for word in words)
    return replace(line, left=min(left, right), right=max(left, right), text=text, words=words)
