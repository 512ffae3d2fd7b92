"""Which renderer is used, and what becomes of a document that the first one cannot open."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pikepdf
import pytest

from pdfocr_watcher.errors import ErrorCode, PdfocrError
from pdfocr_watcher.pipeline.rendering import (
    PageSize,
    PdfiumRasterizer,
    PopplerRasterizer,
    choose_rasterizers,
    inspect_document,
    pdfium_child,
    poppler_installed,
)

needs_poppler = pytest.mark.skipif(not poppler_installed(), reason="poppler is not installed")


def names(choice):
    return [rasterizer.name for rasterizer in choose_rasterizers(choice)]


@needs_poppler
def test_poppler_comes_first_and_pdfium_helps_out():
    assert names("auto") == ["poppler", "pdfium"]
    assert names("poppler") == ["poppler"]
    assert names("pdfium") == ["pdfium"]


def test_without_poppler_pdfium_does_it_all(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert names("auto") == ["pdfium"]
    with pytest.raises(PdfocrError):
        choose_rasterizers("poppler")


@needs_poppler
def test_a_document_is_opened_by_the_renderer_that_can(write_pdf, sheet):
    pdf = write_pdf(sheet(200, 100), count=2_000_000_000)
    both = (PopplerRasterizer(2_000_000_000, 1_000_000), PdfiumRasterizer(2_000_000_000, 1_000_000))
    with pytest.raises(PdfocrError) as caught:
        both[0].inspect(pdf, 10, 30)
    assert caught.value.code is ErrorCode.PDF_DAMAGED
    assert inspect_document(both, pdf, 10, 30) == (PageSize(200, 100),)


def test_a_document_that_none_can_open_has_the_first_one_s_reason(tmp_path):
    pdf = tmp_path / "damaged.pdf"
    pdf.write_bytes(b"%PDF-1.7")
    with pytest.raises(PdfocrError) as caught:
        inspect_document(choose_rasterizers("auto"), pdf, 10, 30)
    assert caught.value.code is ErrorCode.PDF_DAMAGED


def test_a_password_is_asked_for_by_the_document_and_not_by_a_renderer(write_pdf, tmp_path):
    with pikepdf.open(write_pdf()) as document:
        document.save(tmp_path / "locked.pdf", encryption=pikepdf.Encryption(user="secret", owner="other"))
    with pytest.raises(PdfocrError) as caught:
        inspect_document(choose_rasterizers("auto"), tmp_path / "locked.pdf", 10, 30)
    assert caught.value.code is ErrorCode.PDF_ENCRYPTED


def test_the_word_of_any_renderer_that_a_password_is_needed_is_believed(write_pdf):
    pdf = write_pdf()
    # Sealed for the holder of a certificate: poppler only says that it cannot open it.
    handler = b"trailer\n<< /Encrypt << /Filter /Adobe.PubSec /SubFilter /adbe.pkcs7.s5 /V 4 /R 4 >> /ID [<00> <00>] "
    pdf.write_bytes(pdf.read_bytes().replace(b"trailer\n<< ", handler))
    with pytest.raises(PdfocrError) as caught:
        inspect_document(choose_rasterizers("auto"), pdf, 10, 30)
    assert caught.value.code is ErrorCode.PDF_ENCRYPTED


def test_too_many_pages_are_not_shown_to_a_renderer_that_might_see_fewer(write_pdf, sheet):
    class SeesOne(PdfiumRasterizer):
        def inspect(self, pdf, max_pages, timeout):
            del pdf, max_pages, timeout
            return (PageSize(1, 1),)

    pdfium = PdfiumRasterizer(2_000_000_000, 1_000_000)
    with pytest.raises(PdfocrError) as caught:
        inspect_document((pdfium, SeesOne(1, 1)), write_pdf(*[sheet()] * 3), 2, 30)
    assert caught.value.code is ErrorCode.TOO_MANY_PAGES


def test_many_documents_are_rendered_at_a_time(write_pdf, sheet, tmp_path):
    pdfs = [write_pdf(*[sheet(100 + number, 100)] * 3, name=f"{number}.pdf") for number in range(8)]
    rasterizers = choose_rasterizers("auto")

    def render(pdf: Path) -> list[int]:
        folder = tmp_path / pdf.stem
        folder.mkdir()
        return [index for rasterizer in rasterizers for index in rasterizer.render(pdf, range(3), 72.0, folder, 60)]

    with ThreadPoolExecutor(8) as pool:
        assert all(found == [0, 1, 2] * len(rasterizers) for found in pool.map(render, pdfs))


def test_pdfium_s_process_loads_neither_pillow_nor_numpy_nor_this_program():
    script = (
        "import runpy, sys; runpy.run_path(sys.argv[1], run_name='child'); "
        "print([name for name in ('PIL', 'numpy', 'pdf2image', 'pdfocr_watcher') if name in sys.modules])"
    )
    args = [sys.executable, "-I", "-c", script, pdfium_child.__file__]
    assert subprocess.run(args, capture_output=True, check=True, text=True).stdout == "[]\n"
