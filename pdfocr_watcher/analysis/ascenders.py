"""Whether words stand upright, by the ink above and below their small letters: b, d, f, h, k, l, t against g, p, q, y.

Latin, Greek and Cyrillic text has more of the former. Chinese, capitals and figures say nothing, and some scripts
(Devanagari, Hebrew) speak the other way: what is said against upright is a doubt and no proof.
"""

from dataclasses import dataclass

import numpy as np

from pdfocr_watcher.analysis.letters import Boxes, LetterMask

#: Rows belong to the small letters' body where they have this share of the ink of the fullest quarter of the rows.
BODY_INK = 0.55
#: The body is at least this share of a word's height, or the box holds no line of words.
MIN_BODY = 0.35
#: More of a box than this filled with ink, and it holds the ground around white letters.
MAX_FILL = 0.6
#: A word votes where more of its ink than this, as a share, is on one side.
MIN_EXCESS = 0.02
#: So many words, the longest ones, are looked at.
MAX_WORDS = 120


@dataclass(frozen=True, slots=True)
class Votes:
    """How many words speak for upright and how many against."""

    upright: int
    against: int

    @property
    def surety(self) -> float:
        """Standard deviations by which the votes differ from chance; positive for upright."""
        return float((self.upright - self.against) / np.sqrt(self.upright + self.against + 1))


def count_votes(mask: LetterMask, boxes: Boxes) -> Votes:
    """Let the words of a page vote.

    Args:
        mask: the page's letters.
        boxes: its words, lying level.
    """
    upright = against = 0
    longest = boxes[np.argsort(-boxes[:, 2], kind="stable")[:MAX_WORDS]]
    for left, top, width, height in longest:
        ink = mask[top : top + height, left : left + width].sum(axis=1, dtype=np.int64)
        total = int(ink.sum())
        fullest = float(np.sort(ink)[-max(1, height // 4) :].mean())
        body = np.flatnonzero(ink >= BODY_INK * fullest)
        if total > MAX_FILL * width * height or body[-1] - body[0] + 1 < MIN_BODY * height:
            continue
        excess = (int(ink[: body[0]].sum()) - int(ink[body[-1] + 1 :].sum())) / total
        upright += excess > MIN_EXCESS
        against += excess < -MIN_EXCESS
    return Votes(upright, against)
