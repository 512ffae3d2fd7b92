"""The machine is shared out by its cores and its memory."""

import os

import pytest

from pdfocr_watcher.config.model import Engine, Render
from pdfocr_watcher.pipeline.sizing import (
    EngineShare,
    available_memory,
    cores,
    engine_share,
    render_workers,
    whole_memory,
    worker_memory,
)

GB = 10**9


@pytest.mark.parametrize(
    ("core_count", "memory", "expected"),
    [
        (1, 64 * GB, EngineShare(1, 1)),
        (8, 64 * GB, EngineShare(8, 1)),
        # half of 5 GB holds two processes, which share the eight cores
        (8, 5 * GB, EngineShare(2, 4)),
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
        assert render_workers(Render(), memory=64 * GB) == 1
    finally:
        os.sched_setaffinity(0, allowed)


def test_memory_is_what_can_be_taken_without_swapping(machine):
    assert available_memory(machine(available=8_000_000 * 1024)) == 8_000_000 * 1024


def test_memory_that_is_not_known_is_0(tmp_path):
    assert (available_memory(tmp_path), whole_memory(tmp_path)) == (0, 0)
    (tmp_path / "proc").mkdir()
    (tmp_path / "proc/meminfo").write_text("MemFree: 16000000 kB\n")
    assert (available_memory(tmp_path), whole_memory(tmp_path)) == (0, 0)


def test_a_small_container_on_a_large_machine_starts_few_processes(machine, monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda _pid: set(range(16)))
    root = machine(
        available=60 * GB,
        groups={"": "/"},
        files={"cpu.max": "100000 100000", "memory.max": str(2 * GB), "memory.current": "100000000"},
    )
    core_count, memory = cores(root), available_memory(root)
    assert (core_count, memory) == (1, 1_900_000_000)
    assert engine_share("rapidocr", Engine(), core_count=core_count, memory=memory) == EngineShare(1, 1)
    assert render_workers(Render(), core_count=core_count, memory=memory) == 1


def test_a_container_with_little_memory_and_many_cores_starts_few_processes(machine, monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda _pid: set(range(16)))
    files = {"cpu.max": "max 100000", "memory.max": str(2 * GB), "memory.current": "100000000"}
    root = machine(available=60 * GB, groups={"": "/"}, files=files)
    core_count, memory = cores(root), available_memory(root)
    assert core_count == 16
    assert engine_share("rapidocr", Engine(), core_count=core_count, memory=memory) == EngineShare(1, 16)
    assert render_workers(Render(), core_count=core_count, memory=memory) == 2


@pytest.mark.parametrize(("quota", "expected"), [("50000 100000", 1), ("150000 100000", 2), ("9900000 100000", 16)])
def test_a_part_of_a_core_counts_as_one_and_no_quota_gives_more_than_there_are(machine, monkeypatch, quota, expected):
    monkeypatch.setattr(os, "sched_getaffinity", lambda _pid: set(range(16)))
    assert cores(machine(groups={"": "/"}, files={"cpu.max": quota})) == expected


def test_memory_that_is_used_up_is_not_memory_that_is_not_known(machine):
    root = machine(groups={"": "/"}, files={"memory.max": str(GB), "memory.current": str(GB)})
    assert engine_share("rapidocr", Engine(), core_count=8, memory=available_memory(root)).processes == 1


def test_renderers_are_one_a_core_unless_the_configuration_says_how_many():
    assert render_workers(Render(), memory=64 * GB) == cores()
    assert render_workers(Render(workers=3), memory=GB) == 3


def test_the_engines_processes_share_most_of_the_memory(machine):
    assert worker_memory(Engine(), 2, memory=16 * GB) == 6 * GB
    assert worker_memory(Engine(memory_bytes=5 * GB), 2, memory=16 * GB) == 5 * GB
    assert worker_memory(Engine(), 4, memory=0) is None
    limited = machine(available=60 * GB, groups={"": "/"}, files={"memory.max": str(4 * GB)})
    assert worker_memory(Engine(), 1, memory=whole_memory(limited)) == 3 * GB


def test_a_share_is_never_so_small_that_an_engine_could_not_work():
    assert worker_memory(Engine(), 8, memory=GB) > GB


def test_how_many_pages_a_model_reads_at_a_time_says_nothing_of_the_workers():
    share = engine_share("vllm", Engine(max_concurrency=200), core_count=8, memory=64 * GB)
    assert share == EngineShare(8, 1)
