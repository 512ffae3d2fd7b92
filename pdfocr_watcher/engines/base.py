"""What an engine is: a page raster in, blocks in reading order out.

An engine lives in a worker process, owns no files and knows nothing of jobs. It is found by its name in
`engines.registry`.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING

from PIL import Image

from pdfocr_watcher.analysis.blocks import blocks_from_lines
from pdfocr_watcher.analysis.lines import Line
from pdfocr_watcher.document.model import Block

if TYPE_CHECKING:  # an engine without lines must not load NumPy and OpenCV
    from pdfocr_watcher.analysis.figures import InkMask

#: The ink mask has about so many cells along the page's longer side: 5 pixels of an A4 page at 200 dpi a cell.
MASK_SIDE = 480
#: A pixel is ink where one of its channels differs from the paper's by more than this, of 255.
INK_CONTRAST = 44
#: Every so many-th pixel both ways tells the paper's colour, which is the fullest band of so many levels.
PAPER_STEP = 4
PAPER_SPREAD = 9


@dataclass(frozen=True, slots=True)
class EngineInfo:
    """Who read a page, as status.json names it.

    Attributes:
        name: the engine's name in the configuration.
        model: the weights it reads with.
        version: the version of the library that runs them.
    """

    name: str
    model: str
    version: str


class Engine(ABC):
    """Reads one page at a time."""

    #: Whether it looks at the picture at all: only then it's worth while to make a page upright for it.
    sees = True

    @property
    @abstractmethod
    def info(self) -> EngineInfo:
        """Who reads."""

    @abstractmethod
    def recognize(self, image: Image.Image) -> tuple[Block, ...]:
        """Read a page.

        Args:
            image: the page's raster, RGB, upright, any size.

        Returns:
            The blocks in reading order; none for an empty page.

        Raises:
            Exception: whatever the library raises; the worker reports it as `engine_failed`.
        """


class LineEngine(Engine):
    """An engine that gives lines of text with boxes; the shared analysis makes blocks of them."""

    @abstractmethod
    def read_lines(self, image: Image.Image) -> list[Line]:
        """The text lines of a page, in no particular order, boxes in pixels of `image`."""

    def recognize(self, image: Image.Image) -> tuple[Block, ...]:
        """Read the lines, find the figures and group the lines into blocks."""
        from pdfocr_watcher.analysis.figures import find_figures  # noqa: PLC0415 - see above

        lines = self.read_lines(image)
        figures = find_figures(ink_mask(image), lines, image.width, image.height)
        return blocks_from_lines(lines, image.width, image.height, figures)


def ink_mask(image: Image.Image) -> "InkMask":
    """Where a page differs from its paper, on a grid of square cells.

    A cell is ink where any of its pixels is, so that thin lines survive. The paper is the page's most frequent colour:
    white writing on a dark slide is ink, and so is a yellow field on white.

    Args:
        image: the page's raster, any mode and size; it is not changed.

    Returns:
        uint8, rows by columns, 1 for ink. The cells at the right and at the lower edge may reach over the page.
    """
    import cv2  # noqa: PLC0415 - see above
    import numpy as np  # noqa: PLC0415 - see above

    cell = max(1, 2 * round(max(image.size) / MASK_SIDE / 2))
    page = image if image.mode in {"L", "RGB"} else image.convert("L" if image.mode == "1" else "RGB")
    halving = 2 if cell > 1 else 1
    # Pillow halves a page in a third of the time that its pixels would take to become an array.
    pixels = np.asarray(page.reduce(halving) if halving > 1 else page)
    pixels = pixels.reshape(*pixels.shape[:2], -1)
    contrast = np.zeros(pixels.shape[:2], dtype=np.uint8)
    for channel in cv2.split(pixels):
        levels = np.bincount(channel[::PAPER_STEP, ::PAPER_STEP].ravel(), minlength=256)
        paper = np.full_like(channel, int(np.convolve(levels, np.ones(PAPER_SPREAD), "same").argmax()))
        contrast = np.maximum(contrast, cv2.absdiff(channel, paper))
    step = cell // halving
    widest = cv2.dilate(contrast, np.ones((step, step), dtype=np.uint8), anchor=(0, 0))[::step, ::step]
    return np.ascontiguousarray(widest > INK_CONTRAST).astype(np.uint8)
