"""The process in which PDFium tells the text layer of pages: a script, confined as `pdfium_child` is.

    text_child.py PARTS MEMORY_BYTES CPU_SECONDS FILE_BYTES PARENT PDF START STOP FOLDER

It writes `page-N.text` (N from 1) for the pages START to STOP - 1 (from 0) that it can load: JSON with the page's width
and height in points as its reader sees it (crop box, /Rotate) and its words, each `[text, left, top, right, bottom,
size, angle, glued]` (see `analysis.text_layer`). A page with more characters than anybody reads has none. It is started
by `text_layers`, which keeps the wall-clock limit; what it wrote is believed by nobody.
"""

import ctypes
import json
import math
import os
import resource
import sys
from collections.abc import Iterator

import pypdfium2_raw as pdfium  # type: ignore[import-untyped]

# See `pdfium_child`.
sys.path.append(os.path.dirname(os.path.abspath(__file__)))  # noqa: PTH100, PTH120
from pdfium_child import Refusal, confine, open_document  # type: ignore[import-not-found]

#: A newspaper page has some 40,000.
_MAX_CHARACTERS = 150_000
#: A word ends where the next character begins so many of its heights before or behind the end of the last.
_LEAP = 0.6
#: It also ends where the next one shares less than this part of its height.
_SHARED = 0.4
#: And where it is higher or lower by this factor, as after an initial.
_INITIAL = 2.2
#: Radians by which the characters of a word may lie otherwise than its first.
_SAME_ANGLE = 0.05
_HYPHEN, _REPLACEMENT = 0x02, "\ufffd"
#: The first and the second half of a character beyond 16 bits.
_HIGH, _LOW = range(0xD800, 0xDC00), range(0xDC00, 0xE000)
_BLANKS = frozenset({0x09, 0x0A, 0x0D, 0x20, 0xA0, *range(0x2000, 0x200B), 0x3000})


#: From this sine of its angle on a line runs up or down the page.
_UP = 0.9

#: Left, top, right and bottom in points from the page's upper left corner.
Box = tuple[float, float, float, float]


class Sheet:
    """Where a page's own coordinates stand on the page as its reader sees it."""

    def __init__(self, page: ctypes.c_void_p) -> None:
        box = pdfium.FS_RECTF()
        pdfium.FPDF_GetPageBoundingBox(page, box)
        self._left, self._bottom, self._right, self._top = box.left, box.bottom, box.right, box.top
        self.quarters = pdfium.FPDFPage_GetRotation(page) % 4
        self.width = pdfium.FPDF_GetPageWidthF(page)
        self.height = pdfium.FPDF_GetPageHeightF(page)

    def place(self, x: float, y: float) -> tuple[float, float]:
        """Points from the left and from the top."""
        match self.quarters:
            case 0:
                return x - self._left, self._top - y
            case 1:
                return y - self._bottom, x - self._left
            case 2:
                return self._right - x, y - self._bottom
            case _:
                return self._top - y, self._right - x

    def boxes(self, text: ctypes.c_void_p, index: int) -> tuple[Box, Box] | None:
        """The loose and the tight box of a character; the loose one twice where it has no ink."""
        rect, sides = pdfium.FS_RECTF(), [ctypes.c_double() for _ in range(4)]
        if not pdfium.FPDFText_GetLooseCharBox(text, index, rect):
            return None
        loose = tight = self._box(rect.left, rect.top, rect.right, rect.bottom)
        if pdfium.FPDFText_GetCharBox(text, index, *sides):
            left, right, bottom, top = (side.value for side in sides)
            if right > left and top > bottom:
                tight = self._box(left, top, right, bottom)
        return (loose, tight) if all(map(math.isfinite, (*loose, *tight))) else None

    def _box(self, left: float, top: float, right: float, bottom: float) -> Box:
        x1, y1 = self.place(left, top)
        x2, y2 = self.place(right, bottom)
        return min(x1, x2), min(y1, y2), max(x1, x2), max(y1, y2)


class Word:
    """Characters that follow one another without a blank.

    A character's loose box is as high as its font, and tells whether the next one follows; its tight box is around its
    ink, and tells where the word is.
    """

    def __init__(self, text: str, loose: Box, tight: Box, angle: float, *, glued: bool) -> None:
        self.parts = [text]
        self.box = tight
        self.last = loose
        self.angle = angle
        self.glued = glued
        across = loose[3] - loose[1]
        # Of a line that runs down or up the page the box is as wide as its text is high.
        self.size = loose[2] - loose[0] if abs(math.sin(angle)) > _UP else across

    def continues(self, loose: Box, angle: float) -> bool:
        """Whether a character that stands in a box is the next of this word."""
        turned = abs((angle - self.angle + math.pi) % (2 * math.pi) - math.pi)
        if turned > _SAME_ANGLE:
            return False
        left, top, right, bottom = self.last
        height = max(bottom - top, loose[3] - loose[1], 0.1)
        if abs(math.sin(self.angle)) > _SAME_ANGLE:  # the boxes of slanted characters overlap either way
            width = max(right - left, loose[2] - loose[0], height)
            return max(loose[0] - right, left - loose[2], loose[1] - bottom, top - loose[3]) < _LEAP * width
        if max(bottom - top, loose[3] - loose[1]) > _INITIAL * min(bottom - top, loose[3] - loose[1]):
            return False
        if min(bottom, loose[3]) - max(top, loose[1]) < _SHARED * min(bottom - top, loose[3] - loose[1]):
            return False
        # Either way, for scripts that are written from right to left.
        return max(loose[0] - right, left - loose[2]) < _LEAP * height

    def add(self, text: str, loose: Box, tight: Box) -> None:
        """Take one more character."""
        self.parts.append(text)
        one, other = self.box, tight
        self.box = min(one[0], other[0]), min(one[1], other[1]), max(one[2], other[2]), max(one[3], other[3])
        self.last = loose

    def value(self) -> list[object]:
        """As it is written down."""
        figures = (*self.box, self.size, math.degrees(self.angle))
        return ["".join(self.parts), *(round(figure, 2) for figure in figures), self.glued]


def characters(text: ctypes.c_void_p, count: int) -> Iterator[tuple[int, int]]:
    """The places and the code points of a page's characters, in the order of its content."""
    high = 0
    for index in range(count):
        code = pdfium.FPDFText_GetUnicode(text, index)
        if code in _HIGH:
            high = code
            continue
        if code in _LOW:
            code = 0x10000 + ((high - _HIGH.start) << 10) + (code - _LOW.start) if high else 0
        high = 0
        yield index, code


def words(text: ctypes.c_void_p, count: int, sheet: Sheet) -> Iterator[Word]:
    """The words of a page in the order of its content."""
    word: Word | None = None
    blank = True
    for index, code in characters(text, count):
        if code in _BLANKS:
            if word is not None:
                yield word
            word, blank = None, True
        elif (boxes := sheet.boxes(text, index)) is not None:
            loose, tight = boxes
            angle = pdfium.FPDFText_GetCharAngle(text, index) + sheet.quarters * math.pi / 2
            unknown = code == 0 or code > sys.maxunicode or pdfium.FPDFText_HasUnicodeMapError(text, index) == 1
            shown = "-" if code == _HYPHEN else _REPLACEMENT if unknown else chr(code)
            if word is not None and word.continues(loose, angle):
                word.add(shown, loose, tight)
                continue
            if word is not None:
                yield word
            word, blank = Word(shown, loose, tight, angle, glued=not blank), False
    if word is not None:
        yield word


def layer(page: ctypes.c_void_p) -> str:
    """The text layer of a page."""
    sheet = Sheet(page)
    text = pdfium.FPDFText_LoadPage(page)
    count = pdfium.FPDFText_CountChars(text) if text else 0
    found = [word.value() for word in words(text, count, sheet)] if 0 < count <= _MAX_CHARACTERS else []
    return json.dumps({"width": sheet.width, "height": sheet.height, "words": found}, separators=(",", ":"))


def tell(path: str, pages: range, folder: str) -> None:
    """Write the layers of a run of pages; those that the document does not have are left out."""
    document = open_document(path)
    longest = resource.getrlimit(resource.RLIMIT_FSIZE)[0]
    for index in range(pages.start, min(pages.stop, pdfium.FPDF_GetPageCount(document))):
        page = pdfium.FPDF_LoadPage(document, index)
        if page:
            content = layer(page).encode()
            if len(content) <= longest:
                with open(f"{folder}/page-{index + 1}.text", "wb") as file:  # noqa: PTH123 - see `pdfium_child`
                    file.write(content)
            pdfium.FPDF_ClosePage(page)


def main(arguments: list[str]) -> int:
    """Do what the command line says."""
    parts, memory, processor, file, parent, pdf, start, stop, folder = arguments
    confine(parts, (int(memory), int(processor), int(file)), int(parent), pdf, folder)
    try:
        tell(pdf, range(int(start), int(stop)), folder)
    except Refusal as refusal:
        print(refusal, file=sys.stderr, flush=True)  # noqa: T201 - read by the starter
    return 0


if __name__ == "__main__":
    # See `pdfium_child`.
    status = main(sys.argv[1:])
    sys.stderr.flush()
    os._exit(status)
