"""Rasters are bounded: nobody gets room that is not there, and everybody gets it in turn."""

import asyncio
import random

import pytest

from pdfocr_watcher.pipeline.slots import RasterSlots


async def settle():
    """Let every task go as far as it can."""
    for _ in range(10):
        await asyncio.sleep(0)


async def test_room_that_is_there_is_had_at_once():
    slots = RasterSlots(8)
    await slots.take(8)
    assert (slots.taken, slots.peak) == (8, 8)


async def test_who_finds_no_room_waits_until_enough_rasters_are_gone():
    slots = RasterSlots(4)
    await slots.take(3)
    waiting = asyncio.create_task(slots.take(3))

    slots.free()
    await settle()
    assert not waiting.done()

    slots.free()
    await settle()
    assert waiting.done()
    assert slots.taken == 4


async def test_a_large_take_is_not_starved_by_small_ones_that_would_fit():
    slots = RasterSlots(4)
    await slots.take(2)
    served = []

    async def take(name, count):
        await slots.take(count)
        served.append(name)

    tasks = [asyncio.create_task(take("large", 4))]
    await settle()
    tasks += [asyncio.create_task(take(f"small {number}", 1)) for number in range(3)]
    await settle()
    assert served == []

    slots.free()
    slots.free()
    await settle()
    assert served == ["large"]

    for _ in range(4):
        slots.free()
    await asyncio.gather(*tasks)
    assert served == ["large", "small 0", "small 1", "small 2"]


async def test_who_gives_up_waiting_takes_nothing_and_lets_the_next_one_in():
    slots = RasterSlots(2)
    await slots.take(1)
    gives_up, waits = asyncio.create_task(slots.take(2)), asyncio.create_task(slots.take(1))
    await settle()
    assert not waits.done()

    gives_up.cancel()
    await settle()

    assert waits.done()
    assert slots.taken == 2


@pytest.mark.parametrize("seed", range(5))
async def test_there_are_never_more_rasters_than_allowed_and_all_are_served_in_order(seed):
    chance = random.Random(seed)  # noqa: S311 - no secret
    size = 7
    slots = RasterSlots(size)
    served: list[int] = []
    alive = most = 0

    async def turn(number, count):
        nonlocal alive, most
        await slots.take(count)
        served.append(number)
        alive += count
        most = max(most, alive)
        for _ in range(count):
            for _ in range(chance.randrange(4)):
                await asyncio.sleep(0)
            alive -= 1
            slots.free()

    async with asyncio.timeout(5):
        await asyncio.gather(*(turn(number, chance.randint(1, size)) for number in range(200)))

    assert served == list(range(200))
    assert most <= size
    assert slots.peak <= size
    assert slots.taken == 0
