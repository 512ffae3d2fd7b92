"""What the engines of lines share: tables, figures and headings of a drawn page, with the models and without."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image, ImageDraw, ImageFont

from pdfocr_watcher.analysis.lines import Line
from pdfocr_watcher.analysis.regions import Region
from pdfocr_watcher.analysis.tables import Table
from pdfocr_watcher.document.model import Label
from pdfocr_watcher.engines import page_analysis as module
from pdfocr_watcher.engines.page_analysis import PageAnalysis
from pdfocr_watcher.engines.rapidocr import RapidOcrEngine
from pdfocr_watcher.engines.registry import Setup, create_engine
from tests.engines import drawn


@pytest.fixture(scope="module")
def engine() -> Iterator[RapidOcrEngine]:
    return RapidOcrEngine(threads=1)


@pytest.fixture(scope="module")
def report() -> Image.Image:
    """A page with a paragraph, a ruled table with its caption, a chart with its, and another paragraph."""
    page, draw = drawn.blank()
    drawn.write(draw, drawn.PARAGRAPH, 120)
    drawn.write(draw, ["Table 1: Fruit that was sold, in tons"], 320, em=26)
    drawn.tabulate(draw, drawn.FRUIT, 370, ruled=True)
    drawn.chart(draw, (250, 760, 1000, 1160))
    drawn.write(draw, ["Figure 1: The same as bars"], 1190, em=26, left=400)
    drawn.write(draw, drawn.PARAGRAPH, 1320)
    return page


def read(engine: RapidOcrEngine, page: Image.Image, weights: Path | None) -> list[tuple[Label, str]]:
    blocks = PageAnalysis(weights).blocks(page, engine.read_lines(page), engine.read_piece)
    return [(block.label, block.content) for block in blocks]


def rows(html: str) -> list[list[str]]:
    return [re.findall("<td[^>]*>(.*?)</td>", row) for row in re.findall("<tr>(.*?)</tr>", html)]


def test_a_page_with_everything(engine, report, weights):
    found = read(engine, report, weights)
    assert [label for label, _ in found] == [
        Label.TEXT, Label.TABLE_CAPTION, Label.TABLE, Label.IMAGE, Label.IMAGE_CAPTION, Label.TEXT,
    ]  # fmt: skip
    assert rows(found[2][1]) == [list(row) for row in drawn.FRUIT]


def test_without_weights_a_ruled_table_is_found_all_the_same(engine, report):
    found = read(engine, report, None)
    assert [rows(content) for label, content in found if label is Label.TABLE] == [[list(row) for row in drawn.FRUIT]]
    assert Label.IMAGE in {label for label, _ in found}


def test_an_unruled_table_is_read(engine, weights):
    page, draw = drawn.blank()
    drawn.write(draw, drawn.PARAGRAPH, 120)
    drawn.tabulate(draw, drawn.FRUIT, 370, ruled=False)
    drawn.write(draw, drawn.PARAGRAPH, 760)
    found = read(engine, page, weights)
    assert [label for label, _ in found] == [Label.TEXT, Label.TABLE, Label.TEXT]
    assert rows(found[1][1]) == [list(row) for row in drawn.FRUIT]


def test_a_table_that_fills_the_page_is_one(engine, weights):
    page = Image.new("RGB", (1170, 270), "white")
    cut, draw = drawn.blank()
    left, top, right, bottom = drawn.tabulate(draw, drawn.FRUIT, 370, ruled=False)
    page.paste(cut.crop((left, top, right, bottom)), (15, 15))
    found = read(engine, page, weights)
    assert [label for label, _ in found] == [Label.TABLE]
    assert rows(found[0][1]) == [list(row) for row in drawn.FRUIT]


def test_what_the_detector_overlooks_in_a_cell_is_read_after_all(engine, report, weights):
    lines = [line for line in engine.read_lines(report) if line.text not in {"95", "112", "1,310"}]
    blocks = PageAnalysis(weights).blocks(report, lines, engine.read_piece)
    (table,) = [block.content for block in blocks if block.label is Label.TABLE]
    assert rows(table) == [list(row) for row in drawn.FRUIT]
    blocks = PageAnalysis(weights).blocks(report, lines)
    (table,) = [block.content for block in blocks if block.label is Label.TABLE]
    assert rows(table)[3] == ["Plums", "", "", "130"], "without a reader they stay empty"


def test_a_doubtful_reading_of_ink_is_not_believed(engine, report, weights):
    def guess(_image: Image.Image, region: Region) -> Line:
        return Line(region.left, region.top, region.right, region.bottom, "88", 0.6)

    lines = [line for line in engine.read_lines(report) if line.text != "112"]
    blocks = PageAnalysis(weights).blocks(report, lines, guess)
    (table,) = [block.content for block in blocks if block.label is Label.TABLE]
    assert rows(table)[3] == ["Plums", "95", "", "130"]


def test_ink_that_reaches_into_a_cell_from_outside_is_not_read(engine, report, weights):
    page = report.copy()
    draw = ImageDraw.Draw(page)
    lines = [line for line in engine.read_lines(report) if line.text != "112"]
    draw.rectangle((742, 370 + 3 * 48 + 3, 980, 370 + 4 * 48 - 3), fill="white")
    draw.text((800, 370 + 3 * 48 - 7), "88", fill="black", font=ImageFont.load_default(28))

    def guess(_image: Image.Image, region: Region) -> Line:
        return Line(region.left, region.top, region.right, region.bottom, "88", 0.99)

    blocks = PageAnalysis(weights).blocks(page, lines, guess)
    (table,) = [block.content for block in blocks if block.label is Label.TABLE]
    assert rows(table)[3] == ["Plums", "95", "", "130"]


def test_a_picture_in_a_table_is_part_of_it():
    table = Table(Region(100, 100, 900, 900), (), (), 1.0)
    inside, beside = Region(200, 200, 400, 400), Region(850, 200, 1200, 400)
    assert module._apart([inside, beside], [table]) == [beside]


def test_a_dash_in_a_cell_is_a_dash(engine, weights):
    page, draw = drawn.blank()
    drawn.tabulate(draw, [*drawn.FRUIT, ("Figs", "", "4", "7")], 370, ruled=True)
    draw.line((540, 370 + 5 * 48 + 26, 550, 370 + 5 * 48 + 26), fill="black", width=3)
    found = read(engine, page, weights)
    assert rows(found[0][1])[-1] == ["Figs", "-", "4", "7"]


def test_a_heading_of_the_texts_own_size_is_seen(engine, weights):
    page, draw = drawn.blank()
    draw.text((150, 300), "2  Results", fill="black", font=ImageFont.load_default(30), stroke_width=1)
    drawn.write(draw, [*drawn.PARAGRAPH] * 3, 380)
    assert read(engine, page, weights)[0] == (Label.SUB_TITLE, "## 2 Results")


def test_weights_that_do_not_load_are_done_without(engine, report, weights, tmp_path, capsys):
    for name in ("layout_cdla.onnx", "slanet-1m.onnx"):
        (tmp_path / name).write_bytes(b"\0" * (weights / name).stat().st_size)
    assert read(engine, report, tmp_path) == read(engine, report, None)
    assert "layout_cdla.onnx does not load" in capsys.readouterr().err


def test_weights_are_loaded_when_they_are_needed_and_once(engine, weights, monkeypatch):
    loaded: list[str] = []
    for name in ("LayoutModel", "TableModel"):
        real = getattr(module, name)
        monkeypatch.setattr(real, "__init__", _counted(real.__init__, loaded, name))
    page, draw = drawn.blank()
    drawn.write(draw, drawn.PARAGRAPH, 120)
    analysis = PageAnalysis(weights)
    for _ in range(2):
        analysis.blocks(page, engine.read_lines(page))
    assert loaded == ["LayoutModel"]


def _counted(real, loaded, name):
    def init(self, *arguments):
        loaded.append(name)
        real(self, *arguments)

    return init


def test_an_engine_of_lines_is_made_with_weights(weights, report):
    engine = create_engine("rapidocr", Setup(1, weights))
    assert Label.TABLE in {block.label for block in engine.recognize(report).blocks}


def test_text_that_was_taken_for_a_table_and_could_not_be_read_as_one_is_marked(engine, report, weights, monkeypatch):
    monkeypatch.setattr(module, "read_table", lambda *_: None)
    blocks = PageAnalysis(weights).blocks(report, engine.read_lines(report), engine.read_piece)
    doubtful = " ".join(block.content for block in blocks if block.uncertain is Label.TABLE)
    assert "Cherries" in doubtful
    assert "committee" not in doubtful


def test_text_beside_a_table_that_was_read_is_not_marked(engine, report, weights):
    blocks = PageAnalysis(weights).blocks(report, engine.read_lines(report), engine.read_piece)
    assert not any(block.uncertain for block in blocks)
