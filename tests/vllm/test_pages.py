"""The pages of the tests' model are told apart by their tint whatever the pipeline does with them on their way."""

import io
from pathlib import Path

import pytest
from PIL import Image

from pdfocr_watcher.pipeline.rendering import PdfiumRasterizer, PopplerRasterizer, load_raster, poppler_installed
from tests.vllm.kit.pages import document, nearest_script, picture, read_tint
from tests.vllm.kit.scripts import SCRIPTS

NAMES = [name for name, script in SCRIPTS.items() if script.tint is not None]
LIMITS = (4_000_000_000, 40_000_000)
#: A quarter of the way to the next script's pages.
NEAR = 0.03


def as_jpeg(page: Image.Image) -> Image.Image:
    encoded = io.BytesIO()
    page.save(encoded, "JPEG", quality=95)
    return Image.open(encoded)


def assert_told_apart(pages: list[Image.Image]) -> None:
    assert [nearest_script(page) for page in pages] == NAMES
    assert [read_tint(page) for page in pages] == pytest.approx([SCRIPTS[name].tint for name in NAMES], abs=NEAR)


@pytest.mark.parametrize("renderer", [PdfiumRasterizer, PopplerRasterizer])
def test_pages_of_a_pdf_keep_their_tint(renderer: type, tmp_path: Path) -> None:
    if renderer is PopplerRasterizer and not poppler_installed():
        pytest.skip("poppler not installed; apt-get install poppler-utils")
    pdf = tmp_path / "pages.pdf"
    pdf.write_bytes(document(NAMES))
    rasters = renderer(*LIMITS).render(pdf, range(len(NAMES)), 144.0, tmp_path, 60)
    pages = [load_raster(rasters[page]) for page in range(len(NAMES))]
    assert_told_apart(pages)
    assert_told_apart([as_jpeg(page) for page in pages])


def test_pictures_keep_their_tint_when_they_are_made_smaller() -> None:
    assert_told_apart([as_jpeg(picture(name).resize((226, 320))) for name in NAMES])


def test_the_same_pages_are_the_same_bytes() -> None:
    assert document(["report", "loop"]) == document(["report", "loop"])
