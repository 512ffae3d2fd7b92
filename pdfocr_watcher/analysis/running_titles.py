"""Which short lines at the edges of pages run through a document: told by their repetition, over pages nearby.

A line repeats one of a page nearby, at the same place, if it says nearly the same (engines misread) and its numbers are
the same or count up as the pages do. Titles on the left and the right pages, and titles that change with the chapter,
repeat themselves within a few pages all the same. What stands beside a page number, or where running titles stand on
pages nearby, is one too, also where its words were misread or are only there once.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import SequenceMatcher
from itertools import groupby
from statistics import median

from pdfocr_watcher.analysis.edges import FURNITURE, HEADINGS, EdgeText
from pdfocr_watcher.analysis.page_numbers import numbers_in, reads_as_counted, without_numbers
from pdfocr_watcher.document.model import Label

#: A line is looked for on so many pages before.
WINDOW = 12
#: So many pages make a running title; fewer, two at least, where they lie within so many.
PAGES = 3
MIN_PAGES = 2
NEAR = 2
#: Places are the same within this share of the page's height, sizes within this factor.
PLACE = 0.02
SIZE = 1.3
#: Texts are nearly the same from this similarity on, 0..1, if they have so many characters.
SIMILAR = 0.8
MIN_FUZZY = 5
#: Numbers count up by one a page, or by two where a page shows two of a book.
STEPS = (0, 1, 2)
#: What is set so many times larger than the text is a heading, unless it is word for word on so many pages and this
#: share of all; then it is one where it is there first.
LARGE = 1.25
LARGE_PAGES = 5
SHARE = 0.5
#: A line stands where running titles do, within this share of the page's height and this factor of size, if it is at
#: the place of so many of them.
SLOT = 0.006
SLOT_SIZE = 1.12
SLOT_PAGES = 3
#: A row of no more characters is a speck: what stands further in may be a running title all the same.
SPECK = 2


@dataclass(slots=True)
class _Run:
    """Lines that repeat each other.

    Attributes:
        masked: what they say, with marks for numbers.
        members: the lines, page by page.
    """

    masked: str
    members: list[EdgeText] = field(default_factory=list)

    @property
    def last(self) -> EdgeText:
        """The latest."""
        return self.members[-1]


def place(text: EdgeText) -> tuple[int, int]:
    """The page and the block of a line."""
    return text.page, text.block


def running_labels(texts: Iterable[EdgeText], pages: int, body: float | None) -> dict[int, dict[int, Label]]:
    """What of the edges of a document's pages is a running title or a page number.

    Args:
        texts: the lines at the edges, page by page.
        pages: how many pages the document has.
        body: how high most of the document's text is, in points; None where that is not known.

    Returns:
        By page and block, the labels of those that run through the document. What only the engine takes for a running
        title is not among them.
    """
    found: dict[int, dict[int, Label]] = defaultdict(dict)
    everything = list(texts)
    for at_top in (True, False):
        own = [text for text in everything if text.at_top is at_top]
        for page, labels in _at_one_end(own, pages, body).items():
            found[page].update(labels)
    return dict(found)


def _at_one_end(texts: Sequence[EdgeText], pages: int, body: float | None) -> dict[int, dict[int, Label]]:
    titles = {place(text) for text in texts if text.page == 0 and text.label is Label.TITLE}
    repeated: set[tuple[int, int]] = set()
    for run in _runs(texts):
        running = set(map(place, _running(run, pages, body)))
        repeated |= running
        if running:
            titles |= set(map(place, run.members)) - running
    repeated -= titles
    by_page = {page: list(own) for page, own in groupby(texts, key=lambda text: text.page)}
    slots = {page: [text for text in own if place(text) in repeated] for page, own in by_page.items()}
    found: dict[int, dict[int, Label]] = {}
    for page, own in by_page.items():
        nearby = [
            text for near in range(page - WINDOW, page + WINDOW + 1) if near != page for text in slots.get(near, ())
        ]
        labels = _on_page(own, repeated, titles, nearby)
        if labels:
            found[page] = labels
    return found


def _on_page(
    own: Sequence[EdgeText],
    repeated: set[tuple[int, int]],
    titles: set[tuple[int, int]],
    nearby: Sequence[EdgeText],
) -> dict[int, Label]:
    """The labels at one end of a page: from the edge inwards, up to the first row with something that is text."""
    labels: dict[int, Label] = {}
    for _, row in groupby(own, key=lambda text: text.row):
        line = list(row)
        sure = [text for text in line if place(text) in repeated or text.label in FURNITURE]
        slotted = [text for text in line if place(text) not in titles and _in_slot(text, nearby)]
        # What stands there only once is left out for good where nothing on other pages bears it out.
        borne_out = any(place(text) in repeated for text in line)
        beside = [text for text in line if text.label not in HEADINGS] if borne_out else []
        running = [text for text in line if text in sure or text in slotted or text in beside]
        labels |= {
            text.block: _label(text) for text in running if place(text) in repeated or text.label not in FURNITURE
        }
        if len(running) < len(line) and any(len(text.text) > SPECK for text in line if text not in running):
            break
    return labels


def _label(text: EdgeText) -> Label:
    if text.label in FURNITURE:
        return text.label
    if reads_as_counted(text.text):
        return Label.PAGE_NUMBER
    return Label.HEADER if text.at_top else Label.FOOTER


def _in_slot(text: EdgeText, nearby: Sequence[EdgeText]) -> bool:
    """Whether a line stands where running titles of pages nearby do."""
    if text.middle is None:
        return False
    middle = text.middle
    there = {
        other.page
        for other in nearby
        if other.middle is not None
        and abs(middle - other.middle) <= SLOT
        and _same_size(text.points, other.points, SLOT_SIZE)
    }
    return len(there) >= SLOT_PAGES


def _same_size(one: float | None, other: float | None, factor: float) -> bool:
    return not one or not other or max(one, other) <= factor * min(one, other)


def _runs(texts: Sequence[EdgeText]) -> list[_Run]:
    """The lines of one end, put together where they repeat each other."""
    runs: list[_Run] = []
    live: list[_Run] = []
    for text in texts:
        live = [run for run in live if text.page - run.last.page <= WINDOW]
        masked = without_numbers(text.text.casefold())
        fitting = [run for run in live if run.last.page < text.page and _repeats(text, run.last)]
        run = next((run for run in fitting if run.masked == masked), None) or _most_like(masked, fitting)
        if run is None:
            run = _Run(masked)
            runs.append(run)
            live.append(run)
        run.members.append(text)
    return runs


def _repeats(text: EdgeText, before: EdgeText) -> bool:
    """Whether a line is at the place of another one, as large, and counts up from it."""
    if (text.middle is None) is not (before.middle is None):
        return False
    if text.middle is not None and before.middle is not None and abs(text.middle - before.middle) > PLACE:
        return False
    return _same_size(text.points, before.points, SIZE) and _counts_up(text, before)


def _counts_up(text: EdgeText, before: EdgeText) -> bool:
    """Whether the numbers in a line are those of another one, or as many more as the pages."""
    numbers, earlier = numbers_in(text.text), numbers_in(before.text)
    pages = text.page - before.page
    steps = [number - other for number, other in zip(numbers, earlier, strict=False)]
    if len(numbers) != len(earlier) or not all(step in {pages * by for by in STEPS} for step in steps):
        return False
    return not reads_as_counted(text.text) or any(steps)


def _most_like(masked: str, runs: Iterable[_Run]) -> _Run | None:
    """The first of some runs that says the same but for what an engine may misread."""
    matcher = SequenceMatcher(None, "", masked, autojunk=False)
    for run in runs:
        if min(len(masked), len(run.masked)) < MIN_FUZZY:
            continue
        matcher.set_seq1(run.masked)
        if all(like() >= SIMILAR for like in (matcher.real_quick_ratio, matcher.quick_ratio, matcher.ratio)):
            return run
    return None


def _running(run: _Run, pages: int, body: float | None) -> Sequence[EdgeText]:
    """Which of the lines that repeat each other are a running title, rather than headings that are called alike."""
    members = run.members
    sizes = [text.points for text in members if text.points]
    headed = sum(text.label in HEADINGS for text in members) * 2 > len(members)
    if headed and (not sizes or body is None or median(sizes) >= LARGE * body):
        often = len(members) >= max(LARGE_PAGES, SHARE * pages)
        alike = len({numbers_in(text.text) for text in members}) == 1
        return members[1:] if often and alike else ()
    if len(members) >= PAGES:
        return members[1:] if headed else members
    near = len(members) >= MIN_PAGES and members[-1].page - members[0].page <= NEAR
    return members if near and not headed else ()


def headings_among(texts: Iterable[EdgeText], running: Mapping[int, Mapping[int, Label]]) -> list[EdgeText]:
    """The lines that an engine took for headings and that run through the document."""
    return [text for text in texts if text.label in HEADINGS and text.block in running.get(text.page, {})]
