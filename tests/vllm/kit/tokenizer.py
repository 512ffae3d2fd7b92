"""The tests' tokenizer: bytes, the markup, and one token for every word of every script.

A word's token has a name of its own, whatever other tokens say the same; the decoder leaves only what it says.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain

from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, pre_tokenizers, processors

from tests.vllm.kit.scripts import MARKUP, PLAIN_PROMPT_END, SPECIAL_MARKUP

# As the real tokenizer has them, with bars and blanks that are none of ASCII.
BEGIN, END, PAD = "<｜begin▁of▁sentence｜>", "<｜end▁of▁sentence｜>", "<｜▁pad▁｜>"  # noqa: RUF001

#: Before what a word says stands its number, in brackets that no page has.
_NUMBER = "⟦{:05d}⟧"
_ANY_NUMBER = r"⟦\d{5}⟧"


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """The tokenizer and which token is which.

    Attributes:
        tokenizer: as vLLM loads it.
        ids: the ids of the tokens by their names; the first two are `BEGIN` and `END`, as in the real model.
        words: the ids of the words, in the order in which they were given.
    """

    tokenizer: Tokenizer
    ids: Mapping[str, int]
    words: Sequence[int]

    @property
    def size(self) -> int:
        """How many rows the model's tables have: 64 and its multiples, as vLLM pads them."""
        return -(-len(self.ids) // 64) * 64


def make_vocabulary(words: Sequence[str]) -> Vocabulary:
    """A vocabulary with a token for each of the words."""
    alphabet = _byte_letters()
    names = [
        _NUMBER.format(number) + (word if word in MARKUP else "".join(alphabet[byte] for byte in word.encode()))
        for number, word in enumerate(words)
    ]
    ids: dict[str, int] = {}
    for name in chain((BEGIN, END), sorted(alphabet.values()), (PAD, *MARKUP, PLAIN_PROMPT_END), names):
        ids.setdefault(name, len(ids))
    tokenizer = Tokenizer(models.BPE(vocab=ids, merges=[]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    tokenizer.decoder = decoders.Sequence([decoders.Replace(Regex(_ANY_NUMBER), ""), decoders.ByteLevel()])
    tokenizer.post_processor = processors.TemplateProcessing(single=f"{BEGIN} $A", special_tokens=[(BEGIN, ids[BEGIN])])
    special = [BEGIN, END, PAD, *SPECIAL_MARKUP]
    special += [name for name, word in zip(names, words, strict=True) if word in SPECIAL_MARKUP]
    tokenizer.add_special_tokens([AddedToken(name, normalized=False, special=True) for name in special])
    plain = [name for name in (*MARKUP, PLAIN_PROMPT_END) if name not in special]
    tokenizer.add_tokens([AddedToken(name, normalized=False) for name in plain])
    return Vocabulary(tokenizer, ids, [ids[name] for name in names])


def _byte_letters() -> dict[int, str]:
    """How the byte-level model writes each byte: as itself where it prints, else as one of the letters from 256 on."""
    printing = [*range(ord("!"), ord("~") + 1), *range(ord("¡"), ord("¬") + 1), *range(ord("®"), ord("ÿ") + 1)]
    others = [byte for byte in range(256) if byte not in printing]
    return {byte: chr(byte) for byte in printing} | {byte: chr(256 + place) for place, byte in enumerate(others)}
