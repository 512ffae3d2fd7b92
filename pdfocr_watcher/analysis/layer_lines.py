"""The words of a text layer become lines, as an engine would give them.

Geometry and texts only; the words stand on the upright raster, in pixels.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice, pairwise

import numpy as np
from numpy.typing import NDArray

from pdfocr_watcher.analysis.joining import join
from pdfocr_watcher.analysis.lines import Line, Word
from pdfocr_watcher.analysis.text_layer import UNKNOWN, LayerWord

#: Degrees off level within which a word is upright.
LEVEL = 12.0
#: Words are of one line where they share this part of the lower one's height ...
SHARED_HEIGHT = 0.5
#: ... and the gap between them is at most so many sizes of their font; a wider one is between columns or cells.
WORD_GAP = 1.2
#: They may overlap by so many sizes of their font.
OVERLAP = 0.5
#: Words are of one size where the larger is at most so many times the smaller.
SAME_SIZE = 1.3
#: A letter that is larger than its word by this factor is an initial; it may have a quotation mark.
INITIAL, MAX_INITIAL = 2.2, 2
#: A gap that is wider than this and so many times the usual one of a line, of which there are some, parts it.
CELL_GAP = 0.6
WIDER = 2.2
MIN_GAPS = 3
#: An engine's box of a line reaches beyond the ink by this share of its height; one without high or low letters is as
#: high as if it had some, by the shares that those have of the rest.
MARGIN = 0.15
HIGH, LOW = 0.4, 0.28
_HIGH, _LOW = frozenset("bdfhiklt()[]{}|/\\!?$&%@#"), frozenset("gjpqyQ()[]{}|/\\$@")
#: The least height of a line's ink, in sizes of its font.
LEAST = 0.6
#: A glued word with a gap of more font sizes than this stands apart all the same.
GLUED_GAP = 0.4
#: The same for Han and kana, which are set with gaps and without blanks.
HAN_GAP = 0.7
#: Two words that share more than this part of the smaller one's area stand at one place.
SAME_PLACE = 0.5
#: Strong directions of characters (`unicodedata.bidirectional`), by the ranges in which they lie.
_RIGHT_TO_LEFT = ((0x0590, 0x08FF), (0xFB1D, 0xFDFF), (0xFE70, 0xFEFF), (0x10800, 0x10FFF), (0x1E800, 0x1EFFF))
#: Words are compared in blocks of so many, so that ten thousand take some megabytes.
_BLOCK = 256
#: A page with more pairs of words at one place than this for each word is no page: all of them contradict each other.
_PILE = 8
#: Of the lines at one height so many are looked at, and heights of so many usual lines above and below a word.
_OPEN, _BANDS = 64, 6


def without_shadows(words: Sequence[LayerWord]) -> tuple[list[LayerWord], set[int]]:
    """The words without those that are there twice, and the places of those that contradict one another.

    Shadows and false bold are made of the same words once more, a little beside; where other words stand at the same
    place, at most one of them can be what the picture shows.

    Returns:
        The words that stay, in their order, and the indexes in it of those at whose place another one stands.
    """
    if not words:
        return [], set()
    boxes = np.array([(word.left, word.top, word.right, word.bottom) for word in words], dtype=np.float32)
    pairs = list(islice(_overlapping(boxes), _PILE * len(words) + 1))
    if len(pairs) > _PILE * len(words):
        return list(words), set(range(len(words)))
    shadows: set[int] = set()
    contested: set[int] = set()
    for first, second in pairs:
        if first in shadows or second in shadows:
            continue
        one, other = letters_of(words[first].text), letters_of(words[second].text)
        if one == other:
            shadows.add(second)
        elif one and other:
            contested.update((first, second))
    kept = [index for index in range(len(words)) if index not in shadows]
    return [words[index] for index in kept], {new for new, index in enumerate(kept) if index in contested}


def _overlapping(boxes: NDArray[np.float32]) -> Iterator[tuple[int, int]]:
    """The pairs of boxes that stand at one place, the earlier one first."""
    areas = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
    for start in range(0, len(boxes), _BLOCK):
        some = boxes[start : start + _BLOCK, None]
        across = np.minimum(some[..., 2], boxes[:, 2]) - np.maximum(some[..., 0], boxes[:, 0])
        down = np.minimum(some[..., 3], boxes[:, 3]) - np.maximum(some[..., 1], boxes[:, 1])
        shared = np.maximum(across, 0) * np.maximum(down, 0)
        smaller = np.minimum(areas[start : start + _BLOCK, None], areas)
        rows, columns = np.nonzero(np.triu(shared > SAME_PLACE * smaller, start + 1))
        yield from zip((rows + start).tolist(), columns.tolist(), strict=True)


def letters_of(text: str) -> str:
    """The letters and digits of a text, by which two readings are compared."""
    return "".join(character for character in text.casefold() if character.isalnum())


def lines_of(words: Sequence[LayerWord]) -> list[tuple[Line, tuple[int, ...]]]:
    """The lines that words make, in no particular order.

    Args:
        words: in the order of the page's content.

    Returns:
        Each line with the indexes of its words. Lines that are not upright, or run from right to left, are not told
        by words, so that nobody splits them. A mark without a name at the beginning of a line is left out: it is a
        bullet or a dingbat, and those are found by their ink.
    """
    level = [index for index, word in enumerate(words) if min(word.angle, 360 - word.angle) <= LEVEL]
    groups = [_ordered(words, part) for group in _level_groups(words, level) for part in _parted(words, group)]
    groups = _with_initials(words, groups)
    slanted = set(range(len(words))).difference(level)
    groups += _runs(words, sorted(slanted))
    named = [group[1:] if words[group[0]].text == UNKNOWN else group for group in groups]
    return [(_line(words, group, split=group[0] not in slanted), tuple(group)) for group in named if group]


def _level_groups(words: Sequence[LayerWord], level: Sequence[int]) -> list[list[int]]:
    """Words side by side, from left to right."""
    if not level:
        return []
    step = max(4.0, float(np.median([words[index].size for index in level])))
    open_lines: dict[int, list[list[int]]] = defaultdict(list)
    groups: list[list[int]] = []
    for index in sorted(level, key=lambda index: (words[index].left, index)):
        word = words[index]
        centre, reach = int(word.middle / step), min(_BANDS, int(word.height / 2 / step) + 1)
        best, nearest = None, float("inf")
        for band in range(centre - reach, centre + reach + 1):
            lines = open_lines[band]
            # What ended far to the left is over.
            lines[:] = [line for line in lines[-_OPEN:] if word.left - words[line[-1]].right <= WORD_GAP * 4 * step]
            for line in lines:
                gap = word.left - words[line[-1]].right
                if abs(gap) < nearest and _follows(words[line[-1]], word):
                    best, nearest = line, abs(gap)
        if best is None:
            best = []
            groups.append(best)
            open_lines[centre].append(best)
        best.append(index)
    return groups


def _follows(before: LayerWord, word: LayerWord) -> bool:
    size = max(before.size, word.size)
    shared = min(before.bottom, word.bottom) - max(before.top, word.top)
    gap = word.left - before.right
    level = shared >= SHARED_HEIGHT * min(before.height, word.height) or _one_baseline(before, word)
    initial = size > INITIAL * min(before.size, word.size)
    return level and not initial and -OVERLAP * size <= gap <= WORD_GAP * size


def _one_baseline(before: LayerWord, word: LayerWord) -> bool:
    """Whether two words of one size stand at one height although their ink does not: a dash, a quotation mark."""
    size = min(before.size, word.size)
    alike = max(before.size, word.size) < SAME_SIZE * size
    return alike and max(before.bottom, word.bottom) - min(before.top, word.top) <= size


def _parted(words: Sequence[LayerWord], group: Sequence[int]) -> Iterator[list[int]]:
    """The parts of a line between gaps that are much wider than its others: cells that stand close."""
    gaps = [words[b].left - words[a].right for a, b in pairwise(group)]
    usual = float(np.median(gaps)) if len(gaps) >= MIN_GAPS else float("inf")
    part = [group[0]]
    for (before, index), gap in zip(pairwise(group), gaps, strict=True):
        if gap > max(CELL_GAP * max(words[before].size, words[index].size), WIDER * usual):
            yield part
            part = []
        part.append(index)
    yield part


def _with_initials(words: Sequence[LayerWord], groups: list[list[int]]) -> list[list[int]]:
    """The lines, each with the initial that its first word begins with, although that is as high as several lines."""
    first_of = {group[0]: group for group in groups}
    joined = []
    for group in groups:
        initial, rest = words[group[0]], first_of.get(group[0] + 1)
        if len(group) == 1 and rest is not None and _begins(initial, words[rest[0]]):
            rest.insert(0, group[0])
        else:
            joined.append(group)
    return joined


def _begins(initial: LayerWord, word: LayerWord) -> bool:
    """Whether a large letter is the first one of a word beside its upper part."""
    large = initial.size > INITIAL * word.size and len(initial.text) <= MAX_INITIAL
    beside = -OVERLAP * word.size <= word.left - initial.right <= WORD_GAP * word.size
    return word.glued and large and beside and initial.top - word.size <= word.middle <= initial.middle


def _ordered(words: Sequence[LayerWord], group: list[int]) -> list[int]:
    """The words of a line in the order in which they are read."""
    return sorted(group) if _from_right(words[index].text for index in group) else group


def _runs(words: Sequence[LayerWord], slanted: Sequence[int]) -> list[list[int]]:
    """Words that are not upright, as they follow one another."""
    runs: list[list[int]] = []
    for index in slanted:
        if runs and runs[-1][-1] == index - 1 and _goes_on(words[index - 1], words[index]):
            runs[-1].append(index)
        else:
            runs.append([index])
    return runs


def _goes_on(before: LayerWord, word: LayerWord) -> bool:
    size = max(before.size, word.size)
    apart = max(word.left - before.right, before.left - word.right, word.top - before.bottom, before.top - word.bottom)
    # Of lines that run up or down the page the next one stands beside, as near as the next word.
    upright = min(abs(word.angle % 180 - 90), 90.0) <= LEVEL
    beside = upright and abs(word.left + word.right - before.left - before.right) > size
    return abs(word.angle - before.angle) < 1 and apart <= WORD_GAP * size and not beside


def _line(words: Sequence[LayerWord], group: Sequence[int], *, split: bool) -> Line:
    parts = [words[index] for index in group]
    initial = len(parts) > 1 and parts[0].size > INITIAL * parts[1].size
    box = _box(parts[1:] if initial else parts, level=split)
    told = [Word(parts[0].left, parts[0].right, parts[0].text)]
    for before, word in pairwise(parts):
        if (initial and before is parts[0]) or _tight(before, word):
            last = told[-1]
            told[-1] = Word(min(last.left, word.left), max(last.right, word.right), last.text + word.text)
        else:
            told.append(Word(word.left, word.right, word.text))
    text = " ".join(word.text for word in told)
    return Line(*box, text=text, confidence=1.0, words=tuple(told) if split and not _from_right([text]) else ())


def _box(parts: Sequence[LayerWord], *, level: bool) -> tuple[float, float, float, float]:
    """The box that an engine would give a line: around its ink with a margin, as high as its font's letters can be."""
    left, right = min(word.left for word in parts), max(word.right for word in parts)
    top, bottom = min(word.top for word in parts), max(word.bottom for word in parts)
    if level:
        text = "".join(word.text for word in parts)
        ink = bottom - top
        if not any(character.isupper() or character.isdigit() or character in _HIGH for character in text):
            top -= HIGH * ink if text.isascii() else 0
        if not any(character in _LOW for character in text):
            bottom += LOW * ink if text.isascii() else 0
        top, bottom = _of_size(top, bottom, max(word.size for word in parts))
    margin = MARGIN * (bottom - top if level else min(bottom - top, right - left))
    return left - margin, top - margin, right + margin, bottom + margin


def _of_size(top: float, bottom: float, size: float) -> tuple[float, float]:
    """Marks alone, such as a dash, take the height of their font."""
    lacking = max(0.0, LEAST * size - (bottom - top)) / 2
    return top - lacking, bottom + lacking


def _tight(before: LayerWord, word: LayerWord) -> bool:
    """Whether no blank is to be put between two words of a line."""
    gap = (word.left - before.right) / max(before.size, word.size)
    if word.glued and abs(gap) <= GLUED_GAP:
        return True
    return join((before.text[-1], word.text[0])) == before.text[-1] + word.text[0] and abs(gap) <= HAN_GAP


def _from_right(texts: Iterable[str]) -> bool:
    """Whether most letters are of a script that is written from right to left."""
    letters = [ord(character) for text in texts for character in text if character.isalpha()]
    from_right = sum(any(low <= code <= high for low, high in _RIGHT_TO_LEFT) for code in letters)
    return from_right > len(letters) / 2
