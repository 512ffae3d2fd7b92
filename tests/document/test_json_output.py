"""output.json: what it says of each page, valid by its published schema, one page in memory."""

import io
import json
import re
from pathlib import Path

import jsonschema
import pytest

from pdfocr_watcher.document.json_output import (
    SCHEMA_FILE,
    BlockEntry,
    JsonOutput,
    LineEntry,
    PageEntry,
    output_schema_json,
)
from pdfocr_watcher.document.model import Block, Box, FailedPage, Label, Page, TextLine

PAGE = Page(
    1,
    2000,
    1000,
    144.0,
    (
        Block(Label.TITLE, (Box(0, 0, 999, 99),), "Minutes \u202e <b>", 0.93),
        Block(Label.IMAGE, (Box(100, 100, 300, 300), Box(400, 100, 600, 300)), "bars"),
        Block(Label.TABLE, (), "<table></table>"),
        Block(Label.EQUATION, (), "a^2"),
        Block(Label.TEXT, (Box(0, 500, 999, 700),), "Apples 3", uncertain=Label.TABLE),
    ),
    (TextLine((20, 40, 200, 60), "Minutes of", 0.9, ((20, 150, "Minutes"), (160, 200, "of"))),),
)


def written(*pages, reading=None):
    stream = io.StringIO()
    output = JsonOutput(stream, len(pages))
    for page in pages:
        output.add(page, reading or {})
    output.end()
    text = stream.getvalue()
    jsonschema.validate(json.loads(text), json.loads(SCHEMA_FILE.read_text()))
    return text


def test_the_published_schema_is_that_of_the_models():
    assert SCHEMA_FILE.read_text(encoding="utf-8") == output_schema_json(), (
        "run python -m pdfocr_watcher.document.json_output"
    )


def test_pages_count_from_one_and_as_files_do():
    first, second = json.loads(written(FailedPage(0, "render_failed", "no picture"), PAGE))["pages"]
    assert (first["number"], first["index"], second["number"], second["index"]) == (1, 0, 2, 1)


def test_a_page_that_failed_says_why_and_nothing_else():
    (page,) = json.loads(written(FailedPage(0, "render_failed", "no picture")))["pages"]
    assert page["failed"] == {"code": "render_failed", "message": "no picture"}
    assert (page["size"], page["blocks"], page["lines"]) == (None, [], [])


def test_a_box_is_given_on_the_grid_in_pixels_and_in_points():
    (page,) = json.loads(written(PAGE))["pages"]
    assert page["size"] == {
        "width_points": 1000.0, "height_points": 500.0, "width_pixels": 2000, "height_pixels": 1000, "dpi": 144.0,
    }  # fmt: skip
    assert page["blocks"][0]["boxes"] == [
        {"grid": [0, 0, 999, 99], "pixels": [0, 0, 2000, 99], "points": [0.0, 0.0, 1000.0, 49.5]}
    ]


def test_a_block_says_how_its_text_is_written_which_pictures_it_has_and_what_it_may_be():
    blocks = json.loads(written(PAGE))["pages"][0]["blocks"]
    assert [block["format"] for block in blocks] == ["markdown", "markdown", "html", "latex", "markdown"]
    assert blocks[1]["figures"] == ["images/1_0.jpg", "images/1_1.jpg"]
    assert [block["uncertain"] for block in blocks] == [None] * 4 + ["table"]
    assert [block["confidence"] for block in blocks[:2]] == [0.93, None]
    assert blocks[0]["text"] == PAGE.blocks[0].content


def test_a_line_comes_with_its_words():
    (line,) = json.loads(written(PAGE))["pages"][0]["lines"]
    assert line["points"] == [10.0, 20.0, 100.0, 30.0]
    assert line["words"][1] == {"text": "of", "left": 160, "right": 200}


def test_how_a_page_was_made_upright_and_read_is_told():
    notes = {"turn": 90, "skew": -1.5, "reader": "tesseract", "tries": [{"finish": "length"}]}
    (page,) = json.loads(written(PAGE, reading=notes))["pages"]
    assert (page["turn"], page["skew"]) == (90, -1.5)
    assert page["reading"] == {"reader": "tesseract", "tries": [{"finish": "length"}]}


def test_every_page_is_a_line_so_that_a_reader_need_not_hold_the_document():
    lines = written(PAGE, PAGE, PAGE).splitlines()
    assert lines[0] == '{"schema_version":1,"total_pages":3,"pages":['
    assert [json.loads(line.rstrip(","))["number"] for line in lines[1:4]] == [2, 2, 2]
    assert lines[4:] == ["]}"]


@pytest.mark.parametrize("model", [PageEntry, BlockEntry, LineEntry])
def test_the_documentation_names_every_field(model):
    text = (Path(__file__).parents[2] / "docs" / "outputs.md").read_text(encoding="utf-8")
    documented = set(re.findall(r"^\| `(\w+)` \|", text, re.MULTILINE))
    assert set(model.model_fields) <= documented
