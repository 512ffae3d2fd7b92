"""What an engine is: a page raster in, blocks in reading order out.

An engine lives in a worker process, owns no files and knows nothing of jobs. It is found by its name in
`engines.registry`.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PIL import Image, ImageOps

from pdfocr_watcher.analysis.direction import is_right_to_left, mirrored_block, mirrored_line, mirrored_region
from pdfocr_watcher.analysis.lines import Line
from pdfocr_watcher.analysis.regions import Region
from pdfocr_watcher.document.model import Block

if TYPE_CHECKING:  # an engine without lines must not load NumPy and OpenCV
    from pdfocr_watcher.engines.page_analysis import PageAnalysis


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


@dataclass(frozen=True, slots=True)
class Reading:
    """What an engine makes of a page.

    Attributes:
        blocks: in reading order; none for an empty page.
        lines: the lines of text that they were made of, in no particular order, boxes in pixels of the page's raster;
            none where the engine does not tell lines.
        notes: how it was read, in JSON types, for the page's checkpoint.
    """

    blocks: tuple[Block, ...]
    lines: tuple[Line, ...] = ()
    notes: Mapping[str, Any] = field(default_factory=dict)


class Engine(ABC):
    """Reads one page at a time."""

    #: Whether it looks at the picture at all: only then it's worth while to make a page upright for it.
    sees = True

    @property
    @abstractmethod
    def info(self) -> EngineInfo:
        """Who reads."""

    @abstractmethod
    def recognize(self, image: Image.Image, languages: tuple[str, ...] = ()) -> Reading:
        """Read a page.

        Args:
            image: the page's raster, RGB, upright, any size.
            languages: what it is written in, by any name that `engines.scripts` knows, for an engine that asks for it;
                none for what the engine was made with.

        Raises:
            Exception: whatever the library raises; the worker reports it as `engine_failed`.
        """


class LineEngine(Engine):
    """An engine that gives lines of text with boxes; the shared analysis makes blocks of them."""

    _analysis: "PageAnalysis | None" = None

    @abstractmethod
    def read_lines(self, image: Image.Image) -> list[Line]:
        """The text lines of a page, in no particular order, boxes in pixels of `image`."""

    def read_piece(self, image: Image.Image, region: Region) -> Line | None:
        """The one line that stands in a part of a page, whose text is known to be there; None where it says nothing.

        An engine that cannot read a single line faster than a page does without.
        """
        del image, region
        return None

    def use_weights(self, folder: Path | None, threads: int = 1) -> None:
        """Have layout and tables told by the models whose weights are in a folder, and by rules where they are not.

        Args:
            folder: as `models install` fills it; None for rules alone.
            threads: that a model may use, at least 1.
        """
        from pdfocr_watcher.engines.page_analysis import PageAnalysis  # noqa: PLC0415 - see above

        self._analysis = PageAnalysis(folder, threads)

    def recognize(self, image: Image.Image, languages: tuple[str, ...] = ()) -> Reading:
        """Read the lines, and make blocks of them; what they are written in makes no difference to most engines."""
        del languages
        return self.understand(image, self.read_lines(image))

    def understand(self, image: Image.Image, lines: Sequence[Line], *, reading: bool = True) -> Reading:
        """Make blocks of the lines of a page, whoever read them; boxes in pixels of `image`.

        A page of a script that runs from right to left is read so: columns, rows and cells from the right.

        Args:
            image: the page's raster.
            lines: those that were read on it.
            reading: whether initials and what was overlooked in tables are read.
        """
        if self._analysis is None:
            self.use_weights(None)
        assert self._analysis is not None  # noqa: S101 - made above
        if not is_right_to_left(lines):
            return Reading(self._analysis.blocks(image, lines, self.read_piece if reading else None), tuple(lines))

        def read_piece(_: Image.Image, region: Region) -> Line | None:
            line = self.read_piece(image, mirrored_region(region, image.width))
            return mirrored_line(line, image.width) if line is not None else None

        mirrored = [mirrored_line(line, image.width) for line in lines]
        blocks = self._analysis.blocks(ImageOps.mirror(image), mirrored, read_piece if reading else None)
        return Reading(tuple(map(mirrored_block, blocks)), tuple(lines))
