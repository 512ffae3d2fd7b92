"""Lines that the networks are not sure of are read once more, by the words of the page's language.

How letters and words are weighed stands in `guided_reading`; what is told of a language, in `word_list`.
"""

import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from pdfocr_watcher.engines.cascade import FoundLine
from pdfocr_watcher.engines.common_words import likely_language
from pdfocr_watcher.engines.guided_reading import guided
from pdfocr_watcher.engines.policy import hard_lines, sample_of
from pdfocr_watcher.engines.raster import Raster, crop, upright
from pdfocr_watcher.engines.recognition import LineReading, Recognizer
from pdfocr_watcher.engines.word_list import WordList
from pdfocr_watcher.weights.catalogue import WORD_LISTS
from pdfocr_watcher.weights.folder import is_there

#: How far a writing hand leans to the right, as widths for each height; the lines of a page are set upright by the one
#: with which a sample of them is read most surely.
SLANTS = (0.0, 0.3, 0.6)
#: Of a page no more lines are read again, which takes half a minute; handwriting has some 40, a newspaper 1,000.
MAX_LINES = 500


class WordGuide:
    """Reads lines by the words of their language.

    Args:
        recognizer: the network that reads them.
        folder: where the word lists are, each read when a page is the first to need it; without one for its language a
            page stays as it is.
    """

    def __init__(self, recognizer: Recognizer, folder: Path) -> None:
        self._recognizer = recognizer
        self._folder = folder
        self._latest: tuple[str, WordList | None] = ("", None)

    def reread(self, raster: Raster, lines: Sequence[FoundLine]) -> list[FoundLine]:
        """The lines of a page, the hard ones read once more."""
        hard = [number for number in hard_lines([line.reading for line in lines]) if not lines[number].turned]
        del hard[MAX_LINES:]
        if not hard:
            return list(lines)
        language = likely_language(line.reading.text for line in lines)
        words = self._words(language) if language is not None else None
        if words is None:
            return list(lines)
        pictures = {number: crop(raster, lines[number].quad) for number in hard}
        slant = self._slant([pictures[hard[one]] for one in sample_of(len(hard))])
        read = {number: self._read(picture, slant, words) for number, picture in pictures.items()}
        return [replace(line, reading=read.get(number, line.reading)) for number, line in enumerate(lines)]

    def _slant(self, pictures: Sequence[Raster]) -> float:
        """By how much the writing of some lines leans."""

        def sure(slant: float) -> float:
            return sum(self._recognizer.read(upright(picture, slant)).confidence for picture in pictures)

        return max(SLANTS, key=sure)

    def _read(self, picture: Raster, slant: float, words: WordList) -> LineReading:
        set_upright = upright(picture, slant)
        scores, used = self._recognizer.scores(set_upright)
        reading = guided(scores, self._recognizer.characters, used, words)
        # Where it stands on the line as it leans: at half its height.
        share = reading.extent / set_upright.shape[1]
        lean = slant * picture.shape[0] / 2 * share
        columns = tuple(column - lean for column in reading.columns)
        return replace(reading, columns=columns, extent=picture.shape[1] * share)

    def _words(self, language: str) -> WordList | None:
        """Those of a language; None where they are not installed, or cannot be read."""
        if self._latest[0] != language:
            self._latest = (language, self._loaded(language))
        return self._latest[1]

    def _loaded(self, language: str) -> WordList | None:
        weights = WORD_LISTS[language]
        if not is_there(self._folder, weights):
            return None
        try:
            return WordList.read(self._folder / weights.file)
        except (OSError, ValueError, EOFError) as error:
            print(f"{weights.file} cannot be used: {error}", file=sys.stderr)  # noqa: T201 - the worker's log
            return None
