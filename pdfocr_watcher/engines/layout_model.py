"""The layout model: a page's picture in, rectangles with what is in them out.

A PicoDet network of PaddleDetection that was trained on CDLA (Chinese papers; it does well on others). What becomes of
the rectangles stands in `analysis`.
"""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from pdfocr_watcher.analysis.regions import Detection, Kind, Region
from pdfocr_watcher.engines.networks import load_network, scaled

#: What the network takes, in pixels.
WIDTH, HEIGHT = 608, 800
#: Its four outputs of each sort look at cells of this many pixels.
STRIDES = (8, 16, 32, 64)
#: Below this confidence a rectangle is noise.
MIN_CONFIDENCE = 0.3
#: Two rectangles of one kind that share this part of their union are one.
SAME = 0.5

#: The network's classes, in its order.
KINDS = tuple(Kind)

_Array = NDArray[np.float32]


class LayoutModel:
    """Finds what is where on a page.

    Args:
        path: the weights.
        threads: that may look at one page.

    Raises:
        Exception: what ONNX Runtime raises where the weights do not load.
    """

    def __init__(self, path: Path, threads: int = 1) -> None:
        self._network = load_network(path, threads, often=True)
        self._input = self._network.get_inputs()[0].name

    def find(self, image: Image.Image) -> list[Detection]:
        """The rectangles of a page, the surest first; those of one kind hardly overlap, others may.

        Args:
            image: the page's raster, upright, any mode and size.
        """
        outputs = self._network.run(None, {self._input: scaled(image, WIDTH, HEIGHT)})
        scores, boxes = decoded(outputs[:4], outputs[4:])
        scale = np.array([image.width / WIDTH, image.height / HEIGHT] * 2, dtype=np.float32)
        return detections(scores, boxes * scale)


def decoded(scores: list[_Array], edges: list[_Array]) -> tuple[_Array, _Array]:
    """What the network's raw outputs mean.

    Args:
        scores: for each stride, 1 x cells x classes, 0..1.
        edges: for each stride, 1 x cells x (4 edges x bins), how far each edge of a cell's rectangle is from the
            cell's middle, as a distribution over 0, 1, 2, ... strides (generalised focal loss, arXiv:2006.04388).

    Returns:
        Scores (rectangles x classes) and rectangles (rectangles x left, top, right, bottom) in pixels of the
        network's picture, of the cells where some class is likely enough.
    """
    found_scores: list[_Array] = []
    found_boxes: list[_Array] = []
    for stride, score, edge in zip(STRIDES, scores, edges, strict=True):
        rows, columns = -(-HEIGHT // stride), -(-WIDTH // stride)
        across, down = np.meshgrid(np.arange(columns) + 0.5, np.arange(rows) + 0.5)
        middles = np.stack([across.ravel(), down.ravel()] * 2, axis=1) * stride
        likely = score[0].max(axis=1) >= MIN_CONFIDENCE
        chances = edge[0][likely].reshape(-1, 4, edge.shape[2] // 4)
        chances = np.exp(chances - chances.max(axis=2, keepdims=True))
        distances = (chances @ np.arange(chances.shape[2])) / chances.sum(axis=2) * stride
        found_scores.append(score[0][likely])
        found_boxes.append(middles[likely] + distances * np.array([-1, -1, 1, 1]))
    limits = np.array([WIDTH, HEIGHT] * 2)
    boxes = np.clip(np.concatenate(found_boxes), 0, limits)
    return np.concatenate(found_scores), boxes.astype(np.float32)


def detections(scores: _Array, boxes: _Array) -> list[Detection]:
    """The rectangles that are left when each class has kept the surest of those that lie over each other."""
    kept: list[Detection] = []
    for index, kind in enumerate(KINDS):
        own: list[Detection] = []
        for number in np.argsort(-scores[:, index], kind="stable"):
            confidence = float(scores[number, index])
            if confidence < MIN_CONFIDENCE:
                break
            region = Region(*(float(value) for value in boxes[number]))
            if region.area > 0 and not any(_same(region, other.region) for other in own):
                own.append(Detection(kind, confidence, region))
        kept.extend(own)
    return sorted(kept, key=lambda detection: -detection.confidence)


def _same(one: Region, other: Region) -> bool:
    shared = one.shared(other)
    return shared > SAME * (one.area + other.area - shared)
