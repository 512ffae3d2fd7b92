"""What a settled file is: one careful look into its beginning and end, and what follows from it.

`probe` touches the disk, blocks, and belongs into a thread; `conclude` is a pure table. Neither raises for
anything that a user or a file server can do. Pages and passwords are looked at later, by the renderer.
"""

import errno
import os
import stat
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path, PurePosixPath

from pdfocr_watcher.errors import ErrorCode
from pdfocr_watcher.inbox.stability import Readiness
from pdfocr_watcher.inbox.sweep import Signature
from pdfocr_watcher.jobs.descent import descend

#: The header must begin within this many bytes (ISO 32000-1, annex H, note 13: what readers accept).
HEAD_BYTES = 1024
#: The marker must lie within this many bytes of the end. Readers accept 1 KiB; some producers append more junk.
TAIL_BYTES = 8 * 1024

_HEADER = b"%PDF-"
_MARKER = b"%%EOF"
# O_NONBLOCK: a pipe that took the file's place must not hold the thread until somebody writes to it.
_FLAGS = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
#: What opening says when something else than a regular file has taken the name.
_EXCHANGED = frozenset({errno.ELOOP, errno.ENOTDIR, errno.ENXIO, errno.ENODEV})


class Verdict(StrEnum):
    """What a look into a file found."""

    #: It begins as a PDF and has an end-of-file marker near its end.
    COMPLETE = "complete"
    #: It begins as a PDF and has no marker near its end.
    UNMARKED = "unmarked"
    #: It is not the file that the sweep saw: changed, or exchanged for another.
    CHANGED = "changed"
    #: Its name or its beginning is not that of a PDF.
    NOT_PDF = "not_pdf"
    #: It has no bytes.
    EMPTY = "empty"
    #: It has more bytes than allowed.
    TOO_LARGE = "too_large"
    #: It could not be read now: gone, held by another program, no right to it, or the file server is away.
    UNREADABLE = "unreadable"


@dataclass(frozen=True, slots=True)
class Probe:
    """The result of a look.

    Attributes:
        verdict: what was found.
        detail: the particulars in a few words, for a person; empty when there are none.
        errno: why the file could not be read; 0 for every other verdict.
    """

    verdict: Verdict
    detail: str = ""
    errno: int = 0


class Decision(StrEnum):
    """What to do with a file that was looked into."""

    #: Make it a job (unless a writer holds it: `inbox.lease`).
    CLAIM = "claim"
    #: Not complete so far: wait for the longer rest (`StabilityTracker.looked`).
    WAIT = "wait"
    #: It changed under the look: its rest begins anew (`StabilityTracker.forget`).
    RESTART = "restart"
    #: It cannot be read now: try again later (`StabilityTracker.put_off`).
    LATER = "later"
    #: It will not become a job: leave or fail it, as configured.
    REFUSE = "refuse"


#: The failure behind each verdict that may be refused.
REFUSALS: dict[Verdict, ErrorCode] = {
    Verdict.NOT_PDF: ErrorCode.NOT_A_PDF,
    Verdict.EMPTY: ErrorCode.EMPTY_FILE,
    Verdict.TOO_LARGE: ErrorCode.FILE_TOO_LARGE,
}


def has_pdf_name(path: str) -> bool:
    """Whether the name ends in `.pdf`, in upper or lower case."""
    return path.lower().endswith(".pdf")


def probe(root: Path, path: str, signature: Signature, max_bytes: int) -> Probe:
    """Look into a file.

    A name that is not a PDF's, and a size that says enough, are judged without opening the file.

    Args:
        root: the inbox.
        path: the file, relative to it.
        signature: what the sweep saw; the opened file must still match it, before and after it is read.
        max_bytes: the largest size that is admitted.
    """
    if not has_pdf_name(path):
        return Probe(Verdict.NOT_PDF, "Its name does not end in .pdf.")
    if not signature.size:
        return Probe(Verdict.EMPTY)
    inside = PurePosixPath(path)
    try:
        with descend(root, inside.parent.parts) as way:
            descriptor = os.open(way.here / inside.name, _FLAGS)
        try:
            return _look(descriptor, signature, max_bytes)
        finally:
            os.close(descriptor)
    except OSError as error:
        return _failed(error)


def conclude(readiness: Readiness, verdict: Verdict) -> Decision:
    """What follows from a look, given how long the file has been at rest.

    After the shorter rest only the good conclusion is drawn; a file may still be on its way.
    """
    match verdict:
        case Verdict.COMPLETE:
            return Decision.CLAIM
        case Verdict.CHANGED:
            return Decision.RESTART
        case Verdict.UNREADABLE:
            return Decision.LATER
        case Verdict.UNMARKED:
            return Decision.WAIT if readiness is Readiness.RESTED else Decision.CLAIM
        case Verdict.NOT_PDF | Verdict.EMPTY | Verdict.TOO_LARGE:
            return Decision.WAIT if readiness is Readiness.RESTED else Decision.REFUSE


def _look(descriptor: int, signature: Signature, max_bytes: int) -> Probe:
    status = os.fstat(descriptor)
    if not stat.S_ISREG(status.st_mode) or Signature.of(status) != signature:
        return Probe(Verdict.CHANGED)
    if signature.size > max_bytes:
        return Probe(Verdict.TOO_LARGE, f"It has {signature.size:,} bytes, and {max_bytes:,} are allowed.")
    head = _read(descriptor, HEAD_BYTES, 0)
    tail = _read(descriptor, TAIL_BYTES, max(0, signature.size - TAIL_BYTES))
    if Signature.of(os.fstat(descriptor)) != signature:
        return Probe(Verdict.CHANGED)
    if _HEADER not in head:
        return Probe(Verdict.NOT_PDF, "It does not begin as a PDF.")
    return Probe(Verdict.COMPLETE if _MARKER in tail else Verdict.UNMARKED)


def _read(descriptor: int, length: int, offset: int) -> bytes:
    """Up to `length` bytes from `offset`; a network file system may give them in pieces."""
    pieces: list[bytes] = []
    while length > 0:
        piece = os.pread(descriptor, length, offset)
        if not piece:
            break
        pieces.append(piece)
        offset += len(piece)
        length -= len(piece)
    return b"".join(pieces)


def _failed(error: OSError) -> Probe:
    if error.errno in _EXCHANGED:
        return Probe(Verdict.CHANGED)
    return Probe(Verdict.UNREADABLE, f"{os.strerror(error.errno or errno.EIO)}.", error.errno or errno.EIO)
