"""Where there is ink: on a coarse grid of a page, for the rules about figures; pixel by pixel, for small marks."""

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from pdfocr_watcher.analysis.figures import InkMask

#: The ink mask has about so many cells along the page's longer side: 5 pixels of an A4 page at 200 dpi a cell.
MASK_SIDE = 480
#: A pixel is ink where one of its channels differs from the paper's by more than this, of 255.
INK_CONTRAST = 44
#: The same for a small mark, in gray, where the paper is what most of the picture is.
MARK_CONTRAST = 60
#: Every so many-th pixel both ways tells the paper's colour, which is the fullest band of so many levels.
PAPER_STEP = 4
PAPER_SPREAD = 9


def ink_mask(image: Image.Image) -> InkMask:
    """Where a page differs from its paper, on a grid of square cells.

    A cell is ink where any of its pixels is, so that thin lines survive. The paper is the page's most frequent colour:
    white writing on a dark slide is ink, and so is a yellow field on white.

    Args:
        image: the page's raster, any mode and size; it is not changed.

    Returns:
        uint8, rows by columns, 1 for ink. The cells at the right and at the lower edge may reach over the page.
    """
    cell = max(1, 2 * round(max(image.size) / MASK_SIDE / 2))
    page = image if image.mode in {"L", "RGB"} else image.convert("L" if image.mode == "1" else "RGB")
    halving = 2 if cell > 1 else 1
    # Pillow halves a page in a third of the time that its pixels would take to become an array.
    pixels = np.asarray(page.reduce(halving) if halving > 1 else page)
    pixels = pixels.reshape(*pixels.shape[:2], -1)
    contrast = np.zeros(pixels.shape[:2], dtype=np.uint8)
    for channel in cv2.split(pixels):
        levels = np.bincount(channel[::PAPER_STEP, ::PAPER_STEP].ravel(), minlength=256)
        paper = np.full_like(channel, int(np.convolve(levels, np.ones(PAPER_SPREAD), "same").argmax()))
        contrast = np.maximum(contrast, cv2.absdiff(channel, paper))
    step = cell // halving
    widest = cv2.dilate(contrast, np.ones((step, step), dtype=np.uint8), anchor=(0, 0))[::step, ::step]
    return np.ascontiguousarray(widest > INK_CONTRAST).astype(np.uint8)


def marked(image: Image.Image) -> NDArray[np.uint8]:
    """Where a picture differs from what most of it is: 1 for ink, pixel by pixel.

    Args:
        image: any mode.
    """
    gray = np.asarray(image.convert("L")).astype(np.int16)
    return (np.abs(gray - np.median(gray)) > MARK_CONTRAST).astype(np.uint8)


def pieces(ink: NDArray[np.uint8]) -> NDArray[np.int32]:
    """The connected pieces of ink: a row each of left, top, width, height and area, in pixels."""
    _, _, stats, _ = cv2.connectedComponentsWithStats(ink, connectivity=8)
    return np.asarray(stats[1:], dtype=np.int32)
