"""What marks an entry of a list, and how it is written."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

#: Bullets, and the triangles and squares that an engine reads where there are bullets.
_BULLET = re.compile(
    r"(?:[\u2022\u2023\u2043\u25a0\u25aa\u25cf\u25cb\u25e6\u25b6\u25b8\u25ba\u25c6\u25b2\u25b3\u25bb\u2756\u00b7\uf0b7])\s*(?=\S)"
)
_DASH = re.compile(r"[-*\u2013]\s+(?=\S)")
#: Letters and bracketed numbers, which Markdown does not know: they stay in the text.
_LETTER = re.compile(r"(?:\((?P<bracketed>[a-z]|\d{1,2})\)|(?P<bare>[a-z])[.)])\s+(?=\S)")
#: A number before so many words marks an entry even alone; before fewer it may be that of a heading, or of a day.
SENTENCE = 4
_NUMBER = re.compile(r"(\d{1,3})([.)])\s+(?=\S)")
#: What an entry of a bibliography is called by: [12], [Gre13].
_NAME = re.compile(r"\[(?=[^\]]*\d)[\w+.:\u2013-]{1,12}\]\s*(?=\S)")


@dataclass(frozen=True, slots=True)
class Marker:
    """The beginning of a list's entry.

    Attributes:
        markdown: how Markdown writes it.
        length: its characters in the row, with the blanks behind it.
        number: what the next one counts on from, None for a bullet.
        sure: whether it marks an entry even when it stands alone.
    """

    markdown: str
    length: int
    number: int | None = None
    sure: bool = False

    def follows(self, other: "Marker") -> bool:
        """Whether an entry with this marker can stand in one list below one with the other."""
        if self.number is None or other.number is None:
            return self.number is other.number
        return self.number == other.number + 1 and self.markdown[-1] == other.markdown[-1]


def marker_of(text: str) -> Marker | None:
    """The list marker that a row begins with, if any."""
    if match := _BULLET.match(text):
        return Marker("-", match.end(), sure=True)
    if match := _DASH.match(text):
        return Marker("-", match.end())
    if match := _NUMBER.match(text):
        sentence = len(text[match.end() :].split()) >= SENTENCE
        return Marker(f"{int(match[1])}{match[2]}", match.end(), number=int(match[1]), sure=sentence)
    if match := _LETTER.match(text):
        mark = match["bracketed"] or match["bare"]
        return Marker("-", 0, number=int(mark) if mark.isdecimal() else ord(mark))
    return None


def names_entry(text: str) -> bool:
    """Whether a row begins as the entries of a bibliography do."""
    return bool(_NAME.match(text))


def list_runs(texts: Sequence[str]) -> list[tuple[int, int]]:
    """Which of the paragraphs of a column are lists.

    Args:
        texts: the first row of each paragraph, from top to bottom.

    Returns:
        First and last paragraph of each list, the last exclusive: bullets that are sure, or at least two entries whose
        markers follow each other.
    """
    runs: list[tuple[int, int]] = []
    start = 0
    markers = [marker_of(text) for text in texts]
    while start < len(markers):
        first = markers[start]
        end = start + 1
        if first is None:
            start = end
            continue
        last = first
        while end < len(markers) and (following := markers[end]) is not None and following.follows(last):
            last = following
            end += 1
        if first.sure or end - start > 1:
            runs.append((start, end))
        start = end
    return runs
