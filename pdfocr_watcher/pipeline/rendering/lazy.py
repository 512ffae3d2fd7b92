"""An image whose samples stay as its raster file has them until a pixel is asked for.

Pillow keeps four bytes for a pixel where a PPM has three, so a page of 200 dpi costs milliseconds to take over; who
only wants it smaller can have that from the file's own samples for a fraction. How a file is read is in `ppm`.
"""

from typing import Any

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
        # The daemon and the command line, which import this package too, make no picture smaller.
        from pdfocr_watcher.pipeline.rendering.halving import halved  # noqa: PLC0415

        return halved(self._samples, self.size)
