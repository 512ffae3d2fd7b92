"""How the benchmarks print: the machine, a plain table, a ratio beside its target."""

import math
import os
import platform
import subprocess
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

_PACKAGES = ("pdfocr-watcher", "rapidocr", "onnxruntime", "pillow", "pdf2image")


def print_machine() -> None:
    """Say on what this runs."""
    load = ", ".join(f"{value:.2f}" for value in os.getloadavg())
    print(f"machine: {_cpu_name()}, {len(os.sched_getaffinity(0))} cores, load {load}; Linux {platform.release()}")
    print(f"versions: Python {platform.python_version()}, {_poppler()}, {', '.join(map(_version, _PACKAGES))}")


def print_table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print rows under a head, the first column to the left, the others to the right."""
    widths = [max(len(row[column]) for row in (head, *rows)) for column in range(len(head))]
    print()
    for row in (head, *rows):
        cells = [row[0].ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True))]
        print("  ".join(cells).rstrip())


def print_target(what: str, value: float, sign: str, target: float, unit: str = "") -> None:
    """Print a figure and whether it reaches its target; `sign` is `>=` or `<=`."""
    reached = value >= target if sign == ">=" else value <= target
    print(f"{what}: {value:.3g}{unit} (target {sign} {target:g}{unit}: {'reached' if reached else 'MISSED'})")


def quantile(values: Sequence[float], share: float) -> float:
    """The value below which a share of the values lies (nearest rank)."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


def _cpu_name() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def _poppler() -> str:
    try:
        said = subprocess.run(["pdftoppm", "-v"], capture_output=True, text=True, check=False).stderr
    except OSError:
        return "no poppler"
    return said.splitlines()[0].replace("pdftoppm version", "poppler")


def _version(package: str) -> str:
    try:
        return f"{package} {version(package)}"
    except PackageNotFoundError:
        return f"no {package}"
