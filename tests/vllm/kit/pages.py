"""Pages that the tests' model knows: filled with a script's tint, with dark lines of text.

The lines have the page's opposite colour, so that a page's tint stays the same however much is written on it, and
survives a renderer, a JPEG and a smaller picture. A page of a test's own keeps it as long as the colour reaches to all
edges and most of the page shows it. White pages are read as `report`.
"""

from collections.abc import Sequence
from datetime import UTC, datetime

import numpy as np
from fpdf import FPDF
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from tests.vllm.kit.scripts import SCRIPTS

#: A4 in points.
A4 = (595.28, 841.89)
#: A4 at 144 dpi, in pixels: the model takes it as a whole and in six pieces.
A4_PIXELS = (1191, 1684)

_MADE = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
_WORDS = "the quick brown fox jumps over the lazy dog while seven wizards judge the boxing match"
_LINES = 30

_Colour = tuple[int, int, int]


def paper(name: str) -> _Colour:
    """The colour of a script's pages: red, green, blue."""
    tint = SCRIPTS[name].tint
    assert tint is not None, "no page decides for this script"
    return (round(255 * (1 + min(tint, 0))), 255, round(255 * (1 - max(tint, 0))))


def ink(name: str) -> _Colour:
    """The colour of the text on them."""
    red, green, blue = (255 - value for value in paper(name))
    return red, green, blue


def document(names: Sequence[str], size: tuple[float, float] = A4) -> bytes:
    """A PDF with a page for each name, of a size in points; on the page stand its number and its script's name."""
    width, height = size
    pdf = FPDF(unit="pt", format=size)
    pdf.set_creation_date(_MADE)
    pdf.set_auto_page_break(auto=False)
    for number, name in enumerate(names, start=1):
        pdf.add_page()
        pdf.set_fill_color(*paper(name))
        pdf.rect(0, 0, width, height, style="F")
        pdf.set_text_color(*ink(name))
        pdf.set_font("helvetica", size=width / 50)
        for line in range(_LINES):
            pdf.text(width / 10, height * (line + 3) / (_LINES + 5), _line(number, name, line))
    return bytes(pdf.output())


def picture(name: str, size: tuple[int, int] = A4_PIXELS, number: int = 1) -> Image.Image:
    """The same as a picture of a size in pixels, without a renderer."""
    width, height = size
    page = Image.new("RGB", size, paper(name))
    draw = ImageDraw.Draw(page)
    font = ImageFont.load_default(width / 50)
    for line in range(_LINES):
        draw.text((width / 10, height * (line + 2.6) / (_LINES + 5)), _line(number, name, line), ink(name), font)
    return page


def read_tint(page: Image.Image) -> float:
    """The tint of a picture as the model measures it, but for its rounding."""
    pixels: NDArray[np.float64] = np.asarray(page.convert("RGB"), np.float64).reshape(-1, 3).mean(axis=0) / 127.5 - 1
    return float((pixels[0] - pixels[2]) / 2 / pixels[1])


def nearest_script(page: Image.Image) -> str:
    """The script that the model takes for a picture."""
    tint = read_tint(page)
    tints = {name: script.tint for name, script in SCRIPTS.items() if script.tint is not None}
    return min(tints, key=lambda name: abs(tints[name] - tint))


def _line(number: int, name: str, line: int) -> str:
    return f"page {number} ({name}), line {line + 1}: {_WORDS}"
