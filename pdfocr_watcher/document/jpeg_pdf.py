"""A PDF of JPEG pictures, one a page, written as a stream: memory holds one picture, however many there are.

The pictures go in as they are (DCTDecode), nothing is decoded. There is no date, no random id and no name of a
producer in the file, so the same pictures give the same bytes. What the pictures show is not decided here.
"""

from collections.abc import Iterable
from pathlib import Path
from typing import BinaryIO

from pdfocr_watcher.errors import ErrorCode, PdfocrError

#: A JPEG, or the file that holds it, and the width and height of its page in points.
Picture = tuple[Path | bytes, float, float]

#: Objects 1 and 2 are the catalog and the page tree; each page has three: page, content, picture.
_FIRST_PAGE = 3
_OBJECTS_PER_PAGE = 3

_COLOUR_SPACES = {1: "/DeviceGray", 3: "/DeviceRGB"}
_START_OF_IMAGE = b"\xff\xd8"
#: The markers that carry the picture's size: start of frame, baseline or progressive, Huffman or arithmetic.
_START_OF_FRAME = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}


def write_jpeg_pdf(pictures: Iterable[Picture], stream: BinaryIO) -> None:
    """Write a PDF with one page a picture, which fills it.

    Args:
        pictures: in page order; taken one at a time.
        stream: where the file is written to, from its current position, which is taken for 0.

    Raises:
        PdfocrError: `assembly_failed`: a picture is not a JPEG in gray or RGB.
        OSError: a picture could not be read, or the stream not written.
        ValueError: there is no picture, and a PDF cannot be without pages.
    """
    writer = _Writer(stream)
    pages = 0
    for source, width, height in pictures:
        _write_page(writer, _FIRST_PAGE + pages * _OBJECTS_PER_PAGE, _read(source), (width, height))
        pages += 1
    if not pages:
        raise ValueError("a PDF needs at least one page")
    writer.dictionary(1, "/Type /Catalog /Pages 2 0 R")
    numbers = range(_FIRST_PAGE, _FIRST_PAGE + pages * _OBJECTS_PER_PAGE, _OBJECTS_PER_PAGE)
    kids = "\n".join(f"{number} 0 R" for number in numbers)
    writer.dictionary(2, f"/Type /Pages /Count {pages} /Kids [\n{kids}\n]")
    writer.finish()


class _Writer:
    """Numbered objects on a stream, and the table of where each of them begins."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._position = 0
        self._offsets: dict[int, int] = {}
        # The comment of four high bytes tells transfer programs that the file is binary (ISO 32000-1, 7.5.2).
        self._write(b"%PDF-1.4\n%\xe2\xe3\xcf\xd3\n")

    def _write(self, data: bytes) -> None:
        self._stream.write(data)
        self._position += len(data)

    def dictionary(self, number: int, entries: str, data: bytes | None = None) -> None:
        """Write an object: a dictionary, with a stream after it where there is data."""
        self._offsets[number] = self._position
        if data is None:
            self._write(f"{number} 0 obj\n<< {entries} >>\nendobj\n".encode("ascii"))
            return
        self._write(f"{number} 0 obj\n<< {entries} /Length {len(data)} >>\nstream\n".encode("ascii"))
        self._write(data)
        self._write(b"\nendstream\nendobj\n")

    def finish(self) -> None:
        """Write the table of the objects and the end of the file."""
        table = self._position
        size = len(self._offsets) + 1
        lines = [f"xref\n0 {size}\n0000000000 65535 f \n"]
        lines += [f"{self._offsets[number]:010d} 00000 n \n" for number in range(1, size)]
        lines.append(f"trailer\n<< /Size {size} /Root 1 0 R >>\nstartxref\n{table}\n%%EOF\n")
        self._write("".join(lines).encode("ascii"))


def _read(source: Path | bytes) -> bytes:
    return source if isinstance(source, bytes) else source.read_bytes()


def _write_page(writer: _Writer, number: int, jpeg: bytes, points: tuple[float, float]) -> None:
    """Write the three objects of a page, `number` being the first of them."""
    pixel_width, pixel_height, components = _frame(jpeg)
    width, height = (f"{extent:.2f}" for extent in points)
    writer.dictionary(
        number,
        f"/Type /Page /Parent 2 0 R /MediaBox [0 0 {width} {height}] /Contents {number + 1} 0 R"
        f" /Resources << /XObject << /Im0 {number + 2} 0 R >> >>",
    )
    writer.dictionary(number + 1, "", f"q {width} 0 0 {height} 0 0 cm /Im0 Do Q".encode("ascii"))
    writer.dictionary(
        number + 2,
        f"/Type /XObject /Subtype /Image /Width {pixel_width} /Height {pixel_height} /BitsPerComponent 8"
        f" /ColorSpace {_COLOUR_SPACES[components]} /Filter /DCTDecode",
        jpeg,
    )


def _frame(jpeg: bytes) -> tuple[int, int, int]:
    """Width and height in pixels and the number of colour components, from the header (ITU-T T.81, B.2.2)."""
    position = len(_START_OF_IMAGE)
    while jpeg.startswith(_START_OF_IMAGE) and position + 9 < len(jpeg) and jpeg[position] == 0xFF:  # noqa: PLR2004 - every marker begins with it
        marker, length = jpeg[position + 1], int.from_bytes(jpeg[position + 2 : position + 4])
        if marker in _START_OF_FRAME:
            height = int.from_bytes(jpeg[position + 5 : position + 7])
            width = int.from_bytes(jpeg[position + 7 : position + 9])
            components = jpeg[position + 9]
            if width and height and components in _COLOUR_SPACES:
                return width, height, components
            break
        position += 2 + length
    raise PdfocrError(ErrorCode.ASSEMBLY_FAILED, "A picture is not a JPEG in gray or RGB.")
