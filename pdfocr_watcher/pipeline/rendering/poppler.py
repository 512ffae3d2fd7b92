"""Rendering with poppler, through pdf2image.

pdfinfo is not run through pdf2image, which would keep all of its output in memory, however long.
"""

import os
import re
import shutil
from pathlib import Path

from pdf2image import convert_from_path
from pdf2image.exceptions import PDFPageCountError, PDFPopplerTimeoutError, PopplerNotInstalledError

from pdfocr_watcher.errors import ErrorCode, PdfocrError
from pdfocr_watcher.pipeline.rendering import ppm
from pdfocr_watcher.pipeline.rendering.bounded import Outcome, children_ended_after, run_bounded
from pdfocr_watcher.pipeline.rendering.confine import Launchers, Limits, confined_command
from pdfocr_watcher.pipeline.rendering.model import PageSize
from pdfocr_watcher.pipeline.rendering.protection import UNPROTECTED, Protection, unconfined_error
from pdfocr_watcher.pipeline.rendering.sandbox.launch import ENVIRONMENT

#: pdfinfo prints two lines a page; what the document says of itself stands before them.
_BYTES_PER_PAGE = 160
_BYTES_BESIDE = 4096

_COUNT = re.compile(rb"^Pages: +([0-9]+)$", re.MULTILINE)
_SIZE = re.compile(rb"^Page +([0-9]+) size: +(\S+) x (\S+) pts", re.MULTILINE)
_ROTATION = re.compile(rb"^Page +([0-9]+) rot: +([0-9]+)$", re.MULTILINE)
_QUARTER_TURNS = {90, 270}

#: What pdfinfo says of a page that it cannot load.
_UNKNOWN = PageSize(0.0, 0.0)
#: To ask pdfinfo about pages that were rendered in time takes milliseconds.
_SECOND_LOOK_SECONDS = 10.0
#: pdf2image kills pdftoppm alone; its time limit is for a system on which the children cannot be found.
_BACKSTOP_SECONDS = 10.0


def poppler_installed() -> bool:
    """Whether poppler's programs are on the PATH."""
    return all(shutil.which(program) for program in ("pdftoppm", "pdfinfo"))


def _program(name: str) -> str:
    return shutil.which(name) or f"/usr/bin/{name}"


class PopplerRasterizer:
    """Runs poppler's pdftoppm, one confined process for every run of pages.

    Args:
        memory_bytes: the most memory that one process may use.
        max_pixels: the most pixels that a raster may have; a page that would have more fails.
        protection: what confines the process beside these.
    """

    name = "poppler"

    def __init__(self, memory_bytes: int, max_pixels: int, protection: Protection = UNPROTECTED) -> None:
        self._memory_bytes = memory_bytes
        self._max_pixels = max_pixels
        self._protection = protection
        self._launchers = Launchers(_program("pdftoppm"), protection)
        self._pdfinfo = _program("pdfinfo")

    def _limits(self, timeout: float) -> Limits:
        return Limits.for_call(self._memory_bytes, self._max_pixels, timeout)

    def inspect(self, pdf: Path, max_pages: int, timeout: float) -> tuple[PageSize, ...]:
        """The sizes of all pages, in order (see `Rasterizer.inspect`)."""
        count, sizes = self._sizes(pdf, range(max_pages), timeout)
        if count > max_pages:
            raise PdfocrError(ErrorCode.TOO_MANY_PAGES, f"({count}; {max_pages} are allowed)")
        if count == 0:
            raise PdfocrError(ErrorCode.PDF_NO_PAGES)
        return tuple(sizes.get(index, _UNKNOWN) for index in range(count))

    def _sizes(self, pdf: Path, pages: range, timeout: float) -> tuple[int, dict[int, PageSize]]:
        """The number of pages that a document has, and the sizes of those of `pages` that it has."""
        program = confined_command(self._pdfinfo, self._limits(timeout), self._protection)
        keep_bytes = _BYTES_BESIDE + _BYTES_PER_PAGE * len(pages)
        # An absolute path is never taken for an option, nor for pdfinfo's names of open files.
        args = [*program, "-f", str(pages.start + 1), "-l", str(pages.stop), str(pdf.absolute())]
        try:
            outcome = run_bounded(args, ENVIRONMENT, timeout, keep_bytes)
        except OSError as error:
            raise PdfocrError(ErrorCode.PDF_DAMAGED, f"(pdfinfo cannot be started: {error})") from error
        if outcome.timed_out:
            raise PdfocrError(ErrorCode.PDF_TIMEOUT, f"({timeout:g} s)")
        if outcome.returncode != 0:
            raise _refusal(pdf, outcome)
        return _page_sizes(outcome.stdout)

    def render(self, pdf: Path, pages: range, dpi: float, folder: Path, timeout: float) -> dict[int, Path]:
        """Render a run of pages to PPM files (see `Rasterizer.render`)."""
        detail = "pdftoppm gave no raster"
        timed_out = False
        launchers = self._launchers.folder(self._limits(timeout))
        with ppm.scratch_folder(folder.absolute()) as scratch:
            try:
                with children_ended_after(timeout) as ended:
                    convert_from_path(
                        str(pdf.absolute()),
                        # resolution and time limit are declared as int, but any number is handed on as it is
                        dpi=dpi,  # type: ignore[arg-type]
                        first_page=pages.start + 1,
                        last_page=pages.stop,
                        fmt="ppm",
                        use_cropbox=True,
                        output_folder=str(scratch),
                        # the default is one generator for the process, which two threads cannot use at a time
                        output_file="page",
                        paths_only=True,
                        poppler_path=str(launchers),
                        timeout=timeout + _BACKSTOP_SECONDS,  # type: ignore[arg-type]
                    )
                timed_out = ended.is_set()
            except PDFPopplerTimeoutError:
                timed_out = True
            except (PDFPageCountError, PopplerNotInstalledError, OSError) as error:
                detail = f"poppler cannot be started: {error}"
            taken = ppm.take_pages(scratch, folder, pages)
            for index in self._not_rendered(pdf, taken):
                taken.pop(index).unlink()
            if not taken:
                raise ppm.no_page_error(pdf, scratch, pages, timeout, timed_out=timed_out, detail=detail)
        return taken

    def _not_rendered(self, pdf: Path, taken: dict[int, Path]) -> set[int]:
        """The pages whose file does not show them.

        For a page that it cannot load pdftoppm writes what it has in memory: the page before once more, or a single
        pixel where it has none yet. Its exit status is 0 all the same.
        """
        empty = {index for index, path in taken.items() if ppm.is_one_pixel(path)}
        repeated = {
            index
            for index, path in taken.items()
            if index - 1 in taken and index not in empty and ppm.are_equal(taken[index - 1], path)
        }
        if not repeated:
            return empty
        # Mostly two blank pages in a row: only pdfinfo knows.
        run = range(min(repeated), max(repeated) + 1)
        try:
            _, sizes = self._sizes(pdf, run, _SECOND_LOOK_SECONDS)
        except PdfocrError:
            return empty | repeated
        return empty | {index for index in repeated if sizes.get(index, _UNKNOWN) == _UNKNOWN}


def _refusal(pdf: Path, outcome: Outcome) -> PdfocrError:
    """Why pdfinfo did not open a document, by what it printed."""
    if not os.path.isfile(pdf):  # noqa: PTH113 - Path.is_file() raises where a folder above may not be read
        return PdfocrError(ErrorCode.INPUT_MISSING, str(pdf))
    if (unconfined := unconfined_error(outcome)) is not None:
        return unconfined
    if b"Incorrect password" in outcome.stderr:
        return PdfocrError(ErrorCode.PDF_ENCRYPTED)
    # A page tree that poppler does not believe has no pages either, but says so first.
    if b"the last page (0)" in outcome.stderr and b"Error: Page count" not in outcome.stderr:
        return PdfocrError(ErrorCode.PDF_NO_PAGES)
    if outcome.returncode < 0:
        return PdfocrError(ErrorCode.PDF_DAMAGED, f"(pdfinfo was ended by signal {-outcome.returncode})")
    return PdfocrError(ErrorCode.PDF_DAMAGED, "(poppler cannot open it)")


def _page_sizes(report: bytes) -> tuple[int, dict[int, PageSize]]:
    """The page count and the page sizes, by index from 0, from what pdfinfo printed.

    The document's own words (title, author, ...) come before the page count and may hold anything, so only what
    follows the last count is believed.
    """
    counts = list(_COUNT.finditer(report))
    if not counts:
        raise PdfocrError(ErrorCode.PDF_DAMAGED, "(poppler cannot count its pages)")
    start = counts[-1].end()
    turned = {int(match[1]) for match in _ROTATION.finditer(report, start) if int(match[2]) in _QUARTER_TURNS}
    sizes = {}
    for match in _SIZE.finditer(report, start):
        number, width, height = int(match[1]), float(match[2]), float(match[3])
        sizes[number - 1] = PageSize(height, width) if number in turned else PageSize(width, height)
    return int(counts[-1][1]), sizes
