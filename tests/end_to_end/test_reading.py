"""What the embedded engine reads of documents whose words are known: all of them, in order, none run together."""

import pikepdf
import pytest

from pdfocr_watcher.cli import sample
from tests import pdfs
from tests.end_to_end.harness import Site
from tests.end_to_end.markup import in_order, marked_boxes, pages_of, words

#: Of a hundred words the engine may get this many wrong.
_SLIPS = 3


def _read(site: Site, name: str, content: bytes) -> str:
    site.drop(name, content, into="reading")
    job = site.result(f"reading/{name}")
    assert job.status["status"] == "completed"
    assert job.status["failed_pages"] == []
    return "\n\n".join(pages_of(job.text()))


@pytest.mark.parametrize(
    ("name", "content", "wanted"),
    [
        ("born digital.pdf", pdfs.born_digital(), pdfs.PARAGRAPH),
        ("scan.pdf", pdfs.image_only(), " ".join(pdfs.SCAN_LINES)),
        ("columns.pdf", pdfs.two_columns(), f"{pdfs.LEFT_COLUMN} {pdfs.RIGHT_COLUMN}"),
    ],
    ids=["born-digital", "image-only", "two columns"],
)
def test_the_words_are_there_in_order(reading_site: Site, name: str, content: bytes, wanted: str) -> None:
    found, expected = words(_read(reading_site, name, content)), words(wanted)
    assert in_order(expected, found) >= 1 - _SLIPS / 100
    assert len(found) <= len(expected) * (1 + _SLIPS / 100), "no line is doubled and nothing is made up"


def test_pages_that_were_scanned_on_their_side_or_upside_down_are_read(reading_site: Site) -> None:
    reading_site.drop("turned.pdf", pdfs.turned(pdfs.two_columns(), (0, 90, 180, 270)), into="reading")
    job = reading_site.result("reading/turned.pdf")
    expected = words(f"{pdfs.LEFT_COLUMN} {pdfs.RIGHT_COLUMN}")
    for page in pages_of(job.text()):
        assert in_order(expected, words(page)) >= 1 - _SLIPS / 100
    with pikepdf.open(job.folder / "output_layouts.pdf") as layouts:
        assert all(float(page.mediabox[2]) < float(page.mediabox[3]) for page in layouts.pages), "as a reader sees them"


def test_a_column_is_read_to_its_end_before_the_next(reading_site: Site) -> None:
    text = _read(reading_site, "two.pdf", pdfs.two_columns(left="ALPHA " * 60, right="OMEGA " * 60))
    last_left, first_right = text.rindex("ALPHA"), text.index("OMEGA")
    assert last_left < first_right


def test_the_sample_is_read_well(reading_site: Site) -> None:
    """It is the first thing that a new user sees."""
    text = _read(reading_site, "sample.pdf", sample.sample_pdf())
    prose = " ".join((sample.TITLE, *sample.COLUMNS, sample.LIST_HEADING, *sample.LIST, sample.FIGURE_HEADING))
    assert in_order(words(prose), words(text)) >= 1 - _SLIPS / 100
    headings = [line.lstrip("# ") for line in text.splitlines() if line.startswith("#")]
    assert headings == [sample.TITLE, sample.LIST_HEADING, sample.FIGURE_HEADING]


def test_a_caption_and_an_introduction_stand_around_their_figure(reading_site: Site) -> None:
    found = words(_read(reading_site, "figure.pdf", pdfs.with_figure()))
    wanted = words(f"{pdfs.FIGURE_INTRODUCTION} {pdfs.FIGURE_CAPTION}")
    assert in_order(wanted, found) >= 1 - _SLIPS / 100


def test_each_page_holds_its_own_words(reading_site: Site) -> None:
    reading_site.drop("pages.pdf", pdfs.born_digital(3), into="reading")
    job = reading_site.result("reading/pages.pdf")
    for number, page in enumerate(pages_of(job.text("output_det.mmd")), start=1):
        assert in_order(words(pdfs.page_heading(number, 3)), words(page)) == 1
    assert all(in_order(words(pdfs.PARAGRAPH), words(page)) == 1 for page in pages_of(job.text()))
    assert {label for label, _ in marked_boxes(job.text("output_det.mmd"))} >= {"text"}
