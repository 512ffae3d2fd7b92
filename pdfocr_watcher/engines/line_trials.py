"""Reading some lines of a page both ways, to tell which of them is right.

Which lines run which way is found out before, by shape (`analysis.letters`); what follows for the page is decided in
`orientation`. Loading this loads ONNX Runtime, and its first use a network.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from pdfocr_watcher.analysis.letters import Boxes, Gray
from pdfocr_watcher.engines.line_networks import read_line, upside_down
from pdfocr_watcher.engines.recognition import LineReading

#: So many lines are looked at, ...
SAMPLE = 8
#: ... taken from this many times as many longest ones, from all over the page; ...
CHOICE = 4
#: ... cut off where they are so many times longer than high, ...
MAX_ASPECT = 8
#: ... with paper around them: a share of their height, and at least so many pixels.
MARGIN, MIN_MARGIN = 0.2, 2
#: Every so many-th line is read first; if neither way gives this confidence, the rest is not read.
PROBE_STEP, PROMISING = 3, 0.75

#: Lines are right side up where the classifier's mean probability of the contrary is below this.
SURE_UPRIGHT = 0.15
#: Lines are readable from this confidence on, and this many characters ...
READABLE, MIN_CHARACTERS = 0.9, 16
#: ... or these, where the classifier prefers them by so much (a probability) to the other way.
AGREED_READABLE, MIN_AGREED_CHARACTERS, AGREED = 0.85, 5, 0.6
#: They must be readable by this much better than the other way: figures like 1961 are readable both ways.
MIN_ADVANTAGE = 0.12
#: A character from here on may be written downwards: Chinese, Japanese, Korean.
FIRST_SQUARE = "\u2e80"
#: Lines of such characters are columns laid down where, with each of them turned, they have this confidence and this
#: share of the characters.
DOWNWARDS, MIN_DOWNWARDS = 0.8, 0.5


@dataclass(frozen=True, slots=True)
class Trial:
    """Some lines, taken one way.

    Attributes:
        characters: how many were read.
        confidence: their mean confidence, 0..1.
        upside_down: the classifier's mean probability.
        downwards: whether the characters lie on their left side, as in a column that was laid down to be read.
    """

    characters: int
    confidence: float
    upside_down: float
    downwards: bool = False

    def beats(self, other: "Trial") -> bool:
        """Whether this way is surely right, and the other surely not."""
        agreed = other.upside_down - self.upside_down >= AGREED
        enough = MIN_AGREED_CHARACTERS if agreed else MIN_CHARACTERS
        readable = self.confidence >= (AGREED_READABLE if agreed else READABLE)
        return readable and self.characters >= enough and self.confidence - other.confidence >= MIN_ADVANTAGE


def sample_lines(page: Gray, boxes: Boxes) -> list[Gray]:
    """Pictures of some of a page's lines, from its top to its bottom.

    Args:
        page: the raster on which the lines lie level.
        boxes: the lines.
    """
    worth = np.minimum(boxes[:, 2], MAX_ASPECT * boxes[:, 3])
    longest = boxes[np.argsort(-worth, kind="stable")[: CHOICE * SAMPLE]]
    placed = longest[np.lexsort((longest[:, 0], longest[:, 1]))]
    chosen = np.linspace(0, len(placed) - 1, min(SAMPLE, len(placed))).round().astype(int)
    return [_cut(page, placed[index]) for index in chosen]


def surely_upright(lines: Sequence[Gray]) -> float:
    """How sure it is that lines are right side up, judged by their looks: 0 where it is not sure, else up to 1."""
    doubt = float(np.mean(upside_down(lines))) if lines else 1.0
    return 1 - doubt if doubt <= SURE_UPRIGHT else 0.0


def try_both_ways(lines: Sequence[Gray]) -> tuple[Trial, Trial]:
    """Take lines as they are, and turned over."""
    probes = list(lines[::PROBE_STEP])
    ordered = [*probes, *(line for index, line in enumerate(lines) if index % PROBE_STEP)]
    ways = (ordered, [np.ascontiguousarray(line[::-1, ::-1]) for line in ordered])
    readings = [[read_line(line) for line in way[: len(probes)]] for way in ways]
    if max(_confidence(some) for some in readings) >= PROMISING:
        for way, some in zip(ways, readings, strict=True):
            some.extend(read_line(line) for line in way[len(probes) :])
    as_is, over = (_judged(way[: len(some)], some) for way, some in zip(ways, readings, strict=True))
    return as_is, over


def _judged(lines: Sequence[Gray], readings: Sequence[LineReading]) -> Trial:
    text = "".join(reading.text for reading in readings)
    upside = float(np.mean(upside_down(lines))) if lines else 0.5
    confidence = _confidence(readings)
    squares = sum(character >= FIRST_SQUARE for character in text)
    if not squares or squares < len(text) / 2 or confidence < AGREED_READABLE:
        return Trial(len(text), confidence, upside)
    turned = [
        read_line(characters_turned(line, reading.centres))
        for line, reading in zip(lines, readings, strict=True)
        if reading.centres
    ]
    kept = sum(len(reading.text) for reading in turned)
    downwards = kept >= MIN_DOWNWARDS * len(text) and _confidence(turned) >= DOWNWARDS
    return Trial(len(text), confidence, upside, downwards)


def _confidence(readings: Sequence[LineReading]) -> float:
    """The mean over all characters."""
    characters = sum(len(reading.text) for reading in readings)
    return sum(reading.confidence * len(reading.text) for reading in readings) / characters if characters else 0.0


def characters_turned(line: Gray, centres: Sequence[float]) -> Gray:
    """A line of square characters with each of them turned clockwise by a quarter, in its place.

    Args:
        line: its picture.
        centres: where they stand, as shares of the line's width; at least one.
    """
    half = line.shape[0] // 2
    paper = int(np.median(line))
    padded = np.pad(line[: 2 * half], ((0, 0), (half, half)), constant_values=paper)
    lefts = [round(centre * line.shape[1]) for centre in centres]
    return np.ascontiguousarray(np.hstack([np.rot90(padded[:, left : left + 2 * half], -1) for left in lefts]))


def _cut(page: Gray, box: Boxes) -> Gray:
    left, top, width, height = (int(value) for value in box)
    margin = max(MIN_MARGIN, round(MARGIN * height))
    right = left + min(width, MAX_ASPECT * height) + margin
    cut = page[max(0, top - margin) : top + height + margin, max(0, left - margin) : right]
    return np.ascontiguousarray(cut)
