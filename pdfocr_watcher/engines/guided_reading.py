"""What a network may have meant by a line that it is not sure of, by the words of the line's language.

A network says of each column of a line how probable each character is there. Read greedily, a line of handwriting is
right in three letters of four, and so in few of its words. Here the most probable text is sought by the letters and
the words together: connectionist temporal classification with a prior, searched with a beam of beginnings.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cache
from heapq import nlargest

import numpy as np
from numpy.typing import NDArray

from pdfocr_watcher.engines.recognition import BLANK, LineReading, decoded
from pdfocr_watcher.engines.word_list import WordList

#: So many beginnings are followed, each with so many characters in a column that have this probability at least.
_BEAM, _CHOICES, _LEAST = 30, 8, 5e-4
#: Columns that are "no character here" from this probability on are nothing else.
_NOTHING = 0.999
#: What the words weigh against the letters, and what each character gains, for every one of them makes a text less
#: probable. From .5 to .8 and from 2.0 to 2.5 the words of handwriting come out as well.
_WORDS_WEIGH, _CHARACTER_GAINS = 0.6, 2.3
_NEVER = -math.inf


@dataclass(slots=True)
class _Beginning:
    """How a line may begin.

    Attributes:
        text: the characters.
        columns: where each of them was read.
        ended: the logarithm of the probability that the columns so far say this and end with "no character here".
        open: the same, ending with the text's last character.
        prior: the logarithm of the text's probability by the words, with what its characters gained.
        word: the letters of the word that is not ended.
    """

    text: str
    columns: tuple[int, ...]
    ended: float
    open: float
    prior: float
    word: str

    @property
    def seen(self) -> float:
        """The logarithm of the probability that the columns so far say this."""
        return _sum(self.ended, self.open)

    @property
    def worth(self) -> float:
        """What the letters and the words make of it."""
        return self.seen + _WORDS_WEIGH * self.prior


def guided(scores: NDArray[np.float32], characters: Sequence[str], used: float, words: WordList) -> LineReading:
    """The most probable reading of a line, as sure as the network is of its own.

    Args:
        scores: columns x classes, 0..1; the first class is "no character here".
        characters: of each class.
        used: the share of the columns that the line covers; the rest is padding.
        words: those of the line's language.
    """
    step = cache(words.step)  # the beginnings end alike, column after column
    beginnings = [_Beginning("", (), 0.0, _NEVER, 0.0, "")]
    likely = np.argpartition(-scores, _CHOICES, axis=1)[:, : _CHOICES + 1] if scores.shape[1] > _CHOICES else None
    for column, row in enumerate(scores):
        nothing = math.log(max(float(row[BLANK]), 1e-12))
        choices: list[tuple[str, float]] = []
        if row[BLANK] < _NOTHING:
            classes = range(len(row)) if likely is None else likely[column]
            choices = [(characters[one], math.log(row[one])) for one in classes if one != BLANK and row[one] > _LEAST]
        beginnings = _followed(beginnings, column, nothing, choices, step)
    best = max(beginnings, key=lambda one: one.worth + _WORDS_WEIGH * step(one.word, " ")[0])
    columns = (float(at) for at, character in zip(best.columns, best.text, strict=True) if not character.isspace())
    return replace(decoded(scores, characters, used), text=" ".join(best.text.split()), columns=tuple(columns))


def _followed(
    beginnings: Sequence[_Beginning],
    column: int,
    nothing: float,
    choices: Sequence[tuple[str, float]],
    step: Callable[[str, str], tuple[float, str]],
) -> list[_Beginning]:
    """The best beginnings with one column more, which says nothing or one of some characters."""
    found: dict[str, _Beginning] = {}
    for one in beginnings:
        seen = one.seen
        same = found.get(one.text)
        if same is None:
            same = found[one.text] = _Beginning(one.text, one.columns, _NEVER, _NEVER, one.prior, one.word)
        same.ended = _sum(same.ended, seen + nothing)
        for character, likely in choices:
            before = seen
            if one.text.endswith(character):
                # Without a column of nothing in between it is the same character still.
                same.open = _sum(same.open, one.open + likely)
                before = one.ended
            if before == _NEVER:
                continue
            longer = found.get(one.text + character)
            if longer is None:
                likely_by_words, word = step(one.word, character)
                prior = one.prior + likely_by_words + _CHARACTER_GAINS
                longer = _Beginning(one.text + character, (*one.columns, column), _NEVER, _NEVER, prior, word)
                found[longer.text] = longer
            longer.open = _sum(longer.open, before + likely)
    return nlargest(_BEAM, found.values(), key=lambda one: one.worth)


def _sum(first: float, second: float) -> float:
    """The logarithm of the sum of two probabilities that are given by theirs."""
    if second > first:
        first, second = second, first
    return first if second == _NEVER else first + math.log1p(math.exp(second - first))
