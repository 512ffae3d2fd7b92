"""In which order the lines of a page are read: regions are cut into bands and columns until nothing is left to cut.

A cut at a gutter (`gutters`) gives bands that follow each other from top to bottom; a band in columns is read column
by column, each of which may be cut again.
"""

from collections.abc import Iterator, Sequence
from statistics import median

from pdfocr_watcher.analysis.gutters import MIN_LINES, best_gutter
from pdfocr_watcher.analysis.lines import Line

#: Columns within columns are looked for this deep; newspapers need three or four.
MAX_DEPTH = 12
#: White space across the whole region, in line heights, that parts a running title or a foot from what it frames.
FRAME_GAP = 1.5
#: What is parted in this way has at most so many rows' height.
FRAME_HEIGHT = 2.5
#: A line this many times higher than wide is turned by a quarter, if it has so many characters, and is in no column.
TURNED_ASPECT = 1.5
TURNED_CHARACTERS = 3


def regions_in_order(lines: Sequence[Line]) -> list[list[Line]]:
    """Cut a page into regions of one column each, in reading order.

    Args:
        lines: in any order.

    Returns:
        Regions, none of them empty. Every line is in exactly one of them; a line that ran over a gutter is there as
        its two parts. Turned lines of several characters come last, each as a region.
    """
    turned: list[Line] = []
    upright: list[Line] = []
    for line in lines:
        (turned if is_turned(line) else upright).append(line)
    upright.sort(key=lambda line: (line.middle, line.left))
    regions = list(_cut(upright, MAX_DEPTH)) if upright else []
    return regions + [[line] for line in sorted(turned, key=lambda line: (line.left, line.top))]


def is_turned(line: Line) -> bool:
    """Whether a line is turned by a quarter, and not a lone upright character."""
    return line.height > TURNED_ASPECT * line.width and len(line.text) >= TURNED_CHARACTERS


def _cut(lines: list[Line], depth: int) -> Iterator[list[Line]]:
    """The regions of `lines`, which come from top to bottom and are at least one."""
    if depth == 0 or len(lines) < 2 * MIN_LINES - 1:
        yield lines
        return
    # A line without text holds the place of a figure or a table.
    em = median([line.height for line in lines if line.text] or [line.height for line in lines])
    for part in _unframed(lines, em):
        bands = best_gutter(part, em) if len(part) >= 2 * MIN_LINES - 1 else []
        if not any(band.right for band in bands):
            yield part
            continue
        for band in bands:
            for side in (band.left, band.right):
                if side:
                    yield from _cut(list(side), depth - 1)


def _unframed(lines: list[Line], em: float) -> Iterator[list[Line]]:
    """Part what stands alone above and below the rest: else it would be taken for the first line of a column."""
    edges = [0]
    bottom = lines[0].bottom
    for index, line in enumerate(lines[1:], start=1):
        if line.top - bottom > FRAME_GAP * em:
            edges.append(index)
        bottom = max(bottom, line.bottom)
    edges.append(len(lines))
    start, end = 0, len(edges) - 1

    def low(first: int, last: int) -> bool:
        piece = lines[edges[first] : edges[last]]
        return max(line.bottom for line in piece) - min(line.top for line in piece) <= FRAME_HEIGHT * em

    while start + 1 < end and low(start, start + 1):
        start += 1
        yield lines[edges[start - 1] : edges[start]]
    foot = end
    while foot - 1 > start and low(foot - 1, foot):
        foot -= 1
    yield lines[edges[start] : edges[foot]]
    for index in range(foot, end):
        yield lines[edges[index] : edges[index + 1]]
