"""How far the lines of a page are off level, by the profile of its letters along lines of every slope.

Where the slope is that of the text, the profile has steep edges at the top and at the bottom of every line. Geometry on
a mask of letters; quarter turns are found elsewhere.
"""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from pdfocr_watcher.analysis.letters import LetterMask

#: Slopes up to so many degrees either way are tried, ...
MAX_SKEW = 10.0
#: ... first in steps of this many degrees, then, around the best, of that many.
COARSE, FINE = 0.5, 0.05
#: The page is cut into so many upright strips, each of which is moved as a whole.
STRIPS = 48
#: Slopes whose profile is at least this steep, as a share of the best, are averaged.
NEARLY_BEST = 0.9


@dataclass(frozen=True, slots=True)
class Skew:
    """The slope of a page's lines.

    Attributes:
        degrees: by which they are turned clockwise from level.
        sharpness: how many times steeper the profile is than at most slopes; text has 5 to 50, anything else 1 to 4.
    """

    degrees: float
    sharpness: float


def measure_skew(mask: LetterMask) -> Skew:
    """The slope of the lines that run across a page; sharpness 0 where there is nothing.

    Args:
        mask: the page's letters.
    """
    width = mask.shape[1]
    edges = np.linspace(0, width, min(STRIPS, width) + 1).round().astype(int)
    strips = np.stack([mask[:, start:end].sum(axis=1) for start, end in pairwise(edges)])
    profiles = np.asarray(strips, dtype=np.float32)
    centres = (edges[:-1] + edges[1:]) / 2 - width / 2
    slopes = np.arange(-MAX_SKEW - COARSE, MAX_SKEW + 1.5 * COARSE, COARSE)
    coarse = np.array([_steepness(profiles, centres, slope) for slope in slopes])
    near = slopes[coarse.argmax()] + np.arange(-COARSE, COARSE + FINE / 2, FINE)
    fine = np.array([_steepness(profiles, centres, slope) for slope in near])
    if not fine.any():
        return Skew(0.0, 0.0)  # nothing, or one black row: the profile has no steps
    weights = np.clip(fine - NEARLY_BEST * fine.max(), 0, None)
    usual = float(np.median(coarse))
    return Skew(float((near * weights).sum() / weights.sum()), float(fine.max()) / usual if usual else 0.0)


def _steepness(profiles: NDArray[np.float32], centres: NDArray[np.float64], slope: float) -> float:
    """Sum of the squared steps of the profile along lines of this slope, in degrees."""
    shifts = np.rint(centres * np.tan(np.radians(slope))).astype(int)
    margin = int(np.abs(shifts).max())
    rows = profiles.shape[1]
    profile = np.zeros(rows + 2 * margin, dtype=np.float32)
    for strip, shift in zip(profiles, shifts, strict=True):
        profile[margin - shift : margin - shift + rows] += strip
    steps = np.diff(profile)
    return float(np.dot(steps, steps))
