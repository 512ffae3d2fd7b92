"""doctor on the engines that need a model: what is missing is said before the daemon is started."""

import asyncio
import json
import os
from pathlib import Path

import pytest

from pdfocr_watcher.cli import model_diagnosis as module
from pdfocr_watcher.cli.model_diagnosis import model_findings
from pdfocr_watcher.config.model import Config
from pdfocr_watcher.engines.vllm.found import Found
from tests.cli.conftest import Command
from tests.pipeline.generating.model_server import ModelServer


def told(settings: dict, environment: dict[str, str] | None = None) -> list[str]:
    findings = model_findings(
        Config.model_validate(settings), settings["engine"]["name"], environment or {"HOME": "/nowhere"}
    )
    return [f"{finding.level} {finding.subject}: {finding.text}" for finding in findings]


def test_the_profile_says_what_was_seen():
    assert told({"engine": {"name": "vllm"}})[0].startswith(
        "good profile: deepseek-ocr, for deepseek-ai/DeepSeek-OCR (seen: "
    )
    own = {"mine": {"extends": "olmocr", "model": "me/mine"}}
    assert told({"engine": {"name": "vllm", "profile": "mine"}, "profiles": own})[0] == (
        "good profile: mine, for me/mine (never seen running with the model's weights)"
    )


@pytest.mark.parametrize(
    ("found", "line"),
    [
        (
            Found(usable=True, reason="vLLM 0.32.0 is installed. There is a GPU."),
            "good vllm: vLLM 0.32.0 is installed.",
        ),
        (Found(usable=False, reason="vLLM is not installed."), "missing vllm: vLLM is not installed. See docs/gpu.md."),
    ],
)
def test_the_library_is_named_or_missed(monkeypatch, found, line):
    monkeypatch.setattr(module, "find_vllm", lambda: found)
    assert any(said.startswith(line) for said in told({"engine": {"name": "vllm"}}))


def test_a_model_that_is_nowhere_is_missed():
    for engine in ({"name": "vllm"}, {"name": "vllm", "model": "me/mine"}):
        (line,) = [line for line in told({"engine": engine}) if " model: " in line]
        assert line.startswith(
            f"missing model: {engine.get('model', 'deepseek-ai/DeepSeek-OCR')} is not in the Hugging"
        )


def test_the_folder_that_is_named_is_looked_at(tmp_path):
    settings = {"engine": {"name": "vllm", "model": str(tmp_path)}}
    missing = [line for line in told(settings) if line.startswith("missing model")]
    assert [line.partition(": ")[2].split()[0] for line in missing] == ["config.json", "there", "there"]
    (tmp_path / "config.json").write_text(json.dumps({"architectures": ["DotsOCRForCausalLM"]}))
    assert any("is of DotsOCRForCausalLM, and the profile deepseek-ocr is for" in line for line in told(settings))


def test_the_copy_in_the_cache_is_looked_at(tmp_path):
    kept = tmp_path / "models--deepseek-ai--DeepSeek-OCR"
    (kept / "refs").mkdir(parents=True)
    (kept / "refs" / "main").write_text("abc")
    (kept / "snapshots" / "abc").mkdir(parents=True)
    lines = told({"engine": {"name": "vllm"}}, {"HF_HUB_CACHE": str(tmp_path)})
    assert any(f"{kept / 'snapshots' / 'abc'} is not the folder of a model" in line for line in lines)


async def test_each_server_is_asked_how_it_is(capsys):
    server = ModelServer()
    await server.start()
    urls = [server.url, "http://127.0.0.1:9"]
    lines = await asyncio.to_thread(told, {"engine": {"name": "vllm-server"}, "servers": {"urls": urls}})
    await server.stop()
    assert [line.split(": ")[0] for line in lines[1:]] == ["good server", "missing server"]
    assert lines[1].endswith("answers")
    assert "127.0.0.1:9" in lines[2]
    assert capsys.readouterr().out == ""


def test_a_key_that_cannot_be_read_is_said(tmp_path):
    servers = {"urls": ["http://127.0.0.1:9"], "api_key_file": str(tmp_path / "key")}
    (_, line) = told({"engine": {"name": "vllm-server"}, "servers": servers})
    assert line.startswith("missing servers: ")
    assert "servers.api_key_file" in line


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
