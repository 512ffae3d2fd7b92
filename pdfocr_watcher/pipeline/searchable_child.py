"""The process that lays text over a stranger's PDF; it enters the sandbox before it looks at the document.

    searchable_child PARTS MEMORY_BYTES CPU_SECONDS FILE_BYTES PARENT PDF LAYER TARGET

LAYER holds a line of JSON for each page: null, or the size of the upright picture in pixels, its turn and its skew, and
its lines. All three files are opened first; after that this process may open none but the system's own. It says in one
line what became of it: `made LAYERS`, `refused REASON` or `storage ERRNO`. It is started by `searchable`, which keeps
the wall-clock limit.
"""

import errno
import io
import json
import os
import sys
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, BinaryIO, cast

import pikepdf
from pikepdf import Array, Dictionary, Name, Object, Page, Pdf, Stream

from pdfocr_watcher.document.invisible_font import ADVANCE, ASCENT, DESCENT, GLYPH, Codes, font_file
from pdfocr_watcher.document.invisible_text import FONT_NAME, invisible_text
from pdfocr_watcher.document.model import TextLine
from pdfocr_watcher.document.page_geometry import PageView, upright_to_page

# By its folder's name: by its full one it would come with Pillow.
sys.path.append(str(Path(__file__).with_name("rendering")))
from sandbox.launch import REFUSED, REFUSED_MARK, enter  # type: ignore[import-not-found]

#: Page trees and forms are followed so far.
_DEPTH = 32
#: A page with less text of its own than this share of what was read on it has a stamp or a page number, no text.
_OWN_TEXT = 0.25
_A4 = (0.0, 0.0, 595.28, 841.89)


class Refusal(Exception):  # noqa: N818 - it is an answer, not an error
    """The document is left as it is: why."""


class _Target(io.RawIOBase):
    """What is written to. It raises no error, which the library does not survive: it remembers the first one."""

    def __init__(self, path: str) -> None:
        self._file = open(path, "wb")  # noqa: PTH123, SIM115 - closed with the process
        self._length = 0
        self.error: OSError | None = None

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        self._try(lambda: self._file.write(data))
        self._length += len(data)
        return len(data)

    def tell(self) -> int:
        return self._length

    def flush(self) -> None:
        self._try(self._file.flush)

    def _try(self, step: Callable[[], object]) -> None:
        if self.error is None:
            try:
                step()
            except OSError as error:
                self.error = error


def rehearse() -> None:
    """Lay text over a page of our own: what is loaded when it is first used must be loaded before the sandbox."""
    document, target = io.BytesIO(), io.BytesIO()
    with pikepdf.new() as pdf:
        pdf.add_blank_page()
        pdf.save(document)
    line = TextLine((10, 10, 90, 30), "text", 1.0, ((10, 90, "text"),))
    layer = {"width": 612, "height": 792, "turn": 0, "skew": 0, "lines": [line.to_list()]}
    add_layers(document, io.BytesIO(json.dumps(layer).encode()), target)


def add_layers(document: BinaryIO, layers: BinaryIO, target: BinaryIO | _Target) -> int:
    """Write the document with its text layers.

    Returns:
        How many pages got one.

    Raises:
        Refusal: it cannot be done with this document.
        Exception: whatever a damaged document makes the library raise.
    """
    with pikepdf.open(document) as pdf:
        if pdf.is_encrypted:
            raise Refusal("the PDF is encrypted")
        codes, font = Codes(), pdf.make_indirect(Dictionary(Type=Name.Font))
        made = index = 0
        for index, written in enumerate(layers, 1):
            if index > len(pdf.pages):
                break
            layer = json.loads(written)
            if layer is not None:
                made += _has_layer(pdf, pdf.pages[index - 1], layer, codes, font)
        if index != len(pdf.pages):
            raise Refusal("it has another number of pages than was rendered")
        _fill_font(pdf, font, codes)
        if "/Size" not in pdf.trailer:
            pdf.trailer.Size = 1  # a trailer that was made up for a broken file; its value comes when it is written
        # What is in the document stays as it is, byte for byte: no stream is decoded, so no picture is encoded again.
        pdf.save(
            cast("BinaryIO", target),
            deterministic_id=True,
            compress_streams=False,
            stream_decode_level=pikepdf.StreamDecodeLevel.none,
            object_stream_mode=pikepdf.ObjectStreamMode.preserve,
        )
    return made


def _has_layer(pdf: Pdf, page: Page, layer: dict[str, Any], codes: Codes, font: Object) -> bool:
    """Add a page's layer; whether it has one then. A page that is broken costs itself."""
    try:
        return _add_layer(pdf, page, layer, codes, font)
    except MemoryError:
        raise
    except Exception as error:  # noqa: BLE001 - whatever a damaged page makes the library raise
        print(f"page {page.index + 1}: {type(error).__name__}", file=sys.stderr)  # noqa: T201 - read by the starter
        return False


def _add_layer(pdf: Pdf, page: Page, layer: dict[str, Any], codes: Codes, font: Object) -> bool:
    """Put a page's text below what it shows, if it has none of its own; whether that was done."""
    lines = [TextLine.from_list(line) for line in layer["lines"]]
    view = _view(page.obj)
    to_page = upright_to_page(layer["width"], layer["height"], layer["turn"], layer["skew"], view)
    if to_page is None or _own_text(page) > _OWN_TEXT * sum(len(line.text) for line in lines):
        return False
    form = _compressed(pdf, invisible_text(lines, to_page, codes))
    form.Type, form.Subtype = Name.XObject, Name.Form
    form.BBox = Array([round(value, 2) for value in view.box])
    form.Resources = Dictionary(Font=Dictionary({f"/{FONT_NAME}": font}))
    name = _named(page, form)
    # First on the page, where nothing that the page leaves behind (a state, a marked content) can reach it.
    page.contents_add(f"q {name} Do Q".encode("ascii"), prepend=True)
    return True


def _named(page: Page, form: Object) -> str:
    """The name under which the page's resources know the form. Pages that share theirs share all the names."""
    resources = next(
        (found for node in _upwards(page.obj) if isinstance(found := node.get("/Resources"), Dictionary)), None
    )
    if resources is None:
        resources = page.obj.Resources = Dictionary()
    if not isinstance(resources.get("/XObject"), Dictionary):
        resources.XObject = Dictionary()
    number = page.index
    while (name := f"/PdfocrText{number}") in resources.XObject:
        number += len(resources.XObject) + 1
    resources.XObject[name] = form
    return name


def _fill_font(pdf: Pdf, font: Object, codes: Codes) -> None:
    """The font, once all characters are known."""
    program = font_file()
    file = _compressed(pdf, program)
    file.Length1 = len(program)
    name = Name("/PdfocrInvisible")
    descriptor = Dictionary(
        Type=Name.FontDescriptor, FontName=name, Flags=4, FontBBox=Array([0, DESCENT, ADVANCE, ASCENT]), ItalicAngle=0,
        Ascent=ASCENT, Descent=DESCENT, CapHeight=ASCENT, StemV=80, FontFile2=file,
    )  # fmt: skip
    descendant = Dictionary(
        Type=Name.Font, Subtype=Name.CIDFontType2, BaseFont=name, DW=ADVANCE,
        CIDSystemInfo=Dictionary(Registry=pikepdf.String("Adobe"), Ordering=pikepdf.String("Identity"), Supplement=0),
        FontDescriptor=pdf.make_indirect(descriptor),
        CIDToGIDMap=_compressed(pdf, GLYPH.to_bytes(2) * (len(codes) + 1)),
    )  # fmt: skip
    font.Subtype, font.BaseFont, font.Encoding = Name.Type0, name, Name("/Identity-H")
    font.DescendantFonts = Array([pdf.make_indirect(descendant)])
    font.ToUnicode = _compressed(pdf, codes.to_unicode())


def _compressed(pdf: Pdf, data: bytes) -> Stream:
    return pdf.make_stream(zlib.compress(data), Filter=Name.FlateDecode)


def _upwards(node: Object) -> Iterator[Object]:
    """A page and what it inherits from."""
    for _ in range(_DEPTH):
        yield node
        parent = node.get("/Parent")
        if not isinstance(parent, Dictionary):
            return
        node = parent


def _view(page: Object) -> PageView:
    """What of a page is shown: its crop box within its media box, and its /Rotate."""
    media, crop = (_box(page, name) for name in ("/MediaBox", "/CropBox"))
    box = media or crop or _A4
    if media and crop:
        both = (max(media[0], crop[0]), max(media[1], crop[1]), min(media[2], crop[2]), min(media[3], crop[3]))
        box = both if both[0] < both[2] and both[1] < both[3] else media
    turns = next((found for node in _upwards(page) if (found := node.get("/Rotate")) is not None), 0)
    rotate = int(turns) % 360 if isinstance(turns, int | float) or hasattr(turns, "__int__") else 0
    return PageView(box, rotate - rotate % 90)


def _box(page: Object, name: str) -> tuple[float, float, float, float] | None:
    """A box of a page, its corners in order; None where there is none."""
    for node in _upwards(page):
        if (found := node.get(name)) is not None:
            try:
                x1, y1, x2, y2 = (float(value) for value in found)
            except (TypeError, ValueError):
                return None
            return min(x1, x2), min(y1, y2), max(x1, x2), max(y1, y2)
    return None


def _own_text(page: Page) -> int:
    """How many bytes of text a page shows by itself, forms on it included."""
    seen: set[tuple[int, int]] = set()

    def shown(content: Page | Object, resources: Object | None, depth: int) -> int:
        size = 0
        for instruction in pikepdf.parse_content_stream(content, "Tj TJ ' \" Do"):
            operands, operator = instruction.operands, str(instruction.operator)
            if not operands:
                continue
            if operator != "Do":
                texts = operands[-1] if operator == "TJ" and isinstance(operands[-1], Array) else [operands[-1]]
                size += sum(len(bytes(text)) for text in texts if isinstance(text, pikepdf.String))
            elif depth < _DEPTH and isinstance(resources, Dictionary):
                form = _form(resources, str(operands[0]))
                if form is not None and form.objgen not in seen:
                    seen.add(form.objgen)
                    size += shown(form, form.get("/Resources", resources), depth + 1)
        return size

    return shown(page, next((node.get("/Resources") for node in _upwards(page.obj) if "/Resources" in node), None), 0)


def _form(resources: Dictionary, name: str) -> Stream | None:
    """The form of a name; None where there is none, or it is a picture."""
    objects = resources.get("/XObject")
    form = objects.get(name) if isinstance(objects, Dictionary) else None
    return form if isinstance(form, Stream) and form.get("/Subtype") == Name.Form else None


def main(arguments: list[str]) -> str:
    """Do what the command line says; the line that says what became of it."""
    parts, memory, processor, file, parent, *paths = arguments
    try:
        document, layers, target = open(paths[0], "rb"), open(paths[1], "rb"), _Target(paths[2])  # noqa: PTH123, SIM115
    except OSError as error:
        return f"storage {error.errno}"
    rehearse()
    try:
        enter(parts, (int(memory), int(processor), int(file)), int(parent))
    except OSError as error:
        print(f"{REFUSED_MARK}{error}", file=sys.stderr, flush=True)  # noqa: T201 - read by the starter
        os._exit(REFUSED)
    try:
        made = add_layers(document, layers, target)
        target.flush()
    except Refusal as refusal:
        return f"refused {refusal}"
    except MemoryError:
        return "refused it needs too much memory"
    except Exception as error:  # noqa: BLE001 - whatever a broken document makes the library raise
        return f"refused the PDF is too damaged ({type(error).__name__})"
    if target.error is None:
        return f"made {made}"
    too_long = target.error.errno == errno.EFBIG
    return "refused it would become too long a file" if too_long else f"storage {target.error.errno}"


if __name__ == "__main__":
    print(main(sys.argv[1:]), flush=True)  # noqa: T201 - read by the starter
    os._exit(0)
