"""How a network of weights is run: plain ONNX Runtime on the CPU. What it sees and says is its own module's."""

from pathlib import Path

import numpy as np
import onnxruntime
from numpy.typing import NDArray
from PIL import Image

#: A picture as a network takes it: 1 x 3 (blue, green, red) x height x width.
Picture = NDArray[np.float32]

#: Mean and deviation of ImageNet's channels, red, green, blue, in the order in which PaddleDetection and PaddleOCR,
#: where the networks come from, apply them: to blue, green, red.
_MEAN = np.array([0.485, 0.456, 0.406], dtype=np.float32)
_DEVIATION = np.array([0.229, 0.224, 0.225], dtype=np.float32)
#: Of ONNX Runtime's levels, 3 is errors: the networks have shapes that it warns of.
_ERRORS = 3


def load_network(path: Path, threads: int, *, often: bool) -> onnxruntime.InferenceSession:
    """Load weights.

    Args:
        path: an ONNX file.
        threads: that one run may use, at least 1.
        often: whether it runs for every page: then it keeps its memory from run to run, which takes 60 MB more and a
            quarter less time.

    Raises:
        Exception: what ONNX Runtime raises where the file is missing or no network.
    """
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = _ERRORS
    options.enable_cpu_mem_arena = often
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


def scaled(image: Image.Image, width: int, height: int) -> Picture:
    """A picture of a size, in pixels, its values as the networks were trained on them.

    Args:
        image: any mode and size; it is not changed.
        width: of the result.
        height: of the result.
    """
    small = image if image.mode in {"L", "RGB"} else image.convert("RGB")
    small = small.resize((width, height), Image.Resampling.BILINEAR, reducing_gap=2.0).convert("RGB")
    values = np.asarray(small, dtype=np.float32)[:, :, ::-1] / 255
    return np.ascontiguousarray(((values - _MEAN) / _DEVIATION).transpose(2, 0, 1)[None])
