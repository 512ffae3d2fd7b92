"""What vLLM and the libraries below it say when they fail, what that means, and what to start with next. Pure.

The messages are those of the releases 0.11.1 to 0.33 and of the PyTorch below them.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import StrEnum

from pdfocr_watcher.engines.vllm.recipe import Guard, HostSettings
from pdfocr_watcher.errors import ErrorCode, PdfocrError

#: With fewer pages at a time than this nothing is won.
_FEWEST = 4
#: The share of the GPU's memory that is given back when memory runs out in work, and the least that is left of it.
_GIVEN_BACK = 0.05
_LEAST_SHARE = 0.3
#: Of the GPU's memory that is free this share is left alone, for what others take meanwhile.
_MARGIN = 0.02
#: Lines that tell of no failure: vLLM's below ERROR, with the process in front or not, and warnings of Python.
_HARMLESS = re.compile(r"^(?:\([^()]*\) )?(?:DEBUG|INFO|WARNING) |\w*Warning: ")
#: Characters of what it said that are told.
_QUOTED = 300


class Phase(StrEnum):
    """What the engine was doing."""

    LOADING = "loading"
    WORKING = "working"


@dataclass(frozen=True, slots=True)
class StepDown:
    """What to start with next.

    Attributes:
        settings: with which the engine is likelier to run.
        change: what is different, in a sentence.
        tries: starts that have to fail in a row before; the engine before this one may still hold its memory.
    """

    settings: HostSettings
    change: str
    tries: int = 1


@dataclass(frozen=True, slots=True)
class Advice:
    """What a failure means.

    Attributes:
        failure: what to tell a person, with what to change.
        step: what to start with next; None where that is for a person to decide.
    """

    failure: PdfocrError
    step: StepDown | None = None


_Step = Callable[[HostSettings, Phase, "re.Match[str]"], StepDown | None]


@dataclass(frozen=True, slots=True)
class _Sign:
    """A message by which a failure is known.

    Attributes:
        pattern: what is said, as a regular expression; its groups fill the braces of `meaning`.
        meaning: what it means and what to change, in sentences.
        code: the failure.
        step: what to start with next.
    """

    pattern: str
    meaning: str
    code: ErrorCode = ErrorCode.ENGINE_UNAVAILABLE
    step: _Step | None = None


def _fewer_pages(settings: HostSettings, phase: Phase, found: "re.Match[str]") -> StepDown | None:
    """Half as many pages at a time; in work also a smaller share of the GPU, since that is what was too much."""
    del found
    changes: dict[str, object] = {}
    words = []
    pages = settings.max_num_seqs
    if pages > _FEWEST:
        changes["max_num_seqs"] = max(_FEWEST, pages // 2)
        words.append(f"max_num_seqs is lowered from {pages} to {changes['max_num_seqs']}")
    share = settings.gpu_memory_utilization
    if phase is Phase.WORKING and share - _GIVEN_BACK >= _LEAST_SHARE:
        changes["gpu_memory_utilization"] = round(share - _GIVEN_BACK, 2)
        words.append(f"gpu_memory_utilization is lowered from {share:g} to {changes['gpu_memory_utilization']:g}")
    if not changes:
        return None
    lowered = replace(settings, engine_args={**settings.engine_args, **changes})
    return StepDown(lowered, " and ".join(words) + ".", tries=1 if phase is Phase.WORKING else 2)


def _what_is_free(settings: HostSettings, phase: Phase, found: "re.Match[str]") -> StepDown | None:
    """No more of the GPU's memory than others leave free."""
    del phase
    share = settings.gpu_memory_utilization
    free = int((float(found["free"]) / float(found["total"]) - _MARGIN) * 100) / 100
    if not _LEAST_SHARE <= free < share:
        return None
    lowered = replace(settings, engine_args={**settings.engine_args, "gpu_memory_utilization": free})
    return StepDown(lowered, f"gpu_memory_utilization is lowered from {share:g} to {free:g}.", tries=3)


def _without_rule(settings: HostSettings, phase: Phase, found: "re.Match[str]") -> StepDown | None:
    """The no-repeat rule left out."""
    del phase, found
    if settings.strict or Guard.NGRAM not in settings.guards:
        return None
    guards = tuple(guard for guard in settings.guards if guard != Guard.NGRAM)
    return StepDown(replace(settings, guards=guards), "repetition is ended without the model's own rule.")


_MEMORY = ErrorCode.ENGINE_OUT_OF_GPU_MEMORY
#: The first that is found counts: what is said more exactly stands before what follows from it.
_SIGNS = (
    _Sign(
        r"Free memory on device[^(\n]*\((?P<free>[\d.]+)/(?P<total>[\d.]+) GiB\) on startup\s+is less than",
        "Of the GPU's {total} GiB only {free} GiB are free: somebody else uses it. End that, or lower "
        "vllm.gpu_memory_utilization.",
        _MEMORY,
        _what_is_free,
    ),
    _Sign(
        r"No available memory for the cache blocks",
        "Nothing is left for the pages' text beside the model: raise vllm.gpu_memory_utilization if nobody else uses "
        "the GPU, or lower vllm.max_num_seqs; set vllm.tensor_parallel_size to share the model between GPUs.",
        _MEMORY,
    ),
    _Sign(
        r"max seq len \((?P<length>\d+)\)[^\n]*larger than the (?:available KV cache|maximum number of tokens)"
        r"(?:[^\n]*estimated maximum model length is (?P<fits>\d+))?",
        "Not one page of {length} tokens has room beside the model{fits}: raise vllm.gpu_memory_utilization if nobody "
        "else uses the GPU, or lower vllm.max_model_len, at the price of dense pages.",
        _MEMORY,
    ),
    _Sign(
        r"CUDA out of memory occurred when warming up",
        "It ran out while the engine tried vllm.max_num_seqs pages at a time: lower that, or "
        "vllm.gpu_memory_utilization.",
        _MEMORY,
        _fewer_pages,
    ),
    _Sign(
        r"(?s)in load_(?:model|weights)(?:(?!in (?:profile_run|capture_model|compile_or_warm_up_model|_dummy_run)).)*"
        r"(?:CUDA|HIP) out of memory",
        "The model itself does not fit: end what else uses the GPU, set vllm.tensor_parallel_size to share the model "
        "between GPUs, or take a smaller model.",
        _MEMORY,
    ),
    _Sign(
        r"(?:CUDA|HIP) out of memory|CUDA error: out of memory|CUBLAS_STATUS_ALLOC_FAILED|torch\.OutOfMemoryError"
        r"|torch\.cuda\.OutOfMemoryError",
        "Lower vllm.max_num_seqs or vllm.gpu_memory_utilization; end what else uses the GPU.",
        _MEMORY,
        _fewer_pages,
    ),
    _Sign(
        r"is not a subclass of\s+vllm\.v1\.worker\.gpu\.sample\.logits_processor|Failed to load \d*(?:th )?"
        r"LogitsProcessor",
        "This vLLM does not take the model's no-repeat rule: set vllm.repetition: detection.",
        step=_without_rule,
    ),
    _Sign(
        r"No module named 'vllm'",
        "vLLM is not installed: pip install 'pdfocr-watcher[vllm]', or set engine: rapidocr.",
    ),
    _Sign(
        r"Failed to infer device type|Found no NVIDIA driver|No CUDA GPUs are available|libcuda\.so\.1: cannot open"
        r"|CUDA driver initialization failed",
        "There is no GPU, or its driver is not to be seen here: `nvidia-smi` must show it, in a container too.",
    ),
    _Sign(
        r"driver on your system is too old|CUDA driver version is insufficient|forward compatibility was attempted",
        "The GPU's driver is too old for this PyTorch: update the driver, or install a vLLM for an older CUDA.",
    ),
    _Sign(
        r"no kernel image is available for execution|not compatible with the current PyTorch installation",
        "This PyTorch was not built for this GPU: see which GPUs the installed vLLM supports.",
    ),
    _Sign(
        r"uncorrectable ECC error|GPU is lost|fallen off the bus|CUDA error: unspecified launch failure",
        "The GPU has a fault: look for Xid in the system log, and start the machine again.",
    ),
    _Sign(
        r"Bfloat16 is only supported on GPUs",
        "This GPU cannot compute with bfloat16: set vllm.dtype: float16.",
    ),
    _Sign(
        r"World size \((?P<wanted>\d+)\) is larger than the number of",
        "vllm.tensor_parallel_size asks for {wanted} GPUs, and there are fewer.",
    ),
    _Sign(
        r"must be divisible by tensor parallel size",
        "The model cannot be shared by so many GPUs: change vllm.tensor_parallel_size.",
    ),
    _Sign(
        r"trust_remote_code=True|trust-remote-code|contains custom code",
        "The model's folder has Python code that would be run: if you trust it, set vllm.trust_remote_code: true.",
    ),
    _Sign(
        r"Model architectures? (?P<names>\[[^\]]*\]|\S+) (?:are not supported|is not supported|was supported in vLLM"
        r"|failed)|does not recognize this architecture",
        "The installed vLLM does not know this kind of model {names}: update vLLM, or choose another model.",
    ),
    _Sign(
        r"Cannot find any model weights|weights were not initialized from|No such file or directory: '[^'\n]*\."
        r"(?:safetensors|bin)|SafetensorError|deserializing header|MetadataIncompleteBuffer",
        "The weights are missing or not whole: copy the model's folder again; engine.model names it.",
    ),
    _Sign(
        r"Invalid repository ID or local directory|does not appear to have a file named|LocalEntryNotFoundError"
        r"|couldn't connect to '?https://|Cannot reach https://|OfflineModeIsEnabled|HFValidationError|Repo id must"
        r"|outgoing traffic has been disabled",
        "The model is not to be found: engine.model must name the folder that its files were downloaded to; nothing "
        "is downloaded here.",
    ),
    _Sign(
        r"unexpected keyword argument '(?P<name>\w+)'",
        "The installed vLLM has no argument {name}: see vllm.extra_args and the profile's engine_args.",
    ),
    _Sign(
        r"Failed to find C compiler|Python\.h: No such file|Could not find nvcc|ninja: not found|No such file or "
        r"directory: 'ninja'",
        "vLLM compiles something at its start and lacks the tools: install gcc and python3-dev, and what "
        "else it names.",
    ),
    _Sign(
        r"No space left on device",
        "A disk is full: vLLM writes to its cache (VLLM_CACHE_ROOT), to /tmp and, with several GPUs, to /dev/shm.",
    ),
)


def advise(said: str, detail: str, settings: HostSettings, phase: Phase) -> Advice | None:
    """What a failure means.

    Args:
        said: the end of the process's error output.
        detail: what the process told of the failure; may be empty.
        settings: what it was started with.
        phase: what it was doing.

    Returns:
        None for what is not known.
    """
    text = "\n".join([*(line for line in said.splitlines() if not _HARMLESS.search(line)), detail])
    for sign in _SIGNS:
        if (found := re.search(sign.pattern, text)) is not None:
            step = sign.step(settings, phase, found) if sign.step is not None and settings.step_down else None
            return Advice(PdfocrError(sign.code, _told(sign, found)), step)
    return None


def root_cause(said: str) -> str:
    """The last exception that a process told of, in one line; empty if there is none.

    Args:
        said: the end of the process's error output.
    """
    for line in reversed(said.splitlines()):
        found = re.search(r"(?:\w+\.)*\w*(?:Error|Exception): .+", line)
        # vLLM's processes die one after the other, and those above the first say no more than that.
        if found is not None and not re.search(r"See root cause above|See stack trace", found[0]):
            return found[0][:_QUOTED]
    return ""


def _told(sign: _Sign, found: "re.Match[str]") -> str:
    """The meaning with its particulars, and the line in which it was said."""
    groups = {name: value or "" for name, value in found.groupdict().items()}
    if groups.get("fits"):
        groups["fits"] = f" ({groups['fits']} would fit)"
    groups.setdefault("names", "")
    meaning = re.sub(r" +([:,.])", r"\1", sign.meaning.format_map(groups))
    start = found.string.rfind("\n", 0, found.end()) + 1
    end = found.string.find("\n", found.end())
    quoted = " ".join(found.string[start : end if end >= 0 else None].split())
    return f"{meaning} It said: {quoted[:_QUOTED]}"
