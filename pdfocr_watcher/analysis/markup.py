"""What of a read text Markdown would take for markup is escaped, and no more than that."""

import re
from html import unescape

#: What makes a line a heading, quotation, list item, rule, fence, underline, table ruler or link definition.
_HEADING = re.compile(r"#{1,6}(?=\s|\Z)")
_QUOTATION = re.compile(r">")
_BULLET = re.compile(r"[-+*](?=\s|\Z)")
_NUMBER = re.compile(r"(\d{1,9})([.)])(?=\s|\Z)")
_RULE = re.compile(r"([-*_])(\s*\1){2,}\s*\Z|=+\s*\Z|-+\s*\Z")
_FENCE = re.compile(r"```|~~~")
_RULER = re.compile(r"[|:](?=[\s|:-]*-)[\s|:-]*\Z")
_DEFINITION = re.compile(r"\[[^\]]+\]:")
_AT_START = (_HEADING, _QUOTATION, _BULLET, _RULE, _FENCE, _RULER, _DEFINITION)

#: A tag, comment, declaration, grounding marker or page mark would begin here.
_TAG = re.compile(r"<(?=[A-Za-z/!?|]|---)")
_ENTITY = re.compile(r"&(?:#\d+|#[xX][0-9A-Fa-f]+|[A-Za-z][A-Za-z0-9]*);")
_IMAGE = re.compile(r"!(?=\[)")
_LINK = re.compile(r"\](?=\()")


def escape_inline(text: str) -> str:
    """Text that stands behind a heading's or an entry's marker: no tag, link or marker is read in it."""
    text = _ENTITY.sub(lambda match: match[0] if unescape(match[0]) == match[0] else f"&amp;{match[0][1:]}", text)
    text = _TAG.sub("&lt;", text)
    return _LINK.sub(r"\\]", _IMAGE.sub(r"\\!", text))


def escape_line(text: str) -> str:
    """A line of a block: nothing in it is read as markup of a line, nor what `escape_inline` escapes."""
    text = escape_inline(text)
    number = _NUMBER.match(text)
    if number:
        return f"{number[1]}\\{text[number.end(1) :]}"
    if any(pattern.match(text) for pattern in _AT_START):
        return f"\\{text}"
    return text
