"""Both renderers give the same pages of the same size, and an answer for every bad document."""

import time
from contextlib import nullcontext
from pathlib import Path

import pikepdf
import psutil
import pytest

from pdfocr_watcher.errors import ErrorCode, PdfocrError
from pdfocr_watcher.pipeline.rendering import PageSize, load_raster

TIMEOUT = 30.0
#: Red at the lower left, in the page's own coordinates.
CORNER = b"1 0 0 rg 0 0 40 20 re f"
RED = (255, 0, 0)
WHITE = (255, 255, 255)


def render_one(rasterizer, pdf, folder, dpi=72.0):
    pages = rasterizer.render(pdf, range(1), dpi, folder, TIMEOUT)
    assert pages == {0: folder / "0000.ppm"}
    return load_raster(pages[0])


def code_of(call, *arguments) -> ErrorCode:
    with pytest.raises(PdfocrError) as caught:
        call(*arguments)
    return caught.value.code


@pytest.fixture(autouse=True)
def children_before() -> set[int]:
    """Processes of other tests' daemons, which are none of ours."""
    _CHILDREN.clear()
    _CHILDREN.update(child.pid for child in psutil.Process().children(recursive=True))
    return _CHILDREN


_CHILDREN: set[int] = set()


def children_left() -> list[psutil.Process]:
    return [child for child in psutil.Process().children(recursive=True) if child.pid not in _CHILDREN]


def assert_nothing_left(folder: Path) -> None:
    assert list(folder.iterdir()) == []
    assert children_left() == []


def test_pages_are_told_and_rendered_in_order(rasterizer, write_pdf, sheet, folder):
    pdf = write_pdf(sheet(200, 100), sheet(300, 400), sheet(595.28, 841.89))
    assert rasterizer.inspect(pdf, 10, TIMEOUT) == (
        PageSize(200, 100),
        PageSize(300, 400),
        PageSize(pytest.approx(595.28), pytest.approx(841.89)),
    )
    pages = rasterizer.render(pdf, range(1, 3), 100.0, folder, TIMEOUT)
    assert list(pages.items()) == [(1, folder / "0001.ppm"), (2, folder / "0002.ppm")]
    assert load_raster(pages[1]).size == (417, 556)
    assert sorted(folder.iterdir()) == list(pages.values())


def test_pages_beyond_the_last_are_absent(rasterizer, write_pdf, sheet, folder):
    pages = rasterizer.render(write_pdf(sheet(), sheet(), sheet()), range(1, 8), 72.0, folder, TIMEOUT)
    assert list(pages) == [1, 2]


def test_page_numbers_of_several_digits_are_kept(rasterizer, write_pdf, sheet, folder):
    pdf = write_pdf(*[sheet(20, 10)] * 120)
    pages = rasterizer.render(pdf, range(97, 102), 72.0, folder, TIMEOUT)
    assert [path.name for path in pages.values()] == ["0097.ppm", "0098.ppm", "0099.ppm", "0100.ppm", "0101.ppm"]


@pytest.mark.parametrize(
    ("rotation", "size", "corner"),
    [(0, (200, 100), (5, 95)), (90, (100, 200), (5, 5)), (180, (200, 100), (195, 5)), (270, (100, 200), (95, 195))],
)
def test_a_page_is_turned_as_its_reader_sees_it(rasterizer, write_pdf, sheet, folder, rotation, size, corner):
    pdf = write_pdf(sheet(200, 100, CORNER, f"/Rotate {rotation}"))
    assert rasterizer.inspect(pdf, 10, TIMEOUT) == (PageSize(*size),)
    image = render_one(rasterizer, pdf, folder)
    assert image.size == size
    assert image.getpixel(corner) == RED
    assert image.getpixel((size[0] - 1 - corner[0], size[1] - 1 - corner[1])) == WHITE


def test_a_page_is_its_crop_box(rasterizer, write_pdf, sheet, folder):
    pdf = write_pdf(sheet(200, 100, CORNER, "/CropBox [20 10 120 60] /Rotate 90"))
    assert rasterizer.inspect(pdf, 10, TIMEOUT) == (PageSize(50, 100),)
    image = render_one(rasterizer, pdf, folder)
    assert image.size == (50, 100)
    assert image.getpixel((3, 10)) == RED
    assert image.getpixel((20, 10)) == WHITE


@pytest.mark.parametrize("dpi", [0.00005, 0.0123, 36.0, 72.5, 199.99, 200.0])
def test_the_raster_has_the_pixels_that_were_foreseen(rasterizer, write_pdf, sheet, folder, dpi):
    size = PageSize(595.276, 841.89) if dpi > 1 else PageSize(5e4 / dpi, 1e4 / dpi)
    image = render_one(rasterizer, write_pdf(sheet(size.width, size.height)), folder, dpi)
    width, height = size.pixels(dpi)
    assert abs(image.width - width) <= 1
    assert abs(image.height - height) <= 1


def test_form_fields_and_annotations_are_shown(rasterizer, write_pdf, sheet, folder):
    look = "/AP << /N {0} 0 R >>"
    pdf = write_pdf(
        sheet(200, 100, b"", f"/Annots [ << /Subtype /Widget /FT /Tx /T (f) /Rect [0 0 40 20] {look.format(12)} >> ]"),
        catalog=f"/AcroForm << /Fields [ << /Subtype /Widget /FT /Tx /T (g) /Rect [0 0 1 1] {look.format(12)} >> ] >>",
    )
    with pikepdf.open(pdf, allow_overwriting_input=True) as document:
        picture = document.make_stream(b"1 0 0 rg 0 0 40 20 re f")
        picture.update({"/Subtype": pikepdf.Name.Form, "/BBox": [0, 0, 40, 20]})
        field = document.make_indirect(document.pages[0].Annots[0])
        field.AP = pikepdf.Dictionary(N=picture)
        stamp = document.make_indirect(
            pikepdf.Dictionary(Subtype=pikepdf.Name.Stamp, Rect=[160, 80, 200, 100], AP=pikepdf.Dictionary(N=picture))
        )
        document.pages[0].Annots = pikepdf.Array([field, stamp])
        document.Root.AcroForm = pikepdf.Dictionary(Fields=[field])
        document.save()
    image = render_one(rasterizer, pdf, folder)
    assert image.getpixel((10, 90)) == RED
    assert image.getpixel((190, 10)) == RED
    assert image.getpixel((100, 50)) == WHITE


@pytest.mark.parametrize("name", ["-gray", "with space.pdf", "quote'\"$(id).pdf", "größe.pdf", b"latin-\xe9.pdf"])
def test_the_name_of_a_file_is_only_a_name(rasterizer, write_pdf, folder, name, monkeypatch, tmp_path):
    name = name.decode("utf-8", "surrogateescape") if isinstance(name, bytes) else name
    write_pdf(name=name)
    monkeypatch.chdir(tmp_path)
    assert len(rasterizer.inspect(Path(name), 10, TIMEOUT)) == 1
    assert render_one(rasterizer, Path(name), folder).size == (200, 100)


def encrypt(pdf: Path, **passwords: str) -> Path:
    with pikepdf.open(pdf, allow_overwriting_input=True) as document:
        document.save(encryption=pikepdf.Encryption(R=6, **passwords))
    return pdf


def test_a_document_that_asks_for_a_password_is_refused_as_encrypted(rasterizer, write_pdf, folder):
    pdf = encrypt(write_pdf(), user="secret", owner="other")
    assert code_of(rasterizer.inspect, pdf, 10, TIMEOUT) is ErrorCode.PDF_ENCRYPTED
    assert code_of(rasterizer.render, pdf, range(1), 72.0, folder, TIMEOUT) is ErrorCode.RENDER_FAILED
    assert_nothing_left(folder)


def test_a_document_that_only_its_owner_may_change_is_read(rasterizer, write_pdf, sheet, folder):
    pdf = encrypt(write_pdf(sheet(200, 100, CORNER)), user="", owner="other")
    assert rasterizer.inspect(pdf, 10, TIMEOUT) == (PageSize(200, 100),)
    assert render_one(rasterizer, pdf, folder).getpixel((5, 95)) == RED


@pytest.mark.parametrize("data", [b"", b"%PDF-1.7", b"%PDF-1.7\n" + b"\xe2\x00garbage\n" * 500, b"<html></html>"])
def test_a_document_beyond_repair_is_damaged(rasterizer, tmp_path, folder, data):
    pdf = tmp_path / "damaged.pdf"
    pdf.write_bytes(data)
    assert code_of(rasterizer.inspect, pdf, 10, TIMEOUT) is ErrorCode.PDF_DAMAGED
    assert code_of(rasterizer.render, pdf, range(8), 72.0, folder, TIMEOUT) is ErrorCode.RENDER_FAILED
    assert_nothing_left(folder)


def test_a_document_that_lost_its_table_is_repaired(rasterizer, write_pdf, sheet, folder):
    pdf = write_pdf(sheet(200, 100, CORNER))
    pdf.write_bytes(pdf.read_bytes().split(b"xref\n")[0] + b"trailer\n<< /Root 1 0 R >>\n")
    assert rasterizer.inspect(pdf, 10, TIMEOUT) == (PageSize(200, 100),)
    assert render_one(rasterizer, pdf, folder).getpixel((5, 95)) == RED


def test_a_document_without_pages_is_told_from_a_damaged_one(rasterizer, write_pdf, tmp_path):
    pdf = write_pdf()
    with pikepdf.open(pdf) as document:
        del document.pages[0]
        document.save(tmp_path / "none.pdf")
    assert code_of(rasterizer.inspect, tmp_path / "none.pdf", 10, TIMEOUT) is ErrorCode.PDF_NO_PAGES


def test_a_document_that_is_gone_is_told_from_a_damaged_one(rasterizer, tmp_path, folder):
    pdf = tmp_path / "gone.pdf"
    assert code_of(rasterizer.inspect, pdf, 10, TIMEOUT) is ErrorCode.INPUT_MISSING
    assert code_of(rasterizer.render, pdf, range(1), 72.0, folder, TIMEOUT) is ErrorCode.INPUT_MISSING


def test_a_document_with_more_pages_than_allowed_is_refused(rasterizer, write_pdf, sheet):
    pdf = write_pdf(*[sheet()] * 5)
    assert len(rasterizer.inspect(pdf, 5, TIMEOUT)) == 5
    assert code_of(rasterizer.inspect, pdf, 4, TIMEOUT) is ErrorCode.TOO_MANY_PAGES


def test_a_document_that_claims_two_billion_pages_is_answered_at_once(rasterizer, write_pdf, sheet):
    pdf = write_pdf(sheet(), count=2_000_000_000)
    start = time.monotonic()
    with pytest.raises(PdfocrError) if rasterizer.name == "poppler" else nullcontext() as caught:
        assert len(rasterizer.inspect(pdf, 1000, TIMEOUT)) == 1
    assert caught is None or caught.value.code is ErrorCode.PDF_DAMAGED
    assert time.monotonic() - start < 10


def test_what_a_document_says_of_itself_is_not_taken_for_its_pages(rasterizer, write_pdf, sheet):
    title = r"Report\nPages:           99\nPage    1 size: 1 x 1 pts\nPage    1 rot:   90"
    assert rasterizer.inspect(write_pdf(sheet(200, 100), info=f"/Title ({title})"), 10, TIMEOUT) == (
        PageSize(200, 100),
    )


def test_a_title_of_megabytes_does_not_push_out_the_pages(rasterizer, write_pdf, sheet):
    pdf = write_pdf(sheet(200, 100), info=f"/Title ({'x' * 5_000_000})")
    assert rasterizer.inspect(pdf, 10, TIMEOUT) == (PageSize(200, 100),)


def test_a_page_that_hangs_costs_neither_the_pages_before_it_nor_the_time_limit(
    rasterizer, write_pdf, sheet, slow_content, folder
):
    pdf = write_pdf(sheet(200, 100, CORNER), sheet(200, 100, slow_content), sheet())
    start = time.monotonic()
    pages = rasterizer.render(pdf, range(3), 150.0, folder, 1.5)
    assert time.monotonic() - start < 6
    assert list(pages) == [0]
    assert sorted(folder.iterdir()) == [folder / "0000.ppm"]
    assert children_left() == []


def test_a_page_that_hangs_alone_is_a_timeout(rasterizer, write_pdf, sheet, slow_content, folder):
    pdf = write_pdf(sheet(200, 100, slow_content))
    assert code_of(rasterizer.render, pdf, range(1), 150.0, folder, 1.0) is ErrorCode.RENDER_TIMEOUT
    assert_nothing_left(folder)


def test_a_page_that_cannot_be_loaded_is_absent_and_not_the_page_before_once_more(rasterizer, write_pdf, sheet, folder):
    pdf = write_pdf(sheet(200, 100, CORNER), sheet(), sheet())
    # The second and third child of the page tree are now the tree itself.
    pdf.write_bytes(pdf.read_bytes().replace(b"[10 0 R 12 0 R 14 0 R", b"[10 0 R 02 0 R 02 0 R"))
    assert rasterizer.inspect(pdf, 10, TIMEOUT) == (PageSize(200, 100), PageSize(0, 0), PageSize(0, 0))
    assert rasterizer.render(pdf, range(3), 72.0, folder, TIMEOUT) == {0: folder / "0000.ppm"}
    assert list(folder.iterdir()) == [folder / "0000.ppm"]
    assert code_of(rasterizer.render, pdf, range(1, 3), 72.0, folder, TIMEOUT) is ErrorCode.RENDER_FAILED


def test_blank_pages_in_a_row_are_all_there(rasterizer, write_pdf, sheet, folder):
    pages = rasterizer.render(write_pdf(*[sheet()] * 4), range(4), 72.0, folder, TIMEOUT)
    assert list(pages) == [0, 1, 2, 3]


def test_a_page_that_needs_more_memory_than_allowed_fails(make_rasterizer, write_pdf, sheet, folder):
    pdf = write_pdf(sheet(1000, 1000))
    small = make_rasterizer(memory_bytes=150_000_000, max_pixels=200_000_000)
    assert code_of(small.render, pdf, range(1), 720.0, folder, TIMEOUT) is ErrorCode.RENDER_FAILED
    assert_nothing_left(folder)
    assert list(small.render(pdf, range(1), 72.0, folder, TIMEOUT)) == [0]
    large = make_rasterizer(memory_bytes=2_000_000_000, max_pixels=200_000_000)
    assert list(large.render(pdf, range(1), 720.0, folder, TIMEOUT)) == [0]


def test_a_page_that_is_larger_than_foreseen_fails(make_rasterizer, write_pdf, sheet, folder):
    pdf = write_pdf(sheet(100, 100), sheet(1000, 1000), sheet(100, 100))
    rasterizer = make_rasterizer(max_pixels=500_000)
    # Poppler's process ends there; PDFium's goes on.
    expected = [0] if rasterizer.name == "poppler" else [0, 2]
    assert list(rasterizer.render(pdf, range(3), 72.0, folder, TIMEOUT)) == expected
    assert code_of(rasterizer.render, pdf, range(1, 2), 72.0, folder, TIMEOUT) is ErrorCode.RENDER_FAILED
    assert [int(path.stem) for path in sorted(folder.iterdir())] == expected


def test_a_new_raster_takes_the_place_of_an_old_one(rasterizer, write_pdf, folder):
    (folder / "0000.ppm").write_bytes(b"old")
    assert render_one(rasterizer, write_pdf(), folder).size == (200, 100)


def test_a_folder_that_is_gone_is_the_storage_s_failure(rasterizer, write_pdf, tmp_path):
    code = code_of(rasterizer.render, write_pdf(), range(1), 72.0, tmp_path / "gone", TIMEOUT)
    assert code is ErrorCode.STORAGE_FAILED
