"""What a page's text layer says, and where: on the raster of either renderer, and of whatever a PDF may hold."""

import io
import json
from pathlib import Path

import numpy as np
import pikepdf
import pytest
from fpdf import FPDF

from pdfocr_watcher.analysis.text_layer import LayerWord, parse_layer, placed
from pdfocr_watcher.pipeline.rendering import TextLayers, layer_path, load_raster, read_layer
from tests import pdfs

TIMEOUT = 30.0
DPI = 100.0


@pytest.fixture
def layers(protection) -> TextLayers:
    return TextLayers(2_000_000_000, protection)


def lettered(*texts: str, rotate: int = 0, crop: tuple[float, ...] = (), content: bytes = b"") -> bytes:
    """A page of 400 x 300 points with lines in Helvetica, the first one 60 points below the top."""
    pdf = pikepdf.new()
    pdf.add_blank_page(page_size=(400, 300))
    page = pdf.pages[0]
    font = pikepdf.Dictionary(Type=pikepdf.Name.Font, Subtype=pikepdf.Name.Type1, BaseFont=pikepdf.Name.Helvetica)
    page.Resources = pikepdf.Dictionary(Font=pikepdf.Dictionary(F=font))
    lines = [f"BT /F 16 Tf 60 {240 - 40 * row} Td ({text}) Tj ET" for row, text in enumerate(texts)]
    page.Contents = pdf.make_stream("\n".join(lines).encode() + b"\n" + content)
    if rotate:
        page.Rotate = rotate
    if crop:
        page.CropBox = pikepdf.Array(crop)
    buffer = io.BytesIO()
    pdf.save(buffer)
    return buffer.getvalue()


def tell(layers: TextLayers, content: bytes, folder: Path, pages: int = 1) -> list[bytes]:
    """The layers' files of a document, empty where there is none."""
    pdf = folder.parent / "document.pdf"
    pdf.write_bytes(content)
    rasters = {index: folder / f"{index:04d}.ppm" for index in range(pages)}
    layers.tell(pdf, rasters)
    assert {path.name for path in folder.iterdir()} <= {layer_path(raster).name for raster in rasters.values()}
    return [read_layer(layer_path(raster)) for raster in rasters.values()]


def words(data: bytes) -> list[str]:
    layer = parse_layer(data)
    return [word.text for word in layer.words] if layer is not None else []


@pytest.mark.parametrize("rotate", [0, 90, 180, 270])
@pytest.mark.parametrize("crop", [(), (40, 60, 360, 280)], ids=["whole", "cropped"])
def test_every_word_stands_on_its_ink(rasterizer, layers, folder, rotate, crop):
    content = lettered("Harbour", "board", rotate=rotate, crop=crop)
    (data,) = tell(layers, content, folder)
    image = load_raster(rasterizer.render(folder.parent / "document.pdf", range(1), DPI, folder, TIMEOUT)[0])
    layer = parse_layer(data)
    assert layer is not None
    found = placed(layer, image.size, 0, 0.0)
    assert sorted((word.text, word.angle) for word in found) == [("Harbour", rotate), ("board", rotate)]
    ink = np.asarray(image.convert("L")) < 128
    for word in found:
        assert inside(ink, word, 2).sum() > 20
        ink[cut(word, 2)] = False
    assert not ink.any(), "no ink is outside of the boxes"


def cut(word: LayerWord, more: int) -> tuple[slice, slice]:
    return (
        slice(max(0, int(word.top) - more), int(word.bottom) + 1 + more),
        slice(max(0, int(word.left) - more), int(word.right) + 1 + more),
    )


def inside(ink: np.ndarray, word: LayerWord, more: int) -> np.ndarray:
    return ink[cut(word, more)]


def test_pages_are_told_in_one_go_and_their_words_in_order(layers, folder):
    first, second, beyond = tell(layers, pdfs.born_digital(2), folder, 3)
    assert words(first) == [*pdfs.page_heading(1, 2).split(), *pdfs.PARAGRAPH.split()]
    assert words(second)[:4] == pdfs.page_heading(2, 2).split()
    assert beyond == b""


def test_text_that_is_drawn_invisibly_counts(layers, folder):
    """So does the OCR layer of a scan."""
    (data,) = tell(layers, lettered(content=b"BT /F 16 Tf 3 Tr 60 100 Td (scanned) Tj ET"), folder)
    assert words(data) == ["scanned"]


def test_other_scripts_are_told(layers, folder):
    pdf = FPDF()
    pdf.add_page()
    pdf.add_font("dejavu", fname="/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf")
    pdf.set_font("dejavu", size=14)
    pdf.text(20, 40, "Комитет собрался")
    (data,) = tell(layers, bytes(pdf.output()), folder)
    assert words(data) == ["Комитет", "собрался"]


@pytest.mark.parametrize(
    "content",
    [pdfs.image_only(), pdfs.damaged(), pdfs.not_a_pdf(), pdfs.encrypted(), pdfs.no_pages(), b""],
    ids=["scan", "damaged", "no PDF", "locked", "no pages", "empty"],
)
def test_what_has_no_layer_has_none(layers, folder, content):
    (data,) = tell(layers, content, folder)
    assert words(data) == []


def test_a_page_that_no_renderer_finishes_costs_nothing_here(layers, folder, write_pdf, sheet, slow_content):
    (data,) = tell(layers, write_pdf(sheet(content=slow_content)).read_bytes(), folder)
    assert words(data) == []


def test_a_page_of_more_words_than_anybody_reads_has_no_layer_and_its_neighbour_has_one(layers, folder):
    row = "1 0 0 1 {} {} Tm (a b c d e f g h i j) Tj"
    rows = " ".join(row.format(number % 100, number // 100) for number in range(25_000))
    with (
        pikepdf.open(io.BytesIO(lettered(content=f"BT /F 1 Tf {rows} ET".encode()))) as pdf,
        pikepdf.open(io.BytesIO(pdfs.born_digital(2))) as other,
    ):
        pdf.pages.append(other.pages[1])
        buffer = io.BytesIO()
        pdf.save(buffer)
    first, second = tell(layers, buffer.getvalue(), folder, 2)
    assert words(first) == []
    assert words(second)[:4] == pdfs.page_heading(2, 2).split()


def test_what_is_no_plain_file_is_not_taken(layers, folder, monkeypatch):
    """Without Landlock the process could make anything."""

    def forge(args, *_: object):
        scratch = Path(args[-1])
        (scratch / "page-1.text").symlink_to("/etc/passwd")
        (scratch / "page-2.text").mkdir()
        (scratch / "page-3.text").write_text(json.dumps({"width": 1, "height": 1, "words": []}))
        return type("Outcome", (), {"returncode": 0})

    monkeypatch.setattr("pdfocr_watcher.pipeline.rendering.pdfium.run_bounded", forge)
    first, second, third = tell(layers, b"", folder, 3)
    assert (first, second) == (b"", b"")
    assert third
