"""Where the letters leave a doubt, the words decide; where they leave none, they do not."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pdfocr_watcher.engines.guided_reading import guided
from pdfocr_watcher.engines.recognition import LineReading, decoded
from pdfocr_watcher.engines.word_list import WordList

CHARACTERS = ("", *"abcdefghijklmnopqrstuvwxyzéM", " ")
WORDS = WordList({"ma": 500, "mère": 100, "femme": 80, "ferme": 20, "aller": 30})


def said(*columns: str) -> np.ndarray:
    """What a network says: in each column some characters, those after the first less likely; `_` is no character."""
    scores = np.full((len(columns), len(CHARACTERS)), 1e-6, dtype=np.float32)
    for row, column in zip(scores, columns, strict=True):
        for character, share in zip(column, (0.5, 0.3, 0.15), strict=False):
            row[0 if character == "_" else CHARACTERS.index(character)] = share if len(column) > 1 else 0.99
    return scores


def read(*columns: str) -> str:
    return guided(said(*columns), CHARACTERS, 1.0, WORDS).text


def test_a_doubtful_letter_is_that_of_the_word():
    assert decoded(said("f", "e", "nr", "_", "m", "e"), CHARACTERS, 1.0).text == "fenme"
    assert read("f", "e", "nm", "_", "m", "e") == "femme"


def test_a_letter_that_leaves_no_doubt_stays_whatever_the_words():
    assert read("f", "e", "z", "_", "z", "e") == "fezze"


def test_a_word_that_no_list_has_stays_where_there_is_no_other():
    assert read("x", "q", "z", " ", "m", "ao") == "xqz ma"


def test_doubled_letters_need_a_column_between_them():
    assert read("a", "l", "l", "_", "l", "e", "r") == "aller"
    assert read("m", "m", "a", "a") == "ma"


def test_a_capital_is_less_likely_than_a_small_letter_of_the_same_looks():
    assert read("a", " ", "Mm", "a") == "a ma"
    assert read("M", "a") == "Ma"


def test_each_character_stands_where_it_was_read_and_blanks_nowhere():
    reading = guided(said("_", "m", "_", "ao", " ", "_", "m", "a"), CHARACTERS, 0.5, WORDS)
    assert (reading.text, reading.columns, reading.extent) == ("ma ma", (1.0, 3.0, 6.0, 7.0), 4.0)


def test_it_is_as_sure_as_the_network():
    scores = said("f", "e", "nm", "_", "m", "e")
    assert guided(scores, CHARACTERS, 1.0, WORDS).confidence == decoded(scores, CHARACTERS, 1.0).confidence


def test_nothing_is_read_where_nothing_stands():
    assert guided(said("_", "_"), CHARACTERS, 1.0, WORDS) == LineReading("", 0.0, (), 2.0)


@given(st.lists(st.text("_ amèreféM", min_size=1, max_size=3), max_size=30))
def test_whatever_a_network_says_characters_and_places_go_together(columns):
    columns = [column.replace("è", "é") for column in columns]
    reading = guided(said(*columns), CHARACTERS, 1.0, WORDS)
    assert len(reading.columns) == sum(not character.isspace() for character in reading.text)
    assert list(reading.columns) == sorted(reading.columns)
    assert reading.text == " ".join(reading.text.split())


@pytest.mark.parametrize("classes", [2, 5])
def test_a_network_of_few_characters_is_read_too(classes):
    scores = np.full((3, classes), 0.01, dtype=np.float32)
    scores[:, 1] = 0.9
    assert guided(scores, CHARACTERS[:classes], 1.0, WORDS).text == "a"
