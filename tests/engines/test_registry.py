"""Engines are found by name, and what cannot be had is said in one sentence."""

import sys

import pytest

from pdfocr_watcher.engines.null import NullEngine
from pdfocr_watcher.engines.registry import ENGINES, Setup, create_engine, resolve_engine
from pdfocr_watcher.errors import ErrorCode, PdfocrError
from tests.processes import loaded_by


def test_auto_is_the_embedded_engine():
    assert resolve_engine("auto") == "rapidocr"


def test_every_engine_resolves_to_itself():
    assert [resolve_engine(name) for name in ENGINES] == list(ENGINES)


@pytest.mark.parametrize("ask", [resolve_engine, lambda name: create_engine(name, Setup())])
def test_an_unknown_name_is_refused_with_the_known_ones(ask):
    with pytest.raises(PdfocrError, match="null") as raised:
        ask("tesserract")
    assert raised.value.code is ErrorCode.ENGINE_UNAVAILABLE


def test_the_null_engine_is_made():
    assert isinstance(create_engine("null", Setup()), NullEngine)


def test_a_missing_library_makes_the_engine_unavailable(monkeypatch):
    monkeypatch.setitem(sys.modules, "rapidocr", None)
    for module in ("rapidocr", "rapidocr_wheel", "detection"):
        monkeypatch.delitem(sys.modules, f"pdfocr_watcher.engines.{module}", raising=False)
    with pytest.raises(PdfocrError, match="rapidocr") as raised:
        create_engine("rapidocr", Setup())
    assert raised.value.code is ErrorCode.ENGINE_UNAVAILABLE


def test_naming_engines_imports_no_heavy_library():
    naming = "from pdfocr_watcher.engines import registry; registry.resolve_engine('auto')"
    assert loaded_by(naming, "rapidocr", "onnxruntime", "cv2", "numpy") == set()
