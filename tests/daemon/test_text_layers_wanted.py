"""Whether text layers are told at all: where somebody makes use of them, and never silently not."""

import pytest

from pdfocr_watcher.config.model import Config
from pdfocr_watcher.daemon.reading import decided, text_layers
from pdfocr_watcher.errors import ErrorCode, PdfocrError


def configured(**engine: str) -> Config:
    return Config.model_validate({"engine": engine, "render": {"sandbox": "off"}})


def test_where_auto_becomes_a_model_the_daemon_says_that_layers_are_of_no_use():
    with pytest.raises(PdfocrError) as caught:
        decided(configured(name="auto", text_layer="auto"), "vllm")
    assert caught.value.code is ErrorCode.CONFIG_INVALID
    assert "engine.text_layer" in caught.value.detail
    assert decided(configured(name="auto", text_layer="auto"), "rapidocr")


@pytest.mark.parametrize(
    ("engine", "wish", "told"),
    [("rapidocr", "auto", True), ("rapidocr", "only", True), ("rapidocr", "ignore", False), ("null", "auto", False)],
)
def test_layers_are_told_for_who_reads_lines_and_wants_them(engine, wish, told):
    assert (text_layers(configured(text_layer=wish), engine) is not None) is told
