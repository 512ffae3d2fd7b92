"""The sample PDF: two pages of pictures, always the same."""

import io

import pikepdf
import pypdfium2

from pdfocr_watcher.cli.sample import sample_pdf


def test_the_sample_is_two_a4_pages_without_a_text_layer() -> None:
    document = pypdfium2.PdfDocument(sample_pdf())
    try:
        assert [tuple(round(side) for side in document[page].get_size()) for page in range(len(document))] == [
            (595, 842)
        ] * 2
        assert [document[page].get_textpage().get_text_bounded() for page in range(2)] == ["", ""]
        for page in range(2):
            shades = document[page].render(scale=1).to_pil().convert("L").histogram()
            assert sum(shades[:128]) > 4000, "there is something to read"
    finally:
        document.close()
    with pikepdf.open(io.BytesIO(sample_pdf())) as pdf:
        assert pdf.check_pdf_syntax() == []


def test_the_sample_is_the_same_every_time() -> None:
    assert sample_pdf() == sample_pdf()
