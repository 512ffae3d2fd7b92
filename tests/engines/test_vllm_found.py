"""`engine: auto` takes vLLM where it is installed and has a GPU, and says why not elsewhere."""

import pytest

from pdfocr_watcher.engines.vllm import found
from pdfocr_watcher.engines.vllm.found import find_gpu, find_vllm


@pytest.fixture
def machine(tmp_path):
    """A machine with these files."""

    def make(*names):
        for name in names:
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).touch()
        return tmp_path

    return make


@pytest.fixture
def installed(monkeypatch):
    """Have some vLLM installed, or none."""

    def make(version):
        monkeypatch.setattr(found, "find_spec", lambda _name: object() if version is not None else None)
        monkeypatch.setattr(found, "vllm_version", lambda: version or "")

    return make


@pytest.mark.parametrize(
    ("files", "reason"),
    [
        (("dev/nvidiactl", "dev/nvidia0", "dev/nvidia1"), "nvidia0, nvidia1"),
        (("dev/dxg", "usr/lib/wsl/lib/libcuda.so.1"), "WSL"),
        (("dev/kfd", "dev/dri/renderD128"), "AMD"),
    ],
)
def test_gpus_are_known_by_their_devices(machine, files, reason):
    gpu = find_gpu(machine(*files), {})
    assert gpu.usable
    assert reason in gpu.reason


@pytest.mark.parametrize("files", [(), ("dev/nvidiactl", "dev/nvidia-uvm"), ("dev/dri/renderD128",), ("dev/dxg",)])
def test_what_only_looks_like_a_gpu_is_none(machine, files):
    gpu = find_gpu(machine(*files), {})
    assert not gpu.usable
    assert "no GPU" in gpu.reason


@pytest.mark.parametrize(
    ("variable", "value", "usable"),
    [
        ("CUDA_VISIBLE_DEVICES", "", False),
        ("CUDA_VISIBLE_DEVICES", "-1", False),
        ("HIP_VISIBLE_DEVICES", "", False),
        ("CUDA_VISIBLE_DEVICES", "1", True),
        ("CUDA_VISIBLE_DEVICES", "GPU-8932f937", True),
    ],
)
def test_gpus_may_be_hidden_from_the_daemon(machine, variable, value, usable):
    gpu = find_gpu(machine("dev/nvidia0"), {variable: value})
    assert gpu.usable is usable
    assert usable or variable in gpu.reason


def test_with_vllm_and_a_gpu_it_can_be_had(machine, installed):
    installed("0.33.0")
    assert find_vllm(machine("dev/nvidia0"), {}).usable


@pytest.mark.parametrize(
    ("version", "files", "reason"),
    [
        (None, ("dev/nvidia0",), "not installed"),
        ("0.11.0", ("dev/nvidia0",), "0.11.1 is needed"),
        ("0.33.0", (), "no GPU"),
    ],
)
def test_without_either_it_cannot(machine, installed, version, files, reason):
    installed(version)
    answer = find_vllm(machine(*files), {})
    assert not answer.usable
    assert reason in answer.reason


def test_the_machine_that_this_runs_on_has_an_answer():
    assert find_vllm().reason
