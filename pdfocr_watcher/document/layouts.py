"""Layout pictures: a page's raster, made smaller, with the labelled boxes drawn on it; and the PDF of them all.

A picture is drawn while its page's raster is there and kept as JPEG; `output_layouts.pdf` only puts the JPEGs
together (`document.jpeg_pdf`).
"""

import io
import textwrap
from collections.abc import Iterable
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from pdfocr_watcher.document.figures import JPEG_MAX_SIDE
from pdfocr_watcher.document.jpeg_pdf import Picture, write_jpeg_pdf
from pdfocr_watcher.document.model import Box, FailedPage, Label, Page

_POINTS_PER_INCH = 72
#: Longest side of a failed page's picture in pixels: it has a few words to show, whatever the page's size.
_FAILED_SIDE = 1_200

_FILL_OPACITY = 36  # of 255: the text below stays readable
_TAG_OPACITY = 225
_WHITE = (255, 255, 255)
_BLACK = (0, 0, 0)
_FAILED_COLOUR = (178, 24, 24)

#: The colour of each label, red, green, blue. They never change: people learn them.
COLOURS: dict[Label, tuple[int, int, int]] = {
    Label.TITLE: (208, 24, 32),
    Label.SUB_TITLE: (255, 127, 14),
    Label.TEXT: (31, 105, 200),
    Label.LIST: (0, 168, 181),
    Label.TABLE: (30, 140, 50),
    Label.TABLE_CAPTION: (128, 190, 60),
    Label.TABLE_FOOTNOTE: (84, 98, 30),
    Label.IMAGE: (130, 60, 190),
    Label.IMAGE_CAPTION: (230, 100, 195),
    Label.EQUATION: (140, 80, 60),
    Label.CODE: (40, 52, 60),
    Label.HEADER: (200, 165, 0),
    Label.FOOTER: (130, 130, 130),
    Label.PAGE_NUMBER: (12, 24, 130),
}


def page_points(page: Page) -> tuple[float, float]:
    """Width and height of a page in points, as its raster has them."""
    return page.width / page.dpi * _POINTS_PER_INCH, page.height / page.dpi * _POINTS_PER_INCH


def layout_picture(image: Image.Image, page: Page, layout_dpi: int, quality: int) -> bytes:
    """Draw the boxes of a page.

    The raster is made smaller by a whole number (a box filter, several times quicker than a resize), so the
    picture has at least `layout_dpi` where the raster has.

    Args:
        image: the clean raster, of the size that the page states; it is not changed.
        page: what was read.
        layout_dpi: wanted resolution of the picture in dots per inch.
        quality: JPEG quality, 1..100.

    Returns:
        A JPEG in RGB.
    """
    factor = max(1, int(page.dpi / layout_dpi), -(-max(image.size) // JPEG_MAX_SIDE))
    # Gray is made smaller before it becomes RGB, which is a third of the work; other modes cannot be reduced.
    picture = image if image.mode in {"L", "RGB"} else image.convert("RGB")
    picture = picture.reduce(factor) if factor > 1 else picture.copy()
    if picture.mode != "RGB":
        picture = picture.convert("RGB")
    if page.blocks:
        _draw_blocks(picture, page, page.dpi / factor)
    return _jpeg(picture, quality)


def failed_layout_picture(
    failed: FailedPage, width_pt: float, height_pt: float, layout_dpi: int, quality: int
) -> bytes:
    """A white page that says that the page in its place could not be read, and why.

    Args:
        failed: the page.
        width_pt: width of the page in points.
        height_pt: height of the page in points.
        layout_dpi: wanted resolution; very large pages get less.
        quality: JPEG quality, 1..100.

    Returns:
        A JPEG in RGB.
    """
    scale = min(layout_dpi / _POINTS_PER_INCH, _FAILED_SIDE / max(width_pt, height_pt))
    size = (max(1, round(width_pt * scale)), max(1, round(height_pt * scale)))
    picture = Image.new("RGB", size, _WHITE)
    draw = ImageDraw.Draw(picture)
    margin, font_size = size[0] / 12, max(8, size[0] // 32)
    font = ImageFont.load_default(font_size)
    lines = [f"Page {failed.index + 1} could not be read", f"({failed.code})", ""]
    # An average letter is half as wide as the font is high.
    lines += textwrap.wrap(failed.message, width=max(8, int((size[0] - 2 * margin) / (font_size / 2))))
    draw.rectangle((0, 0, size[0] - 1, size[1] - 1), outline=_FAILED_COLOUR, width=max(1, font_size // 6))
    for row, line in enumerate(lines):
        top = margin + row * font_size * 1.5
        draw.text((margin, top), line, fill=_FAILED_COLOUR if row == 0 else _BLACK, font=font)
    return _jpeg(picture, quality)


def write_layouts_pdf(pictures: Iterable[Picture], target: Path) -> None:
    """Write `output_layouts.pdf`: one page a picture, in the page's true size.

    The same pictures give the same bytes. Making the file durable and giving it its final name is the caller's.

    Args:
        pictures: JPEG (or its path), width and height in points, in page order; taken one at a time.
        target: the file to write; replaced if it is there.

    Raises:
        PdfocrError: `assembly_failed`: a picture is not a JPEG in gray or RGB.
        OSError: a file could not be read or written.
        ValueError: there is no picture.
    """
    with target.open("wb") as stream:
        write_jpeg_pdf(pictures, stream)


def _jpeg(picture: Image.Image, quality: int) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=quality)
    return buffer.getvalue()


def _draw_blocks(picture: Image.Image, page: Page, dpi: float) -> None:
    """Draw all boxes, then all names, so that no fill dims a name; sizes follow the picture's resolution."""
    draw = ImageDraw.Draw(picture, "RGBA")  # blends what is drawn with an opacity
    font = ImageFont.load_default(max(8, round(dpi / 9)))
    thin = max(1, round(dpi / 60))
    boxes = [(block.label, _on_picture(box, picture)) for block in page.blocks for box in block.boxes]
    for label, corners in boxes:
        outline = thin * 2 if label is Label.TITLE else thin
        draw.rectangle(corners, fill=(*COLOURS[label], _FILL_OPACITY), outline=COLOURS[label], width=outline)
    for label, corners in boxes:
        _draw_name(draw, label, corners, font, picture.width)


def _on_picture(box: Box, picture: Image.Image) -> tuple[int, int, int, int]:
    """A box's corners, all inclusive and on the picture."""
    left, top, right, bottom = box.to_pixels(picture.width, picture.height)
    most_right, most_bottom = picture.width - 1, picture.height - 1
    return min(left, most_right), min(top, most_bottom), min(right, most_right), min(bottom, most_bottom)


def _draw_name(
    draw: ImageDraw.ImageDraw,
    label: Label,
    corners: tuple[int, int, int, int],
    font: ImageFont.FreeTypeFont | ImageFont.ImageFont,
    picture_width: int,
) -> None:
    """Write the label's name on a tag in its colour: above the box, or inside where the page ends above it."""
    left, top, _, _ = corners
    name = label.value
    ink = draw.textbbox((0, 0), name, font=font)
    # All tags are equally high, with or without letters that hang below the line.
    text_height = draw.textbbox((0, 0), "_lpgy", font=font)[3]
    width, height = int(ink[2]) + 5, int(text_height) + 1
    left = max(0, min(left, picture_width - width))
    tag_top = top - height if top >= height else top
    draw.rectangle((left, tag_top, left + width - 1, tag_top + height - 1), fill=(*COLOURS[label], _TAG_OPACITY))
    draw.text((left + 2, tag_top), name, fill=_ink_on(COLOURS[label]), font=font)


def _ink_on(colour: tuple[int, int, int]) -> tuple[int, int, int]:
    """Black or white, whichever reads better on a colour (by its luma, ITU-R BT.601)."""
    red, green, blue = colour
    return _BLACK if 0.299 * red + 0.587 * green + 0.114 * blue > 140 else _WHITE  # noqa: PLR2004 - a little above the middle
