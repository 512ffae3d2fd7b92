"""Each format has its reader, and what comes out are blocks of the one document model."""

import pytest

from pdfocr_watcher.document.model import Block, Box, Label
from pdfocr_watcher.engines.outputs import read_output
from pdfocr_watcher.engines.profiles import Parser

SAME = {
    Parser.GROUNDING: "<|ref|>title<|/ref|><|det|>[[0, 0, 999, 100]]<|/det|>\n# Report\n\n"
    "<|ref|>text<|/ref|><|det|>[[0, 100, 999, 500]]<|/det|>\nAll is well.",
    Parser.MARKDOWN: "# Report\n\nAll is well.",
    Parser.FRONT_MATTER: "---\nprimary_language: en\nis_rotation_valid: True\n---\n# Report\n\nAll is well.",
    Parser.LAYOUT_JSON: '[{"bbox": [0, 0, 1400, 280], "category": "Title", "text": "# Report"},'
    ' {"bbox": [0, 280, 1400, 1400], "category": "Text", "text": "All is well."}]',
}


@pytest.mark.parametrize("parser", Parser)
def test_the_same_page_is_read_from_every_format(parser):
    reading = read_output(parser, SAME[parser], 1400, 2800)
    boxed = parser in {Parser.GROUNDING, Parser.LAYOUT_JSON}
    assert reading.blocks == (
        Block(Label.TITLE, (Box(0, 0, 999, 100),) if boxed else (), "# Report"),
        Block(Label.TEXT, (Box(0, 100, 999, 500),) if boxed else (), "All is well."),
    )
    assert (reading.malformed, reading.rotation) == (0, 0)
