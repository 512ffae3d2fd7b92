"""How rows of text are joined to one: blanks, hyphens at line ends, scripts without blanks."""

import re
from collections.abc import Container, Iterable, Sequence
from itertools import pairwise

#: Han, kana and their punctuation: written without blanks between words.
_UNSPACED = r"[\u2e80-\u2fdf\u3000-\u30ff\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\uff00-\uffef]"
_ENDS_UNSPACED = re.compile(_UNSPACED + r"\Z")
_STARTS_UNSPACED = re.compile(r"\A" + _UNSPACED)
#: Of what a word ends in, or begins with, so many characters are looked at.
LONGEST = 80
#: A word broken at the end of a line: a letter, then a hyphen of any kind.
_BROKEN = re.compile(r"[^\W\d_][-\u00ad\u2010\u2011\u00ac]\Z")
#: A number or name that goes on after its hyphen, which is kept.
_COMPOUND = re.compile(r"\w[-\u2010\u2011]\Z")


#: A single letter before a hyphen is no syllable: "d-dimensional", "e-mail".
_LETTER = re.compile(r"(?<!\w)[^\W\d_][-\u2010\u2011]\Z")
#: A part of a word that stands for all of it before a conjunction: "pre- and post-war", "Ein- und Ausgang".
_CONJUNCTION = re.compile(r"(?:and|or|und|oder|bzw\.|sowie|et|ou|y|o|e|en|of)\s")
#: A word that has a hyphen already and breaks off behind a small word: "state-of-", "mother-in-".
_CHAIN = re.compile(r"[^\W\d_]+-(?:[^\W\d_]+-)*(?:and|at|by|de|for|in|la|le|of|off|on|or|out|sur|the|to|up|with)-\Z")
#: The part of a word before the end of a line, and the one behind it.
_LAST_WORD = re.compile(r"[^\W\d_]+(?:[-\u2010\u2011][^\W\d_]+)*(?=[-\u00ad\u2010\u2011\u00ac]\Z)")
_NEXT_WORD = re.compile(r"[^\W\d_]+")
#: A word with a hyphen.
_HYPHENATED = re.compile(r"(?<![\w-])[^\W\d_]+(?:[-\u2010\u2011][^\W\d_]+)+(?![\w-])")
_HYPHEN = re.compile(r"[-\u2010\u2011]")


def join(texts: Iterable[str], compounds: Container[str] = ()) -> str:
    """Join the rows of a paragraph, each without blanks at its ends and none of them empty.

    A word broken by a hyphen is healed where it goes on in lower case. The hyphen belongs to the word and stays before
    an upper-case letter or a digit, behind a single letter, in a chain like "state-of-the-art", before "and", and in a
    word that is known to have one. Between Han or kana no blank is put.

    Args:
        texts: the rows.
        compounds: words that are known to have a hyphen (`hyphenated`).
    """
    parts: list[str] = []
    for text in texts:
        if parts:
            dropped, glue = _seam(parts[-1], text, compounds)
            parts[-1] = parts[-1][: len(parts[-1]) - dropped] + glue
        parts.append(text)
    return "".join(parts)


def continues(before: str, after: str) -> bool:
    """Whether `before` ends in a broken word that goes on in `after`."""
    return bool(_BROKEN.search(before[-2:])) and after[:1].islower()


def healed_words(texts: Sequence[str]) -> tuple[str, ...]:
    """The words whose hyphen at the end of a row `join` takes away, each with its hyphen: "co-operation"."""
    healed = (_broken_word(before, after) for before, after in pairwise(texts) if _seam(before, after, ())[0])
    return tuple(word for word in healed if word)


def with_hyphens(text: str, healed: Iterable[str], compounds: Container[str]) -> str:
    """A joined text with the hyphens of those of its healed words that are known to have one."""
    for word in healed:
        joined = list(re.finditer(rf"(?<!\w){re.escape(_HYPHEN.sub('', word))}(?!\w)", text))
        # Where the word stands there twice, nothing says which of them was broken.
        if _plain(word) in compounds and len(joined) == 1:
            text = text[: joined[0].start()] + word + text[joined[0].end() :]
    return text


def hyphenated(text: str) -> set[str]:
    """The words of a text that have a hyphen, as `compounds` are looked up."""
    return {_plain(word) for word in _HYPHENATED.findall(text)}


def _plain(word: str) -> str:
    return _HYPHEN.sub("-", word.casefold())


def _broken_word(before: str, after: str) -> str:
    """The whole word that is broken at a seam, with its hyphen."""
    last, following = _LAST_WORD.search(before[-LONGEST:]), _NEXT_WORD.match(after)
    return f"{last[0]}-{following[0]}" if last and following else ""


def _seam(before: str, after: str, compounds: Container[str]) -> tuple[int, str]:
    """How many characters `before` loses at its end, and what is put between it and `after`."""
    end = before[-2:]
    if continues(end, after):
        if _CONJUNCTION.match(after):
            return 0, " "
        kept = (
            _LETTER.search(before[-3:])
            or _CHAIN.search(before[-LONGEST:])
            or _plain(_broken_word(before, after)) in compounds
        )
        return (0, "") if kept else (1, "")
    if _COMPOUND.search(end) and after[:1].isalnum():
        return 0, ""
    if _ENDS_UNSPACED.search(end) and _STARTS_UNSPACED.search(after):
        return 0, ""
    return 0, " "
