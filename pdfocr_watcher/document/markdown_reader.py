r"""The Markdown reader: a text without boxes becomes blocks with labels.

For what `Free OCR`, GLM-OCR, HunyuanOCR, LightOnOCR and olmOCR write: headings, lists, fenced code, tables of pipes or
in HTML, formulas in `$$`, `\[ \]` or an environment, links to pictures that do not exist, paragraphs. It tells blocks
apart, it does not interpret Markdown: all else in a block stays as the model wrote it. No text is lost; what is changed
is said in `document.model_text`. Which lines make a block is said in `document.markdown_blocks`.

LightOnOCR's variants for figures write a box behind the picture, on a grid of 0..1000 (their model cards):
`![image](image_1.png)100,120,800,560`. It is the only box that there is in such texts.
"""

import re
from collections.abc import Iterator

from pdfocr_watcher.document.boxes import placed_box
from pdfocr_watcher.document.markdown_blocks import Found, Lines, find_block
from pdfocr_watcher.document.model import Block, Label
from pdfocr_watcher.document.model_text import alone_pictures, block_content, cleaned, said_by_alt
from pdfocr_watcher.document.pipe_tables import pipe_table_html
from pdfocr_watcher.document.reading import Reading

#: A whole answer in a fence, which is no code.
_WRAPPED = re.compile(r"\s*```(?:markdown|md)[ \t]*\n", re.IGNORECASE)

_PICTURE = re.compile(r"!\[([^\[\]\n]*)\]\([^()\s]*\)\s*([0-9]{1,4}),\s*([0-9]{1,4}),\s*([0-9]{1,4}),\s*([0-9]{1,4})")
_PICTURE_GRID = 1000


def read_markdown(text: str) -> Reading:
    """The blocks of a page that was read as Markdown. Never raises.

    Args:
        text: all that the model wrote for the page.
    """
    lines = Lines(_unwrapped(cleaned(text)))
    blocks: list[Block] = []
    malformed = 0
    for found, content in _blocks_of_lines(lines):
        block, sound = _block(found, content)
        malformed += not sound
        if block.content or block.boxes:
            blocks.append(block)
    return Reading(tuple(blocks), malformed)


def _unwrapped(text: str) -> str:
    """The text without the fence that all of it stands in."""
    wrapped = _WRAPPED.match(text)
    if not wrapped:
        return text
    inner = text[wrapped.end() :].rstrip()
    return inner[:-3] if inner.endswith("\n```") else inner


def _blocks_of_lines(text: Lines) -> Iterator[tuple[Found, list[str]]]:
    """The lines of each block, what lies between those that are found being paragraphs."""
    lines, position, begin = text.lines, 0, 0  # the lines from `begin` are a paragraph's
    while position < len(lines):
        found = find_block(text, position, in_paragraph=begin < position)
        if not found and lines[position].strip():
            position += 1
            continue
        if begin < position:
            yield Found(Label.TEXT, begin, position, position), lines[begin:position]
        if found:
            yield found, lines[found.start : found.stop]
        begin = position = found.end if found else position + 1
    if begin < position:
        yield Found(Label.TEXT, begin, position, position), lines[begin:position]


def _block(found: Found, lines: list[str]) -> tuple[Block, bool]:
    """The block that lines make, and whether its box, if it has one, was sound."""
    if found.pipes:
        return Block(Label.TABLE, (), pipe_table_html(lines)), True
    text = "\n".join(lines)
    if found.label is Label.IMAGE:
        return _picture(text)
    label, content = block_content(found.label, text)
    return Block(label, (), content), True


def _picture(line: str) -> tuple[Block, bool]:
    picture = _PICTURE.search(line)
    if picture:
        numbers = [int(number) for number in picture.groups()[1:]]
        box, sound = placed_box(numbers, _PICTURE_GRID, _PICTURE_GRID)
        return Block(Label.IMAGE, (box,) if box else (), said_by_alt(picture[1])), sound
    return Block(Label.IMAGE, (), alone_pictures(line)), True
