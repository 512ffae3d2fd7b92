"""What reads like the number of a page, and which numbers a running line counts up with. Pure text."""

import re

_PAGE_NUMBER = re.compile(
    r"[-\u2013\u2014.·|\[(]*\s*(?:(?:page|p\.|seite|s\.|pag\.|第)\s*)?(?:\d{1,4}|[ivxlc]{1,7})"
    r"(?:\s*(?:/|of|von|de|di|sur)\s*\d{1,4})?\s*(?:页|頁)?\s*[-\u2013\u2014.·|\])]*",
    re.IGNORECASE,
)
#: The number of a page within its chapter or part: "2-14", "A.3".
_IN_CHAPTER = re.compile(r"(?:\d{1,3}|[A-Z])\s*[-\u2013.]\s*\d{1,4}")
_ARABIC = re.compile(r"\d{1,6}")
_ROMAN = re.compile(r"m{0,3}(?:cm|cd|d?c{0,3})(?:xc|xl|l?x{0,3})(?:ix|iv|v?i{0,3})")
_NO_LETTER = re.compile(r"[\W_]+")
_ROMAN_VALUES = {"i": 1, "v": 5, "x": 10, "l": 50, "c": 100, "d": 500, "m": 1000}


def reads_as_page_number(text: str) -> bool:
    """Whether a text is a page number and nothing else: "7", "- xiv -", "Page 3 of 9"."""
    return bool(_PAGE_NUMBER.fullmatch(text))


def reads_as_counted(text: str) -> bool:
    """The same of a text that is known to count up from page to page: "2-14" too."""
    return reads_as_page_number(text) or bool(_IN_CHAPTER.fullmatch(text))


def numbers_in(text: str) -> tuple[int, ...]:
    """The whole numbers in a text, in order; a text that is a Roman number and nothing else is one."""
    arabic = _ARABIC.findall(text)
    if arabic:
        return tuple(map(int, arabic))
    roman = _NO_LETTER.sub("", text).lower()
    return (_roman_value(roman),) if roman and _ROMAN.fullmatch(roman) else ()


def without_numbers(text: str) -> str:
    """A text with a mark in place of each of `numbers_in`."""
    masked = _ARABIC.sub("#", text)
    roman = _NO_LETTER.sub("", text).lower()
    return "#" if masked == text and roman and _ROMAN.fullmatch(roman) else masked


def _roman_value(roman: str) -> int:
    values = [_ROMAN_VALUES[letter] for letter in roman]
    return sum(
        -value if any(value < later for later in values[index + 1 : index + 2]) else value
        for index, value in enumerate(values)
    )
