"""Figures: which rectangles of a page are cut out, what their files are called, and how one is cut out.

The one place that decides it: the links in the outputs and the files in `images/` both come from
`figure_crops`, so there is one file for each link. Where the files are written to is the caller's.
"""

import io
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pdfocr_watcher.document.model import Box, Label, Page

if TYPE_CHECKING:  # the Markdown writer needs the links, not Pillow
    from PIL import Image

#: The folder of the crops, relative to that of the outputs.
IMAGES_FOLDER = "images"
#: libjpeg writes no picture with a longer side.
JPEG_MAX_SIDE = 65_500


@dataclass(frozen=True, slots=True)
class FigureCrop:
    """One figure of a page.

    Attributes:
        page: the page's position in the document, counted from 0.
        number: the figure's position on the page, counted from 0 over all of its image blocks.
        block: position in `Page.blocks` of the block that the figure belongs to.
        rectangle: left, top, right, bottom in pixels of the page's raster; right and bottom are exclusive,
            the rectangle lies on the raster and holds at least one pixel.
    """

    page: int
    number: int
    block: int
    rectangle: tuple[int, int, int, int]

    @property
    def filename(self) -> str:
        """The name of the crop's file inside `images/`."""
        return f"{self.page}_{self.number}.jpg"

    @property
    def link(self) -> str:
        """Where an output that lies beside `images/` finds the crop."""
        return f"{IMAGES_FOLDER}/{self.filename}"


def figure_crops(page: Page) -> list[FigureCrop]:
    """The figures of a page in reading order: one for each box of each block labelled image.

    A box of no width or no height shows nothing and gives no figure; neither does a block without boxes.
    """
    shown = [
        (position, box)
        for position, block in enumerate(page.blocks)
        if block.label is Label.IMAGE
        for box in block.boxes
        if box.x1 < box.x2 and box.y1 < box.y2
    ]
    return [
        FigureCrop(page.index, number, position, _rectangle(box, page.width, page.height))
        for number, (position, box) in enumerate(shown)
    ]


def _rectangle(box: Box, width: int, height: int) -> tuple[int, int, int, int]:
    """The pixels of a box; on a raster coarser than the grid at least the one pixel that it falls on."""
    left, top, right, bottom = box.to_pixels(width, height)
    return left, top, max(right, left + 1), max(bottom, top + 1)


def save_crop(image: "Image.Image", crop: FigureCrop, quality: int) -> bytes:
    """Cut a figure out of its page's raster.

    Args:
        image: the clean raster, of the size that the page states; it is not changed.
        crop: the figure.
        quality: JPEG quality, 1..100.

    Returns:
        The file's content, a JPEG of the rectangle's size (smaller only where that is more than JPEG can hold).
    """
    cut = image.crop(crop.rectangle)
    if cut.mode not in {"L", "RGB"}:
        cut = cut.convert("RGB")
    factor = -(-max(cut.size) // JPEG_MAX_SIDE)
    if factor > 1:
        cut = cut.reduce(factor)
    buffer = io.BytesIO()
    cut.save(buffer, "JPEG", quality=quality)
    return buffer.getvalue()
