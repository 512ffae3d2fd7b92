"""The text layers of pages, told by PDFium whoever renders, one confined process for a run of pages.

What that process does is in `text_child`; what its files say is read by `analysis.text_layer`, which believes nothing.
"""

import stat
from pathlib import Path

import structlog

from pdfocr_watcher.analysis.text_layer import MAX_BYTES
from pdfocr_watcher.pipeline.rendering import ppm
from pdfocr_watcher.pipeline.rendering.confine import Limits
from pdfocr_watcher.pipeline.rendering.pdfium import run_child
from pdfocr_watcher.pipeline.rendering.protection import UNPROTECTED, Protection

_log = structlog.get_logger(__name__)

#: Started by its path, see `pdfium`.
_CHILD = Path(__file__).with_name("text_child.py")

#: A page takes some 25 ms: what takes longer than this, in seconds for a run and for each of its pages, has no layer.
_RUN_SECONDS = 10.0
_PAGE_SECONDS = 1.0
_SAID_BYTES = 4096


def layer_path(raster: Path) -> Path:
    """Where the text layer of a page lies: beside its raster, with which it is removed."""
    return raster.with_name(f"{raster.name}.text")


def read_layer(path: Path) -> bytes:
    """What a file says of a page's text layer; nothing where there is none.

    Raises:
        OSError: it cannot be read.
    """
    try:
        with path.open("rb") as file:
            return file.read(MAX_BYTES + 1)
    except FileNotFoundError:
        return b""


class TextLayers:
    """Tells the text layers of pages.

    Args:
        memory_bytes: the most memory that one process may use.
        protection: what confines the process beside these.
    """

    def __init__(self, memory_bytes: int, protection: Protection = UNPROTECTED) -> None:
        self._memory_bytes = memory_bytes
        self._protection = protection

    def tell(self, pdf: Path, rasters: dict[int, Path]) -> None:
        """Put the text layers of some pages beside their rasters; blocking.

        A page that has none after it, for whatever reason, is read as if it had no text layer.

        Args:
            pdf: the document.
            rasters: the pages' rasters by index, counted from 0, all in one folder.

        Raises:
            PdfocrError: STORAGE_FAILED, the folder cannot be written to.
            OSError: the same.
        """
        if not rasters:
            return
        pages = range(min(rasters), max(rasters) + 1)
        timeout = _RUN_SECONDS + _PAGE_SECONDS * len(pages)
        # Limits.for_call counts in rasters.
        processor = Limits.for_call(self._memory_bytes, 1, timeout).cpu_seconds
        limits = Limits(self._memory_bytes, processor, MAX_BYTES)
        with ppm.scratch_folder(next(iter(rasters.values())).parent.absolute()) as scratch:
            job = (str(pdf.absolute()), str(pages.start), str(pages.stop), str(scratch))
            try:
                outcome = run_child(self._protection, limits, timeout, _SAID_BYTES, *job, child=_CHILD)
            except OSError as error:  # what cannot be started today is no trouble of the disk
                _log.warning("text_layer.failed", pages=f"{pages.start + 1}-{pages.stop}", said=[str(error)])
                return
            if outcome.returncode != 0:
                said = outcome.stderr.decode("utf-8", "replace").strip().splitlines()
                _log.warning("text_layer.failed", pages=f"{pages.start + 1}-{pages.stop}", said=said[-1:])
            for index, raster in rasters.items():
                self._take(scratch / f"page-{index + 1}.text", layer_path(raster))

    @staticmethod
    def _take(made: Path, path: Path) -> None:
        try:
            found = made.lstat()
        except FileNotFoundError:
            return
        # Without Landlock the process can make whatever it likes there.
        if stat.S_ISREG(found.st_mode) and found.st_size <= MAX_BYTES:
            made.replace(path)
