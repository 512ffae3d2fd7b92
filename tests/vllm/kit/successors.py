"""The scripts as a chain: which token follows which, and which would if the likeliest were forbidden."""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise

from tests.vllm.kit.scripts import Script, words_of
from tests.vllm.kit.tokenizer import END, Vocabulary, make_vocabulary


@dataclass(frozen=True, slots=True)
class Chain:
    """What follows what, by token ids.

    Attributes:
        vocabulary: the tokens.
        first: the token that each script begins with, by the script's name.
        likeliest: the successor of each token.
        otherwise: the one that is next likeliest, of the tokens of turns.
    """

    vocabulary: Vocabulary
    first: Mapping[str, int]
    likeliest: Mapping[int, int]
    otherwise: Mapping[int, int]


def chain_of(scripts: Mapping[str, Script]) -> Chain:
    """Give every word of the scripts a token and link them."""
    words: list[str] = []

    def numbered(text: str) -> list[int]:
        """Where the text's words stand in `words`, to which they are added."""
        start = len(words)
        words.extend(words_of(text))
        return list(range(start, len(words)))

    parts = {
        name: (
            numbered(script.text),
            [] if script.bare else numbered(script.turn),
            {place: numbered(text) for place, text in script.escapes.items()},
        )
        for name, script in scripts.items()
    }
    vocabulary = make_vocabulary(words)
    end = vocabulary.ids[END]
    first: dict[str, int] = {}
    likeliest: dict[int, int] = {}
    otherwise: dict[int, int] = {}
    for name, (text_words, turn_words, escape_words) in parts.items():
        script = scripts[name]
        text = [vocabulary.words[word] for word in text_words]
        turn = [vocabulary.words[word] for word in turn_words]
        if script.bare:
            turn = [vocabulary.ids[word] for word in words_of(script.turn)]
        first[name] = [*text, *turn, end][0]
        likeliest.update(pairwise([*text, *turn, turn[0]] if turn else [*text, end]))
        for place in range(len(turn)):
            # What stands in the place of a word follows the word before it.
            escape = [*(vocabulary.words[word] for word in escape_words.get(place, [])), end]
            otherwise[turn[place - 1]] = escape[0]
            likeliest.update(pairwise(escape))
    return Chain(vocabulary, first, likeliest, otherwise)
