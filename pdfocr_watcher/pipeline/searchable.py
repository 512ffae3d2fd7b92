"""The searchable PDF: the original with an invisible text layer, made by a confined process of its own.

The original is a stranger's: it is opened by nobody but that process, which may open no other file of anybody's and is
bounded in time, memory and what it writes. What it does is in `searchable_child`; here it is started and judged.
"""

import errno
import functools
import json
import os
import signal
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

from pdfocr_watcher.document.json_output import uprighting_of
from pdfocr_watcher.document.model import FailedPage, Page
from pdfocr_watcher.pipeline.rendering.bounded import run_bounded
from pdfocr_watcher.pipeline.rendering.confine import Limits
from pdfocr_watcher.pipeline.rendering.protection import UNPROTECTED, Protection, find_protection
from pdfocr_watcher.pipeline.rendering.sandbox.launch import ENVIRONMENT, REFUSED

_CHILD = "pdfocr_watcher.pipeline.searchable_child"
#: What the process is told of the world beside `ENVIRONMENT`: where Python's parts lie.
_PLACES = ("LD_LIBRARY_PATH", "PYTHONPATH")
_KEPT_BYTES = 4096
#: How long the file may become: so many times the original and the layer, and so many bytes more.
_GROWTH, _SPARE_BYTES = 2, 64 << 20


@dataclass(frozen=True, slots=True)
class SearchLimits:
    """What the process may use.

    Attributes:
        seconds: by the clock.
        memory_bytes: address space.
        sandbox: what else confines it, as `render.sandbox` has it.
    """

    seconds: float = 60.0
    memory_bytes: int = 1_000_000_000
    sandbox: str = "auto"


class LayerFile:
    """Writes what the process is told of the pages, a line for each.

    Args:
        stream: where to; UTF-8 text.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        #: Whether a page has lines.
        self.has_lines = False

    def add(self, page: Page | FailedPage, reading: Mapping[str, Any]) -> None:
        """Write the next page; see `JsonOutput.add`."""
        layer = None
        if isinstance(page, Page) and page.lines:
            self.has_lines = True
            turn, skew = uprighting_of(reading)
            lines = [line.to_list() for line in page.lines]
            layer = {"width": page.width, "height": page.height, "turn": turn, "skew": skew, "lines": lines}
        self._stream.write(json.dumps(layer, separators=(",", ":")) + "\n")


def make_searchable(pdf: Path, layers: Path, target: Path, limits: SearchLimits) -> str:
    """Lay the lines of the pages over the original.

    Args:
        pdf: the original.
        layers: what a `LayerFile` wrote.
        target: the file to write; what is in it is of no worth where a reason is given.
        limits: what the process may use.

    Returns:
        Why it could not be done; empty if it was.

    Raises:
        OSError: the file system refused.
    """
    protection = _protection() if limits.sandbox != "off" else UNPROTECTED
    size = _GROWTH * (pdf.stat().st_size + layers.stat().st_size) + _SPARE_BYTES
    bounds = Limits(limits.memory_bytes, int(limits.seconds) + 1, size)
    figures = (bounds.memory_bytes, bounds.cpu_seconds, bounds.file_bytes, os.getpid())
    paths = (path.absolute() for path in (pdf, layers, target))
    command = [sys.executable, "-P", "-m", _CHILD, protection.argument, *map(str, figures), *map(str, paths)]
    places = {name: os.environ[name] for name in _PLACES if name in os.environ}
    outcome = run_bounded(command, ENVIRONMENT | places, limits.seconds, _KEPT_BYTES)
    if outcome.timed_out:
        return f"it took longer than {limits.seconds:g} s"
    word, _, rest = outcome.stdout.decode("utf-8", "replace").strip().partition(" ")
    match word:
        case "made":
            return ""
        case "refused":
            return rest
        case "storage":
            raise OSError(int(rest), os.strerror(int(rest)), str(target))
    if outcome.returncode == -signal.SIGBUS:  # what a mapped file answers that cannot be read
        raise OSError(errno.EIO, os.strerror(errno.EIO), str(pdf))
    if outcome.returncode == REFUSED:
        return "the sandbox cannot be had"
    return f"its process ended with status {outcome.returncode}"


@functools.cache
def _protection() -> Protection:
    """All that this system has; the daemon has said what is missing."""
    return find_protection()
