"""A machine on disk: /proc and control groups as a test wants them."""

from pathlib import Path

import pytest

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
