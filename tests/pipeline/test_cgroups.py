"""The limits of a container or a service are found, wherever above this process they are set."""

import contextlib
import math
import os
import subprocess
import sys
from pathlib import Path

import pytest

from pdfocr_watcher.pipeline.cgroups import Allowance, allowance

MIB = 1 << 20
UNLIMITED = str(9223372036854771712)


def test_version_2(machine):
    files = {
        "cpu.max": "150000 100000",
        "memory.max": str(512 * MIB),
        "memory.high": "max",
        "memory.current": str(200 * MIB),
        "memory.stat": f"anon {100 * MIB}\ninactive_file {50 * MIB}\nactive_file 7",
    }
    assert allowance(machine(groups={"": "/"}, files=files)) == Allowance(1.5, 512 * MIB, 362 * MIB)


def test_version_1(machine):
    files = {
        "cpu/ours/cpu.cfs_quota_us": "200000",
        "cpu/ours/cpu.cfs_period_us": "100000",
        "memory/ours/memory.limit_in_bytes": str(512 * MIB),
        "memory/ours/memory.usage_in_bytes": str(200 * MIB),
        "memory/ours/memory.stat": f"inactive_file 1\ntotal_inactive_file {50 * MIB}",
        "memory/memory.limit_in_bytes": UNLIMITED,
    }
    groups = {"cpu,cpuacct": "/ours", "memory": "/ours", "name=systemd": "/ours"}
    assert allowance(machine(groups=groups, files=files)) == Allowance(2.0, 512 * MIB, 362 * MIB)


@pytest.mark.parametrize("text", ["max 100000", "max", "", "0 0", "no number"])
def test_no_limit_is_no_limit(machine, text):
    files = {"cpu.max": text, "memory.max": "max", "memory.current": "5"}
    assert allowance(machine(groups={"": "/"}, files=files)) == Allowance()


def test_no_limit_in_version_1(machine):
    files = {
        "cpu/cpu.cfs_quota_us": "-1",
        "cpu/cpu.cfs_period_us": "100000",
        "memory/memory.limit_in_bytes": UNLIMITED,
        "memory/memory.usage_in_bytes": "5",
    }
    assert allowance(machine(groups={"cpu,cpuacct": "/", "memory": "/"}, files=files)) == Allowance()


def test_the_narrowest_of_all_groups_above_counts(machine):
    files = {
        "a/b/memory.max": str(900 * MIB),
        "a/memory.max": str(300 * MIB),
        "a/memory.current": str(290 * MIB),
        "a/b/cpu.max": "100000 100000",
        "a/cpu.max": "400000 100000",
    }
    assert allowance(machine(groups={"": "/a/b"}, files=files)) == Allowance(1.0, 300 * MIB, 10 * MIB)


def test_a_soft_limit_above_which_a_service_is_slowed_down_counts_too(machine):
    files = {"memory.max": str(900 * MIB), "memory.high": str(600 * MIB), "memory.current": "0"}
    assert allowance(machine(groups={"": "/"}, files=files)).memory == 600 * MIB


def test_a_container_that_sees_only_its_own_group_finds_it_at_the_top(machine):
    files = {"memory/memory.limit_in_bytes": str(300 * MIB), "memory/memory.usage_in_bytes": "0"}
    path = "/docker/0123abc"
    assert allowance(machine(groups={"memory": path}, files=files, top=path)).memory == 300 * MIB


def test_more_used_than_allowed_is_nothing_left(machine):
    files = {"memory.max": str(MIB), "memory.current": str(3 * MIB)}
    assert allowance(machine(groups={"": "/"}, files=files)).memory_left == 0


def test_a_machine_without_control_groups_sets_no_limit(tmp_path):
    assert allowance(tmp_path) == Allowance()


@pytest.fixture
def real_group(tmp_path):
    """A memory group of this machine's own, version 1 or 2, with a limit; removed at the end."""
    limit = 700 * MIB
    for parent, file in (("/sys/fs/cgroup/memory", "memory.limit_in_bytes"), ("/sys/fs/cgroup", "memory.max")):
        folder = Path(parent, f"pdfocr-{tmp_path.parent.name}-{os.getpid()}")
        try:
            folder.mkdir()
        except OSError:
            continue
        try:
            (folder / file).write_text(str(limit))
            yield folder, limit
        except OSError:
            continue
        else:
            return
        finally:
            with contextlib.suppress(OSError):
                folder.rmdir()
    pytest.skip("no memory control group can be made here; that takes root and a delegated memory controller")


def test_in_a_real_group_its_limit_is_found(real_group):
    folder, limit = real_group
    code = (
        "import os; from pathlib import Path\n"
        f"Path({str(folder / 'cgroup.procs')!r}).write_text(str(os.getpid()))\n"
        "from pdfocr_watcher.pipeline.cgroups import allowance\n"
        "from pdfocr_watcher.pipeline.sizing import available_memory, whole_memory\n"
        "found = allowance()\n"
        "print(int(found.memory), int(found.memory_left), available_memory(), whole_memory())\n"
    )
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True, timeout=60)
    memory, left, available, whole = map(int, done.stdout.split())
    assert memory == whole == limit
    assert limit / 2 < left < limit
    assert available <= limit
    assert not math.isinf(left)
