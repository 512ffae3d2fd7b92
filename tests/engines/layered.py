"""Pages that are drawn with a text layer beside them, which can be made to lie."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field

from PIL import Image, ImageDraw, ImageFont

SIZE = (900, 700)
#: Pixels for a point, as at 144 dpi.
SCALE = 2.0
PROSE = (
    "The committee met on Tuesday in the old library and",
    "went through the list of boats that had asked for a",
    "berth. Seventeen of them were given one, and nobody",
    "objected to that. The meeting was closed before the",
    "lamps were lit, and everybody walked home by the",
    "harbour, where the wind had turned to the north.",
)


@dataclass
class Sheet:
    """A page as its reader sees it, and what its layer says.

    Attributes:
        image: what is drawn.
        words: the layer, as a renderer tells it.
    """

    image: Image.Image = field(default_factory=lambda: Image.new("RGB", SIZE, "white"))
    words: list[list[object]] = field(default_factory=list)

    def say(self, text: str, at: tuple[float, float], em: float = 26, angle: float = 0) -> None:
        """Put a line into the layer."""
        font, left = ImageFont.load_default(em), at[0]
        for word in text.split():
            width = font.getlength(word)
            box = (left, at[1], left + width, at[1] + 1.2 * em)
            self.words.append([word, *(side / SCALE for side in box), em / SCALE, angle, False])
            left += width + font.getlength(" ")

    def draw(self, text: str, at: tuple[float, float], em: float = 26, fill: str = "black") -> None:
        """Draw a line."""
        ImageDraw.Draw(self.image).text(at, text, fill=fill, font=ImageFont.load_default(em))

    def write(self, text: str, at: tuple[float, float], em: float = 26, fill: str = "black") -> None:
        """Do both."""
        self.draw(text, at, em, fill)
        self.say(text, at, em)

    @property
    def layer(self) -> bytes:
        """The file of the layer."""
        width, height = self.image.size
        return json.dumps({"width": width / SCALE, "height": height / SCALE, "words": self.words}).encode()


def prose(lie: Callable[[str], str] = lambda text: text) -> Sheet:
    """A page of prose of which the layer says what `lie` makes of each line."""
    sheet = Sheet()
    for number, text in enumerate(PROSE):
        at = (80, 80 + 50 * number)
        sheet.draw(text, at)
        sheet.say(lie(text), at)
    return sheet
