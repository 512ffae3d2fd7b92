"""The embedded engine: PP-OCR by way of RapidOCR on ONNX Runtime, on the CPU, with the weights of its wheel.

Text is found on a reduced copy of the page and read from the page itself, one line at a time. How the pixels are cut
stands in `raster`; how lines become blocks, in `analysis`.
"""

import os
from dataclasses import dataclass, replace
from importlib.metadata import version
from itertools import pairwise
from typing import Any

import cv2
import numpy as np
import rapidocr
from PIL import Image

from pdfocr_watcher.analysis.lines import Line, Word
from pdfocr_watcher.analysis.regions import Region
from pdfocr_watcher.engines.base import EngineInfo, LineEngine
from pdfocr_watcher.engines.rapidocr_wheel import carried_weights
from pdfocr_watcher.engines.raster import TURNED_ASPECT, Quad, Raster, crop, reduced, strips
from pdfocr_watcher.errors import ErrorCode, PdfocrError

DETECTION_WEIGHTS = "PP-OCRv6_det_small.onnx"
RECOGNITION_WEIGHTS = "PP-OCRv6_rec_small.onnx"

#: Long side, in pixels, of the copy on which text is found: this share of the page's, within these bounds.
DETECTION_SHARE = 0.43
MIN_DETECTION_SIDE = 960
MAX_DETECTION_SIDE = 2048
#: Below this, in pixels, nothing can be read.
MIN_SIDE = 8
#: A page smaller than this, in pixels, gets a margin, since the detector overlooks text that touches the edge.
SMALL_SIDE = 64
#: Readings less sure than this are noise: dirt, ruled lines, pictures.
MIN_CONFIDENCE = 0.5
#: What a line is scaled to, in pixels, and its least width: the library's 320 would be wasted on short ones.
LINE_HEIGHT = 48
#: Heights of a line between two of its characters that are no longer the same stretch of text.
WIDE_GAP = 1.5


class RapidOcrEngine(LineEngine):
    """Reads Latin, Chinese and Japanese script.

    Args:
        threads: threads that read one page, at least 1. Two processes of one thread are as fast as one of two.

    Raises:
        PdfocrError: `engine_unavailable` where the wheel lacks the weights or they do not load.
    """

    def __init__(self, threads: int = 1) -> None:
        self._ocr = _load(max(1, min(threads, os.cpu_count() or 1)))

    @property
    def info(self) -> EngineInfo:
        """Named by its weights and by RapidOCR's version."""
        return EngineInfo(
            name="rapidocr",
            model=RECOGNITION_WEIGHTS.removesuffix(".onnx").replace("_rec_", "_"),
            version=version("rapidocr"),
        )

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
        lines: list[Line] = []
        for strip in strips(page):
            for quad in self._find(strip.raster):
                line = self._read(strip.raster, quad, strip.left - margin, strip.top - margin)
                lines.append(_clipped(line, *image.size))
        return lines

    def read_piece(self, image: Image.Image, region: Region) -> Line | None:
        """One line, read without looking for it; a reading of any confidence."""
        left, top = max(0, int(region.left)), max(0, int(region.top))
        right, bottom = min(image.width, int(region.right) + 1), min(image.height, int(region.bottom) + 1)
        if right <= left or bottom <= top:
            return None
        piece = np.asarray(image.crop((left, top, right, bottom)).convert("RGB"))
        reading = self._recognize(np.ascontiguousarray(piece[:, :, ::-1]))
        if not reading.text:
            return None
        return Line(left, top, right, bottom, text=reading.text, confidence=reading.confidence)

    def _find(self, raster: Raster) -> list[Quad]:
        """The four corners of every line of text."""
        height, width = raster.shape[:2]
        long_side = max(height, width)
        side = round(min(MAX_DETECTION_SIDE, max(MIN_DETECTION_SIDE, DETECTION_SHARE * long_side)))
        small = reduced(raster, side)
        found = self._ocr(small, use_det=True, use_cls=False, use_rec=False)
        if found.boxes is None:
            return []
        scale = np.array([width / small.shape[1], height / small.shape[0]], dtype=np.float32)
        return [np.asarray(quad, dtype=np.float32) * scale for quad in found.boxes]

    def _read(self, raster: Raster, quad: Quad, left: int, top: int) -> Line:
        """The line inside `quad`, which may say nothing; `left`, `top` is where the raster's corner stands."""
        picture = crop(raster, quad)
        turned = picture.shape[0] >= TURNED_ASPECT * picture.shape[1]
        reading = self._recognize(np.ascontiguousarray(np.rot90(picture)) if turned else picture)
        if turned and picture.shape[0] < 2 * TURNED_ASPECT * picture.shape[1]:
            # A lone upright character (1, I, l) is as slim as a turned word.
            upright = self._recognize(picture)
            if upright.confidence > reading.confidence:
                reading, turned = upright, False
        x1, y1 = quad.min(axis=0)
        x2, y2 = quad.max(axis=0)
        box = (float(x1) + left, float(y1) + top, float(x2) + left, float(y2) + top)
        words = () if turned else reading.words(box[0], box[2], float(picture.shape[0]))
        return Line(*box, text=reading.text, confidence=reading.confidence, words=words)

    def _recognize(self, picture: Raster) -> "_Reading":
        """Read one line."""
        result = self._ocr(picture, use_det=False, use_cls=False, use_rec=True, return_word_box=True)
        if not result.txts:
            return _Reading("", 0.0, (), 0.0)
        info = result.word_results[0]
        columns = tuple(float(column) for word in info.word_cols for column in word)
        return _Reading(
            " ".join(str(result.txts[0]).split()), float(result.scores[0]), columns, float(info.line_txt_len)
        )


@dataclass(frozen=True, slots=True)
class _Reading:
    """What the recogniser makes of one crop.

    Attributes:
        text: without blanks at the ends, one blank between words.
        confidence: mean over the characters, 0..1.
        columns: the network's output column at which each character but the blanks was read.
        extent: output columns over the width of the crop.
    """

    text: str
    confidence: float
    columns: tuple[float, ...]
    extent: float

    def words(self, left: float, right: float, height: float) -> tuple[Word, ...]:
        """The stretches of text between blanks and wide gaps, placed between `left` and `right`."""
        centres = (
            [left + (column + 0.5) / self.extent * (right - left) for column in self.columns] if self.extent else []
        )
        if len(centres) != sum(not character.isspace() for character in self.text):
            return ()
        steps = [b - a for a, b in pairwise(centres)]
        half = float(np.median(steps)) / 2 if steps else (right - left) / 2
        words: list[Word] = []
        position = 0
        for token in self.text.split():
            start = position
            for index in range(position + 1, position + len(token) + 1):
                ends = index == position + len(token)
                if ends or centres[index] - centres[index - 1] > WIDE_GAP * height:
                    text = token[start - position : index - position]
                    words.append(Word(max(left, centres[start] - half), min(right, centres[index - 1] + half), text))
                    start = index
            position += len(token)
        return tuple(words)


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


def _load(threads: int) -> Any:
    """RapidOCR with both networks loaded and tried, silent, without a download."""
    cv2.setNumThreads(threads)
    detection, recognition = map(carried_weights, (DETECTION_WEIGHTS, RECOGNITION_WEIGHTS))
    try:
        ocr = rapidocr.RapidOCR(
            params={
                "Global.log_level": "critical",
                "Global.use_cls": False,
                "Global.use_preprocess_img": False,
                "Global.use_vertical_padding": False,
                "Det.model_path": str(detection),
                "Det.limit_type": "max",
                "Det.limit_side_len": 2 * MAX_DETECTION_SIDE,
                "Rec.model_path": str(recognition),
                "Rec.rec_batch_num": 1,
                "Rec.rec_img_shape": [3, LINE_HEIGHT, LINE_HEIGHT],
                # Lines and pages come in ever new shapes, and the arena keeps room for each: it saves 2 % of the time
                # and doubles the memory within a hundred pages.
                "EngineConfig.onnxruntime.enable_cpu_mem_arena": False,
                "EngineConfig.onnxruntime.intra_op_num_threads": threads,
                "EngineConfig.onnxruntime.inter_op_num_threads": 1,
            }
        )
        blank = np.full((SMALL_SIDE, 4 * SMALL_SIDE, 3), 255, dtype=np.uint8)
        ocr(blank, use_det=True, use_cls=False, use_rec=False)
        ocr(blank, use_det=False, use_cls=False, use_rec=True)
    except Exception as error:
        raise PdfocrError(ErrorCode.ENGINE_UNAVAILABLE, f"RapidOCR does not start: {error}") from error
    return ocr
