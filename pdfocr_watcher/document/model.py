"""The document model: what was read from a page, whichever engine read it.

Values only. How they are written to Markdown, grounding markup or pictures stands beside this module.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

#: Boxes are given on a grid of 0..GRID in both directions, whatever the raster's size (DeepSeek-OCR's grid).
GRID = 999


class Label(StrEnum):
    """What a block is; the words are DeepSeek-OCR's."""

    TITLE = "title"
    SUB_TITLE = "sub_title"
    TEXT = "text"
    LIST = "list"
    TABLE = "table"
    TABLE_CAPTION = "table_caption"
    TABLE_FOOTNOTE = "table_footnote"
    IMAGE = "image"
    IMAGE_CAPTION = "image_caption"
    EQUATION = "equation"
    CODE = "code"
    HEADER = "header"
    FOOTER = "footer"
    PAGE_NUMBER = "page_number"


@dataclass(frozen=True, slots=True, order=True)
class Box:
    """A bounding box on the 0..999 grid: left, top, right, bottom, all inclusive, left <= right, top <= bottom."""

    x1: int
    y1: int
    x2: int
    y2: int

    def __post_init__(self) -> None:
        if not (0 <= self.x1 <= self.x2 <= GRID and 0 <= self.y1 <= self.y2 <= GRID):
            raise ValueError(f"not a box on the 0..{GRID} grid: {self.as_list()}")

    @classmethod
    def from_pixels(cls, left: float, top: float, right: float, bottom: float, width: int, height: int) -> "Box":
        """Put a box given in pixels of a `width` x `height` raster on the grid, clipped to the page."""

        def place(value: float, extent: int) -> int:
            return min(GRID, max(0, round(value * GRID / extent)))

        x1, x2 = sorted((place(left, width), place(right, width)))
        y1, y2 = sorted((place(top, height), place(bottom, height)))
        return cls(x1, y1, x2, y2)

    def to_pixels(self, width: int, height: int) -> tuple[int, int, int, int]:
        """Left, top, right, bottom in pixels of a `width` x `height` raster."""
        return (
            int(self.x1 / GRID * width),
            int(self.y1 / GRID * height),
            int(self.x2 / GRID * width),
            int(self.y2 / GRID * height),
        )

    def as_list(self) -> list[int]:
        """The four numbers, as status files and markup write them."""
        return [self.x1, self.y1, self.x2, self.y2]


@dataclass(frozen=True, slots=True)
class Block:
    """One piece of a page in reading order.

    Attributes:
        label: what it is.
        boxes: where it stands; more than one where it runs over several regions, none where the engine gave none.
        content: Markdown; HTML for a table; LaTeX for an equation; empty or alternative text for an image.
        confidence: 0..1 as the engine judges its own reading, None where it does not.
        size: how high its lines are, as a share of the page's height; None where that is not known.
        healed: words that were broken at the ends of its lines and lost their hyphen there, each with it.
        level: of a heading in the document, 1 for its title; None where no document was looked at.
        uncertain: what it may be instead, where that could not be told: text that was taken for a table.
    """

    label: Label
    boxes: tuple[Box, ...]
    content: str
    confidence: float | None = None
    size: float | None = None
    healed: tuple[str, ...] = ()
    level: int | None = None
    uncertain: Label | None = None


@dataclass(frozen=True, slots=True)
class TextLine:
    """A line of text as the engine read it, whatever block it became a part of.

    Attributes:
        box: left, top, right, bottom in whole pixels of the page's raster.
        text: what it says.
        confidence: 0..1 as the engine judges its own reading.
        words: left, right in pixels and text of its parts, from left to right; none where the engine does not tell.
    """

    box: tuple[int, int, int, int]
    text: str
    confidence: float
    words: tuple[tuple[int, int, str], ...] = ()

    def to_list(self) -> list[Any]:
        """The line as JSON types, in few bytes: a page may have hundreds."""
        return [*self.box, self.confidence, self.text, [list(word) for word in self.words]]

    @classmethod
    def from_list(cls, data: Sequence[Any]) -> "TextLine":
        """The line from what `to_list` gave.

        Raises:
            TypeError, ValueError: the data is not such a line.
        """
        left, top, right, bottom, confidence, text, words = data
        return cls(
            (int(left), int(top), int(right), int(bottom)),
            str(text),
            float(confidence),
            tuple((int(start), int(end), str(word)) for start, end, word in words),
        )


@dataclass(frozen=True, slots=True)
class Page:
    """A page that was read.

    Attributes:
        index: position in the document, counted from 0.
        width: width of the raster in pixels.
        height: height of the raster in pixels.
        dpi: dots per inch at which the raster was rendered.
        blocks: in reading order.
        lines: the lines of text, in no particular order; none where the engine does not tell lines.
    """

    index: int
    width: int
    height: int
    dpi: float
    blocks: tuple[Block, ...] = field(default=())
    lines: tuple[TextLine, ...] = field(default=())

    def to_dict(self) -> dict[str, Any]:
        """The page as JSON types."""
        lines = {"lines": [line.to_list() for line in self.lines]} if self.lines else {}
        return {
            "index": self.index,
            "width": self.width,
            "height": self.height,
            "dpi": self.dpi,
            "blocks": [
                {
                    "label": block.label.value,
                    "boxes": [box.as_list() for box in block.boxes],
                    "content": block.content,
                    "confidence": block.confidence,
                    "size": block.size,
                    "healed": list(block.healed),
                    "level": block.level,
                    **({"uncertain": block.uncertain.value} if block.uncertain else {}),
                }
                for block in self.blocks
            ],
            **lines,
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> "Page":
        """The page from what `to_dict` gave.

        Raises:
            KeyError, TypeError, ValueError: the data is not such a page.
        """
        return cls(
            index=int(data["index"]),
            width=int(data["width"]),
            height=int(data["height"]),
            dpi=float(data["dpi"]),
            blocks=tuple(
                Block(
                    label=Label(block["label"]),
                    boxes=tuple(Box(*box) for box in block["boxes"]),
                    content=str(block["content"]),
                    confidence=block["confidence"],
                    size=block.get("size"),
                    healed=tuple(map(str, block.get("healed", ()))),
                    level=block.get("level"),
                    uncertain=Label(block["uncertain"]) if "uncertain" in block else None,
                )
                for block in data["blocks"]
            ),
            lines=tuple(TextLine.from_list(line) for line in data.get("lines", ())),
        )


@dataclass(frozen=True, slots=True)
class FailedPage:
    """A page that could not be read: it keeps its place in every output.

    Attributes:
        index: position in the document, counted from 0.
        code: the failure's stable name (`errors.ErrorCode`).
        message: the failure in words.
    """

    index: int
    code: str
    message: str
