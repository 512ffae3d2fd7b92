"""Limits for renderer processes, and the launchers that put them and the sandbox on poppler's programs.

pdf2image has no hook between fork and exec, so it is pointed at a private folder whose `pdftoppm` enters the sandbox
and becomes the real one. What happens in there is in `sandbox`.
"""

import contextlib
import fcntl
import math
import os
import shlex
import shutil
import tempfile
import threading
import time
import weakref
from dataclasses import dataclass
from pathlib import Path

from pdfocr_watcher.errors import ErrorCode, PdfocrError
from pdfocr_watcher.pipeline.rendering.protection import INTERPRETER, Protection

_FILE_BYTES_SPARE = 1 << 16
_BYTES_PER_PIXEL = 3

#: What the name of a launcher folder begins with.
_PREFIX = "pdfocr-watcher-launchers-"
#: A folder of nobody's that is younger than this, in seconds, may be one whose owner is just making it.
_ORPHAN_SECONDS = 60.0


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


def confined_command(program: str, limits: Limits, protection: Protection) -> list[str]:
    """The command line that becomes `program` in the sandbox; its arguments go behind.

    Of its arguments the first absolute path is the document, and the second, if there is one, what the names of the
    files begin with that it makes.
    """
    figures = (limits.memory_bytes, limits.cpu_seconds, limits.file_bytes, os.getpid())
    return [*INTERPRETER, "enter", protection.argument, *map(str, figures), program]


def _scripts(pdftoppm: list[str]) -> dict[str, str]:
    return {
        # pdf2image asks for the version before every conversion; the answer matters only for options not used here.
        # A stop of the service reaches its whole group: pages in hand are finished, not lost as failed.
        # A damaged page can make pdftoppm write error lines without end, which pdf2image would keep in memory.
        "pdftoppm": f"""#!/bin/sh
[ "$1" = -v ] && {{ echo "pdftoppm version 22.0.0" >&2; exit 0; }}
trap '' INT TERM HUP
exec {shlex.join(pdftoppm)} "$@" </dev/null 2>/dev/null
""",
        # pdf2image counts the pages before every conversion, without a time limit. They were counted when the
        # document was inspected, and pdftoppm stops at the last page by itself.
        "pdfinfo": "#!/bin/sh\necho 'Pages: 2147483647'\n",
    }


class Launchers:
    """A private folder of launchers for each set of limits, made when first asked for and removed at exit.

    Args:
        pdftoppm: path of the program that renders.
        protection: what confines it beside the limits.
    """

    def __init__(self, pdftoppm: str, protection: Protection) -> None:
        self._pdftoppm = pdftoppm
        self._protection = protection
        self._lock = threading.Lock()
        self._folders: dict[Limits, Path] = {}

    def folder(self, limits: Limits) -> Path:
        """The folder whose `pdftoppm` keeps to `limits`, and whose `pdfinfo` is a stand-in.

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
            folder = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=parent))
            # The lock goes with this process, however it ends; a number would be given to another one.
            held = os.open(folder, os.O_RDONLY)
            weakref.finalize(self, _remove, folder, held, os.getpid())
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
            command = confined_command(self._pdftoppm, limits, self._protection)
            for name, text in _scripts(command).items():
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
    for folder in parent.glob(f"{_PREFIX}*"):
        with contextlib.suppress(OSError):
            found = folder.lstat()
            if found.st_uid == os.getuid() and time.time() - found.st_mtime > _ORPHAN_SECONDS:
                _remove_unless_held(folder)


def _remove_unless_held(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        shutil.rmtree(folder, ignore_errors=True)
    finally:
        os.close(descriptor)


def _remove(folder: Path, held: int, owner: int) -> None:
    """Remove a launcher folder, but not from a forked child, whose parent still uses it."""
    if os.getpid() == owner:
        shutil.rmtree(folder, ignore_errors=True)
        os.close(held)
