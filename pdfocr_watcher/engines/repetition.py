"""Whether a text ends in a loop: the same again and again, of which a page can hold only so much.

Pure. Works on the text as the model wrote it. What follows from a loop is said in `engines.runaway`.

A page may repeat itself: empty cells, columns of zeros, dot leaders, ruled lines, labels, the same answer in every row.
So each kind of repeated unit has its own limits, well above what fits on a page; a text that was cut off needs less,
since it did not come to its end and is of no use anyway. The figures are set by hand, from loops that users of these
models report (HunyuanOCR's authors count ten repetitions in a text of 8,000 characters; a page of empty cells and one
line after the other from a handful are known shapes) and from pages that must not be taken for one.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

#: So many characters at the text's end are looked at: more than 8,192 tokens usually have.
WINDOW = 32_000

#: A unit that says so many different words (or letters, at ten a word) is a paragraph, not a label or a cell.
RICH = 12
_LETTERS_PER_WORD = 10

_NUMBER = re.compile(r"[0-9]+")
_WORD = re.compile(r"[^\W\d_]+")
_MARKER = re.compile(r"<\|ref\|>[^<]*<\|/ref\|><\|det\|>[^<]*<\|/det\|>")
_MARKUP = re.compile(
    r'<[^<>]*>|&[A-Za-z#0-9]{1,10};|"(?:bbox|category|text)"\s*:|"(?:Title|Section-header|Text|List-item|Table|Picture'
    r'|Caption|Footnote|Formula|Page-header|Page-footer)"|\\[nrt]'
)
_ROW = re.compile(r"<tr\b|\|[^\n]*\n")
#: What may stand behind a loop that came to an end: the closing of what it stands in.
_ENDS = " \t\r\n]}`"
_END_TAG_LENGTH = 12
_END_TAGS = 40

#: Lines from a handful again and again, not one loop: so many lines, of which so many differ.
_FEW_LINES = 8
_LINES_ENDED, _LINES_CUT = 200, 40


@dataclass(frozen=True, slots=True)
class Loop:
    """A text's end that repeats itself.

    Attributes:
        unit: what is repeated, beginning anywhere in it.
        length: characters of all repetitions; the first may be a part of one.
    """

    unit: str
    length: int

    @property
    def repeats(self) -> float:
        """How often the unit is there."""
        return self.length / len(self.unit)


def ends_in_loop(text: str, *, cut: bool) -> bool:
    """Whether the text ends in a loop.

    Args:
        text: all that the model wrote.
        cut: whether it was cut off, and did not come to its end.
    """
    tail = _without_end(text[-WINDOW:])
    if any(_is_too_much(loop, cut=cut, counting=False) for loop in loops_at_end(tail)):
        return True
    counted = _NUMBER.sub("0", tail)
    if any(_is_too_much(loop, cut=cut, counting=True) for loop in loops_at_end(counted)):
        return True
    return _few_lines(tail, _LINES_CUT if cut else _LINES_ENDED)


def loops_at_end(text: str) -> Iterator[Loop]:
    """The units that the text ends in three times or more, the shortest first.

    For every length the shortest period of the text's end is told by the prefix function of the reversed text (Knuth,
    Morris and Pratt), in linear time. Only a few periods can come three times.
    """
    backwards = text[::-1]
    borders = [0] * len(text)
    border = 0
    longest: dict[int, int] = {}
    for position in range(1, len(text)):
        character = backwards[position]
        while border and backwards[border] != character:
            border = borders[border - 1]
        if backwards[border] == character:
            border += 1
        borders[position] = border
        if 3 * border >= 2 * (position + 1):  # three periods or more
            longest[position + 1 - border] = position + 1
    for period in sorted(longest):
        yield Loop(text[-period:], longest[period])


def _without_end(text: str) -> str:
    """The text without what a table, a fence or a JSON list closes with behind a loop."""
    end = len(text.rstrip(_ENDS))
    for _ in range(_END_TAGS):
        start = text.rfind("</", max(0, end - _END_TAG_LENGTH), end)
        if start < 0 or text.find(">", start, end) != end - 1:
            break
        end = len(text[:start].rstrip())
    return text[:end]


def _is_too_much(loop: Loop, *, cut: bool, counting: bool) -> bool:
    """Whether a unit is repeated more often than on a page.

    Args:
        loop: the repetition.
        cut: whether the text was cut off.
        counting: whether all numbers count as one, so that `Step 12.` and `Step 13.` are the same.
    """
    unit = _from_first_tag(loop.unit)
    if not counting and (_MARKER.search(unit) or '"bbox"' in unit):
        return loop.repeats >= (3 if cut else 5)  # the same in the same place
    content = _MARKER.sub(" ", unit)
    words = _WORD.findall(_MARKUP.sub(" ", content))
    in_rows = bool(_ROW.search(content))
    if not words:
        return not counting and _too_much_filler(loop, in_rows=in_rows, cut=cut)
    rich = max(len(set(words)), sum(map(len, words)) // _LETTERS_PER_WORD) >= RICH
    if cut:
        least = (5 if rich else 20) if counting else (3 if rich else 6)
    elif rich:  # tear-off slips and coupons: some ten on a page, numbered ones a few more
        least = 30 if counting else 20
    else:  # lines to write out, labels, answers in columns; rows of a table in small print
        least = (250 if in_rows else 150) if counting else (150 if in_rows else 100)
    return loop.repeats >= least and sum(map(len, words)) * loop.repeats >= (100 if cut else 500)


def _too_much_filler(loop: Loop, *, in_rows: bool, cut: bool) -> bool:
    """Whether a unit without words, such as an empty cell, a zero or a dot, is repeated more often than on a page."""
    if cut:
        return loop.repeats >= 60 and loop.length >= 600  # noqa: PLR2004 - see the module
    if in_rows or "<" in loop.unit:
        return loop.repeats >= 200  # noqa: PLR2004 - no table has as many rows, or cells in one of them
    return loop.length >= 6_000  # noqa: PLR2004 - a page full of ruled lines has 3,500


def _from_first_tag(unit: str) -> str:
    """The unit turned so that it begins with a tag or a JSON element, if it has one, and none is torn apart."""
    doubled = unit + unit
    for begin in ("<|ref|>", "<tr", "<td", "<", '{"'):
        start = doubled.find(begin)
        if 0 <= start < len(unit):
            return doubled[start : start + len(unit)]
    return unit


def _few_lines(text: str, least: int) -> bool:
    """Whether the last lines are the same few, in any order. Rows of tables and elements of JSON are not looked at."""
    lines = [line for line in map(str.strip, _MARKER.sub("", text).split("\n")) if line][-least:]
    if len(lines) < least or any(line[0] in "<|{[" or not _WORD.search(line) for line in lines):
        return False
    return len(set(lines)) <= _FEW_LINES
