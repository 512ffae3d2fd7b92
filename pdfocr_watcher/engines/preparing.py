"""A page raster becomes the picture that a model sees, as its profile says.

It is made here, ahead of the engine, so that the model's own processor has little left to scale: sides in the steps
that it rounds to, and no more pixels than the tiles need that it cuts. A page is never made larger, but padded where
it is a thread.
"""

import io
import math
from dataclasses import dataclass

from PIL import Image

from pdfocr_watcher.document.model import GRID, Box
from pdfocr_watcher.engines.profiles import Picture, PictureFormat

#: What pads a picture to a square; the gray that DeepSeek-OCR's own processor pads its overview with.
_GRAY = (127, 127, 127)
#: Some processors refuse a picture that is 200 times longer than wide; patches need some pixels.
_MAX_ASPECT = 100
_LEAST_SIDE = 32
#: A page that must become smaller than half is first halved by whole pixels, which is quicker.
_REDUCING_GAP = 1.5


@dataclass(frozen=True, slots=True)
class Fit:
    """Where a page stands in its picture, in pixels of the picture.

    Attributes:
        width: of the picture.
        height: of the picture.
        left: where the page begins; right of it is padding, as there is left of it.
        top: where the page begins.
        page_width: of the page in the picture.
        page_height: of the page in the picture.
    """

    width: int
    height: int
    left: int
    top: int
    page_width: int
    page_height: int

    @property
    def padded(self) -> bool:
        """Whether the picture shows more than the page."""
        return (self.width, self.height) != (self.page_width, self.page_height)

    def on_page(self, box: Box) -> Box:
        """A box of the picture as a box of the page, clipped to it; both on the 0..999 grid."""
        if not self.padded:
            return box
        x, y = self.width / GRID, self.height / GRID
        return Box.from_pixels(
            box.x1 * x - self.left,
            box.y1 * y - self.top,
            box.x2 * x - self.left,
            box.y2 * y - self.top,
            self.page_width,
            self.page_height,
        )


def prepare(image: Image.Image, picture: Picture) -> bytes:
    """Make the picture of a page.

    Args:
        image: the page's raster, upright, any mode and size; it is not changed.
        picture: how the model wants it.

    Returns:
        An RGB picture, JPEG or PNG encoded, of the size that `fit` says.
    """
    place = fit(*image.size, picture)
    page = _plain(image)
    size = (place.page_width, place.page_height)
    if page.size != size:
        page = page.resize(size, Image.Resampling.BICUBIC, reducing_gap=_REDUCING_GAP)
    page = page.convert("RGB") if page.mode != "RGB" else page
    if place.padded:
        padded = Image.new("RGB", (place.width, place.height), _GRAY if picture.square else "white")
        padded.paste(page, (place.left, place.top))
        page = padded
    encoded = io.BytesIO()
    if picture.format is PictureFormat.PNG:
        page.save(encoded, "PNG", compress_level=1)
    else:
        page.save(encoded, "JPEG", quality=picture.quality, subsampling=0)  # coloured print keeps its edges
    return encoded.getvalue()


def fit(width: int, height: int, picture: Picture) -> Fit:
    """How large a page becomes in its picture, and where it stands there.

    Args:
        width: of the page's raster, in pixels, at least 1.
        height: of the page's raster, in pixels, at least 1.
        picture: how the model wants it.
    """
    scale = min(1.0, picture.max_side / max(width, height), math.sqrt(picture.max_pixels / (width * height)))
    if picture.tile:
        scale = min(scale, _tiled(width, height, picture))
    page_width, page_height = _stepped(width * scale, height * scale, picture)
    whole_width = max(page_width, _LEAST_SIDE, math.ceil(page_height / _MAX_ASPECT))
    whole_height = max(page_height, _LEAST_SIDE, math.ceil(page_width / _MAX_ASPECT))
    if picture.square:
        whole_width = whole_height = max(whole_width, whole_height)
    return Fit(
        width=whole_width,
        height=whole_height,
        left=(whole_width - page_width) // 2,
        top=(whole_height - page_height) // 2,
        page_width=page_width,
        page_height=page_height,
    )


def tile_grid(width: int, height: int, picture: Picture) -> tuple[int, int]:
    """Columns and rows of tiles that DeepSeek-OCR's processor cuts a picture of this size into.

    It takes the grid whose shape is nearest to the picture's, and of two that are equally near the one with more tiles
    if the picture fills half of them (`find_closest_aspect_ratio` in vLLM's `processors/deepseek_ocr.py`). A picture
    no larger than a tile is not cut: 1, 1.
    """
    if max(width, height) <= picture.tile:
        return 1, 1
    shape, best, nearest = width / height, (1, 1), math.inf
    counts = range(picture.min_tiles, picture.max_tiles + 1)
    grids = [(columns, count // columns) for count in counts for columns in range(1, count + 1) if count % columns == 0]
    for columns, rows in grids:
        distance = abs(shape - columns / rows)
        fills = width * height > picture.tile**2 * columns * rows / 2
        if distance < nearest or (distance == nearest and fills):
            best, nearest = (columns, rows), distance
    return best


def _tiled(width: int, height: int, picture: Picture) -> float:
    """The scale at which a page just covers the tiles that will be cut from its picture."""
    if picture.square:
        width = height = max(width, height)
    columns, rows = tile_grid(width, height, picture)
    return max(columns * picture.tile / width, rows * picture.tile / height)


def _stepped(width: float, height: float, picture: Picture) -> tuple[int, int]:
    """Sides in whole steps, rounded as the models' processors do: to the nearest, unless that is too large."""
    step = picture.step
    sides = [max(step, round(side / step) * step) for side in (width, height)]
    if max(sides) > picture.max_side or sides[0] * sides[1] > picture.max_pixels:
        sides = [max(step, int(side / step) * step) for side in (width, height)]
    return sides[0], sides[1]


def _plain(image: Image.Image) -> Image.Image:
    """The page as gray or RGB, what is transparent on white."""
    if image.mode in {"L", "RGB"}:
        return image
    if image.mode == "1":
        return image.convert("L")
    if image.has_transparency_data:
        page = image.convert("RGBA")
        white = Image.new("RGBA", page.size, "white")
        return Image.alpha_composite(white, page).convert("RGB")
    return image.convert("RGB")
