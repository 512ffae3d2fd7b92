"""What a line engine does with a raster before and after it reads: strips, reduced copies, crops of lines.

Geometry on NumPy arrays only; which weights look at them is the engines' affair.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import cv2
import numpy as np
from numpy.typing import NDArray

#: A raster: height x width x 3 (blue, green, red), 0..255.
Raster = NDArray[np.uint8]
#: Four corners (left top, right top, right bottom, left bottom) as x, y in pixels: shape (4, 2).
Quad = NDArray[np.float32]

#: A page longer than this many times its width (a receipt, a roll) is cut, or the reduced copy would be a thread.
MAX_ASPECT = 3.0
#: The detector's network halves its input five times.
DETECTOR_STEP = 32
#: A crop this many times higher than wide holds upright text that was turned, as on a chart's axis.
TURNED_ASPECT = 1.5


@dataclass(frozen=True, slots=True)
class Strip:
    """A piece of a raster and where its corner stands in the whole, in pixels."""

    left: int
    top: int
    raster: Raster


def strips(raster: Raster) -> Iterator[Strip]:
    """Cut a very long or very wide raster into pieces of about square shape, where there is no ink.

    A raster of ordinary shape comes back as it is. The pieces neither overlap nor leave anything out.
    """
    height, width = raster.shape[:2]
    tall = height >= width
    long, short = (height, width) if tall else (width, height)
    if long <= MAX_ASPECT * short:
        yield Strip(0, 0, raster)
        return
    unrest = raster.std(axis=(1, 2)) if tall else raster.std(axis=(0, 2))
    edges = [0, *_quiet_cuts(unrest, piece=2 * short), long]
    for start, end in pairwise(edges):
        if tall:
            yield Strip(0, start, raster[start:end])
        else:
            yield Strip(start, 0, raster[:, start:end])


def _quiet_cuts(unrest: NDArray[np.float64], piece: int) -> list[int]:
    """The quietest place in the second half of each piece of at most `piece` rows."""
    cuts: list[int] = []
    start = 0
    while len(unrest) - start > piece:
        half = start + max(1, piece // 2)
        window = unrest[half : start + piece]
        quiet = np.flatnonzero(window <= window.min() + 1)
        start = half + int(quiet[len(quiet) // 2])
        cuts.append(start)
    return cuts


def reduced(raster: Raster, long_side: int) -> Raster:
    """A copy whose long side is at most `long_side` pixels, its sides multiples of the detector's step."""
    height, width = raster.shape[:2]
    ratio: float = min(1.0, long_side / max(height, width))

    def stepped(extent: int) -> int:
        return max(DETECTOR_STEP, round(extent * ratio / DETECTOR_STEP) * DETECTOR_STEP)

    size = (stepped(width), stepped(height))
    how = cv2.INTER_AREA if ratio < 1 else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(raster, size, interpolation=how), dtype=np.uint8)


def crop(raster: Raster, quad: Quad) -> Raster:
    """The line inside `quad`, made level. It stands as on the page: turned text stays turned."""
    width = max(1, round(max(np.linalg.norm(quad[0] - quad[1]), np.linalg.norm(quad[2] - quad[3]))))
    height = max(1, round(max(np.linalg.norm(quad[0] - quad[3]), np.linalg.norm(quad[1] - quad[2]))))
    level = np.array([[0, 0], [width, 0], [width, height], [0, height]], dtype=np.float32)
    matrix = cv2.getPerspectiveTransform(quad.astype(np.float32), level)
    return np.asarray(
        cv2.warpPerspective(raster, matrix, (width, height), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE),
        dtype=np.uint8,
    )


def upright(picture: Raster, slant: float) -> Raster:
    """A line with its writing set upright: its upper edge moves to the left, and it becomes wider by as much.

    Args:
        picture: the line.
        slant: how far the writing leans to the right, in widths for each height, at least 0.
    """
    if slant == 0:
        return picture
    height, width = picture.shape[:2]
    # The lower edge moves to the right instead, for there the picture gets wider.
    lean = np.array([[1, slant, 0], [0, 1, 0]], dtype=np.float32)
    paper = [float(value) for value in np.median(picture.reshape(-1, 3), axis=0)]
    moved = cv2.warpAffine(picture, lean, (width + int(slant * height), height), borderValue=paper)
    return np.asarray(moved, dtype=np.uint8)
