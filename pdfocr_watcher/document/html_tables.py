"""HTML tables as models write them: balanced, so that what follows a table that was cut off is not part of it.

Text in, text out; the elements are looked at tag by tag and nothing is interpreted.
"""

import re

#: The elements of a table, and which of them a start tag closes on its way up to the nearest table (HTML, 13.1.2.4:
#: optional tags).
_CLOSES = {
    "table": (),
    "caption": ("caption",),
    "colgroup": ("caption", "colgroup"),
    "thead": ("caption", "colgroup", "thead", "tbody", "tfoot", "tr", "td", "th"),
    "tbody": ("caption", "colgroup", "thead", "tbody", "tfoot", "tr", "td", "th"),
    "tfoot": ("caption", "colgroup", "thead", "tbody", "tfoot", "tr", "td", "th"),
    "tr": ("caption", "colgroup", "tr", "td", "th"),
    "td": ("caption", "colgroup", "td", "th"),
    "th": ("caption", "colgroup", "td", "th"),
}
_TAG = re.compile(rf"<(/?)({'|'.join(_CLOSES)})\b[^<>]*>", re.IGNORECASE)
_ROWS_ALONE = re.compile(r"\s*<(?:thead|tbody|tfoot|tr|td|th)\b", re.IGNORECASE)
_TABLE = re.compile(r"\s*<table\b", re.IGNORECASE)
_START = re.compile(r"<table\b|^[ \t]*<(?:thead|tbody|tr)\b", re.IGNORECASE | re.MULTILINE)
_CUT_TAG = re.compile(r"</?(?:([A-Za-z]+)(?:[ \t][^<>\n]{0,60})?)?")
_ESCAPED_TWICE = re.compile(r"&(?:amp;)+(?=(?:lt|gt|amp|quot|apos|nbsp|#[0-9]{1,7}|#[xX][0-9A-Fa-f]{1,6});)")


def begins_as_table(text: str) -> bool:
    """Whether the text begins with a table's start tag."""
    return bool(_TABLE.match(text))


def start_of_table(text: str) -> int:
    """Where the first table of a text begins, or rows without a table; the text's length if there is none."""
    start = _START.search(text)
    return start.start() if start else len(text)


def whole_table(text: str) -> str:
    """The HTML of a table as a block holds it.

    Blank lines are taken out, since Markdown would end the table there; entities that were escaped twice (`&amp;gt;`)
    become what they were meant to be; rows without a table get one; a tag that was broken off goes, and elements that
    are still open are closed.
    """
    text = "\n".join(line for line in text.split("\n") if line.strip())
    text = _ESCAPED_TWICE.sub("&", text)
    if _ROWS_ALONE.match(text):
        text = f"<table>{text.lstrip()}"
    return close_tables(_without_cut_tag(text))


def close_tables(text: str) -> str:
    """Close at the end of the text what of its tables is open there."""
    open_elements: list[str] = []
    for tag in _TAG.finditer(text):
        name = tag[2].lower()
        if not tag[1]:
            while open_elements and open_elements[-1] in _CLOSES[name]:
                open_elements.pop()
            open_elements.append(name)
        else:
            _close(open_elements, name)
    return text + "".join(f"</{name}>" for name in reversed(open_elements))


def _close(open_elements: list[str], name: str) -> None:
    """Take away what an end tag closes: up to the nearest element of its name, but never another table."""
    for position in range(len(open_elements) - 1, -1, -1):
        if open_elements[position] == name:
            del open_elements[position:]
            return
        if open_elements[position] == "table":
            return


def _without_cut_tag(text: str) -> str:
    """The text without the beginning of a tag at its end."""
    start = text.rfind("<")
    if start < 0:
        return text
    cut = _CUT_TAG.fullmatch(text, start)
    if cut and any(name.startswith((cut[1] or "").lower()) for name in _CLOSES):
        return text[:start].rstrip()
    return text
