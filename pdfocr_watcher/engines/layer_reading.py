"""A page is read by its text layer: the words are the layer's, the layout is told from the picture.

A layer that does not say what the picture shows is not used. What the comparison looks at stands in `layer_checks`.
"""

from collections.abc import Container, Sequence
from dataclasses import dataclass, replace
from typing import Any

from PIL import Image

from pdfocr_watcher.analysis.layer_lines import letters_of, lines_of, without_shadows
from pdfocr_watcher.analysis.lines import Line
from pdfocr_watcher.analysis.regions import Region
from pdfocr_watcher.analysis.text_layer import UNKNOWN, LayerWord, parse_layer, placed
from pdfocr_watcher.engines import layer_checks as checks
from pdfocr_watcher.engines.base import LineEngine, Reading
from pdfocr_watcher.engines.uprighting import Uprighting
from pdfocr_watcher.errors import ErrorCode, PdfocrError

#: A layer with more than this share of its letters where there is no ink is another page's, or is not in its place.
MAX_HIDDEN = 0.3
#: More lines than this of which each must be read cost what reading the page costs.
MAX_DOUBTFUL = 16
#: A doubtful line is the layer's where it is so much like what is read there; what is read instead is as sure as that.
ALIKE = 0.8
SURE = 0.8
#: Writing that the layer does not have: so many pieces are read, and this share of the page's text loses the layer.
MAX_UNCOVERED = 12
MAX_MISSING = 0.15
MIN_FOUND = 3
#: The lines that are compared are alike by this on the whole, and each by that, but for one of many.
MIN_AGREEMENT = 0.9
MIN_LIKENESS = 0.7
MANY = 4
#: Lines of a single character are of a text that runs downwards, or is set letter by letter, where they are so many.
MAX_SINGLE = 0.5
FEW_LINES = 8
#: So many pieces that are shaped like words are writing.
WRITING = 3


class _LosesError(Exception):
    """Why a layer is not used."""


@dataclass(frozen=True, slots=True)
class _Layered:
    lines: list[Line]
    notes: dict[str, Any]


def read_with_layer(
    engine: LineEngine,
    image: Image.Image,
    data: bytes,
    uprighting: Uprighting,
    *,
    only: bool,
    languages: tuple[str, ...] = (),
) -> Reading:
    """Read a page by its text layer if it can be believed, else with the engine.

    Args:
        engine: who reads, and compares.
        image: the page's raster, RGB, upright.
        data: what a renderer says of the layer; empty for nothing.
        uprighting: how the raster was made upright.
        only: whether the layer is taken as it is, and nothing is read.
        languages: see `Engine.recognize`.

    Returns:
        The page; its notes say by what it was read (`reader`), or why not by its layer (`text_layer`).

    Raises:
        PdfocrError: TEXT_LAYER_MISSING, nothing may be read, and there is writing but no layer.
        Exception: see `Engine.recognize`.
    """
    layer = parse_layer(data)
    words = placed(layer, image.size, uprighting.turn, uprighting.skew) if layer is not None else ()
    inks = checks.inked(image, words)
    seen = [word for word, ink in zip(words, inks, strict=True) if ink.visible]
    hidden = sum(len(word.text) for word in words) - sum(len(word.text) for word in seen)
    if only:
        return _only(engine, image, seen)
    if not words:
        return engine.recognize(image, languages)
    tinted = {id(word) for word, ink in zip(words, inks, strict=True) if ink.tinted}
    try:
        if hidden > MAX_HIDDEN * sum(len(word.text) for word in words):
            raise _LosesError("it has words where the page has no ink")
        layered = _believed(engine, image, seen, tinted)
    except _LosesError as loss:
        read = engine.recognize(image, languages)
        return replace(read, notes={**read.notes, "text_layer": str(loss)})
    read = engine.understand(image, layered.lines)
    hid = {"hidden": hidden} if hidden else {}
    return replace(read, notes={**read.notes, **layered.notes, **hid})


def _only(engine: LineEngine, image: Image.Image, seen: Sequence[LayerWord]) -> Reading:
    words, _ = without_shadows(seen)
    if not words and len(checks.writing_of(image)) >= WRITING:
        raise PdfocrError(ErrorCode.TEXT_LAYER_MISSING)
    read = engine.understand(image, [line for line, _ in lines_of(words)], reading=False)
    return replace(read, notes={**read.notes, "reader": "text layer"})


def _believed(engine: LineEngine, image: Image.Image, words: Sequence[LayerWord], tinted: Container[int]) -> _Layered:
    """The lines of a page by those words of its layer that can be seen; `tinted` has the ids of some.

    Raises:
        _LosesError: it does not say what the picture shows.
    """
    kept, contested = without_shadows(words)
    groups = lines_of(kept)
    single = sum(len(line.text) == 1 for line, _ in groups)
    if single > FEW_LINES and single > MAX_SINGLE * len(groups):
        raise _LosesError("its lines are single characters")
    doubtful: list[tuple[Line, tuple[int, ...]]] = []
    plain: list[Line] = []
    grounded: list[Line] = []
    for line, members in groups:
        if UNKNOWN in line.text or not contested.isdisjoint(members):
            doubtful.append((line, members))
        else:
            (grounded if any(id(kept[index]) in tinted for index in members) else plain).append(line)
    if len(doubtful) > MAX_DOUBTFUL:
        raise _LosesError("it has too much that must be read")
    # What stands on a tint has a sample of its own, for it may also be hidden in a picture.
    samples = [checks.agreement(image, some, engine.read_piece) for some in (plain, grounded) if some]
    agreed = min((sample.mean for sample in samples if sample.similarities), default=1.0)
    if not all(map(_agrees, samples)):
        raise _LosesError(f"it says something else ({agreed:.2f})")
    told: list[Line] = []
    refuted: set[int] = set()
    for line, members in doubtful:
        settled = _settled(engine, image, line)
        if settled is not None:
            told.append(settled)
        else:
            refuted.update(members)
    missing = _missing(engine, image, [word for index, word in enumerate(kept) if index not in refuted])
    compared = sum(len(sample.similarities) for sample in samples)
    notes = {"reader": "text layer", "agreement": round(agreed, 3), "compared": compared}
    if doubtful or missing:
        notes["read"] = len(doubtful) + len(missing)
    return _Layered([*plain, *grounded, *told, *missing], notes)


def _agrees(sample: checks.Agreement) -> bool:
    alike = sorted(sample.similarities)
    if not alike:  # nothing but dots and dashes
        return True
    tolerated = 1 if len(alike) >= MANY else 0
    return sample.mean >= MIN_AGREEMENT and alike[tolerated] >= MIN_LIKENESS


def _missing(engine: LineEngine, image: Image.Image, words: Sequence[LayerWord]) -> list[Line]:
    """What the picture says beyond the layer, where it is little.

    Raises:
        _LosesError: it is much, or perhaps more than was looked at.
    """
    rest = checks.uncovered(checks.writing_of(image), words, image.size)
    step = max(1, -(-len(rest) // MAX_UNCOVERED))
    read = rest[::step]
    readings = [(region, checks.read_around(image, _roomy(region), engine.read_piece)) for region in read]
    found = [
        replace(line, left=region.left, top=region.top, right=region.right, bottom=region.bottom, words=())
        for region, line in readings
        if line is not None and line.confidence >= SURE and len(letters_of(line.text)) >= MIN_FOUND
    ]
    text = sum(word.area for word in words)
    more = sum(line.area for line in found) * len(rest) / max(1, len(read))
    if found and (step > 1 or more > MAX_MISSING * (text + more)):
        raise _LosesError("the picture says more")
    return found


def _roomy(region: Region) -> Region:
    """A line around letters of which the high and the low ones may have been left out."""
    more = 0.15 * region.height
    return Region(region.left - more, region.top - more, region.right + more, region.bottom + more)


def _settled(engine: LineEngine, image: Image.Image, line: Line) -> Line | None:
    """A doubtful line: the layer's, what is read in its place, or None where it is not what is to be seen there."""
    reading = checks.read_around(image, line, engine.read_piece)
    known = letters_of(line.text)
    alike = checks.likeness(line, reading) >= ALIKE
    if UNKNOWN not in line.text:
        return line if alike else None
    if reading is not None and reading.confidence >= SURE and (alike or len(known) < MIN_FOUND):
        return replace(line, text=reading.text, confidence=reading.confidence, words=())
    return None
