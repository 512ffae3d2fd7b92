"""Pages of any script for which there are language data: what the embedded engine is in doubt about, Tesseract reads.

Which lines are in doubt, and which languages they are tried in, is decided in `script_trials`.
"""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from PIL import Image

from pdfocr_watcher.analysis.lines import Line
from pdfocr_watcher.analysis.regions import Region
from pdfocr_watcher.engines.base import EngineInfo, LineEngine, Reading
from pdfocr_watcher.engines.rapidocr import RapidOcrEngine, is_sure
from pdfocr_watcher.engines.script_merging import TwoReadings
from pdfocr_watcher.engines.script_trials import Choice, choose_languages, doubtful_lines, is_tried, most_are
from pdfocr_watcher.engines.scripts import AUTO, FOREIGN, install_advice, is_foreign
from pdfocr_watcher.engines.tessdata import has_script_detection, installed_codes, installed_languages
from pdfocr_watcher.errors import PdfocrError

if TYPE_CHECKING:  # loads the library, which most pages do not need
    from pdfocr_watcher.engines.tesseract_library import Tesseract

#: Scripts are detected on a smaller page as well, and sooner: pixels on its long side.
DETECTION_SIDE = 1200


class AnyScriptEngine(LineEngine):
    """RapidOCR, with Tesseract for the lines of scripts that it does not read.

    Args:
        first: who reads every page.
        folder: with Tesseract's language data; None where there are none.
        languages: those of the pages, by any of their names; `auto` for all that are installed.

    Raises:
        PdfocrError: `engine_unavailable`, a language that only Tesseract reads is not installed.
    """

    def __init__(self, first: RapidOcrEngine, folder: Path | None, languages: Sequence[str]) -> None:
        self._first = first
        self._folder = folder
        self._second: Tesseract | None = None
        self._candidates = self._codes(languages)

    @property
    def info(self) -> EngineInfo:
        """That of who reads every page."""
        return self._first.info

    def read_lines(self, image: Image.Image) -> list[Line]:
        """The text lines of a page, by whichever of the two reads them."""
        return self._read(image, self._candidates)[0]

    def read_piece(self, image: Image.Image, region: Region) -> Line | None:
        """One line, by who reads every page."""
        return self._first.read_piece(image, region)

    def recognize(self, image: Image.Image, languages: tuple[str, ...] = ()) -> Reading:
        """Read the lines, those in doubt in one of the languages, and make blocks of them.

        The notes say who read them (`reader`), and which language data are missing (`remark`).
        """
        candidates = self._codes(languages) if languages else self._candidates
        lines, choice, remark = self._read(image, candidates)
        info = self.info
        reader = f"{info.name} {info.version}"
        if choice is not None:
            reader += f", tesseract {self._tesseract().version} {'+'.join(choice.languages)}"
        reading = self.understand(image, lines)
        return replace(reading, notes={**reading.notes, "reader": reader, **({"remark": remark} if remark else {})})

    def _codes(self, languages: Sequence[str]) -> tuple[str, ...]:
        """The languages in which Tesseract may read what is in doubt."""
        named = [name for name in languages if is_foreign(name)]
        if named:
            english = "eng" in installed_languages(self._folder)
            return (*installed_codes(named, self._folder), *(("eng",) if english else ()))
        return installed_languages(self._folder) if AUTO in languages else ()

    def _read(self, image: Image.Image, candidates: Sequence[str]) -> tuple[list[Line], Choice | None, str]:
        """The lines of a page, in what those in doubt were read, and what is missing for that."""
        found = self._first.find_lines(image)
        sure = [line for line in found if is_sure(line)]
        doubtful = doubtful_lines(found)
        if not doubtful:
            return sure, None, ""
        try:
            lines, choice, remark = self._read_again(image, candidates, found, doubtful)
        except (PdfocrError, ImportError) as error:
            # Data that are damaged must not cost what was read without them.
            return sure, None, f"Tesseract cannot be used: {error}"
        return sure if lines is None else lines, choice, remark

    def _read_again(
        self, image: Image.Image, candidates: Sequence[str], found: Sequence[Line], doubtful: Sequence[Line]
    ) -> tuple[list[Line] | None, Choice | None, str]:
        """The same, of a page with lines in doubt; no lines where they are in no language that is known."""
        choice = None
        most = most_are(doubtful, found)
        looks = self._looks(image) if most else ""
        if any(map(is_foreign, candidates)):
            named = tuple(candidates) != installed_languages(self._folder)
            choice = choose_languages(
                doubtful,
                candidates,
                lambda regions, codes: self._tesseract().read_regions(image, regions, codes),
                # Whoever names languages knows better than a look at the page.
                looks if not named or is_tried(looks) else "",
            )
        if choice is None:
            return None, None, self._remark(looks) if most else ""
        page: list[Line] = []
        if most:
            # At one go is quicker; and lines of another script may be found less well too: of Arabic, the half of some.
            page = self._tesseract().read_page(image, choice.languages)
        both = TwoReadings(found, page, choice.script)
        rest = both.left_over
        readings = self._tesseract().read_regions(image, rest, choice.languages)
        return both.merged(dict(zip(rest, readings, strict=True))), choice, ""

    def _looks(self, image: Image.Image) -> str:
        """The script that a page seems to be in, as Unicode calls it; empty where nothing tells."""
        if self._folder is None or not has_script_detection(self._folder):
            return ""
        scale = max(1, max(image.size) // DETECTION_SIDE)
        try:
            return self._tesseract().find_script(image.reduce(scale) if scale > 1 else image)
        except PdfocrError:  # damaged data: the trials do without
            return ""

    def _remark(self, looks: str) -> str:
        """What a person may do about a page most of whose lines could not be read; empty where that is nothing.

        Args:
            looks: the script that the page seems to be in; empty where nothing tells.
        """
        installed = installed_languages(self._folder)
        if not looks and not any(map(is_foreign, installed)):
            return (
                "Most lines could hardly be read. If they are in another script than Latin, Chinese or Japanese, "
                f"install its language, as with {install_advice(['rus'])}: see docs/languages.md."
            )
        script = next((script for script in FOREIGN if script.name == looks), None)
        if script is None or any(code in installed for code in script.languages):
            return ""
        return (
            f"The page looks {script.name}, of which no language is installed: {install_advice(script.languages[:1])}."
        )

    def _tesseract(self) -> "Tesseract":
        if self._second is None:
            from pdfocr_watcher.engines.tesseract_library import Tesseract  # noqa: PLC0415 - see above

            assert self._folder is not None  # noqa: S101 - there are candidates, or data for the detection of scripts
            self._second = Tesseract(self._folder)
        return self._second
