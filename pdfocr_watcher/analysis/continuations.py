"""Paragraphs that go on in the next column or on the next page, put together where that is sure.

For `output.mmd`, which is read as one text. A paragraph stands whole on the page on which it begins; a page keeps at
least one block of its own text, so that a long one is not drawn together from page to page, and no more than two pages
are in memory.
"""

import re
from collections.abc import Container, Iterable, Iterator, Sequence
from dataclasses import replace

from pdfocr_watcher.analysis.edges import FURNITURE
from pdfocr_watcher.analysis.joining import continues, join
from pdfocr_watcher.analysis.prose import reads_as_note, reads_as_prose
from pdfocr_watcher.document.model import GRID, Block, FailedPage, Label, Page

#: What may stand between the two parts of a paragraph.
_BETWEEN = FURNITURE | {Label.IMAGE, Label.IMAGE_CAPTION, Label.TABLE, Label.TABLE_CAPTION, Label.TABLE_FOOTNOTE}
#: Lines of one paragraph are as high as each other within this factor, its columns as wide.
SIZE = 1.12
WIDTH = 1.15
#: A last part may be narrower if it is one line: no more than so many times as high as its letters.
LINES = 1.9
#: What is smaller than the text by this factor, stands below it and begins with a mark is a footnote.
FOOTNOTE = 0.93
#: A paragraph breaks off behind a letter, a comma or a hyphen; it goes on in lower case.
_BREAKS_OFF = re.compile(r"(?:[^\W\d_]|[^\W_][,\u2010\u2011\u00ad-])\Z")
_FOOTNOTE = re.compile(r"\\?[*\u2020\u2021\u00a7]|\(?\d{1,3}[.)]?\s*\S|[\u00b9\u00b2\u00b3]")


def flowing(pages: Iterable[Page | FailedPage], compounds: Container[str] = ()) -> Iterator[Page | FailedPage]:
    """The pages of a document as they are read one after the other: each paragraph whole, where it begins.

    Args:
        pages: in order; what is not to be read, as running titles, is left out already.
        compounds: words that are known to have a hyphen, see `joining.join`.

    Returns:
        As many pages; of figures and all else nothing is moved.
    """
    held: Page | None = None
    for page in pages:
        if isinstance(page, FailedPage):
            if held is not None:
                yield held
            held = None
            yield page
            continue
        following = _in_columns(page, compounds)
        if held is not None:
            held, following = _over_the_page(held, following, compounds)
            yield held
        held = following
    if held is not None:
        yield held


def _in_columns(page: Page, compounds: Container[str]) -> Page:
    """A page whose paragraphs are whole within it."""
    blocks = list(page.blocks)
    position = 0
    while position < len(blocks):
        following = _next_text(blocks, position + 1)
        if (
            following is not None
            and _parted(blocks, position, following)
            and _goes_on(blocks[position], blocks[following])
        ):
            blocks[position] = _joined(blocks[position], blocks.pop(following), compounds)
        else:
            position += 1
    return replace(page, blocks=tuple(blocks))


def _over_the_page(page: Page, following: Page, compounds: Container[str]) -> tuple[Page, Page]:
    """Two pages, the paragraph that goes on from the one to the other put together on the first."""
    last = _last_text(page.blocks)
    first = _next_text(following.blocks, 0)
    if last is None or first is None or not _goes_on(page.blocks[last], following.blocks[first]):
        return page, following
    if _last_text(following.blocks) == first:
        return page, following
    blocks = list(page.blocks)
    blocks[last] = _joined(blocks[last], following.blocks[first], compounds)
    rest = following.blocks[:first] + following.blocks[first + 1 :]
    return replace(page, blocks=tuple(blocks)), replace(following, blocks=rest)


def _joined(block: Block, rest: Block, compounds: Container[str]) -> Block:
    return replace(block, content=join([block.content, rest.content], compounds), boxes=block.boxes + rest.boxes)


def _next_text(blocks: Sequence[Block], start: int) -> int | None:
    """The text that follows from a position on, if nothing but what may part a paragraph stands before it."""
    size = _largest(blocks)
    for position in range(start, len(blocks)):
        if not _between(blocks[position], size):
            return position if blocks[position].label is Label.TEXT else None
    return None


def _last_text(blocks: Sequence[Block]) -> int | None:
    """The last text of a page, if nothing but what may part a paragraph stands behind it."""
    size = _largest(blocks)
    for position in range(len(blocks) - 1, -1, -1):
        if not _between(blocks[position], size):
            return position if blocks[position].label is Label.TEXT else None
    return None


def _largest(blocks: Sequence[Block]) -> float:
    """How high the lines of a page's largest text are."""
    return max((block.size or 0.0 for block in blocks if block.label is Label.TEXT), default=0.0)


def _between(block: Block, largest: float) -> bool:
    """Whether a block may part a paragraph: furniture, figure, table, footnote."""
    if block.label in _BETWEEN:
        return True
    if block.label not in {Label.TEXT, Label.LIST} or block.size is None or not block.boxes:
        return False
    low = block.boxes[0].y1 >= GRID / 2
    return low and block.size <= FOOTNOTE * largest and bool(_FOOTNOTE.match(block.content))


def _parted(blocks: Sequence[Block], position: int, following: int) -> bool:
    """Whether two blocks of a page are in different columns or have something between them.

    Those that follow each other in one column an engine saw together, and parted; that holds but within a word.
    """
    block, rest = blocks[position], blocks[following]
    if continues(block.content, rest.content):
        return True
    if not block.boxes or not rest.boxes:
        return following - position > 1
    return following - position > 1 or rest.boxes[0].x1 >= block.boxes[-1].x2


def _goes_on(block: Block, rest: Block) -> bool:
    """Whether a paragraph breaks off and `rest` is what it goes on with."""
    if not block.label is rest.label is Label.TEXT or "\n" in block.content or "\n" in rest.content:
        return False
    if not rest.content[:1].islower() or not _BREAKS_OFF.search(block.content):
        return False
    if not reads_as_prose(block.content) or reads_as_note(rest.content):
        return False
    if block.size and rest.size and max(block.size, rest.size) > SIZE * min(block.size, rest.size):
        return False
    return _as_wide(block, rest)


def _as_wide(block: Block, rest: Block) -> bool:
    """Whether two blocks can be of columns of one width."""
    if not block.boxes or not rest.boxes:
        return not block.boxes and not rest.boxes
    wide, own = _width(block), _width(rest)
    if own > WIDTH * wide:
        return False
    box = rest.boxes[0]
    one_line = rest.size is not None and box.y2 - box.y1 <= LINES * rest.size * GRID
    return own * WIDTH >= wide or one_line


def _width(block: Block) -> int:
    return max(box.x2 - box.x1 for box in block.boxes)
