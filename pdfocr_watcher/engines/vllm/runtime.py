"""vLLM itself: its async engine loaded, asked and ended. vLLM is imported here alone, in a process of its own.

What it is told is made by `recipe`; the process is `pipeline.generating.host`.
"""

import importlib
import inspect
from collections.abc import Collection
from importlib import metadata
from typing import Any

from PIL import Image

from pdfocr_watcher.engines.base import EngineInfo
from pdfocr_watcher.engines.generation import FinishReason, Generation, GenerationRequest
from pdfocr_watcher.engines.profiles import filled
from pdfocr_watcher.engines.vllm.found import vllm_version
from pdfocr_watcher.engines.vllm.recipe import Guard, HostSettings, engine_arguments, sampling_arguments
from pdfocr_watcher.errors import ErrorCode, PdfocrError

#: What is told of the configuration with which it really runs.
_FIGURES = (
    "model_config.max_model_len",
    "scheduler_config.max_num_seqs",
    "cache_config.gpu_memory_utilization",
    "parallel_config.tensor_parallel_size",
)
#: How vLLM ends what it broke off by itself.
_BROKEN_OFF = frozenset({"abort", "error"})


class EngineGoneError(Exception):
    """vLLM's engine process has died; nothing that was asked of it will be answered."""


class VllmEngine:
    """A loaded engine. Pages may be read many at a time.

    Args:
        settings: how it is set up.
    """

    def __init__(self, settings: HostSettings) -> None:
        self._settings = settings
        self.notes: list[str] = []
        self.guards = self._possible_guards()
        self._engine: Any = None
        self._whitelist: list[int] = []
        self._end = ""
        self.tokens: int | None = None

    @property
    def info(self) -> EngineInfo:
        """Who reads."""
        return EngineInfo("vllm", self._settings.model, vllm_version() or metadata.version("vllm"))

    @property
    def figures(self) -> dict[str, Any]:
        """With what it really runs: its configuration may have filled in what was left open."""
        blocks, length = self._figure("cache_config.num_gpu_blocks"), self._figure("cache_config.block_size")
        return {
            **{path.partition(".")[2]: self._figure(path) for path in _FIGURES},
            "dtype": str(self._figure("model_config.dtype")).removeprefix("torch."),
            "kv_cache_tokens": blocks * length if blocks and length else None,
            "repetition": "+".join(self.guards) or "none",
        }

    def _figure(self, path: str) -> Any:
        """A value of vLLM's configuration; None where a release has it elsewhere."""
        value = self._engine.vllm_config
        for name in path.split("."):
            value = getattr(value, name, None)
        return value

    def _possible_guards(self) -> tuple[str, ...]:
        """The guards that this installation has; what is left out is noted.

        Raises:
            PdfocrError: one is missing that must not be (ENGINE_UNAVAILABLE).
        """
        kept = []
        for guard in self._settings.guards:
            try:
                _load_guard(guard, self._settings.processor)
            except Exception as error:  # noqa: BLE001 - what an import raises, in a release that nobody has seen yet
                self._without(guard, f"{type(error).__name__}: {error}")
            else:
                kept.append(guard)
        return tuple(kept)

    def _without(self, guard: str, why: str) -> None:
        if self._settings.strict:
            raise PdfocrError(ErrorCode.ENGINE_UNAVAILABLE, f"vllm.repetition: {guard} cannot be had: {why}")
        self.notes.append(f"vllm.repetition: {guard} is left out: {why}")

    async def load(self) -> None:
        """Load the model; holds the loop up until it is there.

        Raises:
            Exception: whatever vLLM raises.
        """
        try:
            self._engine = self._start(self.guards)
        except (ValueError, RuntimeError) as error:
            # A runner that refuses the no-repeat rule says so before any process is started.
            if Guard.NGRAM not in self.guards or "LogitsProcessor" not in str(error):
                raise
            self._without(Guard.NGRAM, str(error))
            self.guards = tuple(guard for guard in self.guards if guard != Guard.NGRAM)
            self._engine = self._start(self.guards)
        tokenizer = self._engine.get_tokenizer()
        if inspect.isawaitable(tokenizer):  # up to 0.14
            tokenizer = await tokenizer
        self._end = tokenizer.eos_token or ""
        unknown = (None, getattr(tokenizer, "unk_token_id", None))
        ids = {token: tokenizer.convert_tokens_to_ids(token) for token in self._settings.whitelist}
        self._whitelist = [number for number in ids.values() if number not in unknown]
        missing = [token for token, number in ids.items() if number in unknown]
        if missing and Guard.NGRAM in self.guards:
            self.notes.append(
                f"vllm.repetition: the model has no token {', '.join(missing)}; the no-repeat rule may forbid what the "
                "profile's whitelist is to allow."
            )
        self._count_tokens()

    def _start(self, guards: Collection[str]) -> Any:
        from vllm import AsyncEngineArgs  # noqa: PLC0415 - takes seconds, and only here
        from vllm.v1.engine.async_llm import AsyncLLM  # noqa: PLC0415 - see above

        return AsyncLLM.from_engine_args(AsyncEngineArgs(**engine_arguments(self._settings, guards)))

    def _count_tokens(self) -> None:
        """Count the tokens as they come, where this release lets them be seen; its own statistics cost more."""
        outputs: Any = getattr(self._engine, "output_processor", None)
        process = getattr(outputs, "process_outputs", None)
        if process is None:
            return
        self.tokens = 0

        def counted(engine_core_outputs: Any, *arguments: Any, **named: Any) -> Any:
            for output in engine_core_outputs:
                self.tokens = (self.tokens or 0) + len(getattr(output, "new_token_ids", ()))
            return process(engine_core_outputs, *arguments, **named)

        outputs.process_outputs = counted

    async def generate(self, number: int, request: GenerationRequest, picture: Image.Image) -> Generation:
        """Read a page. Cancelling the call takes it back.

        Args:
            number: of the request; none comes twice.
            request: what is asked.
            picture: the page, RGB.

        Raises:
            EngineGoneError: the engine has died.
            PdfocrError: it refused the request, or broke it off (ENGINE_FAILED).
        """
        from vllm.v1.engine.exceptions import EngineDeadError  # noqa: PLC0415 - see _start

        prompt = {
            "prompt": filled(self._settings.template, request.prompt),
            "multi_modal_data": {"image": picture},
        }
        final = None
        try:
            async for output in self._engine.generate(prompt, self._sampling(request), str(number)):
                final = output
        except EngineDeadError as error:
            raise EngineGoneError(str(error)) from error
        except Exception as error:
            if self._engine.errored:
                raise EngineGoneError(str(error)) from error
            cause = error.__cause__ or error
            raise PdfocrError(ErrorCode.ENGINE_FAILED, f"{type(cause).__name__}: {cause}") from error
        if final is None or not final.outputs or (reason := str(final.outputs[0].finish_reason)) in _BROKEN_OFF:
            raise PdfocrError(ErrorCode.ENGINE_FAILED, "The engine broke the page off.")
        text = final.outputs[0]
        return Generation(
            text=text.text.removesuffix(self._end) if self._end else text.text,
            finish_reason=FinishReason(reason) if reason in set(FinishReason) else FinishReason.OTHER,
            prompt_tokens=len(final.prompt_token_ids or ()),
            completion_tokens=len(text.token_ids),
        )

    def _sampling(self, request: GenerationRequest) -> Any:
        from vllm import SamplingParams  # noqa: PLC0415 - see _start
        from vllm.sampling_params import RequestOutputKind  # noqa: PLC0415 - see _start

        arguments = sampling_arguments(request.sampling, self.guards, self._whitelist)
        if Guard.DETECTION in self.guards:
            from vllm.sampling_params import RepetitionDetectionParams  # noqa: PLC0415 - from 0.17 on

            arguments["repetition_detection"] = RepetitionDetectionParams(**arguments["repetition_detection"])
        return SamplingParams(**arguments, output_kind=RequestOutputKind.FINAL_ONLY)

    @property
    def gone(self) -> bool:
        """Whether the engine has died."""
        return bool(self._engine.errored)

    def close(self) -> None:
        """End the engine and its processes; takes seconds."""
        if self._engine is not None:
            self._engine.shutdown()


def _load_guard(guard: str, processor: str) -> None:
    """See whether vLLM has a guard.

    Raises:
        Exception: it has not.
    """
    if guard == Guard.DETECTION:
        importlib.import_module("vllm.sampling_params").RepetitionDetectionParams  # noqa: B018 - whether it is there
    elif guard == Guard.NGRAM:
        module, _, name = processor.partition(":")
        getattr(importlib.import_module(module), name)
