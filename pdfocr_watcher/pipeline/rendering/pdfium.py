"""Rendering with PDFium, in a short-lived process for every call: PDFium can crash and cannot be interrupted.

What that process does is in `pdfium_child`; here it is started, bounded and judged.
"""

import os
import sys
from pathlib import Path

from pdfocr_watcher.errors import ErrorCode, PdfocrError
from pdfocr_watcher.pipeline.rendering import ppm
from pdfocr_watcher.pipeline.rendering.bounded import Outcome, run_bounded
from pdfocr_watcher.pipeline.rendering.confine import Limits
from pdfocr_watcher.pipeline.rendering.model import PageSize
from pdfocr_watcher.pipeline.rendering.protection import UNPROTECTED, Protection, unconfined_error
from pdfocr_watcher.pipeline.rendering.sandbox.launch import ENVIRONMENT

#: Started by its path: importing it by name would import this package, and with it Pillow.
_CHILD = Path(__file__).with_name("pdfium_child.py")

_BYTES_PER_PAGE = 64
_BYTES_BESIDE = 4096

_REFUSALS = {
    "encrypted": ErrorCode.PDF_ENCRYPTED,
    "damaged": ErrorCode.PDF_DAMAGED,
    "no-pages": ErrorCode.PDF_NO_PAGES,
    "too-many-pages": ErrorCode.TOO_MANY_PAGES,
}


class PdfiumRasterizer:
    """Runs PDFium, one confined process for every call.

    Args:
        memory_bytes: the most memory that one process may use.
        max_pixels: the most pixels that a raster may have; a page that would have more fails.
        protection: what confines the process beside these.
    """

    name = "pdfium"

    def __init__(self, memory_bytes: int, max_pixels: int, protection: Protection = UNPROTECTED) -> None:
        self._protection = protection
        self._memory_bytes = memory_bytes
        self._max_pixels = max_pixels

    def _run(self, timeout: float, keep_bytes: int, *arguments: str) -> Outcome:
        limits = Limits.for_call(self._memory_bytes, self._max_pixels, timeout)
        return run_child(self._protection, limits, timeout, keep_bytes, *arguments)

    def inspect(self, pdf: Path, max_pages: int, timeout: float) -> tuple[PageSize, ...]:
        """The sizes of all pages, in order (see `Rasterizer.inspect`)."""
        keep_bytes = _BYTES_BESIDE + _BYTES_PER_PAGE * max_pages
        try:
            outcome = self._run(timeout, keep_bytes, "inspect", str(pdf.absolute()), str(max_pages))
        except OSError as error:
            raise PdfocrError(ErrorCode.PDF_DAMAGED, f"(PDFium cannot be started: {error})") from error
        if outcome.timed_out:
            raise PdfocrError(ErrorCode.PDF_TIMEOUT, f"({timeout:g} s)")
        first, *lines = outcome.stdout.decode("ascii", "replace").splitlines() or [""]
        word, _, rest = first.partition(" ")
        if not os.path.isfile(pdf):  # noqa: PTH113 - Path.is_file() raises where a folder above may not be read
            raise PdfocrError(ErrorCode.INPUT_MISSING, str(pdf))
        if word in _REFUSALS:
            raise PdfocrError(_REFUSALS[word], rest)
        if (unconfined := unconfined_error(outcome)) is not None:
            raise unconfined
        if outcome.returncode != 0 or word != "pages" or len(lines) != int(rest):
            raise PdfocrError(ErrorCode.PDF_DAMAGED, f"({end_words(outcome)})")
        return tuple(PageSize(float(width), float(height)) for width, height in map(str.split, lines))

    def render(self, pdf: Path, pages: range, dpi: float, folder: Path, timeout: float) -> dict[int, Path]:
        """Render a run of pages to PPM files (see `Rasterizer.render`)."""
        with ppm.scratch_folder(folder.absolute()) as scratch:
            arguments = (str(pdf.absolute()), str(pages.start), str(pages.stop), repr(dpi), str(scratch))
            try:
                outcome = self._run(timeout, _BYTES_BESIDE, "render", *arguments)
            except OSError as error:
                raise PdfocrError(ErrorCode.RENDER_FAILED, f"(PDFium cannot be started: {error})") from error
            taken = ppm.take_pages(scratch, folder, pages)
            if not taken:
                raise ppm.no_page_error(
                    pdf, scratch, pages, timeout, timed_out=outcome.timed_out, detail=end_words(outcome)
                )
        return taken


def run_child(
    protection: Protection,
    limits: Limits,
    timeout: float,
    keep_bytes: int,
    *arguments: str,
    given: bytes = b"",
    child: Path = _CHILD,
) -> Outcome:
    """Have a process with PDFium do something (see `pdfium_child` and `text_child`).

    Args:
        protection: what confines it.
        limits: what it may use.
        timeout: wall-clock limit in seconds.
        keep_bytes: how much of its outputs is kept.
        arguments: what it is to do.
        given: its input.
        child: the program, which is started by its path.

    Raises:
        OSError: it cannot be started.
    """
    figures = (limits.memory_bytes, limits.cpu_seconds, limits.file_bytes, os.getpid())
    args = [sys.executable, "-I", str(child), protection.argument, *map(str, figures), *arguments]
    return run_bounded(args, _environment(), timeout, keep_bytes, given)


def _environment() -> dict[str, str]:
    """The child's environment; a Python that is not installed in the usual place may need its library path."""
    kept = {name: os.environ[name] for name in ("LD_LIBRARY_PATH",) if name in os.environ}
    return ENVIRONMENT | kept


def end_words(outcome: Outcome) -> str:
    """How the child ended, in a phrase."""
    if outcome.returncode < 0:
        return f"PDFium was ended by signal {-outcome.returncode}"
    lines = outcome.stderr.decode("utf-8", "replace").strip().splitlines()
    return f"PDFium gave no raster: {lines[-1][:200]}" if lines else "PDFium gave no raster"
