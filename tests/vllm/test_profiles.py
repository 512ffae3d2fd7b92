"""The profiles say what the installed vLLM says: architectures, marks, tiles, sizes, arguments."""

import dataclasses
import importlib
import random

import numpy as np
import pytest

from pdfocr_watcher.engines.preparing import fit, tile_grid
from pdfocr_watcher.engines.profiles import builtin_profiles

# What vLLM and its libraries warn of while they are imported is not of our making.
pytestmark = [pytest.mark.vllm, pytest.mark.usefixtures("installed"), pytest.mark.filterwarnings("ignore")]

PROFILES = builtin_profiles()
#: By releases of vLLM, the classes that say no mark: their chat templates have it.
SILENT = {"lighton-ocr", "hunyuan-ocr"}
A4 = {100: (827, 1169), 144: (1191, 1684), 200: (1654, 2339), 300: (2480, 3508)}


def part(path):
    """Something of vLLM or of its libraries, by `module:name`; imported only when a test asks for it."""
    module, _, name = path.partition(":")
    return getattr(importlib.import_module(module), name)


@pytest.mark.parametrize("name", PROFILES)
def test_vllm_has_the_models_architecture(name):
    assert set(PROFILES[name].architectures) <= set(part("vllm:ModelRegistry").get_supported_archs())


@pytest.mark.parametrize("name", PROFILES)
def test_the_pictures_mark_is_the_one_of_the_models_class(name):
    (architecture,) = PROFILES[name].architectures
    told = part("vllm:ModelRegistry").models[architecture].load_model_cls().get_placeholder_str("image", 1)
    assert told == PROFILES[name].mark or (told is None and name in SILENT)


@pytest.mark.parametrize("name", PROFILES)
def test_vllm_knows_the_arguments_and_the_logits_processor(name):
    profile = PROFILES[name]
    known = dataclasses.fields(part("vllm.engine.arg_utils:AsyncEngineArgs"))
    assert set(profile.engine_args) <= {field.name for field in known}
    assert profile.ngram_processor is None or part(profile.ngram_processor)


@pytest.mark.parametrize("name", ["deepseek-ocr", "deepseek-ocr-2"])
def test_tiles_are_cut_as_we_foresee(name):
    module = "vllm.transformers_utils.processors.deepseek_ocr"
    picture = PROFILES[name].modes[PROFILES[name].mode]
    assert (picture.min_tiles, picture.max_tiles) == (part(f"{module}:MIN_CROPS"), part(f"{module}:MAX_CROPS"))
    dice = random.Random(5)  # noqa: S311 - sizes, no secrets
    sizes = [(dice.randint(800, 4000), dice.randint(800, 4000)) for _ in range(300)]
    for width, height in [*sizes, *A4.values(), (841, 840), (800, 4000), (2000, 800), (1200, 480)]:
        cut = part(f"{module}:count_tiles")(width, height, image_size=picture.tile)
        assert tile_grid(width, height, picture) == cut


@pytest.mark.parametrize("name", ["deepseek-ocr", "deepseek-ocr-2"])
def test_the_largest_picture_leaves_room_for_the_text(name):
    profile = PROFILES[name]
    number = "2" if name.endswith("2") else ""
    info = part(f"vllm.model_executor.models.deepseek_ocr{number}:DeepseekOCR{number}ProcessingInfo")
    tile, overview = profile.modes[profile.mode].tile, profile.modes["small"].max_side
    shapes = [(columns, rows) for columns in range(1, 7) for rows in range(1, 7) if 1 < columns * rows <= 6]
    most = max(
        info.get_num_image_tokens(None, image_width=columns * tile, image_height=rows * tile)
        for columns, rows in shapes
    )
    prompt = 16
    assert 0 <= profile.max_model_len - most - prompt - profile.sampling.max_tokens < 100
    assert info.get_num_image_tokens(None, image_width=overview, image_height=overview) < most / 3


def resized_by_the_processor(name, width, height):
    """The size that the model's own processor makes of a picture."""
    models = "transformers.models"
    if name == "paddleocr-vl":
        resize = part(f"{models}.paddleocr_vl.image_processing_paddleocr_vl:smart_resize")
        return resize(height, width, factor=28, max_pixels=2_822_400)[::-1]
    if name == "glm-ocr":
        resize = part(f"{models}.glm46v.image_processing_glm46v:smart_resize")
        return resize(2, height, width, temporal_factor=2, factor=28, max_pixels=28 * 28 * 15000)[::-1]
    if name == "hunyuan-ocr":
        resize = part(f"{models}.hunyuan_vl.image_processing_hunyuan_vl:smart_resize")
        return resize(height, width, factor=32, min_pixels=512 * 512, max_pixels=2048 * 2048)[::-1]
    if name == "lighton-ocr":
        resize = part(f"{models}.lighton_ocr.processing_lighton_ocr:get_resize_output_image_size")
        return resize(np.zeros((height, width, 3)), size=1540, patch_size=28)[::-1]
    resize = part(f"{models}.qwen2_vl.image_processing_qwen2_vl:smart_resize")
    return resize(height, width, factor=28, max_pixels=11_289_600)[::-1]


@pytest.mark.parametrize("name", [name for name in PROFILES if not name.startswith("deepseek")])
def test_the_models_processor_leaves_our_picture_as_it_is(name):
    for raster in A4.values():
        for width, height in (raster, raster[::-1]):
            place = fit(width, height, PROFILES[name].modes[PROFILES[name].mode])
            assert resized_by_the_processor(name, place.width, place.height) == (place.width, place.height)
