"""The engine `tesseract`: all pages are found and read by Tesseract, in the languages that are configured.

How the library is used stands in `tesseract_library`.
"""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from PIL import Image

from pdfocr_watcher.analysis.lines import Line
from pdfocr_watcher.engines.base import EngineInfo, LineEngine, Reading
from pdfocr_watcher.engines.script_trials import choose_languages, doubtful_lines
from pdfocr_watcher.engines.scripts import LATIN, install_advice
from pdfocr_watcher.engines.tessdata import installed_codes, installed_languages
from pdfocr_watcher.engines.tesseract_library import Tesseract
from pdfocr_watcher.errors import ErrorCode, PdfocrError

#: Tesseract reads lines of a language with this confidence, and lines of another script with less.
DOUBT = 0.75


class TesseractEngine(LineEngine):
    """Reads whatever there are language data for.

    Args:
        folder: with the language data; None where there are none.
        languages: those of the pages, by any of their names. With `auto`, pages are read in English, or in the first
            language of Latin script that there is, and again where that gives doubtful lines of another script.

    Raises:
        PdfocrError: `engine_unavailable`, no data, or not of a language that is named.
    """

    def __init__(self, folder: Path | None, languages: Sequence[str]) -> None:
        self._installed = installed_languages(folder)
        if folder is None or not self._installed:
            where = f"in {folder}" if folder is not None else "on this machine"
            text = f"Tesseract finds no language data {where}: {install_advice(['eng'])}, see docs/languages.md."
            raise PdfocrError(ErrorCode.ENGINE_UNAVAILABLE, text)
        self._folder = folder
        self._named = installed_codes(languages, folder)
        self._library = Tesseract(folder)
        self._library.load(self._named or self._usual)

    @property
    def info(self) -> EngineInfo:
        """Named by its languages and by the library's version."""
        return EngineInfo("tesseract", "+".join(self._named) or "auto", self._library.version)

    @property
    def _usual(self) -> tuple[str, ...]:
        """What pages are read in whose language is not known."""
        return (next((code for code in LATIN.languages if code in self._installed), self._installed[0]),)

    def read_lines(self, image: Image.Image) -> list[Line]:
        """The text lines of a page; none where there is nothing to read."""
        return self._read(image, self._named)[0]

    def recognize(self, image: Image.Image, languages: tuple[str, ...] = ()) -> Reading:
        """Read the lines, and make blocks of them; the notes say in which languages (`reader`)."""
        named = installed_codes(languages, self._folder) if languages else self._named
        lines, used = self._read(image, named)
        reading = self.understand(image, lines)
        reader = f"tesseract {self._library.version} {'+'.join(used)}"
        return replace(reading, notes={**reading.notes, "reader": reader})

    def _read(self, image: Image.Image, named: Sequence[str]) -> tuple[list[Line], tuple[str, ...]]:
        used = tuple(named) or self._usual
        lines = self._library.read_page(image, used)
        if not named and (doubtful := doubtful_lines(lines, DOUBT)):
            choice = choose_languages(
                doubtful, self._installed, lambda regions, codes: self._library.read_regions(image, regions, codes)
            )
            if choice is not None:
                return self._library.read_page(image, choice.languages), choice.languages
        return lines, used
