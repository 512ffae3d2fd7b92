r"""Which lines of a Markdown text make a block, and of which kind: told by their first line and by where they end.

Every look ahead goes no farther than the block that is then taken, or is looked up in a table that is made once, so
that the time taken grows with the length of the text alone.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

from pdfocr_watcher.document.html_tables import begins_as_table
from pdfocr_watcher.document.model import Label
from pdfocr_watcher.document.model_text import holds_pictures_only
from pdfocr_watcher.document.pipe_tables import is_framed_row, is_row, is_rule

_FENCE = re.compile(r" {0,3}(?:(`{3,})([^`]*)|(~{3,}).*)")
_HEADING = re.compile(r" {0,3}(#{1,6})[ \t]+\S")
_UNDERLINE = re.compile(r" {0,3}(={3,}|-{3,})\s*")
_RULE = re.compile(r" {0,3}([-*_])(?:[ \t]*\1){2,}\s*")
_BULLET = "[-*+•●▪◦‣]"
_ITEM = re.compile(rf"\s*(?:{_BULLET}|[0-9]{{1,3}}[.)])\s+\S")
#: What begins a list in the middle of a paragraph: a line of running text may well begin with a number.
_CLEAR_ITEM = re.compile(rf"\s*(?:{_BULLET}|1[.)])\s+\S")
_CONTINUED = re.compile(r"\s{2,}\S|\t")
_ENVIRONMENT = re.compile(
    r"\\begin\{((?:equation|align|alignat|aligned|gather|gathered|multline|eqnarray|split|array|cases|[pbBvV]?matrix"
    r"|math|displaymath)\*?)\}"
)
#: What may stand behind a formula on its last line: a full stop, a number.
_BEHIND_FORMULA = re.compile(r"[\s.,;:]*(?:\([^()\n]{1,20}\)|\\tag\{[^{}\n]*\})?[\s.,;:]*")
_TABLE_TAG = re.compile(r"<(/?)table\b[^<>]*>", re.IGNORECASE)
_TEXT_BEHIND_TABLE = re.compile(r"(</table\s*>)[ \t]*(?=[^\s<])", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Found:
    """A block that begins at a line.

    Attributes:
        label: what it is.
        start: the first line of its content.
        stop: the line behind the last one of its content.
        end: the line at which the next block may begin.
        pipes: whether it is a table of pipes.
    """

    label: Label
    start: int
    stop: int
    end: int
    pipes: bool = False


class Lines:
    """The lines of a text, and the tables in which what lies ahead of a line is looked up.

    What stands behind a table on its last line is put on a line of its own.
    """

    def __init__(self, text: str) -> None:
        self.lines = _TEXT_BEHIND_TABLE.sub(r"\1\n", text).split("\n")

    @cached_property
    def ends_of_tables(self) -> dict[int, int]:
        """The line with a table's end tag, by the line with its start tag; of several on a line the last one's."""
        ends: dict[int, int] = {}
        open_tables: list[int] = []
        for number, line in enumerate(self.lines):
            for tag in _TABLE_TAG.finditer(line):
                if not tag[1]:
                    open_tables.append(number)
                    ends.pop(number, None)
                elif open_tables:
                    ends[open_tables.pop()] = number
        return ends

    @cached_property
    def next_blank(self) -> list[int]:
        """For every line the next one, itself included, that is blank; the number of lines if there is none."""
        return self._next(lambda line: not line.strip())

    @cached_property
    def next_with(self) -> dict[str, list[int]]:
        r"""The same for lines with `\]` and with `$$`."""
        return {r"\]": self._next(lambda line: r"\]" in line), "$$": self._next(lambda line: "$$" in line)}

    def _next(self, holds: Callable[[str], bool]) -> list[int]:
        following = [len(self.lines)] * (len(self.lines) + 1)
        for number in range(len(self.lines) - 1, -1, -1):
            following[number] = number if holds(self.lines[number]) else following[number + 1]
        return following


def find_block(text: Lines, position: int, *, in_paragraph: bool) -> Found | None:
    """The block that begins at a line; None for a blank line and for one of a paragraph.

    Args:
        text: the lines.
        position: the line.
        in_paragraph: whether the line before is one of a paragraph.
    """
    line = text.lines[position]
    if not line.strip():
        return None
    found = (
        _fence(text, position)
        or _html_table(text, position)
        or _formula(text, position)
        or _heading(line, position)
        or _pipe_table(text.lines, position)
    )
    if found:
        return found
    if holds_pictures_only(line):
        return Found(Label.IMAGE, position, position + 1, position + 1)
    if _RULE.fullmatch(line):
        return Found(Label.TEXT, position, position + 1, position + 1)
    return _list(text, position, in_paragraph=in_paragraph) or (
        None if in_paragraph else _underlined(text.lines, position)
    )


def _whole(label: Label, position: int, end: int) -> Found:
    """A block all of whose lines are content."""
    return Found(label, position, end, end)


def _fence(text: Lines, position: int) -> Found | None:
    """Fenced code up to the fence's end or the text's; an HTML table in a fence is a table."""
    lines = text.lines
    opening = _FENCE.fullmatch(lines[position])
    if not opening:
        return None
    mark = opening[1] or opening[3]
    stop = position + 1
    while stop < len(lines) and not (lines[stop].strip().startswith(mark) and not lines[stop].strip().strip(mark[0])):
        stop += 1
    end = min(stop + 1, len(lines))
    if (opening[2] or "").strip().lower() == "html" and begins_as_table("\n".join(lines[position + 1 : stop])):
        return Found(Label.TABLE, position + 1, stop, end)
    return _whole(Label.CODE, position, end)


def _html_table(text: Lines, position: int) -> Found | None:
    """A table up to its end tag; one without an end tag up to the first blank line that no tag follows."""
    lines = text.lines
    if not begins_as_table(lines[position]):
        return None
    if position in text.ends_of_tables:
        return _whole(Label.TABLE, position, text.ends_of_tables[position] + 1)
    end = text.next_blank[position]
    while end < len(lines) and (not lines[end].strip() or lines[end].lstrip().startswith("<")):
        end = text.next_blank[end] if lines[end].strip() else end + 1
    return _whole(Label.TABLE, position, end)


def _formula(text: Lines, position: int) -> Found | None:
    line = text.lines[position].strip()
    environment = _ENVIRONMENT.match(line)
    if environment:
        end = text.next_blank[position]
        ends = (number for number in range(position, end) if rf"\end{{{environment[1]}}}" in text.lines[number])
        return _whole(Label.EQUATION, position, next(ends, end - 1) + 1)
    for begin, end_mark in ((r"\[", r"\]"), ("$$", "$$")):
        if line.startswith(begin):
            return _delimited(text, position, line, end_mark)
    return None


def _delimited(text: Lines, position: int, line: str, end_mark: str) -> Found | None:
    """A formula between delimiters; None if its end is not found, or if it goes on as running text behind it."""
    alone = len(line) == len(end_mark)
    end = position if end_mark in line[len(end_mark) :] else text.next_with[end_mark][position + 1]
    last = text.lines[end].strip() if end < len(text.lines) else ""
    if end < text.next_blank[position] or (alone and last.startswith(end_mark)):
        mark = last.find(end_mark, len(end_mark) if end == position else 0)
        behind = _BEHIND_FORMULA.fullmatch(last, mark + len(end_mark))
        return _whole(Label.EQUATION, position, end + 1) if behind else None
    return _whole(Label.EQUATION, position, text.next_blank[position]) if alone else None


def _heading(line: str, position: int) -> Found | None:
    hashes = _HEADING.match(line)
    if not hashes:
        return None
    return _whole(Label.TITLE if len(hashes[1]) == 1 else Label.SUB_TITLE, position, position + 1)


def _underlined(lines: list[str], position: int) -> Found | None:
    """A heading that is underlined; the underline is not part of its content."""
    line = _UNDERLINE.fullmatch(lines[position + 1]) if position + 1 < len(lines) else None
    if not line:
        return None
    label = Label.TITLE if line[1].startswith("=") else Label.SUB_TITLE
    return Found(label, position, position + 1, position + 2)


def _pipe_table(lines: list[str], position: int) -> Found | None:
    line, following = lines[position], lines[position + 1] if position + 1 < len(lines) else ""
    ruled = (is_rule(following) and is_row(line)) or (is_rule(line) and is_row(following))
    if not ruled and not (is_framed_row(line) and is_framed_row(following)):
        return None
    row = is_row if ruled else is_framed_row
    end = position + 2
    while end < len(lines) and row(lines[end]):
        end += 1
    return Found(Label.TABLE, position, end, end, pipes=True)


def _list(text: Lines, position: int, *, in_paragraph: bool) -> Found | None:
    """A list with all of its entries; blank lines are part of it where another entry or an indented line follows."""
    lines = text.lines
    if not (_CLEAR_ITEM if in_paragraph else _ITEM).match(lines[position]):
        return None
    end = position + 1
    while end < len(lines):
        ahead = end
        while ahead < len(lines) and not lines[ahead].strip():
            ahead += 1
        if ahead == len(lines):
            break
        if not (_ITEM.match(lines[ahead]) or _CONTINUED.match(lines[ahead])) and (
            ahead > end or find_block(text, ahead, in_paragraph=True)
        ):
            break
        end = ahead + 1
    return _whole(Label.LIST, position, end)
