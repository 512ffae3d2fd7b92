"""The process in which PDFium opens a document: a script that imports nothing of ours and little else.

    pdfium_child.py PARTS MEMORY_BYTES CPU_SECONDS FILE_BYTES PARENT inspect PDF MAX_PAGES
    pdfium_child.py PARTS MEMORY_BYTES CPU_SECONDS FILE_BYTES PARENT render PDF START STOP DPI FOLDER
    pdfium_child.py PARTS MEMORY_BYTES CPU_SECONDS FILE_BYTES PARENT unlock PDF COPY

`inspect` prints `pages N` and then N lines `WIDTH HEIGHT` in points, or one line with the reason why not. `render`
writes `page-N.ppm` (N from 1) for the pages START to STOP - 1 (from 0). `unlock` tries the lines of its input as
passwords, in order, writes COPY without encryption and prints `unlocked`, or one line with the reason why not. It is
started by `pdfium` and `unlocking`, which keep the wall-clock limit and judge what it wrote.
"""

import ctypes
import errno
import math
import os
import resource
import sys

# The bindings without pypdfium2's own classes: they take half as long to import and crash no less.
import pypdfium2_raw as pdfium  # type: ignore[import-untyped]

# By this folder's name: by its full one it would come with Pillow. Last, so that nothing else is found here.
sys.path.append(os.path.dirname(os.path.abspath(__file__)))  # noqa: PTH100, PTH120 - pathlib is a tenth of the start
from sandbox.launch import REFUSED, REFUSED_MARK, enter  # type: ignore[import-not-found]

_BYTES_PER_PIXEL = 3
_WHITE = 0xFFFFFFFF


class Refusal(Exception):  # noqa: N818 - it is an answer, not an error
    """The document cannot be used: the line that says why."""


def confine(parts: str, limits: tuple[int, int, int], parent: int, document: str, scratch: str = "") -> None:
    """Enter the sandbox, for good; a part that cannot be had ends this process."""
    try:
        enter(parts, limits, parent, document=document, scratch=scratch)
    except OSError as error:
        print(f"{REFUSED_MARK}{error}", file=sys.stderr, flush=True)  # noqa: T201 - read by the starter
        os._exit(REFUSED)


def open_document(path: str, passwords: tuple[bytes | None, ...] = (None,)) -> ctypes.c_void_p:
    """Open a document with the first password that does; None is the empty one."""
    pdfium.FPDF_InitLibrary()
    error = pdfium.FPDF_ERR_PASSWORD
    for password in passwords:
        document = pdfium.FPDF_LoadDocument(os.fsencode(path), password)
        if document:
            return document  # type: ignore[no-any-return]
        error = pdfium.FPDF_GetLastError()
        if error != pdfium.FPDF_ERR_PASSWORD:
            break
    if error in {pdfium.FPDF_ERR_PASSWORD, pdfium.FPDF_ERR_SECURITY}:
        raise Refusal("encrypted")
    raise Refusal(f"damaged (PDFium's error {error})")


def inspect(path: str, max_pages: int) -> str:
    """The page count and a line with every page's size in points."""
    document = open_document(path)
    count = pdfium.FPDF_GetPageCount(document)
    if count > max_pages:
        raise Refusal(f"too-many-pages ({count}; {max_pages} are allowed)")
    if count <= 0:
        raise Refusal("no-pages")
    lines = [f"pages {count}"]
    for index in range(count):
        size = pdfium.FS_SIZEF()
        found = pdfium.FPDF_GetPageSizeByIndexF(document, index, size)
        lines.append(f"{size.width:g} {size.height:g}" if found else "0 0")
    return "\n".join(lines)


def unlock(path: str, passwords: tuple[bytes, ...], copy: str) -> str:
    """Write a copy of a document without its encryption."""
    document = open_document(path, passwords)
    descriptor = os.open(copy, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    write_type = dict(pdfium.FPDF_FILEWRITE._fields_)["WriteBlock"]
    refused: list[int] = []

    def write(_: object, data: int, size: int) -> int:
        """Take a block; 0 is how PDFium wants to hear that it could not be written."""
        rest = memoryview(ctypes.string_at(data, size))
        try:
            while rest:
                rest = rest[os.write(descriptor, rest) :]
        except OSError as error:
            refused.append(error.errno or errno.EIO)
            return 0
        return 1

    writer = pdfium.FPDF_FILEWRITE(version=1, WriteBlock=write_type(write))
    saved = pdfium.FPDF_SaveAsCopy(document, writer, pdfium.FPDF_REMOVE_SECURITY)
    if refused and refused[0] != errno.EFBIG:
        raise Refusal(f"storage {refused[0]}")
    if refused or not saved:
        raise Refusal("damaged (it opens, and cannot be decrypted)")
    return "unlocked"


def open_forms(document: ctypes.c_void_p) -> tuple[ctypes.c_void_p, object]:
    """The environment that draws form fields, with the structure that must outlive it."""
    info = pdfium.FPDF_FORMFILLINFO(version=1)
    return pdfium.FPDFDOC_InitFormFillEnvironment(document, info), info


def render_page(document: ctypes.c_void_p, forms: ctypes.c_void_p, index: int, dpi: float, path: str) -> None:
    """Render one page with its annotations and form fields to a PPM file; a page that cannot be loaded is left out."""
    page = pdfium.FPDF_LoadPage(document, index)
    if not page:
        print(f"page {index + 1} cannot be loaded", file=sys.stderr)  # noqa: T201 - read by the starter
        return
    try:
        scale = dpi / 72
        width = max(1, math.ceil(pdfium.FPDF_GetPageWidthF(page) * scale))
        height = max(1, math.ceil(pdfium.FPDF_GetPageHeightF(page) * scale))
        stride = width * _BYTES_PER_PIXEL
        if stride * height > resource.getrlimit(resource.RLIMIT_FSIZE)[0]:
            print(f"page {index + 1} would be {width} x {height} pixels", file=sys.stderr)  # noqa: T201
            return
        pixels = (ctypes.c_ubyte * (stride * height))()
        bitmap = pdfium.FPDFBitmap_CreateEx(width, height, pdfium.FPDFBitmap_BGR, pixels, stride)
        # The renderer of form fields takes the same flags, so both write red first, as PPM wants it.
        flags = pdfium.FPDF_ANNOT | pdfium.FPDF_REVERSE_BYTE_ORDER
        area = (0, 0, width, height, 0, flags)
        pdfium.FPDFBitmap_FillRect(bitmap, 0, 0, width, height, _WHITE)
        pdfium.FPDF_RenderPageBitmap(bitmap, page, *area)
        if forms:
            pdfium.FORM_OnAfterLoadPage(page, forms)
            pdfium.FPDF_FFLDraw(forms, bitmap, page, *area)
            pdfium.FORM_OnBeforeClosePage(page, forms)
        pdfium.FPDFBitmap_Destroy(bitmap)
    finally:
        pdfium.FPDF_ClosePage(page)
    with open(path, "wb") as file:  # noqa: PTH123 - pathlib is a tenth of this process's start
        file.write(b"P6\n%d %d\n255\n" % (width, height))
        file.write(pixels)


def render(path: str, pages: range, dpi: float, folder: str) -> None:
    """Render a run of pages; those that the document does not have are left out."""
    document = open_document(path)
    forms, _keep = open_forms(document)
    for index in range(pages.start, min(pages.stop, pdfium.FPDF_GetPageCount(document))):
        render_page(document, forms, index, dpi, f"{folder}/page-{index + 1}.ppm")


def main(arguments: list[str]) -> int:
    """Do what the command line says."""
    parts, memory, processor, file, parent, *rest = arguments
    limits = (int(memory), int(processor), int(file))
    match rest:
        case ["inspect", pdf, max_pages]:
            confine(parts, limits, int(parent), pdf)
            try:
                print(inspect(pdf, int(max_pages)), flush=True)  # noqa: T201 - read by the starter
            except Refusal as refusal:
                print(refusal, flush=True)  # noqa: T201
        case ["render", pdf, start, stop, dpi, folder]:
            confine(parts, limits, int(parent), pdf, folder)
            try:
                render(pdf, range(int(start), int(stop)), float(dpi), folder)
            except Refusal as refusal:
                print(refusal, file=sys.stderr, flush=True)  # noqa: T201
        case ["unlock", pdf, copy]:
            passwords = tuple(sys.stdin.buffer.read().split(b"\n"))
            confine(parts, limits, int(parent), pdf, os.path.dirname(copy))  # noqa: PTH120 - see above
            try:
                print(unlock(pdf, passwords, copy), flush=True)  # noqa: T201 - read by the starter
            except Refusal as refusal:
                print(refusal, flush=True)  # noqa: T201
        case _:
            return 2
    return 0


if __name__ == "__main__":
    # What PDFium would free at a regular end, the system frees faster and without a crash.
    status = main(sys.argv[1:])
    sys.stderr.flush()
    os._exit(status)
