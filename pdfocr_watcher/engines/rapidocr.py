"""The embedded engine: PP-OCR on ONNX Runtime, on the CPU, with the weights of RapidOCR's wheel and installed ones.

Text is found on a reduced copy of the page and read from the page itself, one line at a time. How the pixels are cut
stands in `raster`; which network reads which line, in `cascade`; how lines become blocks, in `analysis`.
"""

import os
import sys
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path

import numpy as np
from PIL import Image

from pdfocr_watcher.analysis.lines import Line
from pdfocr_watcher.analysis.regions import Region
from pdfocr_watcher.engines.base import EngineInfo, LineEngine
from pdfocr_watcher.engines.cascade import Cascade, FoundLine, Networks
from pdfocr_watcher.engines.detection import Detector
from pdfocr_watcher.engines.policy import ReadingPolicy
from pdfocr_watcher.engines.rapidocr_wheel import RECOGNITION_WEIGHTS, carried_weights
from pdfocr_watcher.engines.raster import Raster, strips
from pdfocr_watcher.engines.recognition import Recognizer
from pdfocr_watcher.engines.word_guide import WordGuide
from pdfocr_watcher.errors import ErrorCode, PdfocrError
from pdfocr_watcher.weights.catalogue import QUICK_DETECTION, QUICK_RECOGNITION
from pdfocr_watcher.weights.folder import can_read_quickly

DETECTION_WEIGHTS = "PP-OCRv6_det_small.onnx"

#: Below this, in pixels, nothing can be read.
MIN_SIDE = 8
#: A page smaller than this, in pixels, gets a margin, since the detector overlooks text that touches the edge.
SMALL_SIDE = 64
#: Readings less sure than this are noise: dirt, ruled lines, pictures.
MIN_CONFIDENCE = 0.5
#: What read, as status.json names it.
_MODELS = {
    ReadingPolicy.FAST: "PP-OCRv6_tiny",
    ReadingPolicy.BALANCED: "PP-OCRv6_tiny+small",
    ReadingPolicy.ACCURATE: "PP-OCRv6_small",
}


class RapidOcrEngine(LineEngine):
    """Reads Latin, Chinese and Japanese script.

    Args:
        threads: threads that read one page, at least 1. Two processes of one thread are as fast as one of two.
        policy: how carefully it reads, where the quick networks are to be had; accurately where they are not.
        weights: the folder with the quick networks and the word lists; None for none.
        word_lists: whether these are used.

    Raises:
        PdfocrError: `engine_unavailable` where the wheel lacks the weights or they do not load.
    """

    def __init__(
        self,
        threads: int = 1,
        policy: ReadingPolicy = ReadingPolicy.ACCURATE,
        weights: Path | None = None,
        *,
        word_lists: bool = True,
    ) -> None:
        threads = max(1, min(threads, os.cpu_count() or 1))
        quick = None if policy is ReadingPolicy.ACCURATE or weights is None else _quick(weights, threads)
        if quick is None:
            policy = ReadingPolicy.ACCURATE
        self._model = _MODELS[policy]
        if quick is not None and policy is ReadingPolicy.FAST:
            self._cascade = Cascade(quick)
            return
        detector, recognizer = _careful(threads)
        careful = Networks(detector, recognizer)
        guide = WordGuide(recognizer, weights) if weights is not None and word_lists else None
        self._cascade = Cascade(careful, None, guide) if quick is None else Cascade(quick, careful, guide)

    @property
    def info(self) -> EngineInfo:
        """Named by the weights that read and by RapidOCR's version."""
        return EngineInfo(name="rapidocr", model=self._model, version=version("rapidocr"))

    def read_lines(self, image: Image.Image) -> list[Line]:
        """The text lines of a page of any size, mode and shape; none where there is nothing to read."""
        return [line for line in self.find_lines(image) if is_sure(line)]

    def find_lines(self, image: Image.Image) -> list[Line]:
        """The same, with the places where something stands of which nothing sure, or nothing at all, was read."""
        if min(image.size) < MIN_SIDE:
            return []
        page: Raster = np.ascontiguousarray(np.asarray(image.convert("RGB"))[:, :, ::-1])
        margin = SMALL_SIDE // 2 if min(image.size) < SMALL_SIDE else 0
        if margin:
            page = np.pad(page, ((margin, margin), (margin, margin), (0, 0)), mode="edge")
        return [
            _clipped(_line(found, strip.left - margin, strip.top - margin), *image.size)
            for strip in strips(page)
            for found in self._cascade.read(strip.raster)
        ]

    def read_piece(self, image: Image.Image, region: Region) -> Line | None:
        """One line, read without looking for it; a reading of any confidence."""
        left, top = max(0, int(region.left)), max(0, int(region.top))
        right, bottom = min(image.width, int(region.right) + 1), min(image.height, int(region.bottom) + 1)
        if right <= left or bottom <= top:
            return None
        piece = np.asarray(image.crop((left, top, right, bottom)).convert("RGB"))
        reading = self._cascade.read_piece(np.ascontiguousarray(piece[:, :, ::-1]))
        if not reading.text:
            return None
        return Line(left, top, right, bottom, text=reading.text, confidence=reading.confidence)


def _line(found: FoundLine, left: float, top: float) -> Line:
    """A line on the page; `left`, `top` is where the corner of the raster stands that it was found on."""
    x1, y1 = found.quad.min(axis=0)
    x2, y2 = found.quad.max(axis=0)
    box = (float(x1) + left, float(y1) + top, float(x2) + left, float(y2) + top)
    words = () if found.turned else found.reading.words(box[0], box[2], found.height)
    return Line(*box, text=found.reading.text, confidence=found.reading.confidence, words=words)


def is_sure(line: Line) -> bool:
    """Whether what was read of a line is more than noise."""
    return bool(line.text) and line.confidence >= MIN_CONFIDENCE


def _clipped(line: Line, width: int, height: int) -> Line:
    """The line with its box inside the page: the margin that a small page got is none of it."""
    return replace(
        line,
        left=min(width, max(0.0, line.left)),
        top=min(height, max(0.0, line.top)),
        right=min(width, max(0.0, line.right)),
        bottom=min(height, max(0.0, line.bottom)),
    )


def _careful(threads: int) -> tuple[Detector, Recognizer]:
    """The networks of RapidOCR's wheel."""
    detection, recognition = map(carried_weights, (DETECTION_WEIGHTS, RECOGNITION_WEIGHTS))
    try:
        return Detector(detection, threads), Recognizer(recognition, threads)
    except Exception as error:
        raise PdfocrError(ErrorCode.ENGINE_UNAVAILABLE, f"RapidOCR does not start: {error}") from error


def _quick(folder: Path, threads: int) -> Networks | None:
    """The quick networks; None where they are not there, or do not load."""
    if not can_read_quickly(folder):
        return None
    try:
        return Networks(
            Detector(folder / QUICK_DETECTION.file, threads), Recognizer(folder / QUICK_RECOGNITION.file, threads)
        )
    except Exception as error:  # noqa: BLE001 - whatever the library raises, the careful ones do without
        print(f"the quick networks in {folder} do not load: {error}", file=sys.stderr)  # noqa: T201 - the worker's log
        return None
