"""How many processes and threads there are: by the cores and the memory that this process may use."""

import os
from dataclasses import dataclass
from pathlib import Path

from pdfocr_watcher.config.model import Engine, Render

#: Memory that one process of an engine needs, in bytes, measured on pages of 200 dpi with room to spare.
_ENGINE_MEMORY = {"rapidocr": 900_000_000, "null": 150_000_000}


@dataclass(frozen=True, slots=True)
class EngineShare:
    """How an engine uses the machine.

    Attributes:
        processes: worker processes.
        threads: threads in each that read one page.
    """

    processes: int
    threads: int


def cores() -> int:
    """Cores that this process may use, by its CPU affinity; quotas of a container or a service do not count."""
    return max(1, len(os.sched_getaffinity(0)))


def available_memory(meminfo: Path = Path("/proc/meminfo")) -> int:
    """Memory that can be taken without swapping, in bytes; 0 if that is not known."""
    try:
        for line in meminfo.read_text(encoding="ascii").splitlines():
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) * 1024
    except OSError:
        return 0
    return 0


def engine_share(
    name: str, settings: Engine, *, core_count: int | None = None, memory: int | None = None
) -> EngineShare:
    """Processes and threads of a CPU engine.

    One process a core, as far as half of the memory goes; the cores that are left over become threads.

    Args:
        name: the engine's name.
        settings: what the configuration asks for; 0 means by itself.
        core_count: cores to share out; those of this process by default.
        memory: bytes of memory to share out; what is available by default.
    """
    core_count = core_count or cores()
    memory = available_memory() if memory is None else memory
    fitting = max(1, memory // 2 // _ENGINE_MEMORY.get(name, 1)) if memory else core_count
    processes = settings.max_concurrency or min(core_count, fitting)
    return EngineShare(processes, settings.threads or max(1, core_count // processes))


def render_workers(settings: Render) -> int:
    """Renderers at work at a time."""
    return settings.workers or cores()
