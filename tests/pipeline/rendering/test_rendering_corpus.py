"""Every PDF of a collection ends within the limits: with pages, or with a code that says why not.

`PDFOCR_CORPUS` is a folder of PDFs, sub-folders included; hostile ones are the point.
"""

import os
import time
from pathlib import Path

import pytest

from pdfocr_watcher.errors import ErrorCode, PdfocrError
from pdfocr_watcher.pipeline.rendering import effective_dpi, load_raster

CORPUS = os.environ.get("PDFOCR_CORPUS")
TIMEOUT = 5.0
MAX_PIXELS = 10_000_000
OPENING = {
    ErrorCode.PDF_ENCRYPTED,
    ErrorCode.PDF_DAMAGED,
    ErrorCode.PDF_NO_PAGES,
    ErrorCode.PDF_TIMEOUT,
    ErrorCode.TOO_MANY_PAGES,
}
RENDERING = {ErrorCode.RENDER_FAILED, ErrorCode.RENDER_TIMEOUT}


@pytest.mark.corpus
@pytest.mark.skipif(CORPUS is None, reason="PDFOCR_CORPUS is not set")
@pytest.mark.parametrize("pdf", sorted(Path(CORPUS).rglob("*.pdf")) if CORPUS else [], ids=lambda pdf: pdf.name)
def test_every_document_ends_with_pages_or_a_code(make_rasterizer, pdf, folder):
    rasterizer = make_rasterizer(max_pixels=MAX_PIXELS)
    start = time.monotonic()
    try:
        size = rasterizer.inspect(pdf, 20_000, TIMEOUT)[0]
        pages = rasterizer.render(pdf, range(1), effective_dpi(size, 100, MAX_PIXELS), folder, TIMEOUT)
    except PdfocrError as error:
        assert error.code in OPENING | RENDERING  # noqa: PT017 - either end is good
        assert list(folder.iterdir()) == []
    else:
        with load_raster(pages[0]) as image:
            assert image.width * image.height <= MAX_PIXELS
        assert list(folder.iterdir()) == [pages[0]]
    assert time.monotonic() - start < 4 * TIMEOUT
