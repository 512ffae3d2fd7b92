"""A document as a whole: what its pages say about each other, and each page as the document sees it.

A survey goes over all pages once and keeps small facts of each; the view that comes of it relabels a page at a time.
Where the same pages are surveyed, the view is the same.
"""

from collections import Counter
from collections.abc import Container, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from pdfocr_watcher.analysis.continuations import flowing
from pdfocr_watcher.analysis.edges import FURNITURE, HEADINGS, EdgeText, bare_text, edge_texts, line_points
from pdfocr_watcher.analysis.heading_levels import (
    TITLE_PAGES,
    Heading,
    Levels,
    body_points,
    counted_with,
    first_headings,
    levels_of,
    numbered_depth,
    step_of,
    with_level,
    without_marks,
)
from pdfocr_watcher.analysis.joining import hyphenated, with_hyphens
from pdfocr_watcher.analysis.letterheads import letterhead
from pdfocr_watcher.analysis.running_titles import headings_among, running_labels
from pdfocr_watcher.document.model import Block, FailedPage, Label, Page

#: More words with hyphens are not kept: they are for hyphens at line ends, of which any document shows the usual ones.
MAX_COMPOUNDS = 50_000
#: What is HTML, LaTeX or code.
_UNREAD = frozenset({Label.TABLE, Label.EQUATION, Label.CODE, Label.IMAGE})


@dataclass(frozen=True, slots=True)
class DocumentView:
    """What is known of a document from all of its pages.

    Attributes:
        levels: of its headings.
        running: by page and block, what runs through the document.
        compounds: words that stand within a line somewhere and have a hyphen there.
    """

    levels: Levels
    running: Mapping[int, Mapping[int, Label]]
    compounds: Container[str] = frozenset()

    def page(self, page: Page) -> Page:
        """A page as the document sees it: running titles and page numbers labelled, headings with their levels.

        It has the same blocks in the same order.
        """
        running = self.running.get(page.index, {})
        blocks = tuple(
            _relabelled(self._hyphened(block), running.get(position, block.label))
            for position, block in enumerate(page.blocks)
        )
        if page.index == 0:
            head = letterhead(replace(page, blocks=blocks))
            blocks = tuple(
                replace(block, label=Label.TEXT) if position in head else block for position, block in enumerate(blocks)
            )
        return replace(
            page,
            blocks=tuple(
                with_level(block, self.levels.level(block, page, position)) if block.label in HEADINGS else block
                for position, block in enumerate(blocks)
            ),
        )

    def _hyphened(self, block: Block) -> Block:
        """A block with the hyphens that belong to its words."""
        content = with_hyphens(block.content, block.healed, self.compounds)
        return block if content == block.content else replace(block, content=content)

    def reading(self, pages: Iterable[Page | FailedPage], *, running_titles: bool) -> Iterator[Page | FailedPage]:
        """The pages as they are read one after the other, for `output.mmd`; two of them in memory at a time.

        Args:
            pages: all pages of the document in order, as they were surveyed.
            running_titles: whether running titles and page numbers stay.
        """
        seen = (page if isinstance(page, FailedPage) else self.page(page) for page in pages)
        text = (page if running_titles or isinstance(page, FailedPage) else _without(page) for page in seen)
        return flowing(text, self.compounds)


class Survey:
    """Looks at the pages of a document, one after the other."""

    def __init__(self) -> None:
        self._pages = 0
        self._edges: list[EdgeText] = []
        self._first: list[Heading] = []
        self._sizes = Counter[tuple[int, int | None]]()
        self._words: dict[str, Counter[int]] = {}
        self._text = Counter[int]()
        self._compounds: set[str] = set()

    def add(self, page: Page) -> None:
        """Look at the next page."""
        self._pages += 1
        self._edges += edge_texts(page)
        if page.index < TITLE_PAGES:
            self._first += first_headings(page)
        for block in page.blocks:
            if block.label not in _UNREAD and len(self._compounds) < MAX_COMPOUNDS:
                self._compounds |= hyphenated(block.content)
            points = line_points(block, page)
            if points is None:
                continue
            if block.label in HEADINGS:
                words = bare_text(block.content)
                self._sizes[step_of(points), numbered_depth(words)] += 1
                self._words.setdefault(counted_with(words), Counter())[step_of(points)] += 1
            elif block.label in {Label.TEXT, Label.LIST}:
                self._text[step_of(points)] += len(block.content)

    def view(self) -> DocumentView:
        """What the pages that were looked at say together."""
        body = body_points(self._text)
        running = running_labels(self._edges, self._pages, body)
        sizes = self._sizes.copy()
        for text in headings_among(self._edges, running):
            if text.points is not None:
                sizes[step_of(text.points), numbered_depth(text.text)] -= 1
        words = {word: own for word, own in self._words.items() if word}
        first = [one for one in self._first if one.block not in running.get(one.page, {})]
        return DocumentView(levels_of(first, +sizes, words, body), running, frozenset(self._compounds))


def _relabelled(block: Block, label: Label) -> Block:
    """A block with its label, or with one that is no heading's."""
    if label is block.label:
        return block
    content = without_marks(block.content) if block.label in HEADINGS else block.content
    return replace(block, label=label, content=content)


def _without(page: Page) -> Page:
    """A page without what only frames its text."""
    return replace(page, blocks=tuple(block for block in page.blocks if block.label not in FURNITURE))
