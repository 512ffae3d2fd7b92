"""What `engine.text_layer` makes of PDFs that have their words in them, and of those that have not."""

import io
from pathlib import Path

import pikepdf
from fpdf import FPDF

from tests import pdfs
from tests.end_to_end.harness import READING, Site
from tests.end_to_end.markup import pages_of, words

RUSSIAN = "Комитет собрался во вторник в старой библиотеке"


def _russian() -> bytes:
    """A page in a script that the embedded engine does not read."""
    pdf = FPDF()
    pdf.add_page()
    pdf.add_font("dejavu", fname="/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf")
    pdf.set_font("dejavu", size=14)
    pdf.text(20, 40, RUSSIAN)
    return bytes(pdf.output())


def _joined(*contents: bytes) -> bytes:
    whole = pikepdf.new()
    for content in contents:
        with pikepdf.open(io.BytesIO(content)) as part:
            whole.pages.extend(part.pages)
    buffer = io.BytesIO()
    whole.save(buffer)
    return buffer.getvalue()


def test_only_takes_the_words_as_they_are_and_names_the_pages_without(tmp_path: Path) -> None:
    engine = {**READING["engine"], "text_layer": "only", "max_concurrency": 1}
    site = Site(tmp_path / "site", {**READING, "engine": engine, "job": {"page_attempts": 1}})
    try:
        site.start()
        site.drop("mixed.pdf", _joined(_russian(), pdfs.image_only(), pdfs.born_digital()))
        job = site.result("mixed.pdf")
        assert job.status["status"] == "completed"
        assert [(page["page"], page["code"]) for page in job.status["failed_pages"]] == [(2, "text_layer_missing")]
        first, second, third = pages_of(job.text())
        assert words(first) == words(RUSSIAN)
        assert words(pdfs.SCAN_LINES[0])[0] not in words(second)
        assert words(third) == words(f"{pdfs.page_heading(1, 1)} {pdfs.PARAGRAPH}"), "without a slip"
        assert list(site.root.glob("**/*.text")) == [], "the layers go with the rasters"
    finally:
        site.close()
