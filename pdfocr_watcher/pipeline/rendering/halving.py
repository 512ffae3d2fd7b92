"""A raster of half the width and height, from its samples: pixel for pixel what Pillow's `reduce(2)` gives."""

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image


def halved(samples: memoryview, size: tuple[int, int]) -> Image.Image:
    """The means of four pixels each, and of two where the last column or row is left over.

    Args:
        samples: red, green and blue of each pixel, row by row.
        size: width and height in pixels, each at least 2.
    """
    width, height = size
    pixels = np.frombuffer(samples, np.uint8).reshape(height, width, 3)
    columns, rows = width // 2, height // 2
    picture = np.empty((rows + height % 2, columns + width % 2, 3), np.uint8)
    whole = pixels[: rows * 2, : columns * 2]
    # In place: the picture's rows are longer than these where a column is left over.
    cv2.resize(whole, (columns, rows), picture[:rows, :columns], interpolation=cv2.INTER_AREA)
    if width % 2:
        picture[:rows, -1] = _means(pixels[: rows * 2, -1])
    if height % 2:
        picture[-1, :columns] = _means(pixels[-1, : columns * 2])
    if width % 2 and height % 2:
        picture[-1, -1] = pixels[-1, -1]
    return Image.fromarray(picture)


def _means(line: NDArray[np.uint8]) -> NDArray[np.uint16]:
    """The means of each two neighbours of a row or column, halves rounded up."""
    return (line[::2].astype(np.uint16) + line[1::2] + 1) // 2
