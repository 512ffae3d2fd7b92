"""Lines as an engine would give them, set like a page: one em is 20 pixels high, a character 10 wide; and an engine."""

from collections.abc import Iterable

from PIL import Image

from pdfocr_watcher.analysis.lines import Line, Word
from pdfocr_watcher.engines.base import EngineInfo, LineEngine

EM = 20.0
CHARACTER = 10.0
PITCH = 24.0


def set_line(
    text: str, left: float, top: float, *, em: float = EM, confidence: float = 0.9, words: bool = True
) -> Line:
    """A line whose width follows from its text."""
    character = CHARACTER * em / EM
    placed: list[Word] = []
    position = 0
    for word in text.split(" "):
        placed.append(Word(left + position * character, left + (position + len(word)) * character, word))
        position += len(word) + 1
    right = left + len(text) * character
    return Line(left, top, right, top + em, text, confidence, tuple(placed) if words else ())


def set_column(texts: Iterable[str], left: float, top: float, *, em: float = EM, pitch: float = PITCH) -> list[Line]:
    """Lines below each other."""
    return [set_line(text, left, top + index * pitch, em=em) for index, text in enumerate(texts)]


def merged(left: Line, right: Line) -> Line:
    """What an engine gives that overlooks a gutter: one line over both."""
    return Line(
        left.left, left.top, right.right, right.bottom, f"{left.text} {right.text}", 0.9, left.words + right.words
    )


def prose(count: int, prefix: str = "w", characters: int = 40) -> list[str]:
    """`count` lines of about the same length, no two words of which are the same."""
    lines: list[str] = []
    number = 0
    while len(lines) < count:
        line = ""
        while len(line) < characters:
            line += (" " if line else "") + prefix + "abcdefghij"[number % 10] * (2 + number * 7 % 5) + f"q{number}"
            number += 1
        lines.append(line)
    return lines


class Reader(LineEngine):
    """Knows the lines of its page."""

    def __init__(self, lines: list[Line]) -> None:
        self._lines = lines

    @property
    def info(self) -> EngineInfo:
        return EngineInfo("reader", "none", "1")

    def read_lines(self, image: Image.Image) -> list[Line]:
        del image
        return self._lines
