"""What a reader makes of the text that a generative model wrote for a page. A value only."""

from dataclasses import dataclass

from pdfocr_watcher.document.model import Block


@dataclass(frozen=True, slots=True)
class Reading:
    """A page as a model's text tells it.

    Attributes:
        blocks: in the order of the text.
        malformed: how often the markup was not as it has to be: a box that was dropped or mended, a marker or an
            element that is broken off. What such markup says is in the blocks all the same.
        rotation: degrees clockwise, one of 0, 90, 180 and 270, by which the picture has to be turned to stand upright,
            where the model says so.
    """

    blocks: tuple[Block, ...] = ()
    malformed: int = 0
    rotation: int = 0
