"""How the tests of this room load a configuration from a text."""

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from pdfocr_watcher.config.load import load_config
from pdfocr_watcher.config.model import Config
from pdfocr_watcher.errors import ErrorCode, PdfocrError

Load = Callable[..., Config]
Mistakes = Callable[..., list[str]]


@pytest.fixture
def load(tmp_path: Path) -> Load:
    """Load a configuration file with this content, and the environment if there is one."""

    def load_text(text: str | bytes, environ: Mapping[str, str] | None = None) -> Config:
        path = tmp_path / "config.yaml"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return load_config(path, environ or {})

    return load_text


@pytest.fixture
def mistakes(load: Load, tmp_path: Path) -> Mistakes:
    """The lines that a configuration's error has, without the folder's name and the full stop."""

    def told(text: str | bytes, environ: Mapping[str, str] | None = None) -> list[str]:
        with pytest.raises(PdfocrError) as caught:
            load(text, environ)
        assert caught.value.code is ErrorCode.CONFIG_INVALID
        lines = caught.value.detail.split("\n")
        assert all(line.endswith((".", "?")) for line in lines)
        return [line.replace(f"{tmp_path}/", "").removesuffix(".") for line in lines]

    return told
