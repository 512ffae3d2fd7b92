"""Page rasters as files: binary PPM (P6, 8 bits a sample), whole or not there.

How a raster is told from a partial file, taken over from a renderer, and loaded. Who writes it is elsewhere.
"""

import mmap
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from shutil import rmtree
from tempfile import mkdtemp

from PIL import Image

from pdfocr_watcher.errors import ErrorCode, PdfocrError
from pdfocr_watcher.pipeline.rendering.lazy import LazyRaster

#: P6, width, height and the largest sample value, as the renderers write them: without comments.
_HEADER = re.compile(rb"P6\s+([1-9][0-9]{0,5})\s+([1-9][0-9]{0,5})\s+255\s")
_HEADER_BYTES = 32
_SAMPLE_BYTES = 1 << 16

#: How pdftoppm ends a file's name: the page, counted from 1, padded with zeros.
_PAGE_FILE = re.compile(r"-([0-9]+)\.ppm")

#: Blocks of 16 MiB that Pillow keeps instead of giving them back to the system: a raster of 40 million pixels and
#: a copy of it.
_BLOCKS_KEPT = 20

#: With less free space than this a raster that breaks off is taken for the file system's fault.
_NO_SPACE_BYTES = 4 << 20


@dataclass(frozen=True, slots=True)
class _Extent:
    width: int
    height: int
    offset: int

    @property
    def file_bytes(self) -> int:
        return self.offset + 3 * self.width * self.height


def _parse(head: bytes) -> _Extent | None:
    match = _HEADER.match(head)
    return _Extent(int(match[1]), int(match[2]), match.end()) if match else None


def is_whole(path: Path) -> bool:
    """Whether a file is a PPM raster of exactly the length that its header promises."""
    try:
        with path.open("rb", buffering=0) as file:
            extent = _parse(file.read(_HEADER_BYTES))
            return extent is not None and os.fstat(file.fileno()).st_size == extent.file_bytes
    except OSError:
        return False


@contextmanager
def scratch_folder(folder: Path) -> Iterator[Path]:
    """A private folder inside `folder` for a renderer to write to; it is gone afterwards, with what is in it.

    Raises:
        PdfocrError: STORAGE_FAILED, the folder cannot be made.
    """
    try:
        scratch = Path(mkdtemp(prefix=".render-", dir=folder))
    except OSError as error:
        raise PdfocrError(ErrorCode.STORAGE_FAILED, str(error)) from error
    try:
        yield scratch
    finally:
        rmtree(scratch, ignore_errors=True)


def take_pages(scratch: Path, folder: Path, pages: range) -> dict[int, Path]:
    """Move the rasters that a renderer wrote whole from `scratch` to `folder` under their final names.

    Args:
        scratch: holds `<anything>-<page from 1>.ppm` files.
        folder: on the same file system.
        pages: indexes of the pages that were asked for, counted from 0; others are left.

    Returns:
        The final file of every whole page, by page index, in page order.
    """
    taken: dict[int, Path] = {}
    for path in scratch.iterdir():
        match = _PAGE_FILE.search(path.name)
        index = int(match[1]) - 1 if match else -1
        if index in pages and is_whole(path):
            taken[index] = path.replace(folder / f"{index:04d}.ppm")
    return dict(sorted(taken.items()))


def no_page_error(
    pdf: Path, scratch: Path, pages: range, timeout: float, *, timed_out: bool, detail: str
) -> PdfocrError:
    """The error for a run of pages of which none came: the page's fault, the time limit's, or the file system's."""
    if not os.path.isfile(pdf):  # noqa: PTH113 - Path.is_file() raises where a folder above may not be read
        return PdfocrError(ErrorCode.INPUT_MISSING, str(pdf))
    if any(scratch.iterdir()):
        space = os.statvfs(scratch)
        if space.f_bavail * space.f_frsize < _NO_SPACE_BYTES:
            return PdfocrError(ErrorCode.STORAGE_FAILED, "There is no space left for page rasters.")
    where = f"page {pages.start + 1}" if len(pages) == 1 else f"pages {pages.start + 1} to {pages.stop}"
    if timed_out:
        return PdfocrError(ErrorCode.RENDER_TIMEOUT, f"({where}, {timeout:g} s)")
    return PdfocrError(ErrorCode.RENDER_FAILED, f"({where}: {detail})")


def are_equal(one: Path, other: Path) -> bool:
    """Whether two rasters are the same, byte for byte; quick when they are not."""
    with one.open("rb", buffering=0) as first, other.open("rb", buffering=0) as second:
        length = os.fstat(first.fileno()).st_size
        if os.fstat(second.fileno()).st_size != length:
            return False
        # The middle of a page is seldom blank, its upper margin always is.
        middle = length // 2
        if os.pread(first.fileno(), _SAMPLE_BYTES, middle) != os.pread(second.fileno(), _SAMPLE_BYTES, middle):
            return False
        return first.readall() == second.readall()


def is_one_pixel(path: Path) -> bool:
    """Whether a whole raster has a single pixel."""
    return path.stat().st_size <= _HEADER_BYTES


def keep_raster_memory() -> None:
    """Let Pillow keep the memory of closed images for the next ones; a process that reads many rasters calls it once.

    Fresh memory is faulted in page by page, which takes several times as long as decoding the raster. At most the
    memory that was in use at a time is kept, and never more than 320 MiB.
    """
    Image.core.set_blocks_max(_BLOCKS_KEPT)  # type: ignore[attr-defined]


def load_raster(path: Path) -> Image.Image:
    """Load a page raster into memory as an RGB image that does not need the file any more.

    Its samples become pixels when the first one is asked for: an engine that looks at none costs nothing. Until then
    the file is mapped, not read, where it can be, and may be removed but not changed.

    Raises:
        OSError: the file cannot be read.
        ValueError: the file is no whole PPM raster.
    """
    with path.open("rb", buffering=0) as file:
        head = file.read(_HEADER_BYTES)
        data: mmap.mmap | bytes
        try:
            # Private, since some file systems share no mapping; all pages at once, since all are needed.
            data = mmap.mmap(file.fileno(), 0, mmap.MAP_PRIVATE | mmap.MAP_POPULATE, mmap.PROT_READ)
        except (OSError, ValueError):  # some map nothing, and there is nothing to map in an empty file
            data = head + file.readall()
    extent = _parse(head)
    if extent is None or extent.file_bytes != len(data):
        raise ValueError(f"not a whole PPM raster: {path}")
    return LazyRaster((extent.width, extent.height), memoryview(data)[extent.offset :])
