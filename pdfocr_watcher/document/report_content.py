"""What a block says, as HTML for the report: nothing of it is taken for markup but what a table needs.

Bold and italics are shown as such; other Markdown and all LaTeX are shown as they are written.
"""

import re
from collections.abc import Sequence
from html import escape
from html.parser import HTMLParser

from pdfocr_watcher.document.html_tables import close_tables
from pdfocr_watcher.document.model import Block, Label

#: The elements that a table may have in the report. What an element of another name holds is shown without it.
_ELEMENTS = frozenset(
    {"table", "caption", "thead", "tbody", "tfoot", "tr", "td", "th", "b", "strong", "i", "em", "sup", "sub", "br"}
)
_ALONE = frozenset({"br"})
_SPANS = frozenset({"colspan", "rowspan"})
#: The least heading of HTML.
_LOWEST = 6
_SPAN = re.compile(r"[1-9][0-9]{0,2}")
_BOLD = re.compile(r"\*\*(?=\S)(.{1,500}?)(?<=\S)\*\*")
_ITALIC = re.compile(r"(?<![*\w])\*(?=[^\s*])([^*]{1,500}?)(?<=\S)\*(?![*\w])")


def block_html(block: Block, figures: Sequence[str]) -> str:
    """A block.

    Args:
        block: it.
        figures: where its pictures are.
    """
    content = block.content.strip("\n")
    match block.label:
        case Label.TABLE:
            return table_html(content)
        case Label.EQUATION | Label.CODE:
            return f"<pre>{escape(content)}</pre>"
        case Label.IMAGE:
            pictures = "".join(f'<img src="{escape(link)}" loading="lazy" alt="">' for link in figures)
            return f"<figure>{pictures}<figcaption>{escape(content)}</figcaption></figure>"
        case Label.TITLE | Label.SUB_TITLE:
            name = f"h{min(_LOWEST, (block.level or (1 if block.label is Label.TITLE else 2)) + 1)}"
            return f"<{name}>{_inline(content.lstrip('#').strip())}</{name}>"
    return f"<p>{_inline(content)}</p>"


def _inline(text: str) -> str:
    """Text of Markdown: escaped, and then bold and italics are made of the stars that are left."""
    return _ITALIC.sub(r"<i>\1</i>", _BOLD.sub(r"<b>\1</b>", escape(text)))


def table_html(content: str) -> str:
    """The HTML of a table, made anew from what is known of its elements: no attribute but spans, no other element."""
    reader = _TableReader()
    reader.feed(content)
    reader.close()
    return close_tables("".join(reader.parts))


class _TableReader(HTMLParser):
    """Writes anew what it reads."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[str] = []

    def set_cdata_mode(self, elem: str, **_: bool) -> None:
        """Nothing: what is in a script or a style is read like all else."""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """A start tag."""
        if tag not in _ELEMENTS:
            return
        spans = "".join(
            f' {name}="{value}"' for name, value in attrs if name in _SPANS and value and _SPAN.fullmatch(value)
        )
        self.parts.append(f"<{tag}{spans}>")

    def handle_endtag(self, tag: str) -> None:
        """An end tag."""
        if tag in _ELEMENTS - _ALONE:
            self.parts.append(f"</{tag}>")

    def handle_data(self, data: str) -> None:
        """Text."""
        self.parts.append(escape(data))
