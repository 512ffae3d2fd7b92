"""A line of text as a line engine gives it."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Line:
    """One recognised line.

    Attributes:
        left, top, right, bottom: the upright bounding box, in pixels of the page raster.
        text: what it says; never empty.
        confidence: 0..1 as the engine judges its own reading.
    """

    left: float
    top: float
    right: float
    bottom: float
    text: str
    confidence: float

    @property
    def width(self) -> float:
        """Horizontal extent in pixels."""
        return self.right - self.left

    @property
    def height(self) -> float:
        """Vertical extent in pixels."""
        return self.bottom - self.top
