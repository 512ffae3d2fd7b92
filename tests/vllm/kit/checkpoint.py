"""Writes a checkpoint of DeepSeek-OCR's architecture whose answers are known: see `scripts`.

It takes three seconds and less than a megabyte. vLLM runs it with its own, unchanged model code; the tower of vision
is built as short as the configuration's key `testkit` says by the plugin in `package`.
"""

import json
from pathlib import Path

from tests.vllm.kit import weights
from tests.vllm.kit.scripts import SCRIPTS
from tests.vllm.kit.sparse_file import write_bfloat16
from tests.vllm.kit.successors import chain_of
from tests.vllm.kit.tokenizer import BEGIN, END, PAD

#: The most tokens that a prompt and its answer may have together.
_POSITIONS = 8192


def write_checkpoint(folder: Path) -> None:
    """Write the model that follows `SCRIPTS` into an existing, empty folder."""
    chain = chain_of(SCRIPTS)
    chain.vocabulary.tokenizer.save(str(folder / "tokenizer.json"))
    _write(
        folder / "tokenizer_config.json",
        tokenizer_class="PreTrainedTokenizerFast",
        bos_token=BEGIN,
        eos_token=END,
        pad_token=PAD,
        model_max_length=_POSITIONS,
        clean_up_tokenization_spaces=False,
    )
    ids = {"bos_token_id": chain.vocabulary.ids[BEGIN], "eos_token_id": chain.vocabulary.ids[END]}
    _write(folder / "generation_config.json", **ids)
    _write(
        folder / "config.json",
        architectures=["DeepseekOCRForCausalLM"],
        model_type="deepseek_vl_v2",
        torch_dtype="bfloat16",
        candidate_resolutions=[[1024, 1024]],
        global_view_pos="head",
        tile_tag="2D",
        hidden_size=weights.HIDDEN,
        vocab_size=chain.vocabulary.size,
        language_config=_language(chain.vocabulary.size) | ids,
        projector_config={
            "model_type": "mlp_projector",
            "projector_type": "linear",
            "input_dim": 2048,
            "n_embed": weights.HIDDEN,
        },
        vision_config={
            "model_type": "vision",
            "model_name": "deeplip_b_l",
            "image_size": 1024,
            "mlp_ratio": 3.7362,
        },
        testkit={"sam_depth": 0, "clip_layers": 0},
        **ids,
    )
    write_bfloat16(folder / "model.safetensors", weights.all_weights(SCRIPTS, chain))


def _language(vocabulary_size: int) -> dict[str, object]:
    """The language model: a small DeepSeek-V2 with experts, without latent attention, as the real one."""
    return {
        "architectures": ["DeepseekV2ForCausalLM"],
        "torch_dtype": "bfloat16",
        "vocab_size": vocabulary_size,
        "max_position_embeddings": _POSITIONS,
        "hidden_size": weights.HIDDEN,
        "num_hidden_layers": weights.LAYERS,
        "num_attention_heads": weights.HEADS,
        "num_key_value_heads": weights.HEADS,
        "intermediate_size": weights.DENSE_WIDTH,
        "moe_intermediate_size": weights.EXPERT_WIDTH,
        "n_routed_experts": weights.EXPERTS,
        "n_shared_experts": 1,
        "num_experts_per_tok": 1,
        "first_k_dense_replace": 1,
        "n_group": 1,
        "topk_group": 1,
        "topk_method": "greedy",
        "use_mla": False,
        "kv_lora_rank": None,
        "q_lora_rank": None,
        "qk_nope_head_dim": 0,
        "qk_rope_head_dim": 0,
        "v_head_dim": 0,
        "lm_head": True,
        "rm_head": False,
    }


def _write(file: Path, **content: object) -> None:
    file.write_text(json.dumps(content, indent=1, ensure_ascii=False), encoding="utf-8")
