"""How vLLM is run in tests: what keeps it small, and quick on two cores. Each value was seen to work together."""

import os
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

#: The name that a test's server gives its model.
MODEL = "deepseek-ocr"

#: The recipe's rule against repetition.
NGRAM_PROCESSOR = "vllm.model_executor.models.deepseek_ocr:NGramPerReqLogitsProcessor"

#: What the engine is made with beside the model; as `engine_args` of a profile it makes the daemon's engine small.
ENGINE_ARGUMENTS: Mapping[str, Any] = MappingProxyType(
    {
        "dtype": "bfloat16",
        "max_model_len": 4096,
        "max_num_seqs": 4,
        "enforce_eager": True,
        "kv_cache_memory_bytes": 64 << 20,
        "enable_prefix_caching": False,
        "mm_processor_cache_gb": 0,
    }
)

_VARIABLES = {
    # Two threads that wait for each other actively are slower than one, and each engine would bind its threads to the
    # same cores.
    "OMP_NUM_THREADS": "1",
    "VLLM_CPU_OMP_THREADS_BIND": "nobind",
    # vLLM's own processes otherwise ask the hub for the model, and tell its makers that they run.
    "HF_HUB_OFFLINE": "1",
    "VLLM_NO_USAGE_STATS": "1",
    "VLLM_LOGGING_LEVEL": "WARNING",
}

#: Goes over `kv_cache_memory_bytes`, in whole GiB.
_CACHE_SPACE = "VLLM_CPU_KVCACHE_SPACE"


def environment() -> dict[str, str]:
    """The environment for a process that runs vLLM, or starts one that does."""
    return {name: value for name, value in os.environ.items() if name != _CACHE_SPACE} | _VARIABLES


def server_options(*, rule: bool = True) -> list[str]:
    """`ENGINE_ARGUMENTS`, and the rule, as options of vLLM's server."""
    options = ["--logits-processors", NGRAM_PROCESSOR] if rule else []
    for name, value in ENGINE_ARGUMENTS.items():
        option = name.replace("_", "-")
        if isinstance(value, bool):
            options.append(f"--{option}" if value else f"--no-{option}")
        else:
            options += [f"--{option}", str(value)]
    return options
