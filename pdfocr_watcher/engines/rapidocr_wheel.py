"""The weights that RapidOCR's wheel carries, by their names."""

from importlib.metadata import version
from pathlib import Path

import rapidocr

from pdfocr_watcher.errors import ErrorCode, PdfocrError

#: Reads one line of text; the embedded engine does, and whoever asks how a page lies.
RECOGNITION_WEIGHTS = "PP-OCRv6_rec_small.onnx"


def carried_weights(name: str) -> Path:
    """The file with weights.

    Args:
        name: of the file.

    Raises:
        PdfocrError: `engine_unavailable` where the wheel lacks it.
    """
    weights = Path(rapidocr.__file__).parent / "models" / name
    if not weights.is_file():
        raise PdfocrError(ErrorCode.ENGINE_UNAVAILABLE, f"rapidocr {version('rapidocr')} does not carry {name}.")
    return weights
