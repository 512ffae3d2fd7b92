"""How often the words of a language are written: what is likely to stand where a network is not sure of the letters."""

import gzip
import json
import math
from bisect import bisect_left
from collections.abc import Mapping
from itertools import accumulate
from pathlib import Path

#: The share of words that no list has: names, rare words, other languages.
_UNLISTED = 0.05
#: Of such a word every letter is as likely as any of so many, and so likely another one follows.
_LETTERS, _GOES_ON = 30.0, 0.8
#: Of the words of a text so many begin with a capital letter, and of the other letters so many are capitals.
_CAPITAL_FIRST, _CAPITAL_LATER = 0.2, 0.05
#: After the last of all words.
_AFTER_ALL = "\U0010ffff"


class WordList:
    """The words of a language.

    Args:
        counts: how often each word, in small letters, was met.
    """

    def __init__(self, counts: Mapping[str, int]) -> None:
        self._words = sorted(counts)
        self._before = [0, *accumulate(counts[word] for word in self._words)]

    @classmethod
    def read(cls, file: Path) -> "WordList":
        """One from a file: a JSON object of words and counts, compressed by gzip.

        Raises:
            OSError: it cannot be read, or is not compressed so.
            ValueError: it is no such object.
        """
        with gzip.open(file, "rt", encoding="utf-8") as stream:
            counts = json.load(stream)
        if not isinstance(counts, dict) or not all(type(count) is int and count > 0 for count in counts.values()):
            raise ValueError(f"{file}: no object of words and counts")
        return cls(counts)

    def step(self, word: str, letter: str) -> tuple[float, str]:
        """How likely it is that a character follows.

        Args:
            word: the letters, in small, of the word that is being read; empty between words.
            letter: the character that follows; what is no letter ends the word.

        Returns:
            The logarithm of its probability (0 for what stands between words), and the word with it.
        """
        if not letter.isalpha():
            return (self._ended(word) - self._begun(word) if word else 0.0), ""
        longer = word + letter.lower()
        share = _CAPITAL_LATER if word else _CAPITAL_FIRST
        case = math.log(share if letter.isupper() else 1 - share)
        return self._begun(longer) - (self._begun(word) if word else 0.0) + case, longer

    def _begun(self, letters: str) -> float:
        """The logarithm of the probability that a word begins so."""
        return self._log(letters, letters + _AFTER_ALL, _GOES_ON ** len(letters))

    def _ended(self, word: str) -> float:
        """The logarithm of the probability of a word."""
        return self._log(word, word + "\0", _GOES_ON ** len(word) * (1 - _GOES_ON))

    def _log(self, first: str, end: str, length: float) -> float:
        """That of the words from `first` on to before `end`, or of one that is not listed and of such a length."""
        listed = self._before[bisect_left(self._words, end)] - self._before[bisect_left(self._words, first)]
        share = listed / self._before[-1] if listed else 0.0
        return math.log((1 - _UNLISTED) * share + _UNLISTED * length * _LETTERS ** -len(first))
