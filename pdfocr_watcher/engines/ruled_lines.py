"""Ruled lines are found in the pixels of a table. What cells they draw is told by `analysis.ruling`."""

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from pdfocr_watcher.analysis.regions import Region
from pdfocr_watcher.analysis.ruling import Rule, Rules

#: Ink differs by more than this, of 255, from the paper or the tint that it is on ...
CONTRAST = 24
#: ... which is what most pixels have within so many text heights.
AROUND = 1.2
#: A ruled line is at least so long, in text heights, and in pieces that are longer than letters are high ...
MIN_LENGTH = 1.6
MIN_PIECE = 0.9
#: ... and at most so thick.
MAX_THICKNESS = 0.3
#: Gaps up to this, in text heights, do not part the pieces.
GAP = 0.5

_Mask = NDArray[np.uint8]


def find_rules(image: Image.Image, region: Region, em: float) -> Rules:
    """The ruled lines in a part of a page.

    Args:
        image: the page's raster, any mode.
        region: where to look, in pixels.
        em: the height of the text there, in pixels.

    Returns:
        Dark lines on light and light lines on dark, in pixels of the page.
    """
    left, top = max(0, int(region.left)), max(0, int(region.top))
    right, bottom = min(image.width, int(region.right) + 1), min(image.height, int(region.bottom) + 1)
    if right - left < MIN_LENGTH * em or bottom - top < MIN_LENGTH * em:
        return Rules()
    gray = np.asarray(image.crop((left, top, right, bottom)).convert("L"))
    size = min(2 * round(AROUND * em / 2) + 1, 255)
    around = cv2.medianBlur(gray, size).astype(np.int16)
    horizontal: list[Rule] = []
    vertical: list[Rule] = []
    for ink in (around - gray > CONTRAST, gray - around > CONTRAST):
        mask = ink.astype(np.uint8)
        horizontal += [Rule(rule.at + top, rule.start + left, rule.end + left) for rule in _straight(mask, em)]
        turned = np.ascontiguousarray(mask.T)
        vertical += [Rule(rule.at + left, rule.start + top, rule.end + top) for rule in _straight(turned, em)]
    return Rules(tuple(horizontal), tuple(vertical))


def _straight(mask: _Mask, em: float) -> list[Rule]:
    """The horizontal lines of a mask."""
    piece, gap = max(3, round(MIN_PIECE * em)), max(1, round(GAP * em))
    # A line that is not quite level is a stair: thickened, its steps go on behind each other.
    thick = cv2.dilate(mask, np.ones((3, 1), dtype=np.uint8))
    lines = cv2.morphologyEx(thick, cv2.MORPH_OPEN, np.ones((1, piece), dtype=np.uint8))
    joined = cv2.morphologyEx(np.pad(lines, ((0, 0), (gap, gap))), cv2.MORPH_CLOSE, np.ones((3, gap), dtype=np.uint8))
    _, _, stats, _ = cv2.connectedComponentsWithStats(joined[:, gap:-gap], connectivity=8)
    found: list[Rule] = []
    for left, top, width, height, area in stats[1:]:
        if width >= MIN_LENGTH * em and area / width - 2 <= MAX_THICKNESS * em and height <= em:
            found.append(Rule(float(top + height / 2), float(left), float(left + width)))
    return found
