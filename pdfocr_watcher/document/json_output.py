"""`output.json`: all that is known of a document, for programs; and its published schema.

It is written page by page, one page a line, so that memory holds one page. All boxes are on the page as a reader sees
it, turned upright and level, with the origin in its top left corner. `python -m pdfocr_watcher.document.json_output`
rewrites the schema file from the models here.
"""

from collections.abc import Mapping
from typing import Any, Literal, TextIO

from pydantic import BaseModel, ConfigDict, Field

from pdfocr_watcher.document.figures import figure_crops
from pdfocr_watcher.document.layouts import page_points
from pdfocr_watcher.document.model import GRID, Block, FailedPage, Label, Page, TextLine
from pdfocr_watcher.json_schema import FOLDER, published_schema, schema_text

#: The JSON Schema of output.json, as it ships.
SCHEMA_FILE = FOLDER / "output.schema.json"
_POINTS_PER_INCH = 72
#: What of a page's reading is told by fields of its own.
_UPRIGHTING = ("turn", "skew")

Corners = tuple[float, float, float, float]


class _Value(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, json_schema_serialization_defaults_required=True)


class Place(_Value):
    """A box on a page: left, top, right, bottom, three times."""

    grid: tuple[int, int, int, int] = Field(description=f"on a grid of 0..{GRID} in both directions")
    pixels: tuple[int, int, int, int] = Field(description="in pixels of the page's picture")
    points: Corners = Field(description="in points (1/72 inch)")


class BlockEntry(_Value):
    """A piece of a page."""

    label: Label = Field(description="what it is")
    boxes: tuple[Place, ...] = Field(description="where it stands; none where the engine gave none")
    format: Literal["markdown", "html", "latex"] = Field(description="how the text is written")
    text: str = Field(description="what it says; for an image what is read in it")
    confidence: float | None = Field(description="0..1 as the engine judges its own reading; null where it does not")
    level: int | None = Field(description="of a heading in the document, from 1; null for all else")
    uncertain: Label | None = Field(
        description="what it may be instead: text of which it is not sure that it is a table"
    )
    figures: tuple[str, ...] = Field(description="the files of its pictures, relative to this one")


class WordEntry(_Value):
    """A part of a line."""

    text: str
    left: int = Field(description="in pixels of the page's picture")
    right: int = Field(description="in pixels of the page's picture")


class LineEntry(_Value):
    """A line of text as it was read."""

    text: str
    confidence: float = Field(description="0..1 as the engine judges its own reading")
    pixels: tuple[int, int, int, int] = Field(description="left, top, right, bottom in pixels of the page's picture")
    points: Corners = Field(description="the same in points")
    words: tuple[WordEntry, ...] = Field(description="from left to right; none where the engine does not tell")


class Failure(_Value):
    """Why a page could not be read."""

    code: str = Field(description="a stable name")
    message: str = Field(description="in words")


class Size(_Value):
    """How large a page is, upright."""

    width_points: float
    height_points: float
    width_pixels: int = Field(description="of the picture that was read")
    height_pixels: int = Field(description="of the picture that was read")
    dpi: float = Field(description="dots per inch of that picture")


class PageEntry(_Value):
    """A page."""

    number: int = Field(ge=1, description="its place in the document, from 1, as people count")
    index: int = Field(ge=0, description="the same from 0, as in file names")
    failed: Failure | None = Field(description="why it could not be read; null if it was read")
    size: Size | None = Field(description="null if it could not be read")
    turn: int = Field(description="degrees clockwise by which it was turned to be upright: 0, 90, 180 or 270")
    skew: float = Field(description="degrees clockwise by which it was then turned to be level")
    reading: dict[str, Any] = Field(
        description="how it was read, as the engine notes it; keys may be added at any time"
    )
    blocks: tuple[BlockEntry, ...] = Field(description="in reading order")
    lines: tuple[LineEntry, ...] = Field(description="in no particular order; none where the engine tells no lines")


class Document(_Value):
    """The content of output.json."""

    schema_version: Literal[1] = 1
    total_pages: int = Field(ge=1, description="pages of the document, the failed ones included")
    pages: tuple[PageEntry, ...] = Field(description="all pages in order")


class JsonOutput:
    """Writes output.json page by page.

    Args:
        stream: where to; UTF-8 text.
        total: pages of the document.
    """

    def __init__(self, stream: TextIO, total: int) -> None:
        self._stream = stream
        self._separator = "\n"
        stream.write(f'{{"schema_version":1,"total_pages":{total},"pages":[')

    def add(self, page: Page | FailedPage, reading: Mapping[str, Any]) -> None:
        """Write the next page.

        Args:
            page: the page.
            reading: how it was read, as its checkpoint has it.
        """
        self._stream.write(self._separator)
        self._stream.write(page_entry(page, reading).model_dump_json())
        self._separator = ",\n"

    def end(self) -> None:
        """Write what stands after the last page."""
        self._stream.write("\n]}\n")


def page_entry(page: Page | FailedPage, reading: Mapping[str, Any]) -> PageEntry:
    """What output.json says of a page; see `JsonOutput.add`."""
    turn, skew = uprighting_of(reading)
    read = page if isinstance(page, Page) else None
    return PageEntry(
        number=page.index + 1,
        index=page.index,
        failed=Failure(code=page.code, message=page.message) if isinstance(page, FailedPage) else None,
        size=_size(read) if read else None,
        turn=turn,
        skew=skew,
        reading={name: value for name, value in reading.items() if name not in _UPRIGHTING},
        blocks=_blocks(read) if read else (),
        lines=tuple(_line(line, read.dpi) for line in read.lines) if read else (),
    )


def uprighting_of(reading: Mapping[str, Any]) -> tuple[int, float]:
    """By how many degrees clockwise a page was turned, and then levelled, before it was read."""
    turn, skew = (reading.get(name) for name in _UPRIGHTING)
    return int(turn or 0), float(skew or 0.0)


def _size(page: Page) -> Size:
    width, height = page_points(page)
    return Size(
        width_points=round(width, 2),
        height_points=round(height, 2),
        width_pixels=page.width,
        height_pixels=page.height,
        dpi=page.dpi,
    )


def _blocks(page: Page) -> tuple[BlockEntry, ...]:
    links: dict[int, list[str]] = {}
    for crop in figure_crops(page):
        links.setdefault(crop.block, []).append(crop.link)
    return tuple(_block(block, page, tuple(links.get(number, ()))) for number, block in enumerate(page.blocks))


def _block(block: Block, page: Page, figures: tuple[str, ...]) -> BlockEntry:
    boxes = [(box, box.to_pixels(page.width, page.height)) for box in block.boxes]
    return BlockEntry(
        label=block.label,
        boxes=tuple(
            Place(grid=(box.x1, box.y1, box.x2, box.y2), pixels=pixels, points=_points(pixels, page.dpi))
            for box, pixels in boxes
        ),
        format=format_of(block.label),
        text=block.content,
        confidence=block.confidence,
        level=block.level,
        uncertain=block.uncertain,
        figures=figures,
    )


def format_of(label: Label) -> Literal["markdown", "html", "latex"]:
    """How the content of a block is written."""
    if label is Label.TABLE:
        return "html"
    return "latex" if label is Label.EQUATION else "markdown"


def _line(line: TextLine, dpi: float) -> LineEntry:
    words = tuple(WordEntry(text=text, left=left, right=right) for left, right, text in line.words)
    return LineEntry(
        text=line.text, confidence=line.confidence, pixels=line.box, points=_points(line.box, dpi), words=words
    )


def _points(pixels: tuple[int, int, int, int], dpi: float) -> Corners:
    left, top, right, bottom = (round(value / dpi * _POINTS_PER_INCH, 2) for value in pixels)
    return left, top, right, bottom


def output_schema() -> dict[str, Any]:
    """The JSON Schema of output.json, as it ships in the package."""
    return published_schema(Document, "output.json")


def output_schema_json() -> str:
    """The schema as the text of its file."""
    return schema_text(output_schema())


if __name__ == "__main__":
    SCHEMA_FILE.write_text(output_schema_json(), encoding="utf-8")
