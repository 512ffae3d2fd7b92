"""Whether a text layer says what the picture of its page shows: what needs the pixels, and what needs to be read.

Three things are looked at: that there is ink where the layer has words, that there are words where the picture has
writing, and that lines of the layer, read in the picture, say the same. How a page is read by its layer stands in
`layer_reading`.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

import cv2
import numpy as np
from PIL import Image

from pdfocr_watcher.analysis.layer_lines import letters_of
from pdfocr_watcher.analysis.letters import find_letters, join_words
from pdfocr_watcher.analysis.lines import Line
from pdfocr_watcher.analysis.regions import Region
from pdfocr_watcher.analysis.splitting import split_at
from pdfocr_watcher.analysis.text_layer import LayerWord

#: Reads the one line that stands in a part of a page, if there is one.
Reader = Callable[[Image.Image, Region], Line | None]

#: A pixel is ink where it differs from the paper by more than this, of 255; a word that is fainter cannot be seen.
CONTRAST = 24
#: Every so many-th pixel both ways tells the paper's colour.
PAPER_STEP = 4
#: A word that can be seen has at least this share of ink in its box; where more than that of a box is no paper, the
#: word stands on a tint or in a picture.
LEAST_INK = 0.01
TINTED = 0.8
#: The ground of a word is looked at this far around it, in sizes of its font.
GROUND = 0.12
#: Long side in pixels at which writing is looked for.
SIDE = 1600
#: Below this, in pixels, there is nothing to see.
MIN_SIDE = 16
#: Writing is a layer's where its words cover this share of it; they reach beyond it by so many font sizes.
COVERED = 0.5
REACH = 0.25
#: Lines of the layer that are read and compared, and the letters that one should have at least.
SAMPLE = 6
MIN_LETTERS = 4
#: Of a longer line so many letters tell enough; more than that many characters are never compared.
ENOUGH = 25
MAX_COMPARED = 300
#: What is read reaches beyond its box by so many heights.
AROUND = 0.05


@dataclass(frozen=True, slots=True)
class Ink:
    """What there is to see where a word should be.

    Attributes:
        share: how much of its box differs from what most of the box is, 0..1.
        tinted: whether most of the box differs from the page's paper: a word on a tint, or in a picture.
    """

    share: float
    tinted: bool

    @property
    def visible(self) -> bool:
        """Whether there is a word at all."""
        return self.share >= LEAST_INK


def inked(image: Image.Image, words: Sequence[LayerWord]) -> list[Ink]:
    """What there is to see at each word's place.

    Args:
        image: the page's upright raster, any mode; it is not changed.
        words: in its pixels.
    """
    gray = np.asarray(image if image.mode == "L" else image.convert("L"))
    paper = float(np.median(gray[::PAPER_STEP, ::PAPER_STEP]))
    found = []
    for word in words:
        around = GROUND * word.size  # of a dash the ink alone would be all of its box
        top, left = max(0, int(word.top - around)), max(0, int(word.left - around))
        box = gray[top : int(word.bottom + around) + 1, left : int(word.right + around) + 1]
        ground = float(np.median(box)) if box.size else paper
        share = float((cv2.absdiff(box, np.full_like(box, int(ground))) > CONTRAST).mean()) if box.size else 0.0
        # Bold letters can be most of a box.
        tinted = (
            abs(ground - paper) > CONTRAST
            and float((cv2.absdiff(box, np.full_like(box, int(paper))) > CONTRAST).mean()) > TINTED
        )
        found.append(Ink(share, tinted))
    return found


def writing_of(image: Image.Image) -> list[Region]:
    """What is shaped like words or lines of words on a page, in its pixels."""
    if min(image.size) < MIN_SIDE:
        return []
    gray = image if image.mode == "L" else image.convert("L")
    factor = max(1, round(max(image.size) / SIDE))
    page = np.asarray(gray.reduce(factor) if factor > 1 else gray)
    if np.median(page[::PAPER_STEP, ::PAPER_STEP]) < 128:  # noqa: PLR2004 - white writing on black
        page = 255 - page
    boxes = join_words(find_letters(page)).boxes.tolist()
    return [
        Region(left * factor, top * factor, (left + width) * factor, (top + height) * factor)
        for left, top, width, height in boxes
    ]


def uncovered(writing: Sequence[Region], words: Sequence[LayerWord], size: tuple[int, int]) -> list[Region]:
    """The writing of a page, `size` in pixels, that none of the words stands for."""
    step = max(1, round(max(size) / SIDE))
    covered = np.zeros((size[1] // step + 1, size[0] // step + 1), dtype=np.uint8)
    for word in words:
        reach = REACH * word.size
        left, top = max(0, int((word.left - reach) / step)), max(0, int((word.top - reach) / step))
        covered[top : int((word.bottom + reach) / step) + 1, left : int((word.right + reach) / step) + 1] = 1
    found = []
    for region in writing:
        top, bottom = int(region.top / step), int(region.bottom / step) + 1
        part = covered[top:bottom, int(region.left / step) : int(region.right / step) + 1]
        if part.size and part.mean() < COVERED:
            found.append(region)
    return found


@dataclass(frozen=True, slots=True)
class Agreement:
    """How well lines of a layer agree with what was read at their places.

    Attributes:
        similarities: of each line that was compared, 0..1.
        weights: the letters of each.
    """

    similarities: tuple[float, ...] = ()
    weights: tuple[int, ...] = ()

    @property
    def mean(self) -> float:
        """The mean over the letters; 0 where nothing could be compared."""
        return sum(map(float.__mul__, self.similarities, map(float, self.weights))) / max(1, sum(self.weights))


def agreement(image: Image.Image, lines: Sequence[Line], read: Reader) -> Agreement:
    """Read a spread sample of the lines of a layer and compare.

    The same lines give the same sample, so that a page which is read again comes out the same.
    """
    enough = [line for line in lines if len(letters_of(line.text)) >= MIN_LETTERS]
    lines = sorted(enough or (line for line in lines if letters_of(line.text)), key=lambda line: (line.top, line.left))
    similarities, weights = [], []
    count = min(SAMPLE, len(lines))
    for number in range(count):
        share = lines[number * len(lines) // count : (number + 1) * len(lines) // count]
        line = _beginning(max(share, key=lambda line: min(ENOUGH, len(letters_of(line.text)))))
        similarities.append(likeness(line, read_around(image, line, read)))
        weights.append(len(letters_of(line.text)))
    return Agreement(tuple(similarities), tuple(weights))


def _beginning(line: Line) -> Line:
    """So many of a line's words as are enough to compare."""
    letters = 0
    for number, word in enumerate(line.words[:-1], start=1):
        letters += len(letters_of(word.text))
        if letters >= ENOUGH:
            return split_at(line, number)[0]
    return line


def read_around(image: Image.Image, line: Region, read: Reader) -> Line | None:
    """What is read where a line stands."""
    more = AROUND * min(line.width, line.height)
    return read(image, Region(line.left - more, line.top - more, line.right + more, line.bottom + more))


def likeness(line: Line, reading: Line | None) -> float:
    """How alike two texts are by their letters, 0..1."""
    one, other = letters_of(line.text)[:MAX_COMPARED], letters_of(reading.text)[:MAX_COMPARED] if reading else ""
    return SequenceMatcher(None, one, other, autojunk=False).ratio() if one and other else 0.0
