"""PDFs for the tests of rendering, written by hand so that every oddity in them is meant."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from pdfocr_watcher.pipeline.rendering import (
    PdfiumRasterizer,
    PopplerRasterizer,
    Protection,
    Rasterizer,
    find_protection,
    poppler_installed,
)


@dataclass(frozen=True)
class Sheet:
    """A page: its boxes in points, its content stream and whatever else its dictionary holds."""

    width: float = 200
    height: float = 100
    content: bytes = b""
    entries: str = ""


WritePdf = Callable[..., Path]

#: A function-based shading whose every sample runs a long program: PDFium and poppler both work on it for minutes.
_SLOW_PROGRAM = b"{ add " + b"dup mul 0.31 add sin abs 57 mul " * 20_000 + b"sin abs }"


def build_pdf(sheets: Sequence[Sheet], *, count: int | None = None, info: str = "", catalog: str = "") -> bytes:
    """A PDF file with these pages; `count` is what its page tree claims."""
    objects: dict[int, bytes] = {}
    kids = " ".join(f"{10 + 2 * number} 0 R" for number in range(len(sheets)))
    objects[1] = f"<< /Type /Catalog /Pages 2 0 R {catalog} >>".encode()
    objects[2] = f"<< /Type /Pages /Kids [{kids}] /Count {len(sheets) if count is None else count} >>".encode()
    objects[3] = f"<< {info} >>".encode("latin-1")
    objects[4] = b"<< /ShadingType 1 /ColorSpace /DeviceGray /Function 5 0 R /Matrix [200 0 0 100 0 0] >>"
    objects[5] = b"<< /FunctionType 4 /Domain [0 1 0 1] /Range [0 1] /Length %d >>\nstream\n%s\nendstream" % (
        len(_SLOW_PROGRAM),
        _SLOW_PROGRAM,
    )
    for number, sheet in enumerate(sheets):
        page = 10 + 2 * number
        objects[page] = (
            f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 {sheet.width} {sheet.height}] {sheet.entries} "
            f"/Resources << /Shading << /Slow 4 0 R >> >> /Contents {page + 1} 0 R >>"
        ).encode()
        objects[page + 1] = b"<< /Length %d >>\nstream\n%s\nendstream" % (len(sheet.content), sheet.content)
    body = b"%PDF-1.7\n"
    offsets: dict[int, int] = {}
    for number, content in objects.items():
        offsets[number] = len(body)
        body += b"%d 0 obj\n%s\nendobj\n" % (number, content)
    table = b"".join(b"%d 1\n%010d 00000 n \n" % (number, offset) for number, offset in offsets.items())
    trailer = b"<< /Size %d /Root 1 0 R /Info 3 0 R >>" % (max(objects) + 1)
    return body + b"xref\n0 1\n0000000000 65535 f \n%strailer\n%s\nstartxref\n%d\n%%%%EOF\n" % (
        table,
        trailer,
        len(body),
    )


@pytest.fixture
def sheet() -> type[Sheet]:
    """The class of a page."""
    return Sheet


@pytest.fixture
def slow_content() -> bytes:
    """A content stream that no renderer finishes in minutes."""
    return b"/Slow sh"


@pytest.fixture
def write_pdf(tmp_path: Path) -> WritePdf:
    """Write a PDF of these sheets and give its path."""

    def write(*sheets: Sheet, name: str = "document.pdf", **options: object) -> Path:
        path = tmp_path / name
        path.write_bytes(build_pdf(sheets or [Sheet()], **options))  # type: ignore[arg-type]
        return path

    return write


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """An empty folder for rasters."""
    path = tmp_path / "rasters"
    path.mkdir()
    return path


MakeRasterizer = Callable[..., Rasterizer]


@pytest.fixture(scope="session")
def protection() -> Protection:
    """All that this system has to confine renderers."""
    return find_protection()


@pytest.fixture(
    params=[
        pytest.param(
            PopplerRasterizer,
            id="poppler",
            marks=pytest.mark.skipif(not poppler_installed(), reason="poppler is not installed"),
        ),
        pytest.param(PdfiumRasterizer, id="pdfium"),
    ]
)
def make_rasterizer(request: pytest.FixtureRequest, protection: Protection) -> MakeRasterizer:
    """Make a confined rasterizer of each kind, with limits that no good page meets unless told otherwise."""

    def make(memory_bytes: int = 2_000_000_000, max_pixels: int = 40_000_000) -> Rasterizer:
        return request.param(memory_bytes, max_pixels, protection)  # type: ignore[no-any-return]

    return make


@pytest.fixture
def rasterizer(make_rasterizer: MakeRasterizer) -> Rasterizer:
    """A rasterizer of each kind."""
    return make_rasterizer()
