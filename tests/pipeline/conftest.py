"""Pools of real worker processes, workers that are other programs, and a machine on disk."""

import sys
from pathlib import Path

import psutil
import pytest

from pdfocr_watcher.jobs.folder import JobFolder
from pdfocr_watcher.pipeline import workers
from pdfocr_watcher.pipeline.workers import WorkerPool
from tests.pipeline.doubles import NULL_WORKER, START

#: How the groups are mounted: version 2 at the top, version 1 in a folder for each controller.
_MOUNTS = (
    "25 1 0:22 / / rw - ext4 /dev/vda rw\n"
    "31 25 0:28 {top} /sys/fs/cgroup/cpu rw,relatime - cgroup cgroup rw,cpu,cpuacct\n"
    "32 25 0:29 {top} /sys/fs/cgroup/memory rw,relatime shared:7 - cgroup cgroup rw,memory\n"
    "33 25 0:30 {top} /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw,nsdelegate\n"
)


@pytest.fixture
def machine(tmp_path):
    """Make /proc with so much memory, the groups of this process, and the groups' files (below the mounts)."""

    def make(*, available=8 * 10**9, groups=None, files=None, top="/"):
        (tmp_path / "proc/self").mkdir(parents=True)
        kib = available // 1024
        (tmp_path / "proc/meminfo").write_text(f"MemTotal: {2 * kib} kB\nMemFree: 1000 kB\nMemAvailable: {kib} kB\n")
        lines = [f"{number}:{name}:{path}\n" for number, (name, path) in enumerate((groups or {}).items())]
        (tmp_path / "proc/self/cgroup").write_text("".join(lines))
        (tmp_path / "proc/self/mountinfo").write_text(_MOUNTS.format(top=top))
        for name, text in (files or {}).items():
            path = Path(tmp_path, "sys/fs/cgroup", name if name.startswith(("cpu/", "memory/")) else f"unified/{name}")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(f"{text}\n")
        return tmp_path

    return make


@pytest.fixture
def folder(tmp_path):
    folder = JobFolder(tmp_path / "job")
    folder.rasters.mkdir(parents=True)
    return folder


@pytest.fixture
async def make_pool():
    """Start a pool; it is stopped at the end, and none of its processes may be left."""
    pools = []

    async def make(settings=NULL_WORKER, size=1, start_timeout=START, memory_bytes=None):
        pool = WorkerPool(settings, size, start_timeout, memory_bytes)
        pools.append(pool)
        pool.start()
        await pool.settled()
        return pool

    yield make
    for pool in pools:
        pids = pool.pids
        await pool.stop()
        assert not any(map(psutil.pid_exists, pids))


@pytest.fixture
def start_with(tmp_path, monkeypatch):
    """Have workers started by another program than Python, and be quick to try again."""
    monkeypatch.setattr(workers, "_BACKOFF", (0.05, 0.2))
    real = sys.executable

    def use(script):
        if script is None:
            monkeypatch.setattr(sys, "executable", real)
            return
        program = tmp_path / "program"
        if script:
            program.write_text(f"#!/bin/sh\n{script}\n")
            program.chmod(0o755)
        monkeypatch.setattr(sys, "executable", str(program))

    return use
