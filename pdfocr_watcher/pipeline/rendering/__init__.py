"""PDF pages become raster files, bounded in time, memory and pixels.

The names that the rest of the program uses stand here. Which pages are rendered when is the pipeline's decision.
"""

from collections.abc import Sequence
from pathlib import Path

from pdfocr_watcher.errors import ErrorCode, PdfocrError
from pdfocr_watcher.pipeline.rendering.model import MAX_SIDE, PageSize, Rasterizer, effective_dpi
from pdfocr_watcher.pipeline.rendering.pdfium import PdfiumRasterizer
from pdfocr_watcher.pipeline.rendering.poppler import PopplerRasterizer, poppler_installed
from pdfocr_watcher.pipeline.rendering.ppm import keep_raster_memory, load_raster
from pdfocr_watcher.pipeline.rendering.protection import Protection, choose_protection, find_protection
from pdfocr_watcher.pipeline.rendering.text_layers import TextLayers, layer_path, read_layer

__all__ = [
    "MAX_SIDE",
    "PageSize",
    "PdfiumRasterizer",
    "PopplerRasterizer",
    "Protection",
    "Rasterizer",
    "TextLayers",
    "choose_protection",
    "choose_rasterizers",
    "effective_dpi",
    "find_protection",
    "inspect_document",
    "keep_raster_memory",
    "layer_path",
    "load_raster",
    "poppler_installed",
    "read_layer",
]


def choose_rasterizers(
    name: str, memory_bytes: int = 4_000_000_000, max_pixels: int = 40_000_000, sandbox: str = "auto"
) -> tuple[Rasterizer, ...]:
    """The renderers to use, the preferred one first; the others are for pages on which it fails.

    Args:
        name: `auto`, `poppler` or `pdfium`, as `render.renderer` has it.
        memory_bytes: the most memory that one renderer process may use.
        max_pixels: the most pixels that a raster may have; what asks for a resolution keeps to it by
            `effective_dpi`, and a renderer that finds a page larger than it was said to be fails on it.
        sandbox: `auto`, `required` or `off`, as `render.sandbox` has it.

    Raises:
        PdfocrError: RENDERER_UNAVAILABLE, poppler is asked for and not installed; SANDBOX_UNAVAILABLE, the sandbox
            is required and this system does not have all of it.
    """
    limits = (memory_bytes, max_pixels, choose_protection(sandbox))
    if name == "pdfium" or (name == "auto" and not poppler_installed()):
        return (PdfiumRasterizer(*limits),)
    if not poppler_installed():
        raise PdfocrError(ErrorCode.RENDERER_UNAVAILABLE, "render.renderer is poppler, but pdftoppm is not installed.")
    poppler = PopplerRasterizer(*limits)
    return (poppler,) if name == "poppler" else (poppler, PdfiumRasterizer(*limits))


def inspect_document(
    rasterizers: Sequence[Rasterizer], pdf: Path, max_pages: int, timeout: float
) -> tuple[PageSize, ...]:
    """The sizes of all pages, by the first renderer that can open the document.

    Args:
        rasterizers: in order of preference, at least one.
        pdf: the document.
        max_pages: the most pages that it may have.
        timeout: wall-clock limit in seconds for each renderer.

    Raises:
        PdfocrError: no renderer can open it: that it asks for a password if one of them says so, else the first
            one's reason. A document of too many pages is not shown to a second one, which might see fewer of them.
    """
    reasons: list[PdfocrError] = []
    for rasterizer in rasterizers:
        try:
            return rasterizer.inspect(pdf, max_pages, timeout)
        except PdfocrError as error:
            if error.code is ErrorCode.TOO_MANY_PAGES:
                raise
            reasons.append(error)
    raise next((reason for reason in reasons if reason.code is ErrorCode.PDF_ENCRYPTED), reasons[0])
