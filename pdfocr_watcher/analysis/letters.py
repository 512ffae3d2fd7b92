"""Letters and words of a page told by shape alone: what its orientation is judged by. Nothing is read here.

Geometry on a gray raster. Which way the words lie, which way up they stand and how far they are off level is decided
elsewhere (`ascenders`, `skew`, `engines.orientation`). This module loads OpenCV.
"""

from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

#: A gray raster, rows by columns, uint8: 0 black, 255 white.
Gray = NDArray[np.uint8]
#: Rows by columns, uint8: 1 where there is a letter, 0 elsewhere.
LetterMask = NDArray[np.uint8]
#: One row a box: left, top, width, height in pixels; shape (n, 4).
Boxes = NDArray[np.int32]

#: Ink is darker than the mean of a square of so many pixels around it ...
NEIGHBOURHOOD = 41
#: ... by more than this, of 255.
CONTRAST = 24
#: A letter's longer side in pixels, its least shorter side and its least ink.
MIN_LETTER, MAX_LETTER = 5, 80
MIN_STROKE = 2
MIN_INK = 6
#: Letters are of one word where the gap between them is at most this share of a letter's size.
WORD_GAP = 0.9
#: A word is this many times longer than high ...
MIN_ASPECT = 3.0
#: ... and so many letter sizes high.
MIN_HEIGHT, MAX_HEIGHT = 0.6, 3.0


@dataclass(frozen=True, slots=True)
class Letters:
    """Specks of ink of a letter's size.

    Attributes:
        mask: where they are; rules, frames, photographs and dirt are left out.
        count: how many there are.
        size: median of their longer sides, in pixels.
        ink: pixels of all the page's ink, that of rules and pictures included.
    """

    mask: LetterMask
    count: int
    size: float
    ink: int

    def laid(self) -> "Letters":
        """The same on the page turned by a quarter counter-clockwise."""
        return replace(self, mask=np.ascontiguousarray(np.rot90(self.mask)))


@dataclass(frozen=True, slots=True)
class Words:
    """What the letters make when those side by side are joined.

    Attributes:
        boxes: of what is shaped like a word or a line of words.
        pieces: how many pieces there are, of any shape.
        length: sum over the boxes of how many times each is longer than high.
    """

    boxes: Boxes
    pieces: int
    length: float


def find_letters(page: Gray) -> Letters:
    """The letters of a page with dark writing on light paper, about 100 to 150 dpi."""
    mean = cv2.blur(page, (NEIGHBOURHOOD, NEIGHBOURHOOD), borderType=cv2.BORDER_REPLICATE)
    ink = (cv2.subtract(mean, page) > CONTRAST).astype(np.uint8)
    labels, found = _components(ink)
    width, height, area = found[:, 2], found[:, 3], found[:, 4]
    longer = np.maximum(width, height)
    fits = (longer >= MIN_LETTER) & (longer <= MAX_LETTER)
    fits &= (np.minimum(width, height) >= MIN_STROKE) & (area >= MIN_INK)
    fits[0] = False  # the paper
    count = int(fits.sum())
    size = float(np.median(longer[fits])) if count else 0.0
    return Letters(np.take(fits.astype(np.uint8), labels), count, size, int(area[1:].sum()))


def join_words(letters: Letters) -> Words:
    """Join the letters that stand side by side."""
    gap = max(3, round(WORD_GAP * letters.size))
    joined = cv2.morphologyEx(letters.mask, cv2.MORPH_CLOSE, np.ones((1, gap), dtype=np.uint8))
    _, found = _components(np.asarray(joined, dtype=np.uint8))
    boxes = found[1:, :4]
    width, height = boxes[:, 2], boxes[:, 3]
    shaped = (width >= MIN_ASPECT * height) & (height >= MIN_HEIGHT * letters.size)
    shaped &= height <= MAX_HEIGHT * letters.size
    boxes = boxes[shaped]
    return Words(boxes, len(found) - 1, float((boxes[:, 2] / boxes[:, 3]).sum()) if len(boxes) else 0.0)


def horizontal_share(across: Words, down: Words) -> float:
    """How much speaks for lines that run across the page rather than down it, 0..1; 0.5 where nothing does.

    Letters joined along their line make long and few pieces, and joined across their lines short and many.

    Args:
        across: the words of the page.
        down: the words of the page laid on its side.
    """
    length = across.length + down.length
    pieces = across.pieces + down.pieces
    longer = across.length / length if length else 0.5
    fewer = down.pieces / pieces if pieces else 0.5
    return (longer + fewer) / 2


def ink_share(letters: Letters, words: Words) -> float:
    """How much of the page's ink is in its words, 0..1."""
    inside = sum(
        int(letters.mask[top : top + height, left : left + width].sum()) for left, top, width, height in words.boxes
    )
    return min(1.0, inside / letters.ink) if letters.ink else 0.0


def _components(mask: NDArray[np.uint8]) -> tuple[NDArray[np.integer], Boxes]:
    """Labels of the connected pieces, and left, top, width, height and area of each; the first is the background."""
    try:
        _, labels, found, _ = cv2.connectedComponentsWithStats(mask, connectivity=8, ltype=cv2.CV_16U)
    except cv2.error:
        # More pieces than 16 bits can tell apart, as in a halftone; with 32 bits it takes twice the time.
        _, labels, found, _ = cv2.connectedComponentsWithStats(mask, connectivity=8, ltype=cv2.CV_32S)
    return np.asarray(labels), np.asarray(found, dtype=np.int32)
