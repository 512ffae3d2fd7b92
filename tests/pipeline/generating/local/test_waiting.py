"""What the engine is given next: urgent ones first, and alone what it may have died of."""

import asyncio

from pdfocr_watcher.engines.generation import GenerationRequest, Sampling
from pdfocr_watcher.pipeline.generating.waiting import Order, Waiting, culprit
from tests.pipeline.generating.local.conftest import asked


def order(rank, *, urgent=False, deaths=0):
    future = asyncio.get_running_loop().create_future()
    return Order((not urgent, rank), asked(f"{rank}"), 1.0, future, deaths)


def taken(waiting, in_hand=(), capacity=10):
    return [one.rank[1] for one in iter(lambda: waiting.take(in_hand, capacity), None)]


async def test_urgent_ones_go_first_and_each_kind_in_order():
    waiting = Waiting()
    for one in (order(3), order(1), order(4, urgent=True), order(2, urgent=True)):
        waiting.put(one)
    assert taken(waiting) == [2, 4, 1, 3]


async def test_no_more_are_given_than_the_engine_may_have():
    waiting = Waiting()
    waiting.put(order(1))
    assert waiting.take([order(8), order(9)], 2) is None
    assert waiting.take([order(8)], 2).rank[1] == 1


async def test_a_suspect_goes_before_others_but_only_alone_and_then_nobody_goes():
    waiting = Waiting()
    suspect = order(5, deaths=2)
    for one in (order(1, urgent=True), suspect):
        waiting.put(one)
    assert waiting.take([order(9)], 10) is None
    assert waiting.take([], 10) is suspect
    assert waiting.take([suspect], 10) is None
    assert taken(waiting) == [1]


async def test_the_acquitted_wait_like_all_others():
    waiting = Waiting()
    for one in (order(1), order(2, deaths=2), order(3, deaths=3)):
        waiting.put(one)
    waiting.acquit()
    assert taken(waiting, [order(9)]) == [1, 2, 3]


async def test_what_nobody_waits_for_any_more_is_not_given():
    waiting = Waiting()
    gone, suspect = order(1), order(2, deaths=2)
    for one in (gone, suspect, order(3)):
        waiting.put(one)
    gone.result.cancel()
    suspect.result.cancel()
    assert taken(waiting) == [3]


async def test_clearing_gives_all_that_wait():
    waiting = Waiting()
    for one in (order(1), order(2, deaths=2)):
        waiting.put(one)
    assert sorted(one.rank[1] for one in waiting.clear()) == [1, 2]
    assert waiting.take([], 10) is None


async def test_the_engine_died_of_what_it_had_alone_where_it_had_died_with_it_before():
    again = order(1, deaths=1)
    assert culprit([again]) is again
    assert culprit([order(1)]) is None, "once may be anybody's doing"
    assert culprit([again, order(2, deaths=1)]) is None
    assert culprit([]) is None


async def test_requests_of_the_same_picture_are_not_one():
    request = GenerationRequest(asked("a").picture, "read", Sampling(max_tokens=8))
    first, second = order(1), order(2)
    first.request = second.request = request
    assert first != second
