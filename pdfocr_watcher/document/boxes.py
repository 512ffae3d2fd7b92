"""Boxes as a model writes them: which are taken as they are, which are mended and which are dropped."""

from collections.abc import Sequence

from pdfocr_watcher.document.model import Box

#: A coordinate may lie so far beyond the page's edge, as a share of the page, and is put on the edge.
SLIGHTLY_OFF = 0.05

_COORDINATES = 4


def placed_box(values: Sequence[float], width: int, height: int) -> tuple[Box | None, bool]:
    """Put a box on the 0..999 grid.

    A coordinate that is slightly beyond an edge (`SLIGHTLY_OFF`) is put on it: models count to 1000, or a little too
    far. One that is farther off makes the box worthless. Corners in the wrong order are put in order. A box without
    width or height is a box; it only has no figure.

    Args:
        values: left, top, right, bottom; anything else is no box.
        width: the largest x there is.
        height: the largest y there is.

    Returns:
        The box, None if it had to be dropped; and whether it was as it has to be, neither dropped nor put in order.
    """
    if len(values) != _COORDINATES:
        return None, False
    left, top, right, bottom = values
    if not all(_within(value, extent) for value, extent in zip(values, (width, height, width, height), strict=True)):
        return None, False
    box = Box.from_pixels(left, top, right, bottom, width, height)
    return box, left <= right and top <= bottom


def _within(value: float, extent: int) -> bool:
    """Whether a value is on the page or slightly beyond; what is infinite or no number is not."""
    return -SLIGHTLY_OFF * extent <= value <= (1 + SLIGHTLY_OFF) * extent
