"""Lets the torchvision that PyPI has be imported beside a torch that was built for CPUs.

PyPI's torchvision is a CUDA build: its C extension looks for libtorch_cuda and is not loaded. When torchvision is then
imported it registers shape functions for two operators that only this extension declares, and fails ("operator
torchvision::nms does not exist"). vLLM's picture processors need no operator of it, only `torchvision.transforms`; so
it is enough to declare the two. They have no code behind them: who calls one gets an error.

torch calls `register` at the end of its own import, in every process, for being an entry point of `torch.backends`.
With a torch that was built for GPUs nothing is done.
"""

import sys

_SIGNATURES = (
    "nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
    "qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
)

#: CUDA builds as well, which nothing here needs. Python takes a None for a module that is not installed, and both
#: transformers and vLLM go on without them.
_NOT_NEEDED = ("torchaudio", "torchcodec")

#: A library takes its declarations back when it is collected.
_kept: list[object] = []


def register() -> None:
    """Declare the operators, once."""
    import torch  # noqa: PLC0415 - it is torch that calls this, when its own import ends

    if _kept or torch.version.cuda or torch.version.hip:
        return
    library = torch.library.Library("torchvision", "FRAGMENT")
    for signature in _SIGNATURES:
        library.define(signature)
    _kept.append(library)
    for name in _NOT_NEEDED:
        sys.modules.setdefault(name, None)  # type: ignore[arg-type]
