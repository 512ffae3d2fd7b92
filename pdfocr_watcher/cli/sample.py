"""The sample PDF that `init --sample` puts into the inbox: two pages of pictures, like a scan, drawn when asked for.

It has what the program reads: a title, two columns, a heading, a list and a figure with its caption. Made with
Pillow and its own font, so it needs no file in the package.
"""

import functools
import io
from collections.abc import Sequence

from PIL import Image, ImageDraw, ImageFont

from pdfocr_watcher.document.jpeg_pdf import write_jpeg_pdf

TITLE = "A folder that reads"

#: Paragraphs with a blank line between them.
COLUMNS = (
    """
    Put a PDF into the inbox and leave. The program waits until the file has stopped growing, moves it into a
    folder of its own and starts to read. Nobody has to press a button, and no other program has to be taught a new
    interface: whoever can save a file can use it.

    Each page is first drawn as a picture, just as a printer would see it. For that reason it makes no difference
    whether the letters were typed, printed or scanned: what the eye can see, the program can read.

    While it works, a small status file tells how many pages are done and how long the others may take. It is safe
    to look at that file at any moment.
    """,
    """
    The result appears in the outbox as one folder. There you find the text as Markdown, the same text with the
    place of every paragraph, the figures that were found, and a PDF on which all of these places are drawn in
    colour.

    Should the power fail in the middle of a long book, nothing is lost. The pages that were read are kept, and the
    work goes on with the first page that is missing. If one page cannot be read at all, the others are still
    delivered, and the result says which page it was.

    This sheet is a picture as well. It holds no text that could be copied, and all that you find in the outbox was
    read from its pixels.
    """,
)

LIST_HEADING = "What you find in the outbox"
LIST = (
    "output.mmd is the text in reading order.",
    "output_det.mmd adds the place of each block.",
    "output_layouts.pdf shows the blocks on their pages.",
    "images holds the figures that were found.",
    "status.json says how it went.",
)

FIGURE_HEADING = "A figure"
FIGURE_TEXT = (
    "A drawing cannot be turned into words. Where an engine finds one on a page, it is cut out, stored beside the"
    " text and linked at the place where it stood."
)
FIGURE_BARS = (("Mon", 42), ("Tue", 65), ("Wed", 30), ("Thu", 88), ("Fri", 71))
CAPTION = "Figure 1: Pages that came in during an invented week."

_DPI = 200
_WIDTH, _HEIGHT = 1654, 2339  # A4
_MARGIN = 170
_GUTTER = 80
_POINTS_PER_PIXEL = 72 / _DPI

_PAPER, _INK, _GRAY = 252, 24, 120
_TITLE_SIZE, _HEADING_SIZE, _BODY_SIZE, _SMALL_SIZE = 96, 54, 38, 28
_LINE_HEIGHT = 1.45  # of the font's size


def sample_pdf() -> bytes:
    """Two A4 pages at 200 dpi in gray; the same bytes at every call."""
    pages = [(_jpeg(page), _WIDTH * _POINTS_PER_PIXEL, _HEIGHT * _POINTS_PER_PIXEL) for page in _pages()]
    buffer = io.BytesIO()
    write_jpeg_pdf(pages, buffer)
    return buffer.getvalue()


def _pages() -> tuple[Image.Image, Image.Image]:
    return _first_page(), _second_page()


def _first_page() -> Image.Image:
    page, draw = _blank_page(1)
    top = _write(draw, TITLE, (_MARGIN, 200), _TITLE_SIZE) + 60
    draw.line((_MARGIN, top, _WIDTH - _MARGIN, top), fill=_INK, width=3)
    column_width = (_WIDTH - 2 * _MARGIN - _GUTTER) // 2
    for number, column in enumerate(COLUMNS):
        bottom = top + 60
        for paragraph in column.split("\n\n"):
            left = _MARGIN + number * (column_width + _GUTTER)
            bottom = _write(draw, paragraph, (left, bottom), _BODY_SIZE, column_width) + _BODY_SIZE
    return page


def _second_page() -> Image.Image:
    page, draw = _blank_page(2)
    width = _WIDTH - 2 * _MARGIN
    bottom = _write(draw, LIST_HEADING, (_MARGIN, 200), _HEADING_SIZE) + 30
    for number, item in enumerate(LIST, start=1):
        bottom = _write(draw, f"{number}. {item}", (_MARGIN + 20, bottom), _BODY_SIZE) + 8
    bottom = _write(draw, FIGURE_HEADING, (_MARGIN, bottom + 80), _HEADING_SIZE) + 30
    bottom = _write(draw, FIGURE_TEXT, (_MARGIN, bottom), _BODY_SIZE, width) + 70
    _chart(draw, (_MARGIN + 150, bottom, _WIDTH - _MARGIN - 150, bottom + 760))
    _write(draw, CAPTION, (_MARGIN + 150, bottom + 810), _SMALL_SIZE)
    return page


def _blank_page(number: int) -> tuple[Image.Image, ImageDraw.ImageDraw]:
    """A sheet with its page number at the foot."""
    page = Image.new("L", (_WIDTH, _HEIGHT), _PAPER)
    draw = ImageDraw.Draw(page)
    draw.text((_WIDTH / 2, _HEIGHT - 130), str(number), fill=_INK, font=_font(_SMALL_SIZE), anchor="ma")
    return page, draw


def _write(draw: ImageDraw.ImageDraw, text: str, corner: tuple[int, int], size: int, width: int | None = None) -> int:
    """Set a text in lines of at most `width` pixels, `corner` being left and top; returns where it ends."""
    left, top = corner
    for line in _wrapped(text, size, width):
        draw.text((left, top), line, fill=_INK, font=_font(size))
        top += round(size * _LINE_HEIGHT)
    return top


def _wrapped(text: str, size: int, width: int | None) -> Sequence[str]:
    """The text in lines, each as full as the width allows."""
    if width is None:
        return [text]
    lines = [""]
    for word in text.split():
        longer = f"{lines[-1]} {word}".lstrip()
        if lines[-1] and _font(size).getlength(longer) > width:
            lines.append(word)
        else:
            lines[-1] = longer
    return lines


def _chart(draw: ImageDraw.ImageDraw, corners: tuple[int, int, int, int]) -> None:
    """A bar chart in a frame: `FIGURE_BARS` with a scale up to 100."""
    left, top, right, bottom = corners
    draw.rectangle(corners, outline=_INK, width=3)
    base, origin, unit = bottom - 90, left + 130, (bottom - top - 170) / 100
    for value in range(0, 101, 25):
        height = base - value * unit
        draw.line((origin, height, right - 50, height), fill=_INK if value == 0 else 205, width=3)
        draw.text((origin - 20, height), str(value), fill=_INK, font=_font(_SMALL_SIZE), anchor="rm")
    step = (right - 50 - origin) / len(FIGURE_BARS)
    for number, (name, value) in enumerate(FIGURE_BARS):
        centre = origin + (number + 0.5) * step
        draw.rectangle(
            (centre - step / 4, base - value * unit, centre + step / 4, base), fill=_GRAY, outline=_INK, width=2
        )
        draw.text((centre, base + 20), name, fill=_INK, font=_font(_SMALL_SIZE), anchor="ma")


@functools.cache
def _font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    """The font that Pillow carries, `size` pixels high."""
    return ImageFont.load_default(size)


def _jpeg(page: Image.Image) -> bytes:
    buffer = io.BytesIO()
    page.save(buffer, "JPEG", quality=85)
    return buffer.getvalue()
