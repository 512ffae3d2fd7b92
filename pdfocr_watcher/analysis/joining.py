"""How rows of text are joined to one: blanks, hyphens at line ends, scripts without blanks."""

import re
from collections.abc import Iterable

#: Han, kana and their punctuation: written without blanks between words.
_UNSPACED = r"[\u2e80-\u2fdf\u3000-\u30ff\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\uff00-\uffef]"
_ENDS_UNSPACED = re.compile(_UNSPACED + r"\Z")
_STARTS_UNSPACED = re.compile(r"\A" + _UNSPACED)
#: A word broken at the end of a line: a letter, then a hyphen of any kind.
_BROKEN = re.compile(r"[^\W\d_][-\u00ad\u2010\u2011\u00ac]\Z")
#: A number or name that goes on after its hyphen, which is kept.
_COMPOUND = re.compile(r"\w[-\u2010\u2011]\Z")


def join(texts: Iterable[str]) -> str:
    """Join the rows of a paragraph, each without blanks at its ends and none of them empty.

    A word broken by a hyphen is healed where it goes on in lower case; before an upper-case letter or a digit the
    hyphen belongs to the word and stays. Between Han or kana no blank is put.
    """
    parts: list[str] = []
    for text in texts:
        if parts:
            dropped, glue = _seam(parts[-1], text)
            parts[-1] = parts[-1][: len(parts[-1]) - dropped] + glue
        parts.append(text)
    return "".join(parts)


def continues(before: str, after: str) -> bool:
    """Whether `before` ends in a broken word that goes on in `after`."""
    return bool(_BROKEN.search(before[-2:])) and after[:1].islower()


def _seam(before: str, after: str) -> tuple[int, str]:
    """How many characters `before` loses at its end, and what is put between it and `after`."""
    end = before[-2:]
    if continues(end, after):
        return 1, ""
    if _COMPOUND.search(end) and after[:1].isalnum():
        return 0, ""
    if _ENDS_UNSPACED.search(end) and _STARTS_UNSPACED.search(after):
        return 0, ""
    return 0, " "
