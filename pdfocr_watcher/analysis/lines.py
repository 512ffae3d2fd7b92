"""A line of text as a line engine gives it, with its words where the engine knows where they stand."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Word:
    """A stretch of a line without a wide gap in it.

    Attributes:
        left, right: horizontal extent, in pixels of the page raster.
        text: what it says; never empty.
    """

    left: float
    right: float
    text: str


@dataclass(frozen=True, slots=True)
class Line:
    """One recognised line.

    Attributes:
        left, top, right, bottom: the upright bounding box, in pixels of the page raster.
        text: what it says; never empty.
        confidence: 0..1 as the engine judges its own reading.
        words: the parts of `text` from left to right; empty where the engine does not tell where they stand,
            and then the line is never split.
    """

    left: float
    top: float
    right: float
    bottom: float
    text: str
    confidence: float
    words: tuple[Word, ...] = field(default=())

    @property
    def width(self) -> float:
        """Horizontal extent in pixels."""
        return self.right - self.left

    @property
    def height(self) -> float:
        """Vertical extent in pixels."""
        return self.bottom - self.top

    @property
    def middle(self) -> float:
        """Vertical centre in pixels."""
        return (self.top + self.bottom) / 2
