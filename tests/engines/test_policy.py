"""What is read quickly stays where it is sure, line by line and page by page."""

import pytest

from pdfocr_watcher.engines.policy import (
    DOUBTFUL_LINE,
    DOUBTFUL_PAGE,
    HOPELESS_PAGE,
    SAMPLE,
    is_doubtful,
    is_page_doubtful,
    is_page_hopeless,
    sample_of,
)
from pdfocr_watcher.engines.recognition import LineReading


def reading(confidence: float, characters: int = 10) -> LineReading:
    return LineReading("x" * characters, confidence, tuple(map(float, range(characters))), float(characters))


@pytest.mark.parametrize(("confidence", "doubtful"), [(1.0, False), (DOUBTFUL_LINE, False), (0.5, True), (0.0, True)])
def test_a_line_is_doubted_by_its_confidence(confidence, doubtful):
    assert is_doubtful(reading(confidence)) is doubtful


@pytest.mark.parametrize("text", ["C ontributing services", "S mall", "the P MS A", "from the_previous years"])
def test_a_line_with_a_torn_word_or_an_underscore_is_doubted_however_surely_it_was_read(text):
    assert is_doubtful(LineReading(text, 0.99, (), 0.0))


@pytest.mark.parametrize(
    "text",
    ["I have a plan", "J. R. R. Tolkien", "il y a", "R&D", "x-axis", "l'eau", "a) first", "第 T 章", "section 3 b)"],
)
def test_a_letter_that_may_stand_alone_tears_no_word(text):
    assert not is_doubtful(LineReading(text, 0.99, (), 0.0))


def test_a_page_is_doubted_by_the_confidence_of_its_characters():
    assert not is_page_doubtful([reading(0.97), reading(0.97)])
    assert is_page_doubtful([reading(DOUBTFUL_PAGE - 0.01)])
    # A specks' worth of nonsense does not cost a page of good text a second reading.
    assert not is_page_doubtful([reading(0.98, 60)] * 5 + [reading(0.3, 1)] * 5)
    assert is_page_doubtful([reading(0.98, 1)] * 5 + [reading(0.3, 60)] * 5)


def test_a_page_on_which_nothing_was_read_is_doubted():
    assert is_page_doubtful([])
    assert is_page_doubtful([reading(0.0, 0)])
    assert is_page_hopeless([])


def test_a_page_is_hopeless_only_where_it_would_be_doubtful_too():
    assert HOPELESS_PAGE < DOUBTFUL_PAGE
    assert is_page_hopeless([reading(HOPELESS_PAGE - 0.01)])
    assert not is_page_hopeless([reading(HOPELESS_PAGE + 0.01)])


@pytest.mark.parametrize("count", [0, 1, 7, 8, 9, 100, 1000])
def test_a_sample_is_small_and_spread_over_the_page(count):
    sample = sample_of(count)
    assert min(count, SAMPLE // 2) <= len(sample) <= SAMPLE
    assert all(0 <= number < count for number in sample)
    if len(sample) > 1:
        assert max(sample[0], count - 1 - sample[-1]) < sample.step
