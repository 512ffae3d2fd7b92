"""Tesseract with the language data of the system, for scripts that the embedded engine does not read.

The library comes with the wheel of tesserocr; the data are found by `tessdata`. Which languages a page is read with is
decided in `script_reading`.
"""

import os
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from pathlib import Path
from typing import Any

# Read by OpenMP when the library is loaded: its threads take more time to agree than they save, and the pages are
# shared out to processes. https://tesseract-ocr.github.io/tessdoc/FAQ.html
os.environ.setdefault("OMP_THREAD_LIMIT", "1")

import tesserocr
from PIL import Image
from tesserocr import OEM, PSM, RIL

from pdfocr_watcher.analysis.direction import runs_right_to_left
from pdfocr_watcher.analysis.lines import Line, Word
from pdfocr_watcher.analysis.regions import Region
from pdfocr_watcher.engines.scripts import OSD_NAMES
from pdfocr_watcher.engines.tessdata import OSD
from pdfocr_watcher.errors import ErrorCode, PdfocrError

#: What the library itself can look at, in pixels.
MAX_SIDE = 32_000
#: Below this, in pixels, nothing can be read.
MIN_SIDE = 8
#: The long side of a page in inches, for want of a better guess of its resolution, and the resolutions that there are.
PAGE_INCHES = 11.7
MIN_DPI, MAX_DPI = 70, 1200
#: So many sets of languages are kept loaded in a process: 10 to 60 MB each.
MAX_LOADED = 6
#: Paper around a line that is read alone, as a share of its height.
MARGIN = 0.12
#: Words less sure than this are noise: dirt, ruled lines, pictures.
MIN_CONFIDENCE = 0.3
#: What Tesseract's TSV output has in a row, and what a row of a word begins with.
_COLUMNS, _WORD_LEVEL = 12, "5"
#: Characters that say how text runs and are no part of it.
_DIRECTIONS = dict.fromkeys((0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A)))


class Tesseract:
    """The library, with the languages that were asked for so far.

    Args:
        folder: with the language data.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._loaded: OrderedDict[str, Any] = OrderedDict()

    @property
    def version(self) -> str:
        """The library's, such as 5.5.4."""
        return str(tesserocr.tesseract_version()).split()[1]

    def load(self, languages: Sequence[str]) -> None:
        """Load languages now rather than with the first page.

        Raises:
            PdfocrError: `engine_unavailable`, their data do not load.
        """
        self._api("+".join(languages))

    def read_page(self, image: Image.Image, languages: Sequence[str]) -> list[Line]:
        """The lines of a page, found and read by Tesseract, in the order in which it reads them.

        Args:
            image: the page's raster, any mode and size.
            languages: codes, the one that most is written in first; at least one.

        Raises:
            PdfocrError: `engine_unavailable`, their data do not load.
        """
        if min(image.size) < MIN_SIDE:
            return []
        shrinking = -(-max(image.size) // MAX_SIDE)
        small = image.reduce(shrinking) if shrinking > 1 else image
        api = self._on(small, languages, PSM.AUTO)
        try:
            return _lines(api, shrinking, image.width, image.height)
        finally:
            api.Clear()

    def read_regions(
        self, image: Image.Image, regions: Sequence[Region], languages: Sequence[str]
    ) -> list[Line | None]:
        """What stands in parts of a page, each of which holds one line; None where nothing does.

        Args:
            image: the page's raster, any mode, not larger than `MAX_SIDE`.
            regions: in pixels of it.
            languages: as for `read_page`.

        Raises:
            PdfocrError: as `read_page`.
        """
        if not regions or max(image.size) > MAX_SIDE:
            return [None] * len(regions)
        api = self._on(image, languages, PSM.SINGLE_LINE)
        try:
            return [_line_in(api, region, image.width, image.height) for region in regions]
        finally:
            api.Clear()

    def find_script(self, image: Image.Image) -> str:
        """The script of a page as Unicode calls it, by its looks; empty where there is too little to tell.

        Raises:
            PdfocrError: `engine_unavailable`, the data for that do not load.
        """
        if max(image.size) > MAX_SIDE or min(image.size) < MIN_SIDE:
            return ""
        api = self._on(image, (OSD,), PSM.OSD_ONLY)
        try:
            found = api.DetectOrientationScript()
        finally:
            api.Clear()
        name = str(found["script_name"]) if found else ""
        return OSD_NAMES.get(name, name)

    def _on(self, image: Image.Image, languages: Sequence[str], mode: int) -> Any:
        api = self._api("+".join(languages))
        api.SetPageSegMode(mode)
        api.SetImage(image if image.mode in {"L", "RGB"} else image.convert("RGB"))
        api.SetSourceResolution(round(min(MAX_DPI, max(MIN_DPI, max(image.size) / PAGE_INCHES))))
        return api

    def _api(self, languages: str) -> Any:
        api = self._loaded.pop(languages, None)
        if api is None:
            engine = OEM.TESSERACT_ONLY if languages == OSD else OEM.LSTM_ONLY
            try:
                api = tesserocr.PyTessBaseAPI(path=str(self._folder), lang=languages, oem=engine)
            except RuntimeError as error:
                text = f"Tesseract does not load {languages} from {self._folder}: {error}"
                raise PdfocrError(ErrorCode.ENGINE_UNAVAILABLE, text) from error
            api.SetVariable("debug_file", os.devnull)
            while len(self._loaded) >= MAX_LOADED:
                self._loaded.popitem(last=False)[1].End()
        self._loaded[languages] = api
        return api


@dataclass(frozen=True, slots=True)
class _Word(Region):
    """A word that was recognised, with the number of its line."""

    line: tuple[str, ...]
    text: str
    confidence: float

    def with_end(self, other: "_Word") -> "_Word":
        """One word of two parts that follow each other."""
        box, lengths = self.joined(other), (len(self.text), len(other.text))
        confidence = (self.confidence * lengths[0] + other.confidence * lengths[1]) / sum(lengths)
        text = self.text + other.text
        return _Word(box.left, box.top, box.right, box.bottom, line=self.line, text=text, confidence=confidence)


def _words(api: Any, scale: int, width: int, height: int) -> Iterator[_Word]:
    """The words of what is recognised, in the order in which they are read; boxes times `scale`, on a page of a size.

    They are taken from Tesseract's TSV output, a row a word: level, page, block, paragraph, line, word, left, top,
    width, height, confidence of 100, text. Tesserocr's iterator would give the letters of an Arabic word from the
    left; but it alone knows between which words no blank stands, of which there are many in Korean and Thai.
    """
    rows = [cells for row in api.GetTSVText(0).splitlines() if len(cells := row.split("\t")) == _COLUMNS]
    rows = [cells for cells in rows if cells[0] == _WORD_LEVEL]
    places = tesserocr.iterate_level(api.GetIterator(), RIL.WORD) if rows else ()
    blanks = [place.BlanksBeforeWord() > 0 for place in places if not place.Empty(RIL.WORD)]
    last: _Word | None = None
    for number, cells in enumerate(rows):
        left, top, wide, high = (scale * int(value) for value in cells[6:10])
        right, bottom = min(width, left + wide), min(height, top + high)
        confidence = float(cells[10]) / 100
        word = _Word(left, top, right, bottom, line=tuple(cells[2:5]), text=_plain(cells[-1]), confidence=confidence)
        if not word.text:
            continue
        glued = len(blanks) == len(rows) and not blanks[number] and not runs_right_to_left(word.text)
        if last is not None and last.line == word.line and glued:
            last = last.with_end(word)
            continue
        if last is not None:
            yield last
        last = word
    if last is not None:
        yield last


def _lines(api: Any, scale: int, width: int, height: int) -> list[Line]:
    """The lines that the words make; those that say nothing sure are left out."""
    lines = groupby(_words(api, scale, width, height), key=lambda word: word.line)
    return [_line_of(sure) for _, words in lines if (sure := [w for w in words if w.confidence >= MIN_CONFIDENCE])]


def _line_of(words: Sequence[_Word]) -> Line:
    """One line of its words, at least one, in the order in which they are read."""
    box: Region = words[0]
    for word in words[1:]:
        box = box.joined(word)
    return Line(
        box.left,
        box.top,
        box.right,
        box.bottom,
        text=" ".join(word.text for word in words),
        confidence=sum(len(word.text) * word.confidence for word in words) / sum(len(word.text) for word in words),
        words=tuple(Word(word.left, word.right, word.text) for word in sorted(words, key=lambda word: word.left)),
    )


def _line_in(api: Any, region: Region, width: int, height: int) -> Line | None:
    """The one line that stands in a part of the page; its box is that of the part."""
    margin = MARGIN * region.height
    left, top = int(max(0.0, region.left - margin)), int(max(0.0, region.top - margin))
    right, bottom = int(min(width, region.right + margin + 1)), int(min(height, region.bottom + margin + 1))
    if min(right - left, bottom - top) < MIN_SIDE:
        return None
    api.SetRectangle(left, top, right - left, bottom - top)
    lines = _lines(api, 1, width, height)
    if not lines:
        return None
    line = max(lines, key=lambda line: len(line.text))
    return replace(line, left=region.left, top=region.top, right=region.right, bottom=region.bottom)


def _plain(text: str) -> str:
    """Text without signs of direction, with one blank between words, and a Thai vowel as one character."""
    return " ".join(text.translate(_DIRECTIONS).replace("\u0e4d\u0e32", "\u0e33").split())
