r"""The Markdown writer: a page's blocks become its part of `output.mmd`.

Pure text. What a page says is data: where it holds a line or a marker that is ours (`<--- Page Split --->`,
`<|ref|>`), one backslash after its `<` keeps a reader from taking it for ours, and Markdown shows it unchanged.
The same text with markup is written by `document.grounding`.
"""

import re
from collections.abc import Iterable, Sequence

from pdfocr_watcher.document.figures import FigureCrop, figure_crops
from pdfocr_watcher.document.model import Block, FailedPage, Label, Page

#: Stands after every page, the last one included (DeepSeek-OCR's convention).
PAGE_SPLIT = "\n\n<--- Page Split --->\n"

#: The `<` of what a reader of the outputs takes for ours. Backslashes that are there already are part of the
#: match, so that each writing adds exactly one and a reader can take exactly one away.
_OURS = re.compile(r"<(?=\\*(?:\|/?(?:ref|det)\|>|--- Page Split --->))")

#: Symbols that common LaTeX renderers lack, as DeepSeek-OCR's own scripts replace them.
_SYMBOLS = {r"\coloneqq": ":=", r"\eqqcolon": "=:"}
_SYMBOL = re.compile(r"\\(?:coloneqq|eqqcolon)(?![A-Za-z])")

#: An opening delimiter of mathematics. A bracket after `\\` is the optional argument of a line break.
_DELIMITED = re.compile(
    r"(?<!\\)(?:\\\\)*(?:\\[\[(]|\$)|\\begin\{(?:equation|align|alignat|gather|multline|eqnarray|math|displaymath)\*?\}"
)

_SPACE = re.compile(r"\s+")
_ALT_SPECIAL = re.compile(r"[\\\[\]]")


def page_markdown(page: Page) -> str:
    """A page's part of `output.mmd`: its blocks with a blank line between them, then `PAGE_SPLIT`.

    Every figure of `figures.figure_crops` is linked once, in its place, and nothing else is.
    """
    links: dict[int, list[FigureCrop]] = {}
    for crop in figure_crops(page):
        links.setdefault(crop.block, []).append(crop)
    return end_page(
        _figure_links(block, links[position]) if position in links else block_text(block)
        for position, block in enumerate(page.blocks)
    )


def failed_page_markdown(failed: FailedPage) -> str:
    """What stands in both text outputs in place of a page that could not be read: a visible comment.

    The page is counted from 1, as everywhere in messages.
    """
    message = escape(_SPACE.sub(" ", failed.message).strip())
    return end_page([f"> **Page {failed.index + 1} could not be read** (`{failed.code}`): {message}"])


def end_page(parts: Iterable[str]) -> str:
    """The parts of one page, those left out that are empty, with a blank line between them and the split after."""
    return "\n\n".join(part for part in parts if part) + PAGE_SPLIT


def block_text(block: Block) -> str:
    r"""What a block says, as both text outputs write it; empty if it says nothing.

    Markdown and HTML tables go out as they are, LaTeX in `\[ ... \]` unless it brings delimiters. The alternative
    text of an image without a crop is text like any other, so that nothing that was read is lost.
    """
    content = _SYMBOL.sub(lambda found: _SYMBOLS[found[0]], block.content).strip("\n")
    if not content.strip():
        return ""
    if block.label is Label.EQUATION and not _DELIMITED.search(content):
        content = rf"\[ {content.strip()} \]"
    return escape(content, html=block.label is Label.TABLE)


def escape(text: str, *, html: bool = False) -> str:
    r"""Keep data from being taken for our own lines and markers.

    Args:
        text: what a page says.
        html: whether it is HTML, where a backslash would be shown and `&lt;` is the way to write `<`.
    """
    return _OURS.sub("&lt;" if html else r"<\\", text)


def _figure_links(block: Block, crops: Sequence[FigureCrop]) -> str:
    """One link for each crop of a block, each on its own line, all with the block's alternative text."""
    alt = _SPACE.sub(" ", block.content).strip()
    alt = escape(_ALT_SPECIAL.sub(r"\\\g<0>", alt))
    return "\n".join(f"![{alt}]({crop.link})" for crop in crops)
