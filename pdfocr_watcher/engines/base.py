"""What an engine is: a page raster in, blocks in reading order out.

An engine lives in a worker process, owns no files and knows nothing of jobs. It is found by its name in
`engines.registry`.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass

from PIL import Image

from pdfocr_watcher.analysis.blocks import blocks_from_lines
from pdfocr_watcher.analysis.lines import Line
from pdfocr_watcher.document.model import Block


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
        """Read the lines and group them into blocks."""
        return blocks_from_lines(self.read_lines(image), image.width, image.height)
