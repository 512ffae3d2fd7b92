"""An encrypted document becomes a copy that opens without a password, for all that read it from then on.

PDFium makes it, in a confined process of its own. The passwords go to that process through a file in memory that has
no name: what stands in a command line or an environment other users of the machine, or its other processes, may read.
"""

import os
from collections.abc import Callable
from pathlib import Path

import structlog

from pdfocr_watcher.errors import ErrorCode, PdfocrError
from pdfocr_watcher.pipeline.rendering import ppm
from pdfocr_watcher.pipeline.rendering.bounded import Outcome
from pdfocr_watcher.pipeline.rendering.confine import Limits
from pdfocr_watcher.pipeline.rendering.pdfium import end_words, run_child
from pdfocr_watcher.pipeline.rendering.protection import UNPROTECTED, Protection, unconfined_error

_log = structlog.get_logger(__name__)

_KEEP_BYTES = 4096
#: A copy is larger than its original where that packs its objects; so many times, and so much besides, it may be.
_GROWTH, _SPARE_BYTES = 4, 64 << 20
#: Bytes a second that a document is copied with at the least.
_SLOWEST = 10_000_000


class Unlocker:
    """Makes copies of encrypted documents; blocking, called in threads.

    Args:
        passwords: gives those that are tried, in order; raises PdfocrError where they cannot be had.
        memory_bytes: the most memory that a process may use.
        protection: what confines it beside that.
    """

    def __init__(
        self, passwords: Callable[[], tuple[bytes, ...]], memory_bytes: int, protection: Protection = UNPROTECTED
    ) -> None:
        self._passwords = passwords
        self._memory_bytes = memory_bytes
        self._protection = protection

    def unlock(self, pdf: Path, target: Path, timeout: float) -> None:
        """Make a copy without encryption.

        Args:
            pdf: the document.
            target: where the copy is to lie, readable for the daemon's user alone; its folder is there.
            timeout: wall-clock limit in seconds for trying the passwords; copying has more, by the document's size.

        Raises:
            PdfocrError: PDF_ENCRYPTED, no password opens it, or they cannot be had; PDF_DAMAGED, PDF_TIMEOUT.
            OSError: the file system refused.
        """
        try:
            passwords = self._passwords()
        except PdfocrError as error:  # who reads the job's status need not know where they lie
            _log.warning("passwords.refused", error=error.detail)
            raise PdfocrError(ErrorCode.PDF_ENCRYPTED, "The file of passwords cannot be used; see the log.") from error
        size = pdf.stat().st_size
        limit = timeout + size / _SLOWEST
        usual = Limits.for_call(self._memory_bytes, 0, limit)
        limits = Limits(usual.memory_bytes, usual.cpu_seconds, _GROWTH * size + _SPARE_BYTES)
        with ppm.scratch_folder(target.parent.absolute()) as scratch:
            made = scratch / target.name
            job = ("unlock", str(pdf.absolute()), str(made))
            try:
                outcome = run_child(self._protection, limits, limit, _KEEP_BYTES, *job, given=b"\n".join(passwords))
            except OSError as error:
                raise PdfocrError(ErrorCode.PDF_DAMAGED, f"(PDFium cannot be started: {error})") from error
            _judge(outcome, len(passwords), limit)
            made.replace(target)


def _judge(outcome: Outcome, passwords: int, limit: float) -> None:
    """Raise what kept a copy from being made."""
    if outcome.timed_out:
        raise PdfocrError(ErrorCode.PDF_TIMEOUT, f"({limit:g} s)")
    if (unconfined := unconfined_error(outcome)) is not None:
        raise unconfined
    word, _, rest = outcome.stdout.decode("ascii", "replace").strip().partition(" ")
    if word == "encrypted":
        detail = f"None of the {passwords} passwords in `render.passwords_file` opens it."
        raise PdfocrError(ErrorCode.PDF_ENCRYPTED, detail)
    if word == "storage":
        raise OSError(int(rest), os.strerror(int(rest)))
    if outcome.returncode != 0 or word != "unlocked":
        raise PdfocrError(ErrorCode.PDF_DAMAGED, rest or f"(it cannot be decrypted: {end_words(outcome)})")
