"""The machine is shared out by its cores and its memory."""

import os

import pytest

from pdfocr_watcher.config.model import Engine, Render
from pdfocr_watcher.pipeline.sizing import EngineShare, available_memory, cores, engine_share, render_workers

GB = 10**9


@pytest.mark.parametrize(
    ("core_count", "memory", "expected"),
    [
        (1, 64 * GB, EngineShare(1, 1)),
        (8, 64 * GB, EngineShare(8, 1)),
        # half of 4 GB holds two processes, which share the eight cores
        (8, 4 * GB, EngineShare(2, 4)),
        # too little for even one: it is tried all the same
        (4, GB // 2, EngineShare(1, 4)),
        # the memory is not known
        (6, 0, EngineShare(6, 1)),
    ],
)
def test_there_is_one_process_a_core_as_far_as_memory_goes_and_no_core_is_left_over(core_count, memory, expected):
    assert engine_share("rapidocr", Engine(), core_count=core_count, memory=memory) == expected


def test_what_the_configuration_says_is_done():
    settings = Engine(max_concurrency=3, threads=5)
    assert engine_share("rapidocr", settings, core_count=64, memory=GB) == EngineShare(3, 5)


def test_cores_are_shared_out_among_the_processes_that_were_asked_for():
    assert engine_share("rapidocr", Engine(max_concurrency=2), core_count=8, memory=GB).threads == 4
    assert engine_share("rapidocr", Engine(max_concurrency=16), core_count=8, memory=GB).threads == 1


def test_a_small_engine_has_more_processes_in_the_same_memory():
    small = engine_share("null", Engine(), core_count=32, memory=4 * GB)
    large = engine_share("rapidocr", Engine(), core_count=32, memory=4 * GB)
    assert small.processes > large.processes


def test_by_default_this_machine_is_shared_out():
    share = engine_share("null", Engine())
    assert 1 <= share.processes <= cores()
    assert 1 <= share.threads <= cores()


def test_cores_are_those_that_this_process_may_use():
    allowed = os.sched_getaffinity(0)
    try:
        os.sched_setaffinity(0, {min(allowed)})
        assert cores() == 1
        assert render_workers(Render()) == 1
    finally:
        os.sched_setaffinity(0, allowed)


def test_memory_is_what_can_be_taken_without_swapping(tmp_path):
    meminfo = tmp_path / "meminfo"
    meminfo.write_text("MemTotal:       16000000 kB\nMemFree:  1000 kB\nMemAvailable:    8000000 kB\n")
    assert available_memory(meminfo) == 8_000_000 * 1024


@pytest.mark.parametrize("content", [None, "MemTotal: 16000000 kB\n"])
def test_memory_that_is_not_known_is_0(tmp_path, content):
    meminfo = tmp_path / "meminfo"
    if content is not None:
        meminfo.write_text(content)
    assert available_memory(meminfo) == 0


def test_renderers_are_one_a_core_unless_the_configuration_says_how_many():
    assert render_workers(Render()) == cores()
    assert render_workers(Render(workers=3)) == 3
