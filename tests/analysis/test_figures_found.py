"""Figures are found where they are, nothing else is taken for one, and no word is lost to them."""

import cv2
import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

from pdfocr_watcher.analysis.blocks import blocks_from_lines
from pdfocr_watcher.analysis.figures import find_figures
from pdfocr_watcher.analysis.lines import Line
from pdfocr_watcher.analysis.regions import Region
from pdfocr_watcher.document.model import Label
from pdfocr_watcher.engines.ink import ink_mask
from tests.analysis.typeset import Reader, prose, set_column, set_line

#: A mask of 300 x 400 cells, each 4 pixels wide and high.
CELL, WIDTH, HEIGHT = 4, 1200, 1600
FIGURE = Region(300, 500, 900, 900)


def blank():
    return np.zeros((HEIGHT // CELL, WIDTH // CELL), dtype=np.uint8)


def fill(mask, left, top, right, bottom):
    """Ink in a rectangle given in pixels."""
    mask[top // CELL : bottom // CELL, left // CELL : right // CELL] = 1
    return mask


def frame(mask, left, top, right, bottom, cells=1):
    cv2.rectangle(mask, (left // CELL, top // CELL), (right // CELL - 1, bottom // CELL - 1), 1, cells)
    return mask


def grid(mask, left, top, right, bottom, columns, rows):
    """A ruled table."""
    for column in range(columns + 1):
        x = left + column * (right - left) // columns
        fill(mask, x, top, x + CELL, bottom + CELL)
    for row in range(rows + 1):
        y = top + row * (bottom - top) // rows
        fill(mask, left, y, right + CELL, y + CELL)
    return mask


def written(mask, lines):
    """The ink of lines of text."""
    for line in lines:
        fill(mask, int(line.left), int(line.top), int(line.right), int(line.bottom))
    return mask


def chart(mask, left, top, right, bottom):
    """Axes, a scale and bars with gaps between them."""
    fill(mask, left, top, left + CELL, bottom)
    for y in range(top, bottom + 1, (bottom - top) // 4):
        fill(mask, left, y, right, y + CELL)
    step = (right - left) // 5
    for index, share in enumerate((0.4, 0.7, 0.3, 0.9)):
        x = left + (index + 1) * step
        fill(mask, x, int(bottom - share * (bottom - top)), x + step // 2, bottom)
    return mask


def find(mask, lines=()):
    return find_figures(mask, list(lines), WIDTH, HEIGHT)


def near(region, left, top, right, bottom, slack=2 * CELL):
    got = (region.left, region.top, region.right, region.bottom)
    return all(abs(a - b) <= slack for a, b in zip(got, (left, top, right, bottom), strict=True))


def test_a_picture_among_text_is_found_where_it_is():
    lines = set_column(prose(8), 300, 200) + set_column(prose(8), 300, 960)
    mask = fill(written(blank(), lines), 300, 500, 900, 900)
    (region,) = find(mask, lines)
    assert near(region, 300, 500, 900, 900)


def test_a_bar_chart_is_one_figure_with_its_frame():
    labels = [set_line(name, 400 + 100 * index, 860) for index, name in enumerate(("Mon", "Tue", "Wed", "Thu"))]
    mask = frame(chart(written(blank(), labels), 360, 540, 860, 840), 300, 500, 900, 900)
    (region,) = find(mask, labels)
    assert near(region, 300, 500, 900, 900)


def test_the_mask_is_left_as_it_was():
    mask = fill(blank(), 300, 500, 900, 900)
    before = mask.copy()
    find(mask, [set_line("over the picture", 400, 600)])
    assert (mask == before).all()


def test_pictures_that_overlap_are_one_and_pictures_apart_are_two():
    # The second stands in the corner of an angle, inside its box but apart from its ink.
    angle = fill(fill(blank(), 100, 200, 700, 260), 100, 200, 160, 800)
    assert len(find(fill(angle, 400, 500, 700, 800))) == 1
    assert len(find(fill(fill(blank(), 100, 200, 500, 600), 700, 200, 1100, 600))) == 2


def test_several_figures_come_from_top_to_bottom():
    regions = find(fill(fill(blank(), 700, 900, 1100, 1300), 100, 200, 500, 600))
    assert [region.top for region in regions] == sorted(region.top for region in regions)
    assert len(regions) == 2


TABLE_CELLS = [set_line(f"cell{x}{y}", 320 + 150 * x, 515 + 66 * y) for x in range(4) for y in range(6)]
SHORT_LINES = [set_line("x" * 17, 310 + 200 * x, 510 + 32 * y) for x in range(3) for y in range(12)]
UNREAD = [(x, y) for y in range(300, 1300, 48) for x in range(150, 1000, 90)]
NOTE = set_column(prose(5, characters=50), 340, 560, pitch=50)


@pytest.mark.parametrize(
    ("mask", "lines"),
    [
        pytest.param(blank(), [], id="an empty page"),
        pytest.param(written(blank(), set_column(prose(40), 200, 200)), set_column(prose(40), 200, 200), id="text"),
        pytest.param(grid(blank(), 300, 500, 900, 900, 4, 6), TABLE_CELLS, id="a table with its text"),
        pytest.param(grid(blank(), 300, 500, 900, 900, 4, 6), [], id="an empty form"),
        pytest.param(
            grid(written(blank(), TABLE_CELLS), 300, 500, 900, 900, 4, 6), [], id="a table that could not be read"
        ),
        pytest.param(fill(blank(), 100, 400, 1100, 440), [], id="a thick rule"),
        pytest.param(fill(blank(), 100, 400, 1100, 560), [], id="a banner"),
        pytest.param(frame(blank(), 300, 500, 900, 900), [], id="an empty frame"),
        pytest.param(frame(written(blank(), NOTE), 300, 500, 900, 900), NOTE, id="a framed note"),
        pytest.param(frame(blank(), 30, 30, 1170, 1570, 3), [], id="the frame of the page"),
        pytest.param(fill(blank(), 0, 0, 1200, 1600), set_column(prose(20), 200, 200), id="a coloured slide"),
        pytest.param(fill(fill(blank(), 0, 0, 60, 1600), 0, 1500, 1200, 1600), [], id="a scan's margins"),
        pytest.param(fill(fill(blank(), 0, 300, 24, 900), 0, 300, 300, 324), [], id="a fold at the edge"),
        pytest.param(fill(blank(), 500, 500, 648, 648), [], id="an ornament"),
        pytest.param(fill(blank(), 300, 500, 700, 600), [], id="a bar"),
        pytest.param(fill(frame(blank(), 300, 500, 900, 900), 320, 520, 440, 640), [], id="a note with a sign"),
        pytest.param(
            fill(fill(grid(blank(), 300, 500, 900, 900, 8, 10), 310, 510, 370, 570), 830, 830, 890, 890),
            [],
            id="a form with ticks",
        ),
        pytest.param(
            fill(blank(), 300, 500, 900, 900), set_column(prose(4, characters=50), 320, 520), id="a tinted paragraph"
        ),
        pytest.param(fill(blank(), 300, 500, 900, 900), SHORT_LINES, id="a tint under many words"),
    ],
)
def test_no_figure(mask, lines):
    assert find(mask, lines) == []


def test_text_that_could_not_be_read_is_no_figure():
    mask = blank()
    for x, y in UNREAD:
        fill(mask, x, y, x + 80, y + 32)
    assert find(mask) == []


def test_text_with_an_initial_that_could_not_be_read_is_no_figure():
    mask = fill(blank(), 150, 300, 320, 428)
    for x, y in UNREAD:
        if x > 320 or y > 428:
            fill(mask, x, y, x + 80, y + 32)
    assert find(mask) == []


def test_a_framed_note_that_could_not_be_read_is_no_figure():
    mask = frame(blank(), 100, 260, 1100, 700)
    for x, y in UNREAD:
        if y < 640:
            fill(mask, x, y, x + 80, y + 24)
    assert find(mask) == []


def test_a_photograph_at_the_edge_is_found_without_the_scans_margin():
    mask = fill(fill(blank(), 0, 0, 40, 1600), 40, 500, 500, 1000)
    (region,) = find(mask)
    assert near(region, 40, 500, 500, 1000)


def texts(blocks):
    return [(block.label, block.content) for block in blocks]


def place(lines, *figures):
    return blocks_from_lines(lines, WIDTH, HEIGHT, figures)


def test_a_figure_stands_between_the_text_above_and_below_it():
    above, below = set_column(prose(5, "a"), 300, 300), set_column(prose(5, "b"), 300, 960)
    labels = [block.label for block in place(below + above, FIGURE)]
    assert labels == [Label.TEXT, Label.IMAGE, Label.TEXT]


def test_an_image_block_has_the_figures_box_and_no_content():
    (block,) = place([], FIGURE)
    assert (block.label, block.content, len(block.boxes)) == (Label.IMAGE, "", 1)
    assert near(Region(*block.boxes[0].to_pixels(WIDTH, HEIGHT)), 300, 500, 900, 900)


def test_a_figure_in_the_second_column_comes_after_the_text_above_it():
    left, right = set_column(prose(30, "l"), 100, 300), set_column(prose(6, "r"), 650, 300)
    foot = set_column(prose(9, "f"), 650, 810)
    blocks = place(left + right + foot, Region(650, 470, 1050, 780))
    found = [block.label if block.label is Label.IMAGE else block.content[0] for block in blocks]
    assert found == ["l", "r", Label.IMAGE, "f"]


def test_words_in_a_figure_are_text_after_it_and_none_is_lost():
    around = set_column(prose(6), 300, 300) + set_column(prose(6), 300, 1000)
    inside = [set_line("Mon", 400, 860), set_line("Tue", 600, 860), set_line("100", 320, 520, em=60)]
    blocks = place(around + inside, FIGURE)
    image = next(index for index, block in enumerate(blocks) if block.label is Label.IMAGE)
    said = " ".join(block.content for block in blocks[image + 1 : image + 3])
    assert blocks[image + 1].label is Label.TEXT
    assert {"Mon", "Tue", "100"} <= set(said.split())
    words = " ".join(block.content for block in blocks).split()
    assert sorted(words) == sorted(" ".join(line.text for line in around + inside).split())


@pytest.mark.parametrize(
    "text", ["Figure 1: Pages a week", "Fig. 2. Pages", "Abb. 3a Umsatz", "Abbildung 4 \u2013 Umsatz"]
)
@pytest.mark.parametrize("top", [915, 465])
def test_a_caption_below_or_above_is_one_and_reads_as_before(text, top):
    blocks = place([set_line(text, 300, top)], FIGURE)
    assert (Label.IMAGE_CAPTION, text) in texts(blocks)


@pytest.mark.parametrize(
    ("text", "left", "top"),
    [
        ("Figure 3 shows what came in", 300, 915),
        ("Pages that came in", 300, 915),
        ("Figure 1: Pages a week", 300, 1200),
        ("Figure 1: Pages a week", 940, 915),
    ],
)
def test_other_text_is_no_caption(text, left, top):
    assert Label.IMAGE_CAPTION not in {block.label for block in place([set_line(text, left, top)], FIGURE)}


def test_the_caption_below_is_preferred_to_one_above():
    lines = [set_line("Figure 1: another one's", 300, 465), set_line("Figure 2: its own", 300, 915)]
    captions = [block.content for block in place(lines, FIGURE) if block.label is Label.IMAGE_CAPTION]
    assert captions == ["Figure 2: its own"]


def drawn_page(ink="black", paper="white"):
    """A page with a paragraph, a line chart in thin strokes and its caption; returns it with its lines."""
    image = Image.new("RGB", (1240, 1754), paper)
    draw, font, lines = ImageDraw.Draw(image), ImageFont.load_default(32), []
    rows = [(200 + 45 * index, text) for index, text in enumerate(prose(6))]
    for top, text in [*rows, (1180, "Figure 1: A week")]:
        box = draw.textbbox((150, top), text, font=font)
        draw.text((150, top), text, fill=ink, font=font)
        lines.append(Line(*map(float, box), text, 0.9))
    draw.line([(200, 600), (200, 1120), (1000, 1120)], fill=ink, width=1)
    draw.line([(200, 1100), (400, 800), (600, 1000), (800, 650), (1000, 700)], fill=ink, width=2)
    return image, lines


@pytest.mark.parametrize(("ink", "paper"), [("black", "white"), ("white", "navy"), ("#30507a", "#f3e8d0")])
@pytest.mark.parametrize("mode", ["RGB", "L", "CMYK"])
def test_an_engine_of_lines_gives_the_figure_of_a_page(ink, paper, mode):
    image, lines = drawn_page(ink, paper)
    blocks = Reader(lines).recognize(image.convert(mode)).blocks
    assert [block.label for block in blocks] == [Label.TEXT, Label.IMAGE, Label.IMAGE_CAPTION]
    assert near(Region(*blocks[1].boxes[0].to_pixels(1240, 1754)), 200, 600, 1001, 1121, slack=12)


@pytest.mark.parametrize("size", [(1, 1), (3, 900), (900, 3), (8, 8), (12_000, 20)])
@pytest.mark.parametrize("colour", ["white", "black"])
def test_pages_of_any_shape_have_a_mask_and_no_figure(size, colour):
    image = Image.new("RGB", size, colour)
    assert not ink_mask(image).any()
    assert Reader([]).recognize(image).blocks == ()


def test_a_hairline_survives_in_the_mask():
    image = Image.new("L", (1654, 2339), 255)
    ImageDraw.Draw(image).line((100, 1003, 1500, 1003), fill=0, width=1)
    mask = ink_mask(image)
    assert mask.any(axis=0).sum() > 0.8 * mask.shape[1]
    assert mask.any(axis=1).sum() == 1
