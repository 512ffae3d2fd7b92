"""Writes tensors into a `.safetensors` file whose zeros take no room on the disk.

The vision tower's tables are large and nearly all of them are zero: 25 MB, of which less than one is written.
"""

import json
import struct
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

#: A tensor that is zero is given as its shape.
Tensor = NDArray[np.float32] | tuple[int, ...]

_BYTES = 2
_PIECE = 4096


def write_bfloat16(file: Path, tensors: Mapping[str, Tensor]) -> None:
    """Write the tensors as bfloat16, each by its name."""
    header: dict[str, object] = {"__metadata__": {"format": "pt"}}
    starts, end = {}, 0
    for name, tensor in tensors.items():
        shape = tensor if isinstance(tensor, tuple) else tensor.shape
        starts[name], end = end, end + _BYTES * int(np.prod(shape))
        header[name] = {"dtype": "BF16", "shape": list(shape), "data_offsets": [starts[name], end]}
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with file.open("wb") as output:
        output.write(struct.pack("<Q", len(text)) + text)
        base = output.tell()
        output.truncate(base + end)
        for name, tensor in tensors.items():
            if not isinstance(tensor, tuple):
                content = _rounded(tensor).tobytes()
                for place in range(0, len(content), _PIECE):
                    piece = content[place : place + _PIECE]
                    if any(piece):
                        output.seek(base + starts[name] + place)
                        output.write(piece)


def _rounded(values: NDArray[np.float32]) -> NDArray[np.uint16]:
    """The upper half of each float32, rounded to the nearest, to the even one of two."""
    bits = np.ascontiguousarray(values, np.float32).view(np.uint32)
    return ((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16).astype(np.uint16)
