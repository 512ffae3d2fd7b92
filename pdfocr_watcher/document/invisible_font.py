"""A font whose glyphs paint nothing: for text that is to be found, copied and marked, and never seen.

Every character gets a code of its own when it is first used, and the table of the codes (ToUnicode) goes into the PDF:
so text of every script comes out again as it went in, and no real font is needed (the idea is Tesseract's).
"""

import struct

#: All glyphs are so wide, in thousandths of the font's size.
ADVANCE = 500
#: How far the font reaches above its base line and below, in thousandths of its size; together they are its size.
ASCENT, DESCENT = 800, -200

#: The glyph of every character.
GLYPH = 1

_UNITS_PER_EM = 1000
_SPACE, _LAST_CODE = 1, 0xFFFF
#: A table of codes may have so many lines in one of its parts (Adobe Technical Note 5014).
_LINES = 100


class Codes:
    """The codes of the characters, in the order in which they are first used."""

    def __init__(self) -> None:
        self._codes = {" ": _SPACE}

    def __len__(self) -> int:
        return len(self._codes)

    def encoded(self, text: str) -> str:
        """A text as a hexadecimal string of PDF; what is beyond 65,535 different characters becomes a space."""
        return f"<{''.join(f'{self._code(character):04X}' for character in text)}>"

    def _code(self, character: str) -> int:
        if len(self._codes) == _LAST_CODE:
            return self._codes.get(character, _SPACE)
        return self._codes.setdefault(character, len(self._codes) + 1)

    def to_unicode(self) -> bytes:
        """The table from codes to characters, as a CMap (ISO 32000-1, 9.10.3)."""
        lines = [f"<{code:04X}> <{character.encode('utf-16-be').hex()}>" for character, code in self._codes.items()]
        parts = [lines[start : start + _LINES] for start in range(0, len(lines), _LINES)]
        body = "".join(f"{len(part)} beginbfchar\n{chr(10).join(part)}\nendbfchar\n" for part in parts)
        return f"""/CIDInit /ProcSet findresource begin
12 dict begin
begincmap
/CIDSystemInfo << /Registry (Adobe) /Ordering (UCS) /Supplement 0 >> def
/CMapName /Adobe-Identity-UCS def
/CMapType 2 def
1 begincodespacerange
<0000> <FFFF>
endcodespacerange
{body}endcmap
CMapName currentdict /CMap defineresource pop
end
end
""".encode("ascii")


def font_file() -> bytes:
    """The font program: TrueType, with the tables that PDF asks for (ISO 32000-1, 9.9).

    Glyph 0 is nothing. All characters are glyph `GLYPH`, a line without width from corner to corner: it paints nothing,
    and it has a height, without which PDFium takes text that runs up a page for none.
    """
    box = (0, DESCENT, ADVANCE, ASCENT)
    line = struct.pack(">hhhhhHHBBhhhh", 1, *box, 1, 0, 1, 1, 0, ADVANCE, DESCENT, ASCENT - DESCENT)
    times = struct.pack(">qq", 0, 0)
    tables = {
        b"glyf": line,
        b"head": struct.pack(">IIIIHH", 0x00010000, 0x00010000, 0, 0x5F0F3CF5, 0, _UNITS_PER_EM)
        + times
        + struct.pack(">hhhhHHhhh", *box, 0, 8, 2, 0, 0),
        b"hhea": struct.pack(">IhhhHhhhhhhhhhhhH", 0x00010000, ASCENT, DESCENT, 0, ADVANCE, *[0] * 3, 1, *[0] * 7, 1),
        b"hmtx": struct.pack(">Hhh", ADVANCE, 0, 0),
        b"loca": struct.pack(">HHH", 0, 0, len(line) // 2),
        b"maxp": struct.pack(">IHHHHHHHHHHHHHH", 0x00010000, 2, 2, 1, 0, 0, 1, *[0] * 8),
    }
    offset = 12 + 16 * len(tables)
    directory, body = struct.pack(">IHHHH", 0x00010000, len(tables), 64, 2, 32), b""
    for tag, data in tables.items():
        padded = data + bytes(-len(data) % 4)
        directory += tag + struct.pack(">III", _checksum(padded), offset + len(body), len(data))
        body += padded
    font = directory + body
    at = offset + sum(len(data) + -len(data) % 4 for tag, data in tables.items() if tag < b"head") + 8
    return font[:at] + struct.pack(">I", (0xB1B0AFBA - _checksum(font)) & 0xFFFFFFFF) + font[at + 4 :]


def _checksum(data: bytes) -> int:
    words: tuple[int, ...] = struct.unpack(f">{len(data) // 4}I", data)
    return sum(words) & 0xFFFFFFFF
