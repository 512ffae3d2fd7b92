"""What makes a page upright, and doing it. How it is found out is in `orientation`, which loads much more than this."""

from dataclasses import dataclass

from PIL import Image

#: Exact turns, from clockwise degrees.
_TURNS = {90: Image.Transpose.ROTATE_270, 180: Image.Transpose.ROTATE_180, 270: Image.Transpose.ROTATE_90}
#: The paper's colour is told from a copy of at most so many pixels a side.
_SAMPLE_SIDE = 256
#: Levels of a channel in one band of the count that tells it.
_BAND = 8


@dataclass(frozen=True, slots=True)
class Uprighting:
    """By how much a page is to be turned so that it can be read: first by `turn`, then by `skew`.

    Attributes:
        turn: 0, 90, 180 or 270 degrees clockwise.
        skew: degrees clockwise, within 10 either way; 0 where the lines are level.
    """

    turn: int = 0
    skew: float = 0.0

    def __post_init__(self) -> None:
        if self.turn not in {0, *_TURNS}:
            raise ValueError(f"a page is turned by 0, 90, 180 or 270 degrees, not {self.turn}")

    def __bool__(self) -> bool:
        """Whether there is anything to do."""
        return bool(self.turn or self.skew)


def straighten(image: Image.Image, uprighting: Uprighting) -> Image.Image:
    """The page upright and level.

    Args:
        image: the page's raster, any mode; it is not changed.
        uprighting: what is to be done.

    Returns:
        `image` itself where there is nothing to do. Turns are exact, and sides change places with 90 and 270. A skewed
        page keeps its size: corners that leave it are lost, and those that come into it have the paper's colour.
    """
    if uprighting.turn:
        image = image.transpose(_TURNS[uprighting.turn])
    if not uprighting.skew:
        return image
    if image.mode not in {"L", "RGB", "RGBA", "CMYK"}:
        image = image.convert("L" if image.mode in {"1", "LA", "I", "F"} else "RGB")  # indices cannot be mixed
    return image.rotate(-uprighting.skew, resample=Image.Resampling.BICUBIC, fillcolor=_paper(image))


def _paper(image: Image.Image) -> tuple[int, ...]:
    """The page's most frequent colour, channel by channel."""
    sample = image.reduce(max(1, max(image.size) // _SAMPLE_SIDE))
    return tuple(_fullest(channel.histogram()) for channel in sample.split())


def _fullest(histogram: list[int]) -> int:
    """The fullest level of the fullest band: dirt on the paper spreads its levels, pure white stays pure."""
    sums = [sum(histogram[start : start + _BAND]) for start in range(len(histogram) - _BAND + 1)]
    start = max(range(len(sums)), key=sums.__getitem__)
    return max(range(start, start + _BAND), key=histogram.__getitem__)
