"""What a renderer is, how large a page is, and at which resolution it is rendered.

Values and decisions only. The renderers themselves stand beside this module.
"""

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

#: Points in an inch: the unit of PDF's user space.
POINTS_PER_INCH = 72.0

#: No side of a raster is longer, in pixels: libraries further on count pixels in 16 bits (JPEG ends at 65,535),
#: and a page of this length is still 3.8 m at 200 dpi.
MAX_SIDE = 30_000

#: Renderers print and compute page sizes with six significant digits or in single precision.
_ROUNDING = 1e-5


@dataclass(frozen=True, slots=True)
class PageSize:
    """A page's size in points as its reader sees it: the crop box, turned by the page's /Rotate.

    A page that the renderer cannot load is 0 x 0; another one may still render it.

    Attributes:
        width: from left to right, in points.
        height: from top to bottom, in points.
    """

    width: float
    height: float

    def pixels(self, dpi: float) -> tuple[int, int]:
        """Width and height of the raster at a resolution; every started pixel counts, and there is at least one."""
        scale = dpi / POINTS_PER_INCH
        return max(1, math.ceil(self.width * scale)), max(1, math.ceil(self.height * scale))


def effective_dpi(size: PageSize, dpi: int, max_pixels: int) -> float:
    """The resolution at which a page is rendered: the one asked for, or as much lower as its size demands.

    Args:
        size: the page's size in points.
        dpi: the resolution asked for, in dots per inch.
        max_pixels: the most pixels that the raster may have, at least 1.

    Returns:
        Dots per inch, more than 0 and at most `dpi`, so that the raster has at most `max_pixels` pixels, no side
        longer than `MAX_SIDE`, and at least one pixel.
    """
    if not (0 < size.width < math.inf and 0 < size.height < math.inf):
        return float(dpi)
    width, height = size.pixels(dpi)
    if width * height <= max_pixels and max(width, height) <= MAX_SIDE:
        return float(dpi)
    long, short = max(size.width, size.height), min(size.width, size.height)
    # Both sides are rounded up, so solve (long * s + 1) * (short * s + 1) <= max_pixels for the scale s; in this
    # form the solution does not cancel out for a page that is a thin line.
    spare = max_pixels - 1
    total = long + short
    by_area = 2 * spare / (total + math.sqrt(total * total + 4 * long * short * spare))
    by_side = (MAX_SIDE - 1) / long
    one_pixel = 1 / long
    scale = max(min(by_area, by_side), one_pixel) * (1 - _ROUNDING)
    return min(float(dpi), scale * POINTS_PER_INCH)


class Rasterizer(Protocol):
    """Turns pages into rasters. Both calls block; both may be made from several threads at once."""

    @property
    def name(self) -> str:
        """The renderer's name, as the configuration gives it."""

    def inspect(self, pdf: Path, max_pages: int, timeout: float) -> tuple[PageSize, ...]:
        """The sizes of all pages, in order.

        Args:
            pdf: the document.
            max_pages: the most pages that a document may have.
            timeout: wall-clock limit in seconds.

        Raises:
            PdfocrError: PDF_ENCRYPTED, PDF_DAMAGED, PDF_NO_PAGES, TOO_MANY_PAGES, PDF_TIMEOUT, or INPUT_MISSING
                when there is no such file.
        """

    def render(self, pdf: Path, pages: range, dpi: float, folder: Path, timeout: float) -> dict[int, Path]:
        """Render a run of pages to binary PPM files `NNNN.ppm` (the page's index, from 0) in `folder`.

        Args:
            pdf: the document.
            pages: indexes of the pages, counted from 0, without gaps.
            dpi: dots per inch, the same for all of them.
            folder: an existing folder; files of these names in it are replaced.
            timeout: wall-clock limit in seconds for all of them together.

        Returns:
            The file of every page that was written whole, by page index; a page that failed, or that a time limit
            cut off, is absent.

        Raises:
            PdfocrError: RENDER_FAILED or RENDER_TIMEOUT when there is no page at all, STORAGE_FAILED when that is
                because the folder cannot be written to, INPUT_MISSING when there is no such document.
        """
