"""From a name that somebody gave a file or folder to one that every reader of the outbox can see and open.

The true name stays in status.json; this one is for listings (`safe_name`), or for a terminal (`printable`). It is
pure: where a result lies is in `jobs.folder`.
"""

import json
import re
import unicodedata

from pdfocr_watcher.jobs.durable import truncated

#: What stands for a character that cannot stay.
_STAND_IN = "_"
#: What Windows allows in no name.
_FORBIDDEN = frozenset('<>:"|?*\\/')
#: Signs that look like a slash or a backslash; some programs turn them into one.
_SLASH_LIKE = frozenset("\u2044\u2215\u29f8\uff0f\u2216\u29f5\u29f9\ufe68\uff3c")
#: Without width, and not needed to join letters (U+200C) or emoji (U+200D).
_UNSEEN = frozenset("\u200b\u2060\ufeff")
_DELETE = "\x7f"
_JOINERS = frozenset("\u200c\u200d")
#: Control, surrogate, private use (where Samba and Windows put what the other cannot say), line and paragraph ends.
_CATEGORIES = frozenset({"Cc", "Cs", "Co", "Zl", "Zp"})
#: Marks and overrides of the writing direction: they make `exe.pdf` out of `fdp.exe`.
_DIRECTIONS = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
_NONCHARACTER = 0xFFFE
#: Devices on Windows, whatever follows the first dot.
_DEVICE = re.compile(r"(con|prn|aux|nul|conin\$|conout\$|(com|lpt)[0-9¹²³])", re.IGNORECASE)


def safe_name(name: str, length: int, nameless: str) -> str:
    """A name that Linux, Windows and macOS show as it is, as close to the given one as that allows.

    Each character that cannot stay becomes `_`; dots and spaces go from both ends (Windows drops them, and a dot in
    front hides a file); a device's name gets a `_` behind it. It never is empty, `.`, `..`, or holds a slash.

    Args:
        name: any text, lone surrogates included.
        length: bytes that it may have, in UTF-8.
        nameless: the name where nothing is left.
    """
    text = "".join(map(_shown, name)).lstrip(". ")
    text = truncated(text, length).rstrip(". ")
    base, dot, rest = text.partition(".")
    if _DEVICE.fullmatch(base.rstrip(" ")):
        text = f"{base.rstrip(' ')}{_STAND_IN}{dot}{rest}"
    return text or nameless


def printable(text: str) -> str:
    """The text with everything written as an escape that would move a cursor, turn the writing or begin a line."""
    if text.isprintable():
        return text
    return "".join(map(_printed, text))


def printable_json(text: str) -> str:
    """The same for a JSON text, whose own line ends stay; it means what it meant before."""
    return "".join(map(_json_escaped, text)) if not text.isascii() or _DELETE in text else text


def _printed(character: str) -> str:
    return character if _may_be_printed(character) else character.encode("unicode_escape").decode()


def _json_escaped(character: str) -> str:
    if character == _DELETE:  # the one control character that JSON lets stand in a string
        return "\\u007f"
    return character if character.isascii() or _may_be_printed(character) else json.dumps(character)[1:-1]


def _may_be_printed(character: str) -> bool:
    if character.isprintable() or character in _JOINERS:
        return True
    return unicodedata.category(character) == "Zs"


def _shown(character: str) -> str:
    if character.isascii() and character.isprintable():
        return _STAND_IN if character in _FORBIDDEN else character
    unfit = (
        character in _SLASH_LIKE
        or character in _UNSEEN
        or character in _DIRECTIONS
        or unicodedata.category(character) in _CATEGORIES
        or ord(character) & _NONCHARACTER == _NONCHARACTER
    )
    return _STAND_IN if unfit else character
