"""The table model: the picture of a table in, its structure out: the tags of its rows and cells, and where those are.

An SLANet network of PaddleOCR. What stands in the cells, and whether the structure is believed, is told by `analysis`.
"""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from pdfocr_watcher.analysis.regions import Region
from pdfocr_watcher.analysis.table_structure import TableStructure, structure_from_tags
from pdfocr_watcher.engines.networks import Picture, load_network, scaled

#: The longer side of the picture that the network takes, in pixels; the rest of the square is empty.
SIDE = 488
#: Where the vocabulary stands in the network's own notes, a tag a line.
_VOCABULARY = "character"
#: The network's tag of a cell without spans; its vocabulary has the two halves.
_WHOLE_CELL = "<td></td>"

_Array = NDArray[np.float32]


class TableModel:
    """Reads the structure of tables.

    Args:
        path: the weights.
        threads: that may look at one table.

    Raises:
        Exception: what ONNX Runtime raises where the weights do not load.
    """

    def __init__(self, path: Path, threads: int = 1) -> None:
        self._network = load_network(path, threads, often=False)
        self._input = self._network.get_inputs()[0].name
        self._tags = vocabulary(self._network.get_modelmeta().custom_metadata_map[_VOCABULARY])

    def read(self, image: Image.Image) -> TableStructure | None:
        """The structure of a table, its cells in pixels of `image`; None where the network saw no table in it.

        Args:
            image: the table with a little white around it, upright, any mode and size.
        """
        boxes, chances = self._network.run(None, {self._input: picture_of(image)})
        chosen = chances[0].argmax(axis=1)
        ends = np.flatnonzero(chosen[1:] == len(self._tags) - 1)
        count = int(ends[0]) + 1 if len(ends) else len(chosen)
        tags = [self._tags[index] for index in chosen[:count]]
        confidences = [float(value) for value in chances[0].max(axis=1)[:count]]
        # Boxes are shares of the table's picture, although the network sees it in a square.
        places = [_region(box, image.width, image.height) for box in boxes[0][:count]]
        return structure_from_tags(tags, confidences, places)


def vocabulary(notes: str) -> list[str]:
    """The network's tags in its order, from what its notes say: first comes the start, last the end."""
    tags = [tag for tag in notes.split("\n") if tag != "<td>"]
    if _WHOLE_CELL not in tags:
        tags.append(_WHOLE_CELL)
    return ["", *tags, ""]


def picture_of(image: Image.Image) -> Picture:
    """The picture in a square, from its upper left corner on."""
    share = SIDE / max(image.size)
    width, height = (max(1, int(side * share)) for side in image.size)
    picture: Picture = np.zeros((1, 3, SIDE, SIDE), dtype=np.float32)
    picture[:, :, :height, :width] = scaled(image, width, height)
    return picture


def _region(box: _Array, width: int, height: int) -> Region:
    left, right = sorted(float(value) * width for value in box[0::2])
    top, bottom = sorted(float(value) * height for value in box[1::2])
    return Region(left, top, right, bottom)
