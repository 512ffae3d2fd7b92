"""Lines that stand side by side become rows. What belongs together beyond a row is decided elsewhere."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from pdfocr_watcher.analysis.lines import Line

#: Two lines are in one row where they share this part of the lower one's height.
SHARED_HEIGHT = 0.5
#: A gap this many heights wide between two lines of a row is one of a table or of a form, not of a sentence.
CELL_GAP = 1.5


@dataclass(frozen=True, slots=True)
class Row:
    """Lines of one column at one height, from left to right.

    Attributes:
        lines: never empty.
        left, top, right, bottom: the box around them, in pixels.
        height: that of the line that says most, in pixels; the nearest thing to a font size.
    """

    lines: tuple[Line, ...]
    left: float
    top: float
    right: float
    bottom: float
    height: float

    @classmethod
    def of(cls, lines: Iterable[Line]) -> "Row":
        """The row of `lines`, at least one."""
        ordered = tuple(sorted(lines, key=lambda line: (line.left, line.top)))
        return cls(
            lines=ordered,
            left=ordered[0].left,
            top=min(line.top for line in ordered),
            right=max(line.right for line in ordered),
            bottom=max(line.bottom for line in ordered),
            height=max(ordered, key=lambda line: len(line.text)).height,
        )

    @property
    def middle(self) -> float:
        """Vertical centre in pixels."""
        return sum(line.middle for line in self.lines) / len(self.lines)

    @property
    def text(self) -> str:
        """What the row says."""
        return " ".join(line.text for line in self.lines)

    @property
    def tabular(self) -> bool:
        """Whether the row has cells rather than words."""
        return any(b.left - a.right > CELL_GAP * self.height for a, b in pairwise(self.lines))


def rows_from_lines(lines: Sequence[Line]) -> list[Row]:
    """Group the lines of one column into rows, from top to bottom; every line is in exactly one."""
    rows: list[list[Line]] = []
    for line in sorted(lines, key=lambda line: (line.middle, line.left)):
        # On a slightly turned page two rows can be open at a time.
        for row in rows[-2:]:
            if all(_side_by_side(line, other) for other in row):
                row.append(line)
                break
        else:
            rows.append([line])
    return sorted((Row.of(row) for row in rows), key=lambda row: (row.middle, row.left))


def _side_by_side(a: Line, b: Line) -> bool:
    """Whether two lines share a good part of their height and next to nothing of their width."""
    height = min(a.bottom, b.bottom) - max(a.top, b.top)
    width = min(a.right, b.right) - max(a.left, b.left)
    return height > SHARED_HEIGHT * min(a.height, b.height) and width < SHARED_HEIGHT * min(a.width, b.width)
