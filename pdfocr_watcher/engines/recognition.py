"""PP-OCR's networks that read one line of text, on plain ONNX Runtime, and what they make of it.

Which of them reads which line stands in `policy`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from pdfocr_watcher.analysis.lines import Word
from pdfocr_watcher.engines.networks import load_network
from pdfocr_watcher.engines.raster import Raster

#: What a line is scaled to, in pixels, and the least width that a network takes.
LINE_HEIGHT = 48
#: A picture longer than so many heights is squeezed: a line of a hundred characters is fifty heights long. At this a
#: network takes half a gigabyte, and at 850 heights twice as much.
MAX_RATIO = 200.0
#: Heights of a line between two of its characters that are no longer the same stretch of text.
WIDE_GAP = 1.5
#: A network's class for "no character here".
BLANK = 0


@dataclass(frozen=True, slots=True)
class LineReading:
    """What a network makes of one line.

    Attributes:
        text: without blanks at the ends, one blank between words.
        confidence: mean over the characters, 0..1.
        columns: the network's output column at which each character but the blanks was read.
        extent: output columns over the width of the line.
    """

    text: str
    confidence: float
    columns: tuple[float, ...]
    extent: float

    @property
    def centres(self) -> tuple[float, ...]:
        """Where each character but the blanks stands, as a share of the line's width, 0..1."""
        return tuple((column + 0.5) / self.extent for column in self.columns)

    def words(self, left: float, right: float, height: float) -> tuple[Word, ...]:
        """The stretches of text between blanks and wide gaps, placed between `left` and `right`."""
        centres = [left + centre * (right - left) for centre in self.centres]
        if len(centres) != sum(not character.isspace() for character in self.text):
            return ()
        steps = [b - a for a, b in pairwise(centres)]
        half = float(np.median(steps)) / 2 if steps else (right - left) / 2
        words: list[Word] = []
        position = 0
        for token in self.text.split():
            start = position
            for index in range(position + 1, position + len(token) + 1):
                ends = index == position + len(token)
                if ends or centres[index] - centres[index - 1] > WIDE_GAP * height:
                    text = token[start - position : index - position]
                    words.append(Word(max(left, centres[start] - half), min(right, centres[index - 1] + half), text))
                    start = index
            position += len(token)
        return tuple(words)


class Recognizer:
    """Reads one line at a time: lines of different widths in one run would be padded, which costs more than it saves.

    Args:
        weights: an ONNX file that carries the characters of its classes.
        threads: that one run may use, at least 1.

    Raises:
        Exception: what ONNX Runtime raises where the file is missing or no network; KeyError, it has no characters.
    """

    def __init__(self, weights: Path, threads: int) -> None:
        # Lines come in ever new widths, and ONNX Runtime's arena would keep room for each.
        self._network = load_network(weights, threads, often=False)
        self._input = self._network.get_inputs()[0].name
        characters = self._network.get_modelmeta().custom_metadata_map["character"].splitlines()
        #: Of each class; none of the first.
        self.characters = ("", *characters, " ")

    def read(self, picture: Raster) -> LineReading:
        """Read one line that lies level, of any size."""
        scores, used = self.scores(picture)
        return decoded(scores, self.characters, used)

    def scores(self, picture: Raster) -> tuple[NDArray[np.float32], float]:
        """How probable each character is in each column of such a line, 0..1, and the share of them that it covers."""
        values, used = _as_input(picture)
        scores: NDArray[np.float32] = self._network.run(None, {self._input: values})[0][0]
        return scores, used


def decoded(scores: NDArray[np.float32], characters: Sequence[str], used: float) -> LineReading:
    """A reading from what a network says of each column (connectionist temporal classification, greedy).

    Args:
        scores: columns x classes, 0..1; the first class is "no character here".
        characters: of each class.
        used: the share of the columns that the line covers; the rest is padding.
    """
    best = scores.argmax(axis=1)
    kept = np.flatnonzero((best != BLANK) & np.append(True, best[1:] != best[:-1]))
    text = [characters[index] for index in best[kept]]
    return LineReading(
        text=" ".join("".join(text).split()),
        confidence=round(float(scores[kept, best[kept]].mean()), 5) if len(kept) else 0.0,
        columns=tuple(float(column) for column, character in zip(kept, text, strict=True) if not character.isspace()),
        extent=len(best) * used,
    )


def _as_input(picture: Raster) -> tuple[NDArray[np.float32], float]:
    """A line as the networks take it (1 x 3 x height x width, -1..1), padded with 0, and the share that it covers."""
    ratio = min(MAX_RATIO, picture.shape[1] / picture.shape[0])
    width = max(1, int(LINE_HEIGHT * ratio))
    scaled = cv2.resize(picture, (width, LINE_HEIGHT)).astype(np.float32) / 127.5 - 1
    values = np.zeros((1, 3, LINE_HEIGHT, max(LINE_HEIGHT, width)), dtype=np.float32)
    values[0, :, :, :width] = scaled.transpose(2, 0, 1)
    return values, min(1.0, ratio)
