"""An image whose samples stay as its raster file has them until a pixel is asked for.

Pillow keeps four bytes for a pixel where a PPM has three, so a page of 200 dpi costs milliseconds to take over; who
only wants it smaller can have that from the file's own samples for a fraction. How a file is read is in `ppm`.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

#: The factor by which rasters of 200 dpi become pictures of 100, and the only one made quick here: by others OpenCV
#: does not give the very pixels that Pillow gives.
_HALF = 2


class LazyRaster(Image.Image):
    """A page raster in RGB.

    Args:
        size: width and height in pixels, at least 1.
        samples: red, green and blue of each pixel, row by row: 3 * width * height bytes.
    """

    def __init__(self, size: tuple[int, int], samples: memoryview) -> None:
        super().__init__()
        self._mode = "RGB"
        self._size = size
        self._samples: memoryview | None = samples

    def load(self) -> Any:
        """Take the samples over; every method of an image that needs pixels calls this first."""
        if self._samples is not None:
            # Pillow's own types leave out the memoryview, which any buffer may be and which saves a copy.
            decoded = Image.frombuffer("RGB", self.size, self._samples, "raw", "RGB", 0, 1)  # type: ignore[arg-type]
            self.im = decoded.im
            self._samples = None
        return super().load()

    def reduce(self, factor: int | tuple[int, int], box: tuple[int, int, int, int] | None = None) -> Image.Image:
        """The image made smaller by a whole number, pixel for pixel what Pillow's own `reduce` gives.

        Args:
            factor: by how much, or by how much across and down.
            box: the part of the image to make smaller; all of it by default.
        """
        if self._samples is None or factor != _HALF or box is not None or min(self.size) < _HALF:
            return super().reduce(factor, box)
        return _halved(np.frombuffer(self._samples, np.uint8).reshape(self.height, self.width, 3))


def _halved(pixels: NDArray[np.uint8]) -> Image.Image:
    """The means of four pixels each, and of two where the last column or row is left over."""
    import cv2  # noqa: PLC0415 - the daemon, which imports this package too, makes no picture smaller

    height, width = pixels.shape[:2]
    columns, rows = width // _HALF, height // _HALF
    halved = np.empty((rows + height % _HALF, columns + width % _HALF, 3), np.uint8)
    whole = pixels[: rows * _HALF, : columns * _HALF]
    # In place: the picture's rows are longer than these where a column is left over.
    cv2.resize(whole, (columns, rows), halved[:rows, :columns], interpolation=cv2.INTER_AREA)
    if width % _HALF:
        halved[:rows, -1] = _means(pixels[: rows * _HALF, -1])
    if height % _HALF:
        halved[-1, :columns] = _means(pixels[-1, : columns * _HALF])
    if width % _HALF and height % _HALF:
        halved[-1, -1] = pixels[-1, -1]
    return Image.fromarray(halved)


def _means(line: NDArray[np.uint8]) -> NDArray[np.uint16]:
    """The means of each two neighbours of a row or column, halves rounded up."""
    return (line[::_HALF].astype(np.uint16) + line[1::_HALF] + 1) // _HALF
