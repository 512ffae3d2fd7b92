"""A plugin of vLLM: builds DeepSeek-OCR's vision tower as deep as the checkpoint says.

vLLM builds it with twelve layers of SAM and twenty-four of CLIP whatever the configuration of the model is, and on
two cores a page then takes 20 seconds. The tests' checkpoint measures a page's tint in SAM's convolutions alone; it
names the depth that it was made for under the key `testkit` of its config.json:

    "testkit": {"sam_depth": 0, "clip_layers": 0}

For a model without that key, thus for every real one, nothing changes. vLLM loads the plugin in every process that it
starts, for being an entry point of `vllm.general_plugins`.
"""

from typing import Any

_SAM_WIDTH, _SAM_HEADS = 768, 12

#: The layers of SAM that look at the whole page, in the tower of full depth.
_GLOBAL_LAYERS = (2, 5, 8, 11)


def register() -> None:
    """Put what builds the two halves of the tower in the place of vLLM's own, once in a process."""
    from vllm.model_executor.models import deepencoder, deepseek_ocr  # noqa: PLC0415 - costs seconds

    build_sam, build_clip = deepseek_ocr.build_sam_vit_b, deepseek_ocr.DeepCLIPVisionTransformer
    if build_sam.__module__ == __name__:
        return

    def build_sam_vit_b() -> Any:
        depth = _depth("sam_depth")
        if depth is None:
            return build_sam()
        looking = [layer for layer in _GLOBAL_LAYERS if layer < depth]
        return deepencoder._build_sam(_SAM_WIDTH, depth, _SAM_HEADS, looking)

    def build_clip_transformer(**arguments: Any) -> Any:
        layers = _depth("clip_layers")
        if layers is not None:
            arguments["num_hidden_layers_override"] = layers
        return build_clip(**arguments)

    deepseek_ocr.build_sam_vit_b = build_sam_vit_b
    deepseek_ocr.DeepCLIPVisionTransformer = build_clip_transformer


def _depth(half: str) -> int | None:
    """The depth that the model that is being built asks for; None for vLLM's own."""
    from vllm.config import get_current_vllm_config  # noqa: PLC0415

    named = getattr(get_current_vllm_config().model_config.hf_config, "testkit", None)
    return None if named is None else int(named[half])
