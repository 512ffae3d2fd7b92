"""Whether a file of weights is whole, by its header: for files that were copied by hand, or by halves."""

import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

#: A header describes a few thousand tensors; the format's own limit.
_HEADER_BYTES = 100_000_000
_LENGTH_BYTES = 8
#: How the file begins that Git leaves where the real one was not fetched.
_POINTER = b"version https://git-lfs.github.com/spec/"


@dataclass(frozen=True, slots=True)
class Weights:
    """What a file of weights holds.

    Attributes:
        size: bytes of the file.
        tensors: their names.
    """

    size: int
    tensors: frozenset[str]


class NotWholeError(Exception):
    """A file that cannot be loaded; its text says why, without the file's name."""


def is_pointer(path: Path) -> bool:
    """Whether a file is what Git LFS leaves in place of a large one.

    Raises:
        OSError: it cannot be read.
    """
    with path.open("rb") as file:
        return file.read(len(_POINTER)) == _POINTER


def read_weights(path: Path) -> Weights:
    """Read the header of a .safetensors file and hold it against the file's size.

    The format: eight bytes with the header's length, the header in JSON, which places each tensor in the bytes that
    follow, and those bytes to the end of the file.

    Raises:
        NotWholeError: it is cut off, too long, something else, or not the file but a pointer to it.
        OSError: it cannot be read.
    """
    size = path.stat().st_size
    with path.open("rb") as file:
        start = file.read(_LENGTH_BYTES)
        if is_pointer(path):
            raise NotWholeError("is a Git LFS pointer, not the weights: fetch them with `git lfs pull`")
        length = int.from_bytes(start, "little")
        if len(start) < _LENGTH_BYTES or length > min(_HEADER_BYTES, size - _LENGTH_BYTES):
            what = "is empty" if size == 0 else "is cut off in its header, or no .safetensors file"
            raise NotWholeError(what)
        header = file.read(length)
    ends = _ends(header)
    expected = _LENGTH_BYTES + length + max(ends.values(), default=0)
    if size < expected:
        raise NotWholeError(f"is cut off: it has {size} of {expected} bytes; copy it again")
    if size > expected:
        raise NotWholeError(f"has {size} bytes where its header says {expected}; copy it again")
    return Weights(size, frozenset(ends))


def _ends(header: bytes) -> dict[str, int]:
    """Where each tensor ends, counted from the end of the header.

    Raises:
        NotWholeError: it is no header.
    """
    try:
        described: Any = json.loads(header)
        tensors = {name: value for name, value in described.items() if name != "__metadata__"}
        ends = {str(name): value["data_offsets"][1] for name, value in tensors.items()}
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        raise NotWholeError("is no .safetensors file: its header says nothing") from None
    if not all(isinstance(end, int) and 0 <= end < math.inf for end in ends.values()):
        raise NotWholeError("is no .safetensors file: its header says nothing")
    return ends
