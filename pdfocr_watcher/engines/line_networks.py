"""RapidOCR's networks for single lines, on their own: how surely a line can be read, and whether it is upside down.

They are asked about the orientation of pages, whichever engine reads them. Each is loaded once a process, when it is
first asked, with one thread.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import cv2
import numpy as np
import onnxruntime
from numpy.typing import NDArray

from pdfocr_watcher.analysis.letters import Gray
from pdfocr_watcher.engines.networks import load_network
from pdfocr_watcher.engines.rapidocr_wheel import carried_weights
from pdfocr_watcher.errors import ErrorCode, PdfocrError

CLASSIFIER_WEIGHTS = "ch_ppocr_mobile_v2.0_cls_mobile.onnx"
READER_WEIGHTS = "PP-OCRv6_rec_small.onnx"

#: What a line is scaled to, in pixels; the classifier looks at the beginning, of this width.
LINE_HEIGHT = 48
CLASSIFIER_WIDTH = 192
#: The reader's class for "no character here".
_BLANK = 0


@dataclass(frozen=True, slots=True)
class Reading:
    """What the reader makes of one line.

    Attributes:
        text: its characters.
        confidence: mean over the characters, 0..1; 0 where there is none.
        centres: where each character stands, as a share of the line's width, 0..1.
    """

    text: str
    confidence: float
    centres: tuple[float, ...]


def read_line(line: Gray) -> Reading:
    """Read one line of text.

    Args:
        line: one line lying level, with a little margin.

    Raises:
        PdfocrError: `engine_unavailable` where the weights are missing or do not load.
    """
    network, characters = _reader()
    picture = _scaled(line)
    scores = network.run(None, {network.get_inputs()[0].name: _as_input([picture], picture.shape[1])})[0][0]
    best = scores.argmax(axis=1)
    kept = np.flatnonzero((best != _BLANK) & np.append(True, best[1:] != best[:-1]))
    return Reading(
        text="".join(characters[index] for index in best[kept]),
        confidence=float(scores[kept, best[kept]].mean()) if len(kept) else 0.0,
        centres=tuple(float(step + 0.5) / len(best) for step in kept),
    )


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
    return _load(CLASSIFIER_WEIGHTS)


@cache
def _reader() -> tuple[onnxruntime.InferenceSession, list[str]]:
    """The network and the character of each of its classes."""
    network = _load(READER_WEIGHTS)
    return network, ["", *network.get_modelmeta().custom_metadata_map["character"].splitlines(), " "]


def _load(name: str) -> onnxruntime.InferenceSession:
    weights = carried_weights(name)
    try:
        return load_network(weights, 1, often=False)  # as for the engine: lines come in ever new shapes
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
