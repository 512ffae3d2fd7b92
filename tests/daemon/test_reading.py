"""What is said of the engine before it starts."""

import pytest
from structlog.testing import capture_logs

from pdfocr_watcher.config.model import Config
from pdfocr_watcher.daemon.reading import decided, make_reader
from pdfocr_watcher.weights.catalogue import QUICK


def warnings(tmp_path, engine, policy):
    config = Config.model_validate(
        {"engine": {"name": engine, "policy": policy}, "models": {"folder": str(tmp_path)}},
    )
    with capture_logs() as logs:
        make_reader(decided(config, engine), engine)
    return [entry for entry in logs if entry["log_level"] == "warning"]


@pytest.mark.parametrize("policy", ["fast", "balanced"])
def test_that_the_quick_networks_are_missing_is_logged_once(tmp_path, policy):
    (warning,) = warnings(tmp_path, "rapidocr", policy)
    assert warning["event"] == "engine.lacks_quick_networks"
    assert warning["folder"] == str(tmp_path)
    assert "models install" in warning["advice"]


def test_nothing_is_logged_where_they_are_there_or_not_wanted(tmp_path):
    assert not warnings(tmp_path, "rapidocr", "accurate")
    assert not warnings(tmp_path, "null", "balanced")
    for one in QUICK:
        with (tmp_path / one.file).open("wb") as file:
            file.truncate(one.size)
    assert not warnings(tmp_path, "rapidocr", "balanced")
