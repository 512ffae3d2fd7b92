"""How many pages go through, as the clock that it is given says."""

import sys
from datetime import UTC, datetime

import pytest

from pdfocr_watcher.errors import ErrorCode
from pdfocr_watcher.pipeline.throughput import BOUNDS, PageFailure, Throughput

_START = 1_000_003.0
_MOMENT = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


@pytest.fixture
def throughput():
    return Throughput(_START)


def _steadily(throughput, begin, seconds, every):
    for step in range(int(seconds / every)):
        throughput.done(begin + step * every)


@pytest.mark.parametrize("minutes", [1, 15])
def test_a_steady_stream_has_its_rate_in_both_windows(throughput, minutes):
    _steadily(throughput, _START, 3600, 2.0)
    assert throughput.per_minute(_START + 3600, minutes) == pytest.approx(30, rel=0.04)


def test_the_short_window_forgets_what_the_long_one_remembers(throughput):
    _steadily(throughput, _START, 60, 0.5)
    assert throughput.per_minute(_START + 60, 1) == pytest.approx(120, rel=0.05)
    assert throughput.per_minute(_START + 130, 1) == 0
    assert throughput.per_minute(_START + 600, 15) == pytest.approx(12, rel=0.01)
    assert throughput.per_minute(_START + 1000, 15) == 0


def test_a_daemon_that_has_just_begun_is_measured_by_the_time_it_had(throughput):
    _steadily(throughput, _START, 10, 1.0)
    for minutes in (1, 15):
        assert throughput.per_minute(_START + 10, minutes) == pytest.approx(60, rel=0.01)
    throughput = Throughput(_START)
    throughput.done(_START + 0.001)
    assert throughput.per_minute(_START + 0.001, 1) <= 12, "one page in a moment is no rate"


def test_a_long_rest_leaves_nothing_of_an_earlier_round(throughput):
    """A slot of the ring is used again every quarter of an hour."""
    _steadily(throughput, _START, 30, 0.1)
    throughput.done(_START + 15 * 60)
    assert throughput.per_minute(_START + 15 * 60, 1) == pytest.approx(1, abs=0.1)


def test_its_memory_does_not_grow(throughput):
    def size():
        return sum(map(sys.getsizeof, (throughput._counts, throughput._slots, throughput._classes)))

    before = size()
    _steadily(throughput, _START, 5000, 0.5)
    assert size() == before


def test_failed_pages_are_counted_by_their_reason(throughput):
    last = PageFailure(ErrorCode.ENGINE_TIMEOUT, "second", _MOMENT)
    for failure in (PageFailure(ErrorCode.RENDER_FAILED, "first", _MOMENT), None, last, last):
        throughput.done(_START, failure)
    assert throughput.pages == 4
    assert throughput.failures == {ErrorCode.RENDER_FAILED: 1, ErrorCode.ENGINE_TIMEOUT: 2}
    assert throughput.last_failure == last


def test_pages_are_sorted_by_how_long_they_took(throughput):
    for seconds in (0.01, 0.1, 0.2, 99, 5000):
        throughput.took(seconds)
    counts = throughput.page_seconds.counts
    assert len(counts) == len(BOUNDS) + 1
    assert [counts[0], counts[1], counts[BOUNDS.index(120.0)], counts[-1]] == [2, 1, 1, 1]
    assert throughput.page_seconds.total == pytest.approx(5099.31)
