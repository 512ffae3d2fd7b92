"""A network's columns become characters, and the characters know where they stand."""

import numpy as np
import pytest

from pdfocr_watcher.engines.recognition import decoded

CHARACTERS = ("", "a", "b", " ")


def columns(*classes: int, score: float = 0.9) -> np.ndarray:
    scores = np.full((len(classes), len(CHARACTERS)), 0.01, dtype=np.float32)
    scores[range(len(classes)), classes] = score
    return scores


def test_repeated_columns_are_one_character_unless_parted():
    assert decoded(columns(1, 1, 0, 1, 2, 2, 0), CHARACTERS, 1.0).text == "aab"


def test_blanks_are_one_between_words_and_none_at_the_ends():
    reading = decoded(columns(3, 1, 3, 0, 3, 2, 3), CHARACTERS, 1.0)
    assert reading.text == "a b"
    assert reading.columns == (1.0, 5.0)


def test_no_character_is_no_text_and_no_confidence():
    reading = decoded(columns(0, 0, 0), CHARACTERS, 1.0)
    assert (reading.text, reading.confidence, reading.columns) == ("", 0.0, ())


def test_confidence_is_the_mean_over_the_characters():
    scores = np.concatenate([columns(1, score=1.0), columns(0, score=0.2), columns(2, score=0.5)])
    assert decoded(scores, CHARACTERS, 1.0).confidence == pytest.approx(0.75)


def test_words_stand_where_their_characters_were_read():
    reading = decoded(columns(1, 0, 3, 0, 2, 0, 0, 0), CHARACTERS, 0.75)  # the last quarter is padding
    first, second = reading.words(100.0, 160.0, 40.0)
    assert (first.text, second.text) == ("a", "b")
    assert first.left == 100.0
    assert (second.left + second.right) / 2 == pytest.approx(145.0, abs=10)
    assert first.right <= second.left
