"""Pages that are drawn when asked for, with a table, a figure or a headline on them."""

from collections.abc import Sequence

from PIL import Image, ImageDraw, ImageFont

WIDTH, HEIGHT = 1240, 1754
PARAGRAPH = (
    "The committee met on Tuesday in the old library and went",
    "through the list of the boats that had asked for a berth.",
    "Seventeen of them were given one, and nobody objected to",
    "that. The meeting was closed before the lamps were lit.",
)
FRUIT = (
    ("Fruit", "2023", "2024", "2025"),
    ("Apples", "1,200", "1,310", "1,290"),
    ("Pears", "800", "790", "815"),
    ("Plums", "95", "112", "130"),
    ("Cherries", "310", "285", "340"),
)
LEFT, COLUMNS = 150, (150, 500, 750, 1000)


def blank() -> tuple[Image.Image, ImageDraw.ImageDraw]:
    """An A4 page at 150 dpi."""
    page = Image.new("RGB", (WIDTH, HEIGHT), "white")
    return page, ImageDraw.Draw(page)


def write(draw: ImageDraw.ImageDraw, texts: Sequence[str], top: int, em: int = 30, left: int = LEFT) -> int:
    """Texts below each other; returns where they end."""
    for text in texts:
        draw.text((left, top), text, fill="black", font=ImageFont.load_default(em))
        top += round(1.4 * em)
    return top


def tabulate(
    draw: ImageDraw.ImageDraw, rows: Sequence[Sequence[str]], top: int, *, ruled: bool
) -> tuple[int, int, int, int]:
    """A table: with a grid, or with lines above and below it and below its head. Returns its box."""
    pitch, right = 48, COLUMNS[-1] + 130
    for number, row in enumerate(rows):
        for left, text in zip(COLUMNS, row, strict=True):
            draw.text((left, top + pitch * number + 8), text, fill="black", font=ImageFont.load_default(28))
    bottom = top + pitch * len(rows)
    for at in range(top, bottom + 1, pitch) if ruled else (top, top + pitch, bottom):
        draw.line((LEFT - 14, at, right, at), fill="black", width=2)
    for at in (*(left - 14 for left in COLUMNS), right) if ruled else ():
        draw.line((at, top, at, bottom), fill="black", width=2)
    return LEFT - 14, top, right, bottom


def chart(draw: ImageDraw.ImageDraw, box: tuple[int, int, int, int]) -> None:
    """Bars on an axis."""
    left, top, right, bottom = box
    draw.line([(left, top), (left, bottom), (right, bottom)], fill="black", width=3)
    step = (right - left) // 6
    for number, share in enumerate((0.4, 0.7, 0.3, 0.9, 0.6)):
        x = left + step * number + step // 2
        draw.rectangle((x, bottom - share * (bottom - top), x + step // 2, bottom), fill="gray", outline="black")
