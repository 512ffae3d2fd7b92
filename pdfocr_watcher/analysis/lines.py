"""A line of text as a line engine gives it, with its words where the engine knows where they stand."""

from dataclasses import dataclass, field

from pdfocr_watcher.analysis.regions import Region
from pdfocr_watcher.document.model import TextLine


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
class Line(Region):
    """One recognised line, in its upright bounding box.

    Attributes:
        text: what it says; never empty.
        confidence: 0..1 as the engine judges its own reading.
        words: the parts of `text` from left to right; empty where the engine does not tell where they stand,
            and then the line is never split.
    """

    text: str
    confidence: float
    words: tuple[Word, ...] = field(default=())

    def recorded(self) -> TextLine:
        """The line as the document model keeps it."""
        words = tuple((round(word.left), round(word.right), word.text) for word in self.words)
        box = round(self.left), round(self.top), round(self.right), round(self.bottom)
        return TextLine(box, self.text, round(self.confidence, 3), words)
