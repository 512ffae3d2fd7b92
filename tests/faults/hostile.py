"""PDFs that want more than a machine has, written by hand so that their size on disk stays small."""

import zlib
from collections.abc import Mapping

#: An object's number and what stands between `obj` and `endobj`.
Objects = Mapping[int, bytes]


def assembled(objects: Objects, root: int = 1) -> bytes:
    """A PDF file of these objects, its table in order."""
    body = b"%PDF-1.7\n"
    table = b""
    for number, content in sorted(objects.items()):
        table += b"%d 1\n%010d 00000 n \n" % (number, len(body))
        body += b"%d 0 obj\n%s\nendobj\n" % (number, content)
    trailer = b"<< /Size %d /Root %d 0 R >>" % (max(objects) + 1, root)
    return body + b"xref\n0 1\n0000000000 65535 f \n%strailer\n%s\nstartxref\n%d\n%%%%EOF\n" % (
        table,
        trailer,
        len(body),
    )


def stream(data: bytes, entries: bytes = b"") -> bytes:
    """A stream object."""
    return b"<< /Length %d %s >>\nstream\n%s\nendstream" % (len(data), entries, data)


def page(content: bytes, entries: bytes = b"", box: bytes = b"0 0 300 400", more: Objects | None = None) -> bytes:
    """A document of one page: its content stream object, what else is in its dictionary, further objects (from 10)."""
    return assembled(
        {
            1: b"<< /Type /Catalog /Pages 2 0 R >>",
            2: b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
            3: b"<< /Type /Page /Parent 2 0 R /MediaBox [%s] /Contents 4 0 R %s >>" % (box, entries),
            4: content,
            **(more or {}),
        }
    )


def many_pages(count: int, claimed: int | None = None, entries: bytes = b"", more: Objects | None = None) -> bytes:
    """A document of like pages: how many there are and its tree claims, what else each one has, objects below 10."""
    kids = b" ".join(b"%d 0 R" % number for number in range(10, 10 + count))
    objects = dict.fromkeys(
        range(10, 10 + count), b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 30 40] %s >>" % entries
    )
    objects[1] = b"<< /Type /Catalog /Pages 2 0 R >>"
    objects[2] = b"<< /Type /Pages /Kids [%s] /Count %d >>" % (kids, count if claimed is None else claimed)
    return assembled({**objects, **(more or {})})


def inflated(block: bytes, times: int) -> bytes:
    """zlib data that becomes `block` so many times, without ever being that long here."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    packed = packer.compress(block) + packer.flush(zlib.Z_FULL_FLUSH)
    # Blocks of their own, one like the other, then an empty last one; no reader insists on the checksum.
    return b"\x78\xda" + packed * times + b"\x03\x00" + bytes(4)


def image_page(side: int, bits: int, space: bytes) -> bytes:
    """A page that shows a picture of `side` x `side` pixels, all of them zero."""
    row = bytes(1 << 20)
    total = side * ((side * bits * (3 if space == b"/DeviceRGB" else 1) + 7) // 8)
    picture = stream(
        zlib.compress(inflated(row, -(-total // len(row))), 9),
        b"/Subtype /Image /Width %d /Height %d /BitsPerComponent %d /ColorSpace %s /Filter [/FlateDecode /FlateDecode]"
        % (side, side, bits, space),
    )
    shown = stream(b"q 300 0 0 400 0 0 cm /Im Do Q")
    return page(shown, b"/Resources << /XObject << /Im 10 0 R >> >>", more={10: picture})


def content_bomb(operators: bytes, megabytes: int) -> bytes:
    """A content stream that becomes so many megabytes of these operators."""
    block = operators * ((1 << 20) // len(operators))
    data = zlib.compress(inflated(block, megabytes), 9)
    return stream(data, b"/Filter [/FlateDecode /FlateDecode]")


def nested_forms(depth: int, width: int) -> bytes:
    """A page whose form shows another one so many times, and this another, and so on."""
    forms = {}
    for level in range(depth):
        entries = b"/Subtype /Form /BBox [0 0 300 400]"
        if level + 1 < depth:
            entries += b" /Resources << /XObject << /F %d 0 R >> >>" % (11 + level)
        shown = b"/F Do " * width if level + 1 < depth else b"0 0 300 400 re f"
        forms[10 + level] = stream(shown, entries)
    return page(stream(b"/F Do"), b"/Resources << /XObject << /F 10 0 R >> >>", more=forms)
