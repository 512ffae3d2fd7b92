"""How many processes and threads there are, and how large: by the cores and the memory that this process may use."""

import math
import os
from dataclasses import dataclass
from pathlib import Path

from pdfocr_watcher.config.model import Engine, Render
from pdfocr_watcher.engines.registry import GENERATIVE
from pdfocr_watcher.pipeline.cgroups import allowance

#: Memory that one process of an engine needs, in bytes, measured on pages of 200 dpi with room to spare.
_ENGINE_MEMORY = {
    "rapidocr": 1_050_000_000,
    "tesseract": 600_000_000,
    "null": 150_000_000,
    "vllm": 300_000_000,
    "vllm-server": 300_000_000,
}
#: The same of one renderer.
_RENDERER_MEMORY = 200_000_000
#: The engine's processes together may have so much of the memory before one of them is ended.
_ENGINES_SHARE = 0.75
#: No page of `render.max_pixels` may meet the limit: the embedded engine took 1.4 GB for one of 40 million pixels.
_LEAST_LIMIT = 2_000_000_000


@dataclass(frozen=True, slots=True)
class EngineShare:
    """How an engine uses the machine.

    Attributes:
        processes: worker processes.
        threads: threads in each that read one page.
    """

    processes: int
    threads: int


def cores(root: Path = Path("/")) -> int:
    """Cores that this process may use: by its CPU affinity, and by the quotas of its container or service.

    Args:
        root: the folder below which /proc and the control groups lie.
    """
    return max(1, min(len(os.sched_getaffinity(0)), math.ceil(min(allowance(root).cores, 1e6))))


def available_memory(root: Path = Path("/")) -> int:
    """Memory that can be taken without swapping and within the limits of a container or service.

    Args:
        root: the folder below which /proc and the control groups lie.

    Returns:
        Bytes; 0 if that is not known.
    """
    available = _meminfo(root, "MemAvailable:")
    return max(1, int(min(available, allowance(root).memory_left))) if available else 0


def whole_memory(root: Path = Path("/")) -> int:
    """Memory of the machine, the container or the service, in bytes; 0 if that is not known."""
    return int(min(_meminfo(root, "MemTotal:"), allowance(root).memory))


def _meminfo(root: Path, key: str) -> int:
    try:
        for line in (root / "proc/meminfo").read_text(encoding="ascii").splitlines():
            if line.startswith(key):
                return int(line.split()[1]) * 1024
    except OSError:
        return 0
    return 0


def engine_share(
    name: str, settings: Engine, *, core_count: int | None = None, memory: int | None = None
) -> EngineShare:
    """Processes and threads of a CPU engine, or of what prepares pages for a model and keeps what it wrote.

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
    asked = 0 if name in GENERATIVE else settings.max_concurrency  # that is the model's affair
    processes = asked or min(core_count, fitting)
    return EngineShare(processes, settings.threads or max(1, core_count // processes))


def worker_memory(settings: Engine, processes: int, *, memory: int | None = None) -> int | None:
    """The most memory that one engine process may have, in bytes; None where the machine's is not known.

    By itself an equal share of most of the memory, but never so little that an engine could not work.

    Args:
        settings: what the configuration asks for; 0 means by itself.
        processes: how many share the memory.
        memory: bytes of memory in all; those of the machine, the container or the service by default.
    """
    if settings.memory_bytes:
        return settings.memory_bytes
    memory = whole_memory() if memory is None else memory
    return max(_LEAST_LIMIT, int(memory * _ENGINES_SHARE) // processes) if memory else None


def render_workers(settings: Render, *, core_count: int | None = None, memory: int | None = None) -> int:
    """Renderers at work at a time: one a core, as far as a quarter of the memory goes.

    Args:
        settings: what the configuration asks for; 0 means by itself.
        core_count: cores to share out; those of this process by default.
        memory: bytes of memory to share out; what is available by default.
    """
    core_count = core_count or cores()
    memory = available_memory() if memory is None else memory
    fitting = max(1, memory // 4 // _RENDERER_MEMORY) if memory else core_count
    return settings.workers or min(core_count, fitting)
