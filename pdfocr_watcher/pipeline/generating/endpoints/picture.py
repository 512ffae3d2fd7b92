"""A picture on its way into a request: read and encoded piece by piece in a thread, so that none is held whole."""

import asyncio
import base64
from collections.abc import AsyncIterator
from concurrent.futures import Executor
from dataclasses import dataclass
from pathlib import Path

from pdfocr_watcher.errors import ErrorCode, PdfocrError

#: Bytes of a picture that are in hand at a time; a multiple of 3, which base64 makes 4 characters of.
_PIECE = 3 << 16
_PNG = b"\x89PNG\r\n\x1a\n"


@dataclass(frozen=True, slots=True)
class Upload:
    """The body of a request with a picture in it.

    Attributes:
        length: bytes of it.
        pieces: its bytes; they can be taken once, and taking them raises as `upload` does.
    """

    length: int
    pieces: AsyncIterator[bytes]


async def upload(before: bytes, picture: Path, after: bytes, threads: Executor) -> Upload:
    """The body of a request with a picture, `image/png;base64,...`, between two pieces of text.

    Args:
        before: what stands before the picture.
        picture: the file, PNG or JPEG.
        after: what stands after it.
        threads: where it is read.

    Raises:
        PdfocrError: the file cannot be read (STORAGE_FAILED).
    """
    try:
        size, kind = await asyncio.get_running_loop().run_in_executor(threads, _look, picture)
    except OSError as error:
        raise _unreadable(picture, error) from error
    begin = before + f"{kind};base64,".encode("ascii")
    return Upload(len(begin) + (size + 2) // 3 * 4 + len(after), _pieces(begin, picture, after, threads))


async def _pieces(begin: bytes, picture: Path, after: bytes, threads: Executor) -> AsyncIterator[bytes]:
    yield begin
    offset, loop = 0, asyncio.get_running_loop()
    try:
        # Opened for every piece: a call that is given up while its thread is at it leaves no file open.
        while piece := await loop.run_in_executor(threads, _piece, picture, offset):
            offset += _PIECE
            yield piece
    except OSError as error:
        raise _unreadable(picture, error) from error
    yield after


def _look(path: Path) -> tuple[int, str]:
    with path.open("rb") as file:
        kind = "image/png" if file.read(len(_PNG)) == _PNG else "image/jpeg"
        return file.seek(0, 2), kind


def _piece(path: Path, offset: int) -> bytes:
    with path.open("rb") as file:
        file.seek(offset)
        return base64.b64encode(file.read(_PIECE))


def _unreadable(path: Path, error: OSError) -> PdfocrError:
    return PdfocrError(ErrorCode.STORAGE_FAILED, f"{path.name}: {error.strerror or error}.")
