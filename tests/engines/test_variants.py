"""Which profiles ask one and the same loaded model."""

import pytest

from pdfocr_watcher.engines.own_profiles import resolve_profile
from pdfocr_watcher.engines.profiles import builtin_names, builtin_profiles
from pdfocr_watcher.engines.variants import variants_of

BASE = builtin_profiles()["deepseek-ocr"]


@pytest.mark.parametrize("name", builtin_names())
def test_a_profile_is_its_own_first_variant(name):
    assert next(iter(variants_of(builtin_profiles()[name], {}))) == name


@pytest.mark.parametrize(
    "change",
    [
        {"prompt": "<|grounding|>OCR this image."},
        {"parser": "markdown"},
        {"sampling": {"temperature": 0.2}},
        {"dpi": 144},
    ],
)
def test_another_way_to_ask_the_same_model_is_one(change):
    own = {"other": {"extends": "deepseek-ocr", **change}}
    assert variants_of(BASE, own)["other"] == resolve_profile("other", own)


@pytest.mark.parametrize(
    "change",
    [
        {"model": "somebody/else"},
        {"max_model_len": 4096},
        {"engine_args": {"seed": 1}},
        {"mark": "<picture>", "template": "<picture>{prompt}"},
    ],
)
def test_what_the_engine_is_started_with_must_be_the_same(change):
    assert "other" not in variants_of(BASE, {"other": {"extends": "deepseek-ocr", **change}})


def test_a_profile_that_cannot_be_used_is_none():
    assert "broken" not in variants_of(BASE, {"broken": {"extends": "deepseek-ocr", "dpi": "many"}})
