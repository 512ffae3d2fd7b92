"""PP-OCR's networks that find lines of text, by way of RapidOCR on ONNX Runtime, on a reduced copy of the page."""

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import rapidocr

from pdfocr_watcher.engines.raster import Quad, Raster, reduced

#: Long side, in pixels, of the copy on which text is found: this share of the page's, within these bounds.
DETECTION_SHARE = 0.43
MIN_DETECTION_SIDE = 960
MAX_DETECTION_SIDE = 2048
#: A page of no text with which a network is tried, height and width in pixels.
_BLANK = (64, 256)


class Detector:
    """Finds lines of text.

    Args:
        weights: an ONNX file.
        threads: that one run may use, at least 1.

    Raises:
        Exception: what RapidOCR and ONNX Runtime raise where the file is missing or no network.
    """

    def __init__(self, weights: Path, threads: int) -> None:
        cv2.setNumThreads(threads)
        self._ocr: Any = rapidocr.RapidOCR(
            params={
                "Global.log_level": "critical",
                "Global.use_cls": False,
                "Global.use_preprocess_img": False,
                "Global.use_vertical_padding": False,
                "Det.model_path": str(weights),
                "Det.limit_type": "max",
                "Det.limit_side_len": 2 * MAX_DETECTION_SIDE,
                # Pages come in ever new shapes, and the arena keeps room for each: it saves 2 % of the time and
                # doubles the memory within a hundred pages.
                "EngineConfig.onnxruntime.enable_cpu_mem_arena": False,
                "EngineConfig.onnxruntime.intra_op_num_threads": threads,
                "EngineConfig.onnxruntime.inter_op_num_threads": 1,
            }
        )
        # The first run loads the network. The library's own way to run it would also crop every line.
        self._ocr(np.full((*_BLANK, 3), 255, dtype=np.uint8), use_det=True, use_cls=False, use_rec=False)

    def find(self, raster: Raster) -> list[Quad]:
        """The four corners of every line of text."""
        height, width = raster.shape[:2]
        side = round(min(MAX_DETECTION_SIDE, max(MIN_DETECTION_SIDE, DETECTION_SHARE * max(height, width))))
        small = reduced(raster, side)
        found = self._ocr.text_det(small)
        if found.boxes is None:
            return []
        scale = np.array([width / small.shape[1], height / small.shape[0]], dtype=np.float32)
        return [np.asarray(quad, dtype=np.float32) * scale for quad in found.boxes]
