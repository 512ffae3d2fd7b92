"""Limits for renderer processes, and the launchers that put them on poppler's programs.

pdf2image has no hook between fork and exec, so it is pointed at a private folder whose `pdftoppm` sets the limits
and becomes the real one. Further confinement of renderers belongs into these launchers.
"""

import contextlib
import math
import os
import resource
import shlex
import shutil
import tempfile
import threading
import weakref
from dataclasses import dataclass
from pathlib import Path

from pdfocr_watcher.errors import ErrorCode, PdfocrError

_KIB = 1024
_FILE_BLOCK = 512
_FILE_BYTES_SPARE = 1 << 16
_BYTES_PER_PIXEL = 3

#: What the name of a launcher folder begins with; the number of the process that made it follows.
_PREFIX = "pdfocr-watcher-launchers-"

#: All that a renderer's environment holds.
ENVIRONMENT = {"LC_ALL": "C"}

#: For poppler, which frees a page's pixels and takes them again for the next: the C library keeps them, in huge pages
#: where the system has some to give, instead of having the same memory cleared for every page.
_TUNABLES = "glibc.malloc.hugetlb=1:glibc.malloc.mmap_threshold=268435456:glibc.malloc.trim_threshold=268435456"


@dataclass(frozen=True, slots=True)
class Limits:
    """What one renderer process may use.

    Attributes:
        memory_bytes: address space.
        cpu_seconds: processor time; the backstop for when the daemon, which keeps the wall-clock limit, is gone.
        file_bytes: length of one file that it writes.
    """

    memory_bytes: int
    cpu_seconds: int
    file_bytes: int

    @classmethod
    def for_call(cls, memory_bytes: int, max_pixels: int, timeout: float) -> "Limits":
        """The limits of one call.

        Processor time is rounded up to a power of two, so that few different limits, and launchers, exist. A file
        is a raster, with a little to spare for renderers that round a side up.
        """
        cpu_seconds = 1 << max(1, math.ceil(math.log2(max(1.0, timeout) + 1)))
        return cls(memory_bytes, cpu_seconds, _BYTES_PER_PIXEL * (max_pixels + max_pixels // 50) + _FILE_BYTES_SPARE)

    def within_hard_limits(self) -> "Limits":
        """The same, lowered to what this process may hand on: asking for more would be refused."""

        def lower(wanted: int, which: int) -> int:
            hard = resource.getrlimit(which)[1]
            return wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)

        return Limits(
            lower(self.memory_bytes, resource.RLIMIT_AS),
            lower(self.cpu_seconds, resource.RLIMIT_CPU),
            lower(self.file_bytes, resource.RLIMIT_FSIZE),
        )


def _launcher(program: str, limits: Limits, *, first_line: str = "", redirect: str = "") -> str:
    """A shell script that becomes `program`, with limits, an empty environment and no input."""
    variables = " ".join(f"{name}={value}" for name, value in {**ENVIRONMENT, "GLIBC_TUNABLES": _TUNABLES}.items())
    return "\n".join(
        (
            "#!/bin/sh",
            first_line,
            # A stop of the service reaches its whole group: pages in hand are finished, not lost as failed.
            "trap '' INT TERM HUP",
            "ulimit -c 0",
            f"ulimit -v {limits.memory_bytes // _KIB}",
            f"ulimit -t {limits.cpu_seconds}",
            f"ulimit -f {limits.file_bytes // _FILE_BLOCK}",
            f'exec /usr/bin/env -i {variables} {shlex.quote(program)} "$@" </dev/null {redirect}',
            "",
        )
    )


def _scripts(pdftoppm: str, pdfinfo: str, limits: Limits) -> dict[str, str]:
    return {
        # pdf2image asks for the version before every conversion; the answer matters only for options not used here.
        # A damaged page can make pdftoppm write error lines without end, which pdf2image would keep in memory.
        "pdftoppm": _launcher(
            pdftoppm,
            limits,
            first_line='[ "$1" = -v ] && { echo "pdftoppm version 22.0.0" >&2; exit 0; }',
            redirect="2>/dev/null",
        ),
        # pdf2image counts the pages before every conversion, without a time limit. They were counted when the
        # document was inspected, and pdftoppm stops at the last page by itself.
        "pdfinfo": "#!/bin/sh\necho 'Pages: 2147483647'\n",
        "pdfinfo-confined": _launcher(pdfinfo, limits),
    }


class Launchers:
    """A private folder of launchers for each set of limits, made when first asked for and removed at exit.

    Args:
        pdftoppm: path of the program that renders.
        pdfinfo: path of the program that inspects.
    """

    def __init__(self, pdftoppm: str, pdfinfo: str) -> None:
        self._pdftoppm = pdftoppm
        self._pdfinfo = pdfinfo
        self._lock = threading.Lock()
        self._folders: dict[Limits, Path] = {}

    def folder(self, limits: Limits) -> Path:
        """The folder whose `pdftoppm`, `pdfinfo` (a stand-in) and `pdfinfo-confined` keep to `limits`.

        Raises:
            PdfocrError: STORAGE_FAILED, it cannot be made.
        """
        with self._lock:
            folder = self._folders.get(limits)
            # A service that idles for weeks outlives what cleans the temporary folder.
            if folder is None or not (folder / "pdftoppm").exists():
                folder = self._make(limits)
                self._folders[limits] = folder
            return folder

    def _make(self, limits: Limits) -> Path:
        try:
            parent = _executable_folder()
            _remove_orphans(parent)
            folder = Path(tempfile.mkdtemp(prefix=f"{_PREFIX}{os.getpid()}-", dir=parent))
            weakref.finalize(self, _remove, folder, os.getpid())
            for name, text in _scripts(self._pdftoppm, self._pdfinfo, limits.within_hard_limits()).items():
                path = folder / name
                path.write_text(text)
                path.chmod(0o500)
        except OSError as error:
            raise PdfocrError(ErrorCode.STORAGE_FAILED, f"No launcher for poppler could be made: {error}") from error
        return folder


def _executable_folder() -> Path:
    """Where temporary programs may lie: the temporary folder, unless it is mounted noexec."""
    candidates = [tempfile.gettempdir(), *os.environ.get("RUNTIME_DIRECTORY", "").split(":"), "/var/tmp"]  # noqa: S108 - mkdtemp makes a private folder in it
    for candidate in filter(os.path.isdir, candidates):
        if not os.statvfs(candidate).f_flag & os.ST_NOEXEC:
            return Path(candidate)
    raise OSError(f"programs cannot be started from any of {', '.join(filter(None, candidates))}")


def _remove_orphans(parent: Path) -> None:
    """Remove the launcher folders of this user's processes that were killed before they could do so."""
    for folder in parent.glob(f"{_PREFIX}*-*"):
        owner = folder.name.removeprefix(_PREFIX).partition("-")[0]
        with contextlib.suppress(OSError):
            if owner.isdecimal() and folder.lstat().st_uid == os.getuid() and not Path("/proc", owner).exists():
                shutil.rmtree(folder, ignore_errors=True)


def _remove(folder: Path, owner: int) -> None:
    """Remove a launcher folder, but not from a forked child, whose parent still uses it."""
    if os.getpid() == owner:
        shutil.rmtree(folder, ignore_errors=True)
