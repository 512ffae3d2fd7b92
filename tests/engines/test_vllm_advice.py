"""What vLLM and PyTorch say when they fail becomes what a person can do, or what the daemon starts with next."""

from dataclasses import replace

import pytest

from pdfocr_watcher.engines.vllm.advice import Phase, advise, root_cause
from pdfocr_watcher.engines.vllm.recipe import Guard, HostSettings
from pdfocr_watcher.errors import ErrorCode

SETTINGS = HostSettings(
    "/models/m",
    "{prompt}",
    {"max_num_seqs": 100, "gpu_memory_utilization": 0.9},
    guards=(Guard.NGRAM, Guard.DETECTION),
)
GPU, GONE = ErrorCode.ENGINE_OUT_OF_GPU_MEMORY, ErrorCode.ENGINE_UNAVAILABLE

OOM = (
    "torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2.00 GiB. GPU 0 has a total capacity of 23.64 GiB "
    "of which 1.06 GiB is free."
)
#: What is said, as the releases say it, the code, and a word of what to change.
MESSAGES = {
    "not free": (
        (
            "ValueError: Free memory on device cuda:0 (10.02/23.64 GiB) on startup is less than desired GPU memory "
            "utilization (0.9, 21.28 GiB). Decrease GPU memory utilization or reduce GPU memory used by others."
        ),
        GPU,
        "vllm.gpu_memory_utilization",
    ),
    "not free, up to 0.13": (
        "ValueError: Free memory on device (10.02/23.64 GiB) on startup is less than desired GPU memory utilization",
        GPU,
        "only 10.02 GiB are free",
    ),
    "no cache": (
        (
            "ValueError: No available memory for the cache blocks. Try increasing `gpu_memory_utilization` when "
            "initializing the engine."
        ),
        GPU,
        "raise vllm.gpu_memory_utilization",
    ),
    "too long": (
        (
            "ValueError: To serve at least one request with the model's max seq len (8192), (0.94 GiB KV cache is "
            "needed, which is larger than the available KV cache memory (0.40 GiB). Based on the available memory, the "
            "estimated maximum model length is 3488. Try increasing `gpu_memory_utilization` or decreasing"
        ),
        GPU,
        "Not one page of 8192 tokens has room beside the model (3488 would fit)",
    ),
    "too long, in older ones": (
        (
            "ValueError: The model's max seq len (8192) is larger than the maximum number of tokens that can be stored "
            "in KV cache (3488). Try increasing `gpu_memory_utilization` or decreasing `max_model_len`"
        ),
        GPU,
        "Not one page of 8192 tokens has room beside the model: raise",
    ),
    "warm-up": (
        (
            "RuntimeError: CUDA out of memory occurred when warming up sampler with 100 dummy requests. Please try "
            "lowering `max_num_seqs` or `gpu_memory_utilization` when initializing the engine."
        ),
        GPU,
        "vllm.max_num_seqs",
    ),
    "weights": (f'  File "gpu_worker.py", line 3, in load_model\n    x = y\n{OOM}', GPU, "does not fit"),
    "work": (f'  File "gpu_model_runner.py", line 3, in execute_model\n{OOM}', GPU, "vllm.max_num_seqs"),
    "work on AMD": ("HIP out of memory. Tried to allocate 2 GiB", GPU, "vllm.max_num_seqs"),
    "the rule": (
        (
            "ValueError: NGramPerReqLogitsProcessor is not a subclass of vllm.v1.worker.gpu.sample.logits_processor."
            "LogitsProcessor"
        ),
        GONE,
        "vllm.repetition: detection",
    ),
    "no vllm": ("ModuleNotFoundError: No module named 'vllm'", GONE, "pdfocr-watcher[vllm]"),
    "no device": ("RuntimeError: Failed to infer device type, please set the environment variable", GONE, "nvidia-smi"),
    "no driver": ("RuntimeError: Found no NVIDIA driver on your system. Please check that", GONE, "nvidia-smi"),
    "no gpu": ("RuntimeError: No CUDA GPUs are available", GONE, "nvidia-smi"),
    "old driver": (
        "RuntimeError: The NVIDIA driver on your system is too old (found version 12020).",
        GONE,
        "update the driver",
    ),
    "old gpu": (
        "RuntimeError: CUDA error: no kernel image is available for execution on the device",
        GONE,
        "not built for this GPU",
    ),
    "broken gpu": ("torch.AcceleratorError: CUDA error: uncorrectable ECC error encountered", GONE, "Xid"),
    "bfloat16": (
        (
            "ValueError: Bfloat16 is only supported on GPUs with compute capability of at least 8.0. Your Tesla T4 GPU "
            "has compute capability 7.5."
        ),
        GONE,
        "vllm.dtype: float16",
    ),
    "too few gpus": (
        "ValueError: World size (2) is larger than the number of available GPUs (1) in this node.",
        GONE,
        "asks for 2 GPUs",
    ),
    "tensor parallel": (
        "ValueError: Total number of attention heads (10) must be divisible by tensor parallel size (4).",
        GONE,
        "vllm.tensor_parallel_size",
    ),
    "remote code": (
        (
            "RuntimeError: Failed to load the model config. If the model is a custom model not yet available in the "
            "HuggingFace transformers library, consider setting `trust_remote_code=True` in LLM or using the "
            "`--trust-remote-code` flag in the CLI."
        ),
        GONE,
        "vllm.trust_remote_code: true",
    ),
    "architecture": (
        (
            "ValueError: Model architectures ['NewOCRForCausalLM'] are not supported for now. Supported architectures: "
            "dict_keys(['A', 'B'])"
        ),
        GONE,
        "does not know this kind of model ['NewOCRForCausalLM']:",
    ),
    "model type": (
        (
            "ValueError: The checkpoint you are trying to load has model type `new_ocr` but Transformers does not "
            "recognize this architecture."
        ),
        GONE,
        "does not know this kind of model:",
    ),
    "no weights": ("RuntimeError: Cannot find any model weights with `/models/m`", GONE, "engine.model"),
    "half a file": ("safetensors_rust.SafetensorError: Error while deserializing header", GONE, "not whole"),
    "a missing part": (
        "FileNotFoundError: No such file or directory: '/models/m/model-00002-of-00003.safetensors'",
        GONE,
        "not whole",
    ),
    "no model": (
        "ValueError: Invalid repository ID or local directory specified: '/models/m'.",
        GONE,
        "engine.model",
    ),
    "not in the cache": (
        "OSError: We couldn't connect to 'https://huggingface.co' to load the files, and couldn't find them in the",
        GONE,
        "nothing is downloaded",
    ),
    "an argument": (
        "TypeError: AsyncEngineArgs.__init__() got an unexpected keyword argument 'max_seqs'",
        GONE,
        "no argument max_seqs",
    ),
    "no compiler": ("RuntimeError: Failed to find C compiler. Please specify via CC environment", GONE, "gcc"),
    "no room": ("OSError: [Errno 28] No space left on device", GONE, "A disk is full"),
}


def advised(said, settings=SETTINGS, phase=Phase.LOADING):
    return advise(f"INFO 11-29 10:00:00 [core.py:1] loading\n{said}\nINFO 11-29 over", "RuntimeError", settings, phase)


@pytest.mark.parametrize(("said", "code", "word"), MESSAGES.values(), ids=MESSAGES.keys())
def test_what_is_said_has_a_code_and_says_what_to_change(said, code, word):
    advice = advised(said)
    assert advice.failure.code is code
    assert word in advice.failure.detail
    assert "{" not in advice.failure.detail.partition(" It said: ")[0]


@pytest.mark.parametrize("said", [message[0] for message in MESSAGES.values()], ids=MESSAGES.keys())
def test_what_is_said_is_told_with_its_meaning(said):
    told = advised(said).failure.detail.partition(" It said: ")[2]
    assert told
    assert told in " ".join(said.split())


def test_what_is_not_known_has_no_advice():
    assert advised("RuntimeError: the moon is full") is None


@pytest.mark.parametrize(
    "line",
    [
        "WARNING 11-29 10:00:00 [config.py:5] consider setting `trust_remote_code=True`",
        "(EngineCore pid=7) INFO 11-29 10:00:00 [x.py:1] No space left on device is what we fear",
        "/lib/torch/cuda.py:1: UserWarning: No CUDA GPUs are available",
    ],
)
def test_warnings_are_no_failures(line):
    assert advised(line) is None


def test_what_the_process_tells_itself_counts_as_well():
    assert advise("", "ModuleNotFoundError: No module named 'vllm'", SETTINGS, Phase.LOADING).failure.code is GONE


def test_memory_that_runs_out_in_work_halves_the_pages_and_leaves_more_of_the_gpu():
    step = advised(OOM, phase=Phase.WORKING).step
    assert step.settings.engine_args == {"max_num_seqs": 50, "gpu_memory_utilization": 0.85}
    assert "from 100 to 50" in step.change
    assert "from 0.9 to 0.85" in step.change
    assert step.tries == 1


def test_memory_that_runs_out_in_warm_up_halves_the_pages_when_it_happens_again():
    step = advised(MESSAGES["warm-up"][0]).step
    assert step.settings.engine_args == {"max_num_seqs": 50, "gpu_memory_utilization": 0.9}
    assert step.tries == 2, "the engine before may still have had its memory"


def test_stepping_down_ends_where_nothing_is_won():
    settings, pages = SETTINGS, []
    while (step := advised(OOM, settings).step) is not None:
        settings = step.settings
        pages.append(settings.max_num_seqs)
    assert pages == [50, 25, 12, 6, 4]
    while (step := advised(OOM, settings, Phase.WORKING).step) is not None:
        settings = step.settings
    assert settings.max_num_seqs == 4
    assert settings.gpu_memory_utilization == pytest.approx(0.3)


def test_a_gpu_that_others_use_is_taken_as_far_as_it_is_free():
    step = advised(MESSAGES["not free"][0]).step
    assert step.settings.engine_args == {"max_num_seqs": 100, "gpu_memory_utilization": 0.40}
    assert step.tries == 3
    assert advised(MESSAGES["not free"][0].replace("10.02", "2.02")).step is None, "too little to work with"


@pytest.mark.parametrize("name", ["no cache", "too long", "weights", "no weights"])
def test_what_is_for_a_person_to_decide_is_left_to_a_person(name):
    assert advised(MESSAGES[name][0]).step is None


def test_the_length_of_a_page_is_never_lowered():
    for said, _, _ in MESSAGES.values():
        for phase in Phase:
            step = advised(said, phase=phase).step
            assert step is None or "max_model_len" not in step.settings.engine_args


def test_nothing_is_lowered_that_was_not_to_be():
    settings = replace(SETTINGS, step_down=False)
    assert all(advised(said, settings, Phase.WORKING).step is None for said, _, _ in MESSAGES.values())


def test_a_vllm_that_refuses_the_rule_is_started_without_it_unless_it_was_asked_for():
    said = MESSAGES["the rule"][0]
    assert advised(said).step.settings.guards == (Guard.DETECTION,)
    assert advised(said, replace(SETTINGS, strict=True)).step is None


def test_the_root_cause_is_the_last_exception_that_says_something():
    said = (
        "(EngineCore pid=7) ERROR 11-29 10:00:00 [core.py:9] Traceback (most recent call last):\n"
        "(EngineCore pid=7) ERROR 11-29 10:00:00 [core.py:9] KeyError: 'layers.0.weight'\n"
        "Process EngineCore:\n"
        "RuntimeError: Engine core initialization failed. See root cause above. Failed core proc(s): {}\n"
        "bye\n"
    )
    assert root_cause(said) == "KeyError: 'layers.0.weight'"
    assert root_cause("nothing") == ""
