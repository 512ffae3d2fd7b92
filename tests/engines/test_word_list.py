"""What is likely by the words of a language, and which language a text is in."""

import gzip
import json
import math

import pytest

from pdfocr_watcher.engines.common_words import COMMON_WORDS, likely_language
from pdfocr_watcher.engines.word_list import WordList
from pdfocr_watcher.weights.catalogue import WORD_LISTS

WORDS = WordList({"mon": 60, "mère": 30, "main": 9, "ma": 1})


def likely(words: WordList, text: str) -> float:
    """The logarithm of the probability of a text, to its end."""
    total, word = 0.0, ""
    for letter in f"{text} ":
        step, word = words.step(word, letter)
        total += step
    return total


def test_a_frequent_word_is_likelier_than_a_rare_one_and_that_than_none():
    assert likely(WORDS, "mon") > likely(WORDS, "mère") > likely(WORDS, "ma") > likely(WORDS, "xq")


def test_a_beginning_is_as_likely_as_all_words_that_begin_so():
    (of_m, _), (of_ma, _) = WORDS.step("", "m"), WORDS.step("m", "a")
    assert of_m == pytest.approx(math.log(0.8 * (0.95 + 0.05 * 0.8 / 30)))
    assert of_ma == pytest.approx(math.log(0.95 * (0.95 * 0.1 + 0.05 * (0.8 / 30) ** 2) / (0.95 + 0.05 * 0.8 / 30)))


def test_all_that_may_follow_a_beginning_is_as_likely_as_the_beginning():
    letters = "abcdefghijklmnopqrstuvwxyzàâçèé"[:30]
    small = [WORDS.step("m", letter)[0] - math.log(0.95) for letter in letters if letter != "è"]
    total = sum(map(math.exp, [*small, WORDS.step("m", "è")[0] - math.log(0.95), WORDS.step("m", " ")[0]]))
    assert total == pytest.approx(1.0, abs=0.01)


def test_a_word_ends_with_what_is_no_letter_and_nothing_is_said_between_words():
    assert WORDS.step("mon", ",")[1] == ""
    assert WORDS.step("", ".") == (0.0, "")
    assert WORDS.step("mon", "\u2019")[0] > WORDS.step("mo", "\u2019")[0]


def test_capitals_are_the_exception_more_so_within_a_word():
    assert WORDS.step("", "M")[1] == "m"
    assert WORDS.step("", "m")[0] - WORDS.step("", "M")[0] < WORDS.step("m", "o")[0] - WORDS.step("m", "O")[0]


def test_a_list_without_words_holds_nothing_likely():
    assert likely(WordList({}), "mon") < likely(WORDS, "mon")


@pytest.mark.parametrize(
    "content",
    [b"", b"cut", gzip.compress(b"cut"), gzip.compress(b"[1]"), gzip.compress(b'{"a": -1}')],
    ids=["empty", "not compressed", "no JSON", "no object", "no counts"],  # what is compressed has the time in it
)
def test_a_file_that_is_no_list_is_refused(tmp_path, content):
    (tmp_path / "words.json.gz").write_bytes(content)
    with pytest.raises((OSError, ValueError)):
        WordList.read(tmp_path / "words.json.gz")


def test_a_file_is_read(tmp_path):
    file = tmp_path / "words.json.gz"
    file.write_bytes(gzip.compress(json.dumps({"mon": 60, "mère": 30, "main": 9, "ma": 1}).encode()))
    assert likely(WordList.read(file), "mère") == likely(WORDS, "mère")


def test_the_real_lists_are_of_their_languages(weights):
    said = {"de": "und", "en": "the", "es": "pero", "fr": "être", "it": "della", "nl": "het", "pt": "não"}
    assert said.keys() == WORD_LISTS.keys() == COMMON_WORDS.keys()
    lists = {language: WordList.read(weights / one.file) for language, one in WORD_LISTS.items()}
    for language, word in said.items():
        assert max(lists, key=lambda other: likely(lists[other], word)) == language


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("Je sousigné donne et lègue en toutes propriété à ma femme tous les biens qui pourront composer ma", "fr"),
        ("The qnick brown fox jnmps over the lazy dog and is in a hurry, for it was on his way to the river", "en"),
        ("Habe Mut dich deines eigenen Verstandes zu bedienen, ist also der Spruch, und das ist es auch", "de"),
        ("Il 12 e 13 1914", None),
        ("Kto tam na tym brzegu stoi i patrzy na rzekę, ten nie wie, dokąd płynie woda i gdzie ma swój koniec", None),
        ("", None),
        ("que por para de a como se o que por para de a como se o", None),
    ],
)
def test_a_language_is_told_where_it_is_sure(text, language):
    assert likely_language([text]) == language
