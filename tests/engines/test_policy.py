"""What is read quickly stays where it is sure, line by line and page by page."""

import pytest

from pdfocr_watcher.engines.policy import DOUBTFUL_LINE, DOUBTFUL_PAGE, is_doubtful, is_page_doubtful
from pdfocr_watcher.engines.recognition import LineReading


def reading(confidence: float, characters: int = 10) -> LineReading:
    return LineReading("x" * characters, confidence, tuple(map(float, range(characters))), float(characters))


@pytest.mark.parametrize(("confidence", "doubtful"), [(1.0, False), (DOUBTFUL_LINE, False), (0.5, True), (0.0, True)])
def test_a_line_is_doubted_by_its_confidence(confidence, doubtful):
    assert is_doubtful(reading(confidence)) is doubtful


def test_a_page_is_doubted_by_the_confidence_of_its_characters():
    assert not is_page_doubtful([reading(0.97), reading(0.97)])
    assert is_page_doubtful([reading(DOUBTFUL_PAGE - 0.01)])
    # A specks' worth of nonsense does not cost a page of good text a second reading.
    assert not is_page_doubtful([reading(0.98, 60)] * 5 + [reading(0.3, 1)] * 5)
    assert is_page_doubtful([reading(0.98, 1)] * 5 + [reading(0.3, 60)] * 5)


def test_a_page_on_which_nothing_was_read_is_doubted():
    assert is_page_doubtful([])
    assert is_page_doubtful([reading(0.0, 0)])
