"""Which heading of a document is its title, and the levels of the others: by size and numbering over all pages.

A page names its headings by itself (`headings`); what they are to each other only the document can say. Kept of them
are counts by size, and those of the first pages, of which one may be the title.
"""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import dropwhile, takewhile

from pdfocr_watcher.analysis.edges import HEADINGS, bare_text, line_points
from pdfocr_watcher.document.model import GRID, Block, Label, Page

#: The title is on the first page that has something to read, among so many.
TITLE_PAGES = 3
#: A title begins within this share of the page's height, and with less than so many characters of text before it.
TITLE_WITHIN = 0.6
BEFORE_TITLE = 300
#: A title is this many times larger than the text, and than all other headings. Blocks that follow each other and are
#: as large as each other within this factor are one.
TITLE = 1.28
FIRST = 1.12
ALIKE = 1.1
#: Sizes of one level differ from the next by more than this factor: boxes are measured with an error.
APART = 1.15
#: Where there are not so many headings on either side of the gap, it is wider; lone ones may be measured a quarter off.
ENOUGH = 3
CLEAR = 1.35
#: Where there are so many headings, a size that only one of them has is no level.
MANY = 5
#: Sizes are counted in steps of so many points.
STEP = 0.25
#: How deep headings go: by their sizes, and by their numbers.
MAX_BY_SIZE = 4
MAX_LEVEL = 6

_NUMBERED = re.compile(r"(?:(?:\d{1,3}|[A-Z])(?:[.]\d{1,3}){1,5}|\d{1,3}|[IVX]{1,5}(?=[.)]))[.)]?\s+(?=\S)")
_CHAPTER = re.compile(
    r"(?:chapter|part|appendix|kapitel|teil|anhang|chapitre|partie|annexe|cap[ií]tulo|capitolo|anexo)\s+(?:\d|[A-Z]\b)",
    re.IGNORECASE,
)
#: Headings that are counted with a word, "Article IV", are of one level however their sizes were measured.
_COUNTED = re.compile(r"([^\W\d_]{2,20})\.?\s+(?:\d{1,3}|[IVXLC]{1,7})\b")
#: What a paper begins with below its title.
_BEGINNING = re.compile(
    r"abstract|summary|introduction|zusammenfassung|einleitung|einführung|résumé|resumen|introducción|riassunto|sommario"
    r"|introduzione|resumo|introdução|samenvatting|inleiding",
    re.IGNORECASE,
)
_MARKS = re.compile(r"\A#{1,6}[ \t]+")


@dataclass(frozen=True, slots=True)
class Heading:
    """A heading near the beginning of a document.

    Attributes:
        page, block: where it is.
        label: what its engine takes it for.
        points: how high its lines are, in points; None where that is not known.
        top: where it begins, as a share of the page's height; 0 where there is no box.
        before: characters of text that stand before it on its page.
        numbered: whether it begins with a number.
        beginning: whether it says that a text begins: "Abstract".
    """

    page: int
    block: int
    label: Label
    points: float | None
    top: float
    before: int
    numbered: bool = False
    beginning: bool = False


@dataclass(frozen=True, slots=True)
class Levels:
    """What the headings of a document are to each other.

    Attributes:
        title: page and blocks of the title; none where there is none.
        by_size: the level of each size, in steps of points.
        by_word: that of headings that are counted with a word.
    """

    title: frozenset[tuple[int, int]]
    by_size: Mapping[int, int]
    by_word: Mapping[str, int]

    def level(self, block: Block, page: Page, position: int) -> int:
        """The level of a heading, 1 for the title."""
        if (page.index, position) in self.title:
            return 1
        text = bare_text(block.content)
        depth = numbered_depth(text)
        if depth is not None:
            return min(1 + depth, MAX_LEVEL)
        points = line_points(block, page)
        if points is None:
            marks = _MARKS.match(block.content)
            return max(2, marks[0].count("#")) if marks else 2
        return self.by_word.get(counted_with(text), 0) or self.by_size.get(step_of(points), 2)


def numbered_depth(text: str) -> int | None:
    """How deep a heading is by its number: 1 for "2 Methods" and "Chapter 2", 3 for "2.1.4 ..."; None without one."""
    if _CHAPTER.match(text):
        return 1
    number = _NUMBERED.match(text)
    return number[0].strip().rstrip(".)").count(".") + 1 if number else None


def counted_with(text: str) -> str:
    """The word that a heading is counted with, "article" of "Article IV"; empty if there is none."""
    word = _COUNTED.match(text)
    return word[1].casefold() if word else ""


def step_of(points: float) -> int:
    """The step of a size in points."""
    return round(points / STEP)


def body_points(text: Mapping[int, int]) -> float | None:
    """How high most of a document's text is, in points; None where that is not known.

    Args:
        text: how many characters there are of each size, in steps.
    """
    return _middle(text) * STEP if any(text.values()) else None


def _middle(counts: Mapping[int, int]) -> int:
    """The middle one of values that are there so often."""
    half = sum(counts.values()) / 2
    seen = 0
    for value in sorted(counts):
        seen += counts[value]
        if seen >= half:
            return value
    return 0


def with_level(block: Block, level: int) -> Block:
    """A heading with its level; its content begins with as many marks."""
    label = Label.TITLE if level == 1 else Label.SUB_TITLE
    text = without_marks(block.content)
    return replace(block, label=label, content=f"{'#' * level} {text}" if text.strip() else "", level=level)


def without_marks(content: str) -> str:
    """A heading's content without the marks of a level."""
    return _MARKS.sub("", content)


def first_headings(page: Page) -> list[Heading]:
    """The headings of a page, of which one may be the title."""
    found: list[Heading] = []
    before = 0
    for position, block in enumerate(page.blocks):
        if block.label in HEADINGS and without_marks(block.content).strip():
            text = bare_text(block.content)
            numbered = numbered_depth(text) is not None
            top = block.boxes[0].y1 / GRID if block.boxes else 0.0
            beginning = bool(_BEGINNING.fullmatch(_NUMBERED.sub("", text).rstrip(".:")))
            points = line_points(block, page)
            found.append(Heading(page.index, position, block.label, points, top, before, numbered, beginning))
        elif block.label in {Label.TEXT, Label.LIST}:
            before += len(block.content)
    return found


def levels_of(
    first: Iterable[Heading],
    sizes: Mapping[tuple[int, int | None], int],
    words: Mapping[str, Mapping[int, int]],
    body: float | None,
) -> Levels:
    """The levels of a document's headings.

    Args:
        first: the headings of its first pages, in order.
        sizes: how many headings there are of each size (in steps) and depth of number; running titles left out.
        words: how many headings there are of each size, by the word that they are counted with.
        body: how high most of the text is, in points; None where that is not known.
    """
    title = _title(list(first), sizes, body)
    counts = Counter(sizes)
    for heading in title:
        # The title's own size has no level of its own, unless others share it.
        if heading.points is not None:
            counts[step_of(heading.points), None] -= 1
    largest = max((one.points for one in title if one.points is not None), default=None)
    by_size = _by_size(+counts, largest)
    by_word = {word: by_size.get(_middle(own), 2) for word, own in words.items()}
    return Levels(frozenset((one.page, one.block) for one in title), by_size, by_word)


def _title(first: list[Heading], sizes: Mapping[tuple[int, int | None], int], body: float | None) -> list[Heading]:
    """The title: of the first page with a heading the largest one, with what belongs to it."""
    own = [one for one in first if one.page == first[0].page]
    early = [one for one in own if one.top <= TITLE_WITHIN and one.before < BEFORE_TITLE]
    if any(one.points is None for one in own) or body is None:
        return next(([one] for one in early if one.label is Label.TITLE), [])
    title = _largest(early)
    if _named(title) or (_outdoes(title, sizes) and (title[0].points or 0.0) >= TITLE * body):
        return title
    if _heads(own):
        return own[:1]
    title = _largest(own)
    return title if _named(title) and _outdoes(title, sizes) else []


def _largest(headings: Sequence[Heading]) -> list[Heading]:
    """The largest of some headings of a page, with those that follow it at once, are as large and have no number."""
    largest = max((one.points or 0.0 for one in headings), default=0.0)
    large = list(dropwhile(lambda one: (one.points or 0.0) * ALIKE < largest, headings))
    together = [one for index, one in enumerate(large) if one.block - large[0].block == index]
    rest = takewhile(lambda one: (one.points or 0.0) * ALIKE >= largest and not one.numbered, together[1:])
    return [*together[:1], *rest]


def _named(title: Sequence[Heading]) -> bool:
    """Whether a page takes a heading for a title."""
    return any(one.label is Label.TITLE for one in title)


def _heads(headings: Sequence[Heading]) -> bool:
    """Whether the first of a page's headings stands over a paper: no text before it, and no other one larger."""
    if not headings:
        return False
    first, *others = headings
    alone = first.before == 0 and first.top <= TITLE_WITHIN and not first.numbered and not first.beginning
    largest = max((one.points or 0.0 for one in others), default=0.0)
    return alone and any(one.beginning for one in others) and (first.points or 0.0) * APART >= largest


def _outdoes(title: Sequence[Heading], sizes: Mapping[tuple[int, int | None], int]) -> bool:
    """Whether a heading is larger than all others."""
    others = Counter(sizes)
    for one in title:
        others[step_of(one.points or 0.0), None] -= 1
    rest = max((size for size, _ in +others), default=0)
    return bool(title) and max(one.points or 0.0 for one in title) >= FIRST * rest * STEP


def _by_size(counts: Counter[tuple[int, int | None]], title: float | None) -> dict[int, int]:
    """The level of each size: that of the numbered headings of this size, else one below the next larger size.

    What is as large as the title is a logo, or a title of something within the document, and none below it goes down
    for its sake; nor for a size that only one of many headings has.
    """
    many = counts.total() >= MANY
    levels: dict[int, int] = {}
    level = 1
    for group in _alike(counts):
        own = {(size, depth): count for (size, depth), count in counts.items() if size in group}
        depths = _depths(own)
        if depths:
            numbered = 1 + min(depths, key=lambda depth: (-depths[depth], depth))
            level = max(level, min(numbered, MAX_BY_SIZE))
            levels |= dict.fromkeys(group, level)
            continue
        levels |= dict.fromkeys(group, min(level + 1, MAX_BY_SIZE))
        as_title = title is not None and max(group) * STEP * APART >= title
        if not as_title and not (many and sum(own.values()) == 1):
            level = levels[max(group)]
    return levels


def _depths(counts: Mapping[tuple[int, int | None], int]) -> Counter[int]:
    """How many headings there are of each depth of number."""
    depths = Counter[int]()
    for (_, depth), count in counts.items():
        if depth is not None:
            depths[depth] += count
    return depths


def _alike(counts: Mapping[tuple[int, int | None], int]) -> list[set[int]]:
    """Sizes, those together that are one, from the largest down."""
    groups: list[set[int]] = []
    for size in sorted({size for size, _ in counts}, reverse=True):
        if groups and min(groups[-1]) <= APART * size:
            groups[-1].add(size)
        else:
            groups.append({size})
    apart: list[set[int]] = []
    for group in groups:
        if apart and not _are_two(apart[-1], group, counts):
            apart[-1] |= group
        else:
            apart.append(group)
    return apart


def _are_two(larger: set[int], smaller: set[int], counts: Mapping[tuple[int, int | None], int]) -> bool:
    """Whether sizes with a gap between them are of two levels, and not measured so by chance."""
    if min(larger) > CLEAR * max(smaller):
        return True
    sides = [{key: count for key, count in counts.items() if key[0] in side} for side in (larger, smaller)]
    if all(sum(side.values()) >= ENOUGH for side in sides):
        return True
    one, other = (_depths(side) for side in sides)
    return bool(one and other) and one.most_common(1)[0][0] != other.most_common(1)[0][0]
