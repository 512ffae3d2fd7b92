"""The weights that make DeepSeek-OCR's architecture follow a chain of words that the page's tint chooses.

Vision. A patch of the page has a tint (red minus blue) and a paper value (green; -1 for black, 1 for white). SAM's
convolutions carry both, and a constant, to the end; its layers, and all of CLIP, are missing or zero. The gray that
vLLM puts around a page to make it square has neither tint nor paper, so it does not count, however much of it there is.

Language. The first layer's attention looks at all tokens alike and so adds up tint and paper over the picture. The
output layer takes the script whose tint is nearest to their ratio, as a linear decision: of (2 m tint - m² paper) over
the scripts' tints m. From then on each word's embedding is a code of its own, and the row of its successor in the
output layer is that code. All else is zero.
"""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from tests.vllm.kit.scripts import PLAIN_PROMPT_END, Script
from tests.vllm.kit.sparse_file import Tensor
from tests.vllm.kit.successors import Chain
from tests.vllm.kit.tokenizer import END

HIDDEN = 256
LAYERS = 2
HEADS = 4
DENSE_WIDTH = 64
EXPERT_WIDTH = 32
EXPERTS = 2

_SAM_WIDTH, _SAM_GRID, _PATCH = 768, 64, 16
_NECK = 256
_CLIP_WIDTH = 1024

# What the dimensions of the language model's hidden state stand for; the words' codes have the others.
_PROMPT, _PLAIN = 0, 1
_TINT, _PAPER, _CONSTANT = 2, 3, 4
_ALL_TINT, _ALL_PAPER = 5, 6
_LAST, _MAY_END = 7, 8
_CODE = 9

# How strongly a word calls for what follows it: its successor has its code in the output layer, all other words have
# next to nothing of it, and between the two stand what is written in the place of a forbidden word, and the end.
_OTHERWISE, _MAY_END_STRENGTH = 0.6, 0.4
# What decides which script begins. A page's tint is there while words are written too, and must not outweigh them.
_TINT_STRENGTH, _PROMPT_STRENGTH, _PLAIN_STRENGTH = 20.0, 5.0, 100.0

_Table = NDArray[np.float32]


def all_weights(scripts: Mapping[str, Script], chain: Chain) -> dict[str, Tensor]:
    """Every tensor of the checkpoint, under the names of the real one."""
    return {**_sam(), **_clip(), **_projector(), **_language(), **_tables(scripts, chain)}


def _zeros(*shape: int) -> _Table:
    return np.zeros(shape, np.float32)


def _sam() -> dict[str, Tensor]:
    """The convolutions before and after SAM's layers: channels 0, 2 and 4 carry tint, paper and constant.

    Normalisation takes the mean from a position's channels and scales them all alike. So each value goes with its
    negative, and the constant keeps the scale from blowing up where a patch has nothing else.
    """
    prefix = "model.sam_model."
    pixels = _PATCH * _PATCH
    patches, bias = _zeros(_SAM_WIDTH, 3, _PATCH, _PATCH), _zeros(_SAM_WIDTH)
    # The pixels come as -1 .. 1, so half the difference is the tint.
    patches[0, 0], patches[0, 2], patches[1, 1] = 0.5 / pixels, -0.5 / pixels, 1 / pixels
    bias[2] = 1
    narrow = _zeros(_NECK, _SAM_WIDTH, 1, 1)
    for channel in range(3):
        narrow[2 * channel, channel], narrow[2 * channel + 1, channel] = 1, -1
    tensors: dict[str, Tensor] = {
        prefix + "patch_embed.proj.weight": patches,
        prefix + "patch_embed.proj.bias": bias,
        prefix + "pos_embed": (1, _SAM_GRID, _SAM_GRID, _SAM_WIDTH),
        prefix + "neck.0.weight": narrow,
        prefix + "neck.2.weight": _average(_NECK, _NECK),
        prefix + "net_2.weight": _average(512, _NECK),
        prefix + "net_3.weight": _average(_CLIP_WIDTH, 512),
    }
    for norm in ("neck.1", "neck.3"):
        tensors |= {f"{prefix}{norm}.weight": np.ones(_NECK, np.float32), f"{prefix}{norm}.bias": (_NECK,)}
    return tensors


def _average(outputs: int, inputs: int) -> _Table:
    """A convolution that takes the mean of nine positions in each of the first six channels.

    Without it only one patch of sixteen would be looked at, and a line of text could fill it.
    """
    kernel = _zeros(outputs, inputs, 3, 3)
    kernel[range(6), range(6)] = 1 / 9
    return kernel


def _clip() -> dict[str, Tensor]:
    """CLIP says nothing."""
    prefix = "model.vision_model."
    return {
        prefix + "embeddings.class_embedding": (_CLIP_WIDTH,),
        prefix + "embeddings.patch_embedding.weight": (_CLIP_WIDTH, 3, 14, 14),
        prefix + "embeddings.position_embedding.weight": (257, _CLIP_WIDTH),
        prefix + "pre_layrnorm.weight": (_CLIP_WIDTH,),
        prefix + "pre_layrnorm.bias": (_CLIP_WIDTH,),
    }


def _projector() -> dict[str, Tensor]:
    """A picture's token has its tint, its paper and the constant; SAM's channels come after CLIP's."""
    table = _zeros(HIDDEN, 2 * _CLIP_WIDTH)
    for number, dimension in enumerate((_TINT, _PAPER, _CONSTANT)):
        table[dimension, _CLIP_WIDTH + 2 * number] = 0.1
    return {
        "model.projector.layers.weight": table,
        "model.projector.layers.bias": (HIDDEN,),
        "model.image_newline": (HIDDEN,),
        "model.view_seperator": (HIDDEN,),
    }


def _language() -> dict[str, Tensor]:
    """Layers whose attention is the same for all tokens; only the first one's is handed on."""
    ones = np.ones(HIDDEN, np.float32)
    tensors: dict[str, Tensor] = {"model.norm.weight": ones}
    for layer in range(LAYERS):
        prefix = f"model.layers.{layer}."
        value, output = _zeros(HIDDEN, HIDDEN), _zeros(HIDDEN, HIDDEN)
        if layer == 0:
            value[0, _TINT] = value[1, _PAPER] = 1
            output[_ALL_TINT, 0] = output[_ALL_PAPER, 1] = 0.1
        tensors |= {
            prefix + "input_layernorm.weight": ones,
            prefix + "post_attention_layernorm.weight": ones,
            prefix + "self_attn.q_proj.weight": (HIDDEN, HIDDEN),
            prefix + "self_attn.k_proj.weight": (HIDDEN, HIDDEN),
            prefix + "self_attn.v_proj.weight": value,
            prefix + "self_attn.o_proj.weight": output,
        }
        experts = [f"experts.{number}." for number in range(EXPERTS)]
        widths = {"": DENSE_WIDTH} if layer == 0 else dict.fromkeys(("shared_experts.", *experts), EXPERT_WIDTH)
        for part, width in widths.items():
            tensors |= {
                f"{prefix}mlp.{part}gate_proj.weight": (width, HIDDEN),
                f"{prefix}mlp.{part}up_proj.weight": (width, HIDDEN),
                f"{prefix}mlp.{part}down_proj.weight": (HIDDEN, width),
            }
        if layer > 0:
            tensors[prefix + "mlp.gate.weight"] = (EXPERTS, HIDDEN)
    return tensors


def _tables(scripts: Mapping[str, Script], chain: Chain) -> dict[str, Tensor]:
    """What each token is at the input, and what it is chosen by at the output; a row for each token."""
    ids, end = chain.vocabulary.ids, chain.vocabulary.ids[END]
    embedding, output = _zeros(chain.vocabulary.size, HIDDEN), _zeros(chain.vocabulary.size, HIDDEN)
    embedding[:, _PROMPT] = 1
    embedding[ids["<image>"]] = 0
    embedding[ids[PLAIN_PROMPT_END]] = np.arange(HIDDEN) == _PLAIN
    words = sorted(chain.likeliest)
    embedding[words] = 0
    embedding[words, _CODE:] = np.random.default_rng(0).choice(np.float32([-1, 1]), (len(words), HIDDEN - _CODE))
    # The end follows on many words. The sum of their codes would be near to every word; so they say it by themselves.
    for word, successor in chain.likeliest.items():
        if successor == end:
            embedding[word, _LAST] = 1
        else:
            output[successor, _CODE:] += embedding[word, _CODE:]
    for word, successor in chain.otherwise.items():
        embedding[word, _MAY_END] = 1
        if successor != end:
            output[successor, _CODE:] += _OTHERWISE * embedding[word, _CODE:]
    output[end, [_LAST, _MAY_END]] = (HIDDEN - _CODE) * np.float32([1, _MAY_END_STRENGTH])
    for name, first in chain.first.items():
        tint = scripts[name].tint
        if tint is None:
            output[first, _PLAIN] += _PLAIN_STRENGTH
        else:
            output[first, _PROMPT] += _PROMPT_STRENGTH
            output[first, _ALL_TINT] += 2 * tint * _TINT_STRENGTH
            output[first, _ALL_PAPER] -= tint * tint * _TINT_STRENGTH
    return {"model.embed_tokens.weight": embedding, "lm_head.weight": output}
