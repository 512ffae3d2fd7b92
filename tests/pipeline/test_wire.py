"""What a process says is heard line by line, and no faster than somebody listens."""

import asyncio
import sys

import pytest

from pdfocr_watcher.pipeline.wire import Wire, kill_group
from tests.pipeline.doubles import PATIENCE, until


@pytest.fixture
async def run():
    """Start a Python program and listen to it."""
    wires = []

    async def start(code, line_bytes=1000, said_bytes=100):
        loop = asyncio.get_running_loop()
        _, wire = await loop.subprocess_exec(
            lambda: Wire(line_bytes, said_bytes, kill_group),
            sys.executable,
            "-c",
            f"import os, sys\n{code}",
            start_new_session=True,
        )
        wires.append(wire)
        return wire

    yield start
    for wire in wires:
        wire.close_input()
        if wire.transport.get_returncode() is None:
            wire.transport.kill()
            await wire.exited.wait()
        wire.transport.close()


async def lines(wire):
    """All lines until the end."""
    heard = []
    async with asyncio.timeout(PATIENCE):
        while line := await wire.line():
            heard.append(line)
    return heard


async def test_lines_come_one_by_one_and_the_end_is_empty(run):
    wire = await run("print('one'); print('two'); sys.stdout.write('thr')")
    assert await lines(wire) == [b"one\n", b"two\n", b"thr"]
    assert wire.unread


async def test_more_lines_than_fit_are_all_heard_and_wait_in_the_pipe_until_then(run):
    wire = await run("for n in range(200_000): print(n)")
    await until(lambda: wire.unread)
    await asyncio.sleep(0.2)  # time to read more than is wanted
    assert len(wire._received) < 300_000, "a read of the loop, and no more"
    heard = await lines(wire)
    assert heard == [b"%d\n" % number for number in range(200_000)]


async def test_a_line_that_is_too_long_ends_where_it_is(run):
    wire = await run("sys.stdout.write('x' * (1 << 24))")
    async with asyncio.timeout(PATIENCE):
        line = await wire.line()
    assert len(line) > 1000
    assert not line.endswith(b"\n")


async def test_of_what_is_told_to_people_the_end_is_kept(run):
    wire = await run("sys.stderr.write('a' * 100_000 + 'the end')")
    async with asyncio.timeout(PATIENCE):
        await wire.last_words()
    assert wire.said == b"a" * 93 + b"the end"


async def test_a_process_is_told_lines_until_its_input_is_closed(run):
    wire = await run("for line in sys.stdin: print(line.upper(), end='', flush=True)")
    assert wire.write(b"one\n")
    async with asyncio.timeout(PATIENCE):
        assert await wire.line() == b"ONE\n"
    wire.close_input()
    assert not wire.write(b"two\n")
    assert await lines(wire) == []
