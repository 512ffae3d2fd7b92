"""How vLLM is set up for a model and how it is asked: from profile and configuration to vLLM's own words. Pure.

What a release can do stands in `releases`; who uses this is `runtime`, in a process of its own.
"""

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import Any, Protocol

from pdfocr_watcher.engines.generation import Sampling
from pdfocr_watcher.engines.profiles import Profile
from pdfocr_watcher.engines.vllm.releases import Ability, Release

#: vLLM and the libraries below it stay off the network, and tell nobody that they are used.
OFFLINE: Mapping[str, str] = MappingProxyType(
    {
        "HF_HUB_OFFLINE": "1",
        "TRANSFORMERS_OFFLINE": "1",
        "HF_HUB_DISABLE_TELEMETRY": "1",
        "VLLM_NO_USAGE_STATS": "1",
        "VLLM_DO_NOT_TRACK": "1",
        "DO_NOT_TRACK": "1",
    }
)
#: What a person may set otherwise in the environment of the daemon. An engine process that is forked from one with
#: threads, as vLLM does by itself, may hang.
PREFERRED: Mapping[str, str] = MappingProxyType(
    {
        "VLLM_LOGGING_LEVEL": "WARNING",
        "VLLM_WORKER_MULTIPROC_METHOD": "spawn",
        "TOKENIZERS_PARALLELISM": "false",
        "NO_COLOR": "1",
    }
)
#: Names the folder where vLLM's processes meet; it has to be short, it becomes part of a socket's name.
MEETING_PLACE = "VLLM_RPC_BASE_PATH"
#: Keeps vLLM on the model runner that takes the no-repeat rule.
_FIRST_RUNNER = MappingProxyType({"VLLM_USE_V2_MODEL_RUNNER": "0"})

#: The no-repeat rule of DeepSeek-OCR, where a profile names none: it looks at tokens alone, and fits every model.
STANDARD_PROCESSOR = "vllm.model_executor.models.deepseek_ocr:NGramPerReqLogitsProcessor"


#: By which a model that draws its tokens by lot draws the same ones for a page that is read again.
_SEED = 0


class Guard(StrEnum):
    """What ends a text that repeats itself without end."""

    #: The model's own rule: no run of tokens comes twice within a window.
    NGRAM = "ngram"
    #: vLLM notices that a run of tokens came often, one after the other.
    DETECTION = "detection"


#: What vLLM then looks for: a run of so many tokens, so often. A row of empty table cells and the dots of a table of
#: contents are not meant. Every token costs it 0.5 µs a size, for all pages one after the other, hence no longer runs.
DETECTION_ALONE = MappingProxyType({"min_pattern_size": 8, "max_pattern_size": 48, "min_count": 16})
#: The same beside the no-repeat rule, which leaves only what it never forbids: empty table cells without end.
_DETECTION_BESIDE = MappingProxyType({"min_pattern_size": 8, "max_pattern_size": 16, "min_count": 16})


class Options(Protocol):
    """The section `vllm` of the configuration."""

    @property
    def gpu_memory_utilization(self) -> float: ...  # noqa: D102 - config.model.Vllm says what each of them is
    @property
    def max_model_len(self) -> int: ...  # noqa: D102
    @property
    def max_num_seqs(self) -> int: ...  # noqa: D102
    @property
    def tensor_parallel_size(self) -> int: ...  # noqa: D102
    @property
    def dtype(self) -> str: ...  # noqa: D102
    @property
    def enforce_eager(self) -> bool: ...  # noqa: D102
    @property
    def trust_remote_code(self) -> bool: ...  # noqa: D102
    @property
    def step_down(self) -> bool: ...  # noqa: D102
    @property
    def repetition(self) -> str: ...  # noqa: D102
    @property
    def extra_args(self) -> Mapping[str, Any]: ...  # noqa: D102


@dataclass(frozen=True, slots=True)
class HostSettings:
    """What the process that holds the engine is started with.

    Attributes:
        model: the folder of the weights, or a name on the hub of weights that lie in its cache.
        template: the whole input, with {prompt} in its place.
        engine_args: arguments of vLLM's engine; none of the no-repeat rule.
        guards: what ends a text that repeats itself.
        strict: whether it shall not start where one of them cannot be had.
        processor: the logits processor with the no-repeat rule, as module:class.
        whitelist: tokens that the no-repeat rule never forbids.
        environment: variables that the process must have.
        step_down: whether it may be started with less where the GPU's memory runs out.
    """

    model: str
    template: str
    engine_args: dict[str, Any]
    guards: tuple[str, ...] = ()
    strict: bool = False
    processor: str = STANDARD_PROCESSOR
    whitelist: tuple[str, ...] = ()
    environment: dict[str, str] = field(default_factory=dict)
    step_down: bool = True

    @property
    def max_num_seqs(self) -> int:
        """Pages that the engine reads at a time."""
        return int(self.engine_args["max_num_seqs"])

    @property
    def gpu_memory_utilization(self) -> float:
        """The share of the GPU's memory that it takes."""
        return float(self.engine_args["gpu_memory_utilization"])

    def to_json(self) -> str:
        """As the process's first argument."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> "HostSettings":
        """What `to_json` made."""
        data = json.loads(text)
        return cls(**{**data, "guards": tuple(data["guards"]), "whitelist": tuple(data["whitelist"])})


def host_settings(profile: Profile, options: Options, *, model: str, concurrency: int, version: str) -> HostSettings:
    """Set vLLM up for a model.

    Later ones win: what every model is read with, the profile's `engine_args`, `vllm.extra_args`.

    Args:
        profile: the model.
        options: the section `vllm` of the configuration.
        model: the folder of its weights; the profile's name on the hub if empty.
        concurrency: pages that are read at a time.
        version: of the vLLM that is installed; empty where that is not known.
    """
    release = Release(version)
    guards = _guards(profile, options.repetition, release)
    first_runner = Guard.NGRAM in guards and release.can(Ability.TWO_RUNNERS)
    arguments = {
        "max_model_len": options.max_model_len or profile.max_model_len,
        "max_num_seqs": options.max_num_seqs or concurrency,
        "gpu_memory_utilization": options.gpu_memory_utilization,
        "tensor_parallel_size": options.tensor_parallel_size,
        "dtype": options.dtype,
        "enforce_eager": options.enforce_eager,
        "trust_remote_code": options.trust_remote_code,
        # No page begins like another one, and none comes twice: both caches would only cost memory.
        "enable_prefix_caching": False,
        "mm_processor_cache_gb": 0,
        "limit_mm_per_prompt": {"image": 1},
        "disable_log_stats": True,
        **profile.engine_args,
        **options.extra_args,
    }
    return HostSettings(
        model=model or profile.model,
        template=profile.template,
        engine_args=arguments,
        guards=guards,
        strict=options.repetition != "auto",
        processor=profile.ngram_processor or STANDARD_PROCESSOR,
        whitelist=profile.whitelist,
        environment={**OFFLINE, **(_FIRST_RUNNER if first_runner else {})},
        step_down=options.step_down,
    )


def _guards(profile: Profile, wanted: str, release: Release) -> tuple[Guard, ...]:
    """What ends a text that repeats itself."""
    if wanted == "none":
        return ()
    if wanted != "auto":
        return (Guard(wanted),)
    possible = {
        Guard.NGRAM: profile.ngram_processor is not None and release.can(Ability.NGRAM_PROCESSOR),
        Guard.DETECTION: release.can(Ability.REPETITION_DETECTION),
    }
    return tuple(guard for guard, can in possible.items() if can)


def engine_arguments(settings: HostSettings, guards: Collection[str]) -> dict[str, Any]:
    """The arguments of vLLM's `AsyncEngineArgs`.

    Args:
        settings: what the process was started with.
        guards: what ends a text that repeats itself after all.
    """
    rule = {"logits_processors": [settings.processor]} if Guard.NGRAM in guards else {}
    return {"model": settings.model, **rule, **settings.engine_args}


def sampling_arguments(sampling: Sampling, guards: Collection[str], whitelist_ids: Sequence[int]) -> dict[str, Any]:
    """The arguments of vLLM's `SamplingParams`; `repetition_detection` is that of `RepetitionDetectionParams`.

    More tokens may be asked for than there is room: unlike its server, vLLM's engine takes that, and ends the text
    where it, the picture and the prompt together reach `max_model_len`.

    Args:
        sampling: how the next token is chosen.
        guards: what ends a text that repeats itself.
        whitelist_ids: tokens that the no-repeat rule never forbids.
    """
    arguments: dict[str, Any] = {
        "max_tokens": sampling.max_tokens,
        "temperature": sampling.temperature,
        "top_p": sampling.top_p,
        "repetition_penalty": sampling.repetition_penalty,
        "seed": _SEED,
        "skip_special_tokens": False,  # the markup is made of them
    }
    ruled = Guard.NGRAM in guards and sampling.ngram_size is not None
    if ruled:
        arguments["extra_args"] = {
            "ngram_size": sampling.ngram_size,
            "window_size": sampling.window_size,
            "whitelist_token_ids": list(whitelist_ids),
        }
    if Guard.DETECTION in guards:
        arguments["repetition_detection"] = dict(_DETECTION_BESIDE if ruled else DETECTION_ALONE)
    return arguments
