"""`output_layouts.pdf`: the boxes are drawn where they are, and the PDF has each picture in its page's true size."""

import io
import itertools
import tracemalloc
from pathlib import Path

import pikepdf
import pypdfium2
import pytest
from PIL import Image

from pdfocr_watcher.document.layouts import (
    COLOURS,
    failed_layout_picture,
    layout_picture,
    page_points,
    write_layouts_pdf,
)
from pdfocr_watcher.document.model import Block, Box, FailedPage, Label, Page
from pdfocr_watcher.errors import ErrorCode, PdfocrError

A4 = Page(0, 1654, 2339, 200.0)


def picture(page: Page, raster: Image.Image | None = None, dpi: int = 100) -> Image.Image:
    raster = raster or Image.new("RGB", (page.width, page.height), "white")
    return Image.open(io.BytesIO(layout_picture(raster, page, dpi, 95)))


def near(pixel: object, colour: tuple[int, int, int], tolerance: int = 40) -> bool:
    assert isinstance(pixel, tuple)
    return all(abs(a - b) <= tolerance for a, b in zip(pixel, colour, strict=True))


def jpeg(size: tuple[int, int] = (40, 30), mode: str = "RGB", shade: int = 128) -> bytes:
    buffer = io.BytesIO()
    Image.new(mode, size, (shade,) * len(mode) if len(mode) > 1 else shade).save(buffer, "JPEG")
    return buffer.getvalue()


def test_a_picture_is_the_raster_made_smaller_by_a_whole_number() -> None:
    assert picture(A4, dpi=100).size == (827, 1170)
    assert picture(A4, dpi=150).size == (1654, 2339)
    assert picture(A4, dpi=60).size == (552, 780)
    assert picture(Page(0, 90, 40, 72.0), dpi=100).size == (90, 40)


@pytest.mark.parametrize("mode", ["RGB", "L", "1", "RGBA"])
def test_any_raster_gives_a_colour_picture(mode: str) -> None:
    drawn = picture(A4, Image.new(mode, (1654, 2339), "white"))
    assert (drawn.format, drawn.mode) == ("JPEG", "RGB")
    assert near(drawn.getpixel((400, 400)), (255, 255, 255), 2)


def test_a_raster_longer_than_a_jpeg_can_be_still_gives_a_picture() -> None:
    assert picture(Page(0, 70_000, 30, 72.0)).size == (35_000, 15)


def boxed(label: Label, box: Box) -> tuple[Image.Image, tuple[int, int, int, int]]:
    """A small page at a high resolution, so that outlines are wide enough for JPEG to keep their colour."""
    drawn = picture(Page(0, 1000, 1000, 400.0, (Block(label, (box,), "x"),)), dpi=400)
    return drawn, box.to_pixels(*drawn.size)


@pytest.mark.parametrize("label", list(Label))
def test_a_box_has_its_labels_colour_as_outline_and_a_light_fill(label: Label) -> None:
    drawn, (left, top, right, bottom) = boxed(label, Box(100, 300, 900, 700))
    assert drawn.size == (1000, 1000)
    across, down = (left + right) // 2, (top + bottom) // 2
    for edge in ((left + 3, down), (right - 3, down), (across, top + 3), (across, bottom - 3)):
        assert near(drawn.getpixel(edge), COLOURS[label]), edge
    inside = drawn.getpixel((across, down))
    assert not near(inside, (255, 255, 255), 5)
    assert near(inside, (255, 255, 255), 45)
    assert near(drawn.getpixel((across, bottom + 8)), (255, 255, 255), 4)


def test_a_title_has_a_thicker_outline() -> None:
    def thickness(label: Label) -> int:
        drawn, (_, _, _, bottom) = boxed(label, Box(100, 300, 900, 700))
        return sum(near(drawn.getpixel((600, bottom - row)), COLOURS[label], 60) for row in range(30))

    assert thickness(Label.TITLE) == 2 * thickness(Label.TEXT)


def has_name(drawn: Image.Image, left: int, top: int) -> bool:
    """Whether the middle of a name's tag, not of a light fill or of white, begins at this point."""
    part = drawn.crop((left + 10, top + 10, left + 70, top + 40)).convert("L")
    return sum(part.tobytes()) / len(part.tobytes()) < 190


def test_the_name_stands_above_the_box() -> None:
    drawn, (left, top, _, _) = boxed(Label.TEXT, Box(100, 300, 900, 700))
    assert has_name(drawn, left, top - 50)
    assert not has_name(drawn, left, top)


def test_the_name_stands_inside_of_a_box_at_the_top_of_the_page() -> None:
    drawn, (left, top, _, _) = boxed(Label.TEXT, Box(100, 0, 900, 700))
    assert has_name(drawn, left, top)


def test_the_name_of_a_narrow_box_at_the_right_edge_is_whole() -> None:
    drawn, (_, top, _, _) = boxed(Label.TEXT, Box(990, 300, 999, 700))
    assert has_name(drawn, drawn.width - 85, top - 50)


def test_the_labels_colours_can_be_told_apart() -> None:
    assert set(COLOURS) == set(Label)
    for one, other in itertools.combinations(COLOURS.values(), 2):
        assert sum(abs(a - b) for a, b in zip(one, other, strict=True)) >= 80, (one, other)


def test_boxes_of_no_size_and_at_the_edges_are_drawn_without_an_error() -> None:
    edges = (
        Box(0, 0, 0, 0),
        Box(999, 999, 999, 999),
        Box(0, 999, 999, 999),
        Box(999, 0, 999, 999),
        Box(0, 0, 999, 999),
    )
    blocks = tuple(Block(label, edges, "") for label in Label)
    for width, height in ((1654, 2339), (1, 1), (3, 400)):
        assert picture(Page(0, width, height, 200.0, blocks)).format == "JPEG"


def test_the_raster_stays_clean() -> None:
    raster = Image.new("RGB", (100, 100), "white")
    picture(Page(0, 100, 100, 72.0, (Block(Label.TABLE, (Box(100, 100, 800, 800),), ""),)), raster)
    assert raster.getcolors() == [(10_000, (255, 255, 255))]


def test_a_failed_page_is_a_white_page_of_the_right_shape_with_words_on_it() -> None:
    failed = FailedPage(2, "engine_timeout", "The engine took longer than its time limit.")
    drawn = Image.open(io.BytesIO(failed_layout_picture(failed, 595.28, 841.89, 100, 85)))
    assert drawn.size == (827, 1169)
    shades = drawn.convert("L").histogram()
    assert sum(shades[240:]) > 0.9 * 827 * 1169
    assert sum(shades[:100]) > 500


@pytest.mark.parametrize("size", [(14_400.0, 14_400.0), (1.0, 1.0), (0.5, 14_400.0), (20_000.0, 2.0)])
def test_a_failed_page_of_any_size_gives_a_small_picture(size: tuple[float, float]) -> None:
    drawn = Image.open(io.BytesIO(failed_layout_picture(FailedPage(0, "internal", "Why." * 200), *size, 600, 85)))
    assert max(drawn.size) <= 1200


def test_the_pdf_has_each_picture_in_its_pages_true_size(tmp_path: Path) -> None:
    stored = tmp_path / "second.jpg"
    stored.write_bytes(jpeg((10, 20), "L"))
    target = tmp_path / "output_layouts.pdf"
    write_layouts_pdf([(jpeg(), *page_points(A4)), (stored, 100.0, 200.5)], target)
    with pikepdf.open(target) as pdf:
        assert pdf.check_pdf_syntax() == []
        assert [[float(each) for each in page.mediabox] for page in pdf.pages] == [
            [0, 0, 595.44, 842.04],
            [0, 0, 100, 200.5],
        ]
        images = [page.Resources.XObject.Im0 for page in pdf.pages]
        assert [bytes(image.read_raw_bytes()) for image in images] == [jpeg(), stored.read_bytes()]
        assert [(int(image.Width), int(image.Height), image.ColorSpace) for image in images] == [
            (40, 30, pikepdf.Name.DeviceRGB),
            (10, 20, pikepdf.Name.DeviceGray),
        ]


def test_the_picture_fills_its_page(tmp_path: Path) -> None:
    target = tmp_path / "layouts.pdf"
    write_layouts_pdf([(jpeg(shade=90), 200.0, 100.0)], target)
    document = pypdfium2.PdfDocument(target)
    rendered = document[0].render(scale=1).to_pil().convert("L")
    document.close()
    assert rendered.size == (200, 100)
    assert all(abs(shade - 90) <= 3 for _, shade in rendered.getcolors())


def test_the_same_pictures_give_the_same_bytes(tmp_path: Path) -> None:
    page = Page(0, 1654, 2339, 200.0, (Block(Label.TITLE, (Box(100, 500, 900, 700),), "x"),))
    raster = Image.effect_noise((1654, 2339), 40).convert("RGB")
    for name in ("one", "other"):
        write_layouts_pdf([(layout_picture(raster, page, 100, 85), *page_points(page))] * 3, tmp_path / name)
    assert (tmp_path / "one").read_bytes() == (tmp_path / "other").read_bytes()
    assert b"Date" not in (tmp_path / "one").read_bytes()


def test_memory_does_not_grow_with_the_pages(tmp_path: Path) -> None:
    stored = tmp_path / "page.jpg"
    # Bytes after a JPEG's end belong to nothing; they only make it as large as a real page's.
    stored.write_bytes(jpeg() + bytes(200_000))
    target = tmp_path / "layouts.pdf"

    def peak(pages: int) -> int:
        tracemalloc.start()
        write_layouts_pdf(((stored, 595.0, 842.0) for _ in range(pages)), target)
        _, highest = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return highest

    few = peak(10)
    assert peak(400) < few + 500_000
    with pikepdf.open(target) as pdf:
        assert len(pdf.pages) == 400


@pytest.mark.parametrize(
    "content", [b"", b"\xff\xd8", b"\xff\xd8\xff\xd9", b"GIF89a" * 9, b"\xff\xd8\xff\xe0\x00\x00" * 9]
)
def test_what_is_no_jpeg_is_refused(content: bytes, tmp_path: Path) -> None:
    with pytest.raises(PdfocrError) as caught:
        write_layouts_pdf([(content, 10.0, 10.0)], tmp_path / "x.pdf")
    assert caught.value.code is ErrorCode.ASSEMBLY_FAILED


def test_a_jpeg_in_print_colours_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PdfocrError):
        write_layouts_pdf([(jpeg(mode="CMYK"), 10.0, 10.0)], tmp_path / "x.pdf")


def test_no_picture_makes_no_pdf(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="at least one page"):
        write_layouts_pdf([], tmp_path / "x.pdf")
