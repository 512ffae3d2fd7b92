"""What a container or a service may use of the machine: the limits of its control groups, version 1 and 2.

A limit counts wherever it is set between this process's own group and the top. What follows from the limits is
decided in `sizing`. Sources: cgroups(7), and the kernel's admin-guide/cgroup-v1 and cgroup-v2.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

#: Version 1 says "no limit" with the greatest number that there is, rounded to pages.
_UNLIMITED = 1 << 60


@dataclass(frozen=True, slots=True)
class Allowance:
    """What the control groups leave to this process; infinite where they set no limit.

    Attributes:
        cores: processor time, as a number of cores.
        memory: bytes in all.
        memory_left: bytes that can still be taken; files that are only kept in memory count as free.
    """

    cores: float = math.inf
    memory: float = math.inf
    memory_left: float = math.inf

    def and_also(self, other: "Allowance") -> "Allowance":
        """What two groups leave together."""
        return Allowance(
            min(self.cores, other.cores),
            min(self.memory, other.memory),
            min(self.memory_left, other.memory_left),
        )


def allowance(root: Path = Path("/")) -> Allowance:
    """The limits of this process's groups.

    Args:
        root: the folder below which /proc and the groups lie.
    """
    found = Allowance()
    for controllers, path in _own_groups(root):
        for folder in _up(root, controllers, path):
            if not controllers:
                found = found.and_also(_version_2(folder))
            elif "cpu" in controllers:
                found = found.and_also(_version_1_cpu(folder))
            elif "memory" in controllers:
                found = found.and_also(_version_1_memory(folder))
    return found


def _own_groups(root: Path) -> Iterator[tuple[frozenset[str], str]]:
    """The groups of this process: their controllers (none for version 2) and their paths."""
    for line in _lines(root / "proc/self/cgroup"):
        _, _, rest = line.partition(":")
        controllers, _, path = rest.partition(":")
        yield frozenset(filter(None, controllers.split(","))), path


def _up(root: Path, controllers: frozenset[str], path: str) -> Iterator[Path]:
    """The folders of a group and of those above it, as far as they are mounted here."""
    for line in _lines(root / "proc/self/mountinfo"):
        mount, _, file_system = (part.split() for part in line.partition(" - "))
        if len(mount) < 5 or len(file_system) < 3:  # noqa: PLR2004 - the fields of mountinfo, proc(5)
            continue
        kind, options = file_system[0], set(file_system[2].split(","))
        if kind != ("cgroup" if controllers else "cgroup2") or not controllers <= options:
            continue
        top = root / mount[4].lstrip("/")
        below = Path(path).relative_to(mount[3]) if Path(path).is_relative_to(mount[3]) else Path()
        for folder in (below, *below.parents):
            yield top / folder
        return


def _version_2(folder: Path) -> Allowance:
    quota, period = [*_first(folder / "cpu.max").split(), "", ""][:2]
    cores = int(quota) / int(period) if quota.isdecimal() and period.isdecimal() and int(period) else math.inf
    limits = [_number(folder / name) for name in ("memory.max", "memory.high")]
    return _memory(folder, min(limits), "memory.current", "inactive_file", cores)


def _version_1_cpu(folder: Path) -> Allowance:
    quota, period = _number(folder / "cpu.cfs_quota_us"), _number(folder / "cpu.cfs_period_us")
    return Allowance(cores=quota / period if quota < math.inf and 0 < period < math.inf else math.inf)


def _version_1_memory(folder: Path) -> Allowance:
    limit = _number(folder / "memory.limit_in_bytes")
    return _memory(folder, limit, "memory.usage_in_bytes", "total_inactive_file", math.inf)


def _memory(folder: Path, limit: float, usage: str, reclaimable: str, cores: float) -> Allowance:
    if limit >= _UNLIMITED:
        return Allowance(cores=cores)
    used = _number(folder / usage)
    if used == math.inf:
        return Allowance(cores, limit, limit)
    cached = sum(int(line.split()[1]) for line in _lines(folder / "memory.stat") if line.split()[0] == reclaimable)
    return Allowance(cores, limit, max(0.0, limit - used + cached))


def _number(file: Path) -> float:
    """The number in a file; infinite where there is none, as in `max` and `-1`."""
    text = _first(file)
    return int(text) if text.isdecimal() else math.inf


def _first(file: Path) -> str:
    return next(iter(_lines(file)), "")


def _lines(file: Path) -> list[str]:
    try:
        return [line for line in file.read_text(encoding="utf-8", errors="replace").splitlines() if line.strip()]
    except OSError:
        return []
