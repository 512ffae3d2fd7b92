"""The configuration file is the one that is named, else the one that is found."""

from pathlib import Path

import pytest

from pdfocr_watcher.config.load import FILE_VARIABLE, find_config
from pdfocr_watcher.errors import ErrorCode, PdfocrError


def test_the_named_file_goes_before_the_environment_and_that_before_the_places(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("a.yaml", "b.yaml", "config.yaml"):
        (tmp_path / name).touch()
    environ = {FILE_VARIABLE: str(tmp_path / "b.yaml")}
    assert find_config(tmp_path / "a.yaml", environ) == tmp_path / "a.yaml"
    assert find_config(None, environ) == tmp_path / "b.yaml"
    assert find_config(None, {FILE_VARIABLE: ""}) == Path("config.yaml")


def test_the_system_s_file_is_found_last(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    system = tmp_path / "etc.yaml"
    system.touch()
    monkeypatch.setattr("pdfocr_watcher.config.load.SEARCHED", (Path("config.yaml"), system))
    assert find_config(None, {}) == system


def test_where_no_file_is_the_error_says_where_it_looked_and_how_to_make_one(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("pdfocr_watcher.config.load.SEARCHED", (Path("config.yaml"), tmp_path / "etc.yaml"))
    gone = tmp_path / "gone.yaml"
    for explicit, environ, names in (
        (gone, {}, [str(gone)]),
        (None, {FILE_VARIABLE: str(gone)}, [str(gone), FILE_VARIABLE]),
        (None, {}, [str(tmp_path / "config.yaml"), str(tmp_path / "etc.yaml")]),
    ):
        with pytest.raises(PdfocrError) as caught:
            find_config(explicit, environ)
        assert caught.value.code is ErrorCode.CONFIG_INVALID
        for words in [*names, "pdfocr-watcher init DIR"]:
            assert words in caught.value.detail
