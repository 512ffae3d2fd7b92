"""RapidOCR's networks for single lines, on their own: how surely a line can be read, and whether it is upside down.

They are asked about the orientation of pages, whichever engine reads them. Each is loaded once a process, when it is
first asked, with one thread.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import cv2
import numpy as np
import onnxruntime
from numpy.typing import NDArray

from pdfocr_watcher.analysis.letters import Gray
from pdfocr_watcher.engines.networks import load_network
from pdfocr_watcher.engines.rapidocr_wheel import RECOGNITION_WEIGHTS, carried_weights
from pdfocr_watcher.engines.recognition import LINE_HEIGHT, LineReading, Recognizer
from pdfocr_watcher.errors import ErrorCode, PdfocrError

CLASSIFIER_WEIGHTS = "ch_ppocr_mobile_v2.0_cls_mobile.onnx"

#: The classifier looks at the beginning of a line, of this width in pixels.
CLASSIFIER_WIDTH = 192


def read_line(line: Gray) -> LineReading:
    """Read one line of text.

    Args:
        line: one line lying level, with a little margin.

    Raises:
        PdfocrError: `engine_unavailable` where the weights are missing or do not load.
    """
    return _reader().read(np.asarray(cv2.cvtColor(_scaled(line), cv2.COLOR_GRAY2BGR), dtype=np.uint8))


def upside_down(lines: Sequence[Gray]) -> list[float]:
    """How probable it is, 0..1, that each line is upside down.

    Raises:
        PdfocrError: `engine_unavailable` where the weights are missing or do not load.
    """
    network = _classifier()
    inputs = _as_input([_scaled(line) for line in lines], CLASSIFIER_WIDTH)
    return [float(upside) for _, upside in network.run(None, {network.get_inputs()[0].name: inputs})[0]]


@cache
def _classifier() -> onnxruntime.InferenceSession:
    with _weights(CLASSIFIER_WEIGHTS) as path:
        return load_network(path, 1, often=False)  # as the reader: lines come in ever new shapes


@cache
def _reader() -> Recognizer:
    with _weights(RECOGNITION_WEIGHTS) as path:
        return Recognizer(path, 1)


@contextmanager
def _weights(name: str) -> Iterator[Path]:
    """A file of weights, to be loaded inside."""
    weights = carried_weights(name)
    try:
        yield weights
    except Exception as error:
        raise PdfocrError(ErrorCode.ENGINE_UNAVAILABLE, f"{name} does not load: {error}") from error


def _scaled(line: Gray) -> Gray:
    width = max(LINE_HEIGHT // 3, round(line.shape[1] * LINE_HEIGHT / line.shape[0]))
    how = cv2.INTER_LINEAR if line.shape[0] < LINE_HEIGHT else cv2.INTER_AREA
    return np.asarray(cv2.resize(line, (width, LINE_HEIGHT), interpolation=how), dtype=np.uint8)


def _as_input(pictures: Sequence[Gray], width: int) -> NDArray[np.float32]:
    """Lines of equal height as the networks take them: -1..1, three equal channels, cut or padded with 0 to a width."""
    values = np.zeros((len(pictures), 3, LINE_HEIGHT, width), dtype=np.float32)
    for value, picture in zip(values, pictures, strict=True):
        used = picture[:, :width]
        value[:, :, : used.shape[1]] = used.astype(np.float32) / 127.5 - 1
    return values
