"""PDFs for the tests, made when asked for: small, quick, the same bytes at every call, with texts that are known.

Each function gives the content of a file. Files that are no PDF at all, or broken ones, are made here too.
"""

import io
from collections.abc import Sequence
from datetime import UTC, datetime
from time import gmtime

import pikepdf
import pypdfium2
from fpdf import FPDF
from PIL import Image, ImageDraw, ImageFont

#: What `born_digital` says below its page heading.
PARAGRAPH = (
    "The quick brown fox jumps over the lazy dog while seven wizards quietly judge the boxing match. "
    "Every page of this document carries the same words, so that a test can tell what was read from what was not."
)

#: What `image_only` shows: it is in the pixels and nowhere else.
SCAN_LINES = (
    "Minutes of the harbour board",
    "The committee met on Tuesday in the old library.",
    "Seventeen boats had asked for a winter berth.",
    "Nobody objected and the meeting was closed.",
)

#: What `two_columns` says; in reading order all of LEFT_COLUMN comes before any of RIGHT_COLUMN.
LEFT_COLUMN = (
    "Copper kettles were hung above the stove. The baker rose before dawn and lit the oven with dry birch. "
    "By six the first loaves stood on the counter and the street smelled of rye."
)
RIGHT_COLUMN = (
    "Across the river a miller counted his sacks. Rain had swollen the stream and the great wheel turned all night. "
    "He slept little that autumn but he earned more than in the whole summer."
)

#: What `with_figure` says above and below its drawing.
FIGURE_INTRODUCTION = "The drawing below shows three bars of different height."
FIGURE_CAPTION = "Figure 1: Three bars in a frame."
#: Where `with_figure` has its drawing: left, top, right, bottom in points from the top left corner of an A4 page.
FIGURE_RECTANGLE = (120.0, 200.0, 480.0, 460.0)

_MADE = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
_A4_WIDTH, _A4_HEIGHT = 595.28, 841.89
_MARGIN = 60.0


def page_heading(page: int, pages: int) -> str:
    """The first line of a page of `born_digital`; `page` is counted from 1."""
    return f"Page {page} of {pages}"


def born_digital(pages: int = 1, text: str = PARAGRAPH) -> bytes:
    """A4 pages with a text layer: on each `page_heading` and below it the text."""
    pdf = _fpdf()
    for page in range(1, pages + 1):
        pdf.add_page()
        pdf.set_font("helvetica", size=20)
        pdf.text(_MARGIN, 90, page_heading(page, pages))
        pdf.set_font("helvetica", size=12)
        pdf.set_xy(_MARGIN, 120)
        pdf.multi_cell(_A4_WIDTH - 2 * _MARGIN, 18, text, align="L")
    return bytes(pdf.output())


def turned(content: bytes, turns: Sequence[int], dpi: int = 150) -> bytes:
    """A PDF's first page as a picture, once for each turn: 0, 90, 180 or 270 degrees clockwise, without a /Rotate."""
    with pypdfium2.PdfDocument(content) as document:
        upright = document[0].render(scale=dpi / 72).to_pil().convert("L")
    first, *others = [upright.rotate(-degrees, expand=True) for degrees in turns]
    buffer = io.BytesIO()
    first.save(buffer, "PDF", resolution=dpi, save_all=True, append_images=others, quality=90)
    return buffer.getvalue()


def image_only(lines: Sequence[str] = SCAN_LINES, pages: int = 1, dpi: int = 150) -> bytes:
    """A4 pages that are one gray picture each, like a scan: the lines, and nothing that could be copied."""
    font = ImageFont.load_default(dpi / 6)
    picture = Image.new("L", (round(_A4_WIDTH * dpi / 72), round(_A4_HEIGHT * dpi / 72)), 250)
    draw = ImageDraw.Draw(picture)
    for row, line in enumerate(lines):
        draw.text((dpi * 0.8, dpi * (0.8 + row * 0.3)), line, fill=20, font=font)
    buffer = io.BytesIO()
    made = gmtime(_MADE.timestamp())
    picture.save(
        buffer,
        "PDF",
        resolution=dpi,
        save_all=True,
        append_images=[picture] * (pages - 1),
        creationDate=made,
        modDate=made,
    )
    return buffer.getvalue()


def two_columns(left: str = LEFT_COLUMN, right: str = RIGHT_COLUMN) -> bytes:
    """An A4 page with two columns of text side by side, each line of one level with one of the other."""
    pdf = _fpdf()
    pdf.add_page()
    pdf.set_font("helvetica", size=12)
    gutter = 40.0
    width = (_A4_WIDTH - 2 * _MARGIN - gutter) / 2
    for number, text in enumerate((left, right)):
        pdf.set_xy(_MARGIN + number * (width + gutter), 90)
        pdf.multi_cell(width, 18, text, align="L")
    return bytes(pdf.output())


def with_figure() -> bytes:
    """An A4 page with a line of text, a drawing of filled bars in `FIGURE_RECTANGLE` and its caption."""
    pdf = _fpdf()
    pdf.add_page()
    pdf.set_font("helvetica", size=12)
    pdf.text(_MARGIN, 120, FIGURE_INTRODUCTION)
    left, top, right, bottom = FIGURE_RECTANGLE
    pdf.rect(left, top, right - left, bottom - top)
    for number, (height, colour) in enumerate(((90, (200, 60, 40)), (170, (40, 120, 200)), (130, (60, 150, 70)))):
        pdf.set_fill_color(*colour)
        pdf.rect(left + 40 + number * 110, bottom - 20 - height, 70, height, style="F")
    pdf.text(left, bottom + 30, FIGURE_CAPTION)
    return bytes(pdf.output())


def encrypted(password: str = "secret") -> bytes:  # noqa: S107 - a test's
    """A page that opens only with the password."""
    return _locked(user=password, owner=password)


def owner_locked() -> bytes:
    """A page that anyone may open, but only the owner may copy or print: it has to be read."""
    return _locked(user="", owner="owner")


def truncated(pages: int = 5) -> bytes:
    """The first three fifths of a document, as a broken transfer leaves them: no table, no end-of-file marker."""
    whole = born_digital(pages)
    return whole[: len(whole) * 3 // 5]


def no_pages() -> bytes:
    """A sound PDF with no page in it."""
    return _saved(pikepdf.new())


def damaged() -> bytes:
    """It begins and ends like a PDF; between, there is nothing that a renderer could open."""
    return b"%PDF-1.4\n" + b"this is not an object\n" * 200 + b"startxref\n7\n%%EOF\n"


def not_a_pdf() -> bytes:
    """A text that somebody called a PDF."""
    return b"Dear harbour board,\n\nthis is a letter and not a PDF.\n" * 20


def page_of_size(width_pt: float, height_pt: float) -> bytes:
    """One page of the given size in points, with a word on it."""
    pdf = _fpdf()
    pdf.add_page(format=(width_pt, height_pt))
    pdf.set_font("helvetica", size=12)
    pdf.text(min(20.0, width_pt / 4), min(40.0, height_pt / 2), "sized")
    return bytes(pdf.output())


def _fpdf() -> FPDF:
    """An empty document in points whose dates are fixed (its id follows from them)."""
    pdf = FPDF(unit="pt", format=(_A4_WIDTH, _A4_HEIGHT))
    pdf.set_creation_date(_MADE)
    pdf.set_auto_page_break(auto=False)
    return pdf


def _locked(user: str, owner: str) -> bytes:
    # RC4 needs no random vector, so the bytes stay the same; readers handle it like any other encryption.
    nothing = pikepdf.Permissions(
        extract=False, modify_annotation=False, modify_assembly=False, modify_form=False, modify_other=False,
        print_lowres=False, print_highres=False,
    )  # fmt: skip
    encryption = pikepdf.Encryption(user=user, owner=owner, R=3, aes=False, metadata=False, allow=nothing)
    with pikepdf.open(io.BytesIO(born_digital())) as pdf:
        return _saved(pdf, encryption)


def _saved(pdf: pikepdf.Pdf, encryption: pikepdf.Encryption | bool = False) -> bytes:
    buffer = io.BytesIO()
    pdf.save(buffer, static_id=True, encryption=encryption)
    return buffer.getvalue()
