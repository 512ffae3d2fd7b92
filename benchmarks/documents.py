"""The PDFs that the benchmarks work on: made here, every page different, the same at every call; or given in a folder.

Pages that are equal to the one before cost the program a second look, so a benchmark of equal pages would measure
something that real documents seldom have.
"""

import io
import random
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pikepdf
from fpdf import FPDF
from PIL import Image, ImageDraw, ImageFont

from pdfocr_watcher.errors import PdfocrError
from pdfocr_watcher.pipeline.rendering import choose_rasterizers, effective_dpi, inspect_document

_A4 = (595.28, 841.89)
_MARGIN = 60.0
_TEXT = (
    "harbour committee winter berth library minutes objection meeting copper kettle baker birch street counter river "
    "miller stream wheel autumn summer paragraph figure table column reader folder picture engine paper letter number "
    "the a of and in to was that with for before during without between every several quiet long narrow late early"
)
_WORDS = _TEXT.split()
_LINES = 34
_SCAN_DPI = 150
_MAX_PIXELS = 40_000_000


@dataclass(frozen=True, slots=True)
class Document:
    """A PDF and how many pages it has."""

    path: Path
    pages: int


def text_pdf(pages: int, seed: int) -> bytes:
    """A4 pages of a full text layer, all different."""
    pdf = FPDF(unit="pt", format=_A4)
    pdf.set_auto_page_break(auto=False)
    for page in range(pages):
        pdf.add_page()
        pdf.set_font("helvetica", size=18)
        pdf.text(_MARGIN, 80, f"Report {seed}, page {page + 1}")
        pdf.set_font("helvetica", size=11)
        for row, line in enumerate(_text(seed, page)):
            pdf.text(_MARGIN, 120 + row * 20, line)
    return bytes(pdf.output())


def scan_pdf(pages: int, seed: int) -> bytes:
    """A4 pages of one gray, slightly dirty picture each (150 dpi, JPEG), all different."""
    made = [_scan(seed, page) for page in range(pages)]
    buffer = io.BytesIO()
    made[0].save(buffer, "PDF", resolution=_SCAN_DPI, save_all=True, append_images=made[1:], quality=80)
    return buffer.getvalue()


def make_documents(folder: Path, count: int, pages: int) -> list[Document]:
    """Documents in a folder, texts and scans by turns."""
    folder.mkdir(parents=True, exist_ok=True)
    made = []
    for number in range(count):
        maker, kind = (text_pdf, "text") if number % 2 == 0 else (scan_pdf, "scan")
        path = folder / f"{kind}-{number:02d}.pdf"
        path.write_bytes(maker(pages, number))
        made.append(Document(path, pages))
    return made


def make_letters(folder: Path, count: int) -> list[Path]:
    """One-page PDFs of a few hundred bytes of text, no two of the same content."""
    folder.mkdir(parents=True, exist_ok=True)
    made = []
    for number in range(count):
        pdf = FPDF(unit="pt", format=_A4)
        pdf.add_page()
        pdf.set_font("helvetica", size=12)
        for row, line in enumerate(_text(number, 0)[:6]):
            pdf.text(_MARGIN, 90 + row * 20, line)
        path = folder / f"letter-{number:05d}.pdf"
        path.write_bytes(bytes(pdf.output()))
        made.append(path)
    return made


def documents_in(folder: Path, dpi: int, max_pages: int) -> list[Document]:
    """The PDFs in a folder that both sides of a comparison render alike.

    Left out, with a line that says so: what cannot be opened, what has more than `max_pages`, and what has a page so
    large that the program renders it at a lower resolution.
    """
    rasterizers = choose_rasterizers("poppler")
    found = []
    for path in sorted(folder.glob("*.pdf")):
        try:
            sizes = inspect_document(rasterizers, path, max_pages, 60.0)
        except PdfocrError as error:
            print(f"left out: {path.name}: {error.code}")
            continue
        if any(effective_dpi(size, dpi, _MAX_PIXELS) != dpi or not size.width for size in sizes):
            print(f"left out: {path.name}: a page too large for {dpi} dpi, or without a size")
            continue
        found.append(Document(path, len(sizes)))
    return found


def first_pages(source: Path, pages: int, target: Path) -> Document:
    """The first pages of a PDF as a PDF of their own."""
    with pikepdf.open(source) as pdf:
        total = len(pdf.pages)
        if total <= pages:
            shutil.copyfile(source, target)
            return Document(target, total)
        del pdf.pages[pages:]
        pdf.save(target)
    return Document(target, pages)


def page_count(documents: Sequence[Document]) -> int:
    """The pages of all documents together."""
    return sum(document.pages for document in documents)


def _text(seed: int, page: int) -> list[str]:
    """The lines of a page."""
    choose = random.Random(f"{seed}/{page}")  # noqa: S311 - the same words at every call are wanted
    return [" ".join(choose.choices(_WORDS, k=12)).capitalize() + "." for _ in range(_LINES)]


def _scan(seed: int, page: int) -> Image.Image:
    width, height = (round(extent * _SCAN_DPI / 72) for extent in _A4)
    picture = Image.effect_noise((width, height), 6).point(lambda value: min(255, value + 118))
    draw = ImageDraw.Draw(picture)
    font = ImageFont.load_default(_SCAN_DPI / 7)
    draw.text((110, 110), f"Minutes {seed}, sheet {page + 1}", fill=30, font=ImageFont.load_default(_SCAN_DPI / 5))
    for row, line in enumerate(_text(seed, page)):
        draw.text((110, 190 + row * 44), line, fill=35, font=font)
    return picture
