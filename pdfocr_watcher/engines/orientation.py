"""How a page lies: turned by quarters, or off level by a few degrees.

The shapes of its letters and words tell most of it in some 30 ms: which way the lines run, how far off level, and
for most scripts with small letters that they stand upright. Only where that leaves a doubt, networks are loaded: first
one that tells lines which are upside down from upright ones, then one that reads lines. A page is turned only where
lines can be read well when it is and badly when it is not; in doubt it stays as it is.

What is done about it stands in `uprighting`.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import cv2
import numpy as np
from PIL import Image

from pdfocr_watcher.analysis.ascenders import count_votes
from pdfocr_watcher.analysis.letters import (
    Gray,
    Letters,
    Words,
    find_letters,
    horizontal_share,
    ink_share,
    join_words,
)
from pdfocr_watcher.analysis.skew import MAX_SKEW, Skew, measure_skew
from pdfocr_watcher.engines.uprighting import Uprighting

#: Long side in pixels at which a page is looked at, and how often it is halved to find larger letters.
SIDE = 1600
HALVINGS = 2
#: Below this, in pixels, there is nothing to see.
MIN_SIDE = 16
#: A page whose median is darker than this, of 255, has white writing on black.
DARK_PAPER = 112
#: Every so many-th pixel both ways tells it.
PAPER_STEP = 4
#: Fewer letters are no text.
MIN_LETTERS = 4
#: The lines run across the page from this share on, and down it below the other; between, nothing is sure.
ACROSS, DOWN = 0.55, 0.45
#: Votes for upright that need no second opinion, in standard deviations from chance.
SURE_VOTES = 4.0
#: Lines off level by more than this, in degrees, are made level before they are looked at.
LEVEL = 0.7
#: Text whose profile is less sharp than this, or less off level in degrees than that, counts as level.
MIN_SHARPNESS = 6.0
MIN_SKEW = 0.3
#: Fewer lines than this turn a page by a quarter only where they have this share of its ink: a note in the margin of a
#: photograph does not.
MIN_LINES = 3
MIN_INK_SHARE = 0.5
#: The lines that run down a page have so many times as many characters as those that can be read across it.
MIN_MORE_CHARACTERS = 3


@dataclass(frozen=True, slots=True)
class Turn:
    """Which way up a page is.

    Attributes:
        degrees: by which to turn it clockwise so that it is upright: 0, 90, 180 or 270.
        surety: 0 where nothing is sure (then `degrees` is 0), towards 1 the surer it is.
    """

    degrees: int
    surety: float


UNSURE = Turn(0, 0.0)


def find_turn(image: Image.Image) -> Turn:
    """Which way up a page is.

    Args:
        image: the page's raster, any mode and size; it is not changed.

    Raises:
        PdfocrError: `engine_unavailable` where a network is needed and its weights are missing or do not load.
    """
    with _one_thread():
        return _look(image)[0]


def find_skew(image: Image.Image) -> float:
    """By how many degrees to turn a page clockwise so that its lines are level, within 10 either way.

    Args:
        image: the page's raster, any mode and size, turned by any number of quarters; it is not changed.

    Returns:
        0 where the lines are level to 0.3 degrees, or where it is not sure.
    """
    with _one_thread():
        for page in _scales(image):
            letters = find_letters(page)
            skew = _sharper(letters, letters.laid())
            if skew.sharpness >= MIN_SHARPNESS:
                return _correction(skew)
        return 0.0


def find_uprighting(image: Image.Image) -> Uprighting:
    """Both at once, in the time that `find_turn` takes alone.

    Args:
        image: the page's raster, any mode and size; it is not changed.

    Raises:
        PdfocrError: as `find_turn`.
    """
    with _one_thread():
        turn, skew = _look(image)
        return Uprighting(turn.degrees, _correction(skew))


def _look(image: Image.Image) -> tuple[Turn, Skew]:
    """Turn and skew, each from the scale on which it is surest, beginning with the finest."""
    turn, skew = UNSURE, Skew(0.0, 0.0)
    for scale in _scales(image):
        page = scale
        letters = find_letters(page)
        if letters.count < MIN_LETTERS:
            continue
        measured = _sharper(letters, letters.laid())
        if measured.sharpness > skew.sharpness:
            skew = measured
        if measured.sharpness >= MIN_SHARPNESS and abs(measured.degrees) > LEVEL:
            page = _levelled(page, measured.degrees)
            letters = find_letters(page)
        turn = _judge(page, letters)
        if turn.surety:
            break
    return turn, skew


def _judge(page: Gray, letters: Letters) -> Turn:
    laid = letters.laid()
    across, down = join_words(letters), join_words(laid)
    share = horizontal_share(across, down)
    if share >= ACROSS and len(across.boxes):
        votes = count_votes(letters.mask, across.boxes).surety
        return Turn(0, 1 - 1 / votes**2) if votes >= SURE_VOTES else _judge_across(page, across)
    if share <= DOWN and len(down.boxes) and (len(down.boxes) >= MIN_LINES or ink_share(laid, down) >= MIN_INK_SHARE):
        return _judge_down(page, across, down)
    return UNSURE


def _judge_across(page: Gray, across: Words) -> Turn:
    """Whether lines that run across the page are upright or upside down."""
    from pdfocr_watcher.engines import line_trials  # noqa: PLC0415 - loads ONNX Runtime, which most pages do not need

    lines = line_trials.sample_lines(page, across.boxes)
    upright = line_trials.surely_upright(lines)
    if upright:
        return Turn(0, upright)
    as_is, over = line_trials.try_both_ways(lines)
    if over.beats(as_is):
        return Turn(270 if over.downwards else 180, over.confidence)
    if as_is.beats(over):
        return Turn(90 if as_is.downwards else 0, as_is.confidence)
    return UNSURE


def _judge_down(page: Gray, across: Words, down: Words) -> Turn:
    """Whether lines that run down the page were turned by a quarter, or are of a script that is written so."""
    from pdfocr_watcher.engines import line_trials  # noqa: PLC0415 - as above

    left, right = line_trials.try_both_ways(line_trials.sample_lines(np.ascontiguousarray(np.rot90(page)), down.boxes))
    for degrees, best, other in ((270, left, right), (90, right, left)):
        if best.beats(other):
            if best.downwards:
                return Turn((degrees + 90) % 360, best.confidence)
            rest, _ = line_trials.try_both_ways(line_trials.sample_lines(page, across.boxes))
            readable = rest.confidence >= line_trials.READABLE and not rest.downwards
            if readable and best.characters < MIN_MORE_CHARACTERS * rest.characters:
                return UNSURE
            return Turn(degrees, best.confidence)
    return UNSURE


def _sharper(across: Letters, down: Letters) -> Skew:
    """The skew by the lines that run across the page or by those that run down it, whichever shows it better."""
    skews = (measure_skew(across.mask), measure_skew(down.mask))
    return max(skews, key=lambda skew: skew.sharpness)


def _correction(skew: Skew) -> float:
    sure = skew.sharpness >= MIN_SHARPNESS and MIN_SKEW <= abs(skew.degrees) <= MAX_SKEW
    return round(-skew.degrees, 2) if sure else 0.0


def _levelled(page: Gray, degrees: float) -> Gray:
    """A page whose lines are turned clockwise by so much, turned back."""
    height, width = page.shape
    matrix = cv2.getRotationMatrix2D((width / 2, height / 2), degrees, 1.0)
    return np.asarray(cv2.warpAffine(page, matrix, (width, height), borderMode=cv2.BORDER_REPLICATE), dtype=np.uint8)


def _scales(image: Image.Image) -> Iterator[Gray]:
    """The page in gray, dark writing on light paper, and then smaller and smaller."""
    if min(image.size) < MIN_SIDE:
        return
    gray = image if image.mode == "L" else image.convert("L")
    page: Gray = np.asarray(gray.reduce(max(image.size) // SIDE) if max(image.size) >= 2 * SIDE else gray)
    ratio = SIDE / max(page.shape)
    if ratio < 1:
        size = (max(1, round(page.shape[1] * ratio)), max(1, round(page.shape[0] * ratio)))
        page = np.asarray(cv2.resize(page, size, interpolation=cv2.INTER_LINEAR), dtype=np.uint8)
    if np.median(page[::PAPER_STEP, ::PAPER_STEP]) < DARK_PAPER:
        page = 255 - page
    yield page
    for _ in range(HALVINGS):
        if min(page.shape) < 2 * MIN_SIDE:
            return
        page = np.asarray(cv2.resize(page, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA), dtype=np.uint8)
        yield page


@contextmanager
def _one_thread() -> Iterator[None]:
    """Keep OpenCV to one thread: the workers share the machine by processes."""
    threads = cv2.getNumThreads()
    cv2.setNumThreads(1)
    try:
        yield
    finally:
        cv2.setNumThreads(threads)
