"""The profiles that ship are whole and say where they come from; those of one's own take over what they extend."""

from importlib import resources

import pytest

from pdfocr_watcher.config.model import Vllm
from pdfocr_watcher.engines.attempts import attempts
from pdfocr_watcher.engines.generation import Sampling
from pdfocr_watcher.engines.own_profiles import contradictions, profile_faults, profile_names, resolve_profile
from pdfocr_watcher.engines.profiles import Parser, Profile, builtin_data, builtin_names, builtin_profiles
from pdfocr_watcher.engines.vllm.recipe import host_settings
from pdfocr_watcher.errors import ErrorCode, PdfocrError
from tests.processes import loaded_by

NAMES = builtin_names()


def faults(own):
    return [f"{fault.key}: {fault.text}" for fault in profile_faults(own)]


@pytest.mark.parametrize("name", NAMES)
def test_a_profile_that_ships_is_called_like_its_file_and_whole(name):
    profile = builtin_profiles()[name]
    assert profile.name == name
    assert list(contradictions(profile)) == []
    assert profile.architectures


@pytest.mark.parametrize("name", NAMES)
def test_a_profile_that_ships_names_the_source_of_every_figure(name):
    profile, written = builtin_profiles()[name], set(builtin_data(name))
    described = {"name", "model", "architectures", "parser", "mark", "mode", "note", "sources", "seen"}
    taken = {"whitelist", "ngram_processor"}  # from where the sampling is
    assert set(profile.sources) == written - described - taken


@pytest.mark.parametrize("name", NAMES)
def test_no_attempt_asks_what_another_one_asked_though_the_rule_against_repetition_is_missing(name):
    asked = [
        (one.prompt, one.mode, one.sampling.temperature, one.sampling.repetition_penalty)
        for one in attempts(builtin_profiles()[name])
    ]
    assert len(set(asked)) == len(asked)


@pytest.mark.parametrize("name", NAMES)
def test_a_profile_that_ships_repeats_no_argument_that_every_model_has(name):
    own = builtin_profiles()[name]
    common = own.model_copy(update={"engine_args": {}})
    given = host_settings(common, Vllm(), model="", concurrency=1, version="").engine_args
    assert [key for key, value in own.engine_args.items() if given.get(key) == value] == []


def test_nothing_is_said_to_have_been_seen_with_real_weights():
    seen = {name: profile.seen for name, profile in builtin_profiles().items() if profile.seen}
    assert list(seen) == ["deepseek-ocr"]
    assert "never with the real ones" in seen["deepseek-ocr"]


def test_the_models_that_are_promised_ship():
    promised = {"deepseek-ocr", "deepseek-ocr-2", "paddleocr-vl", "glm-ocr", "dots-ocr", "lighton-ocr", "hunyuan-ocr"}
    assert promised | {"olmocr"} == set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_a_picture_leaves_room_for_the_text(name):
    """A token stands for at least 28 x 28 pixels with all models; servers of old refuse a request for too many."""
    profile = builtin_profiles()[name]
    for picture in profile.modes.values():
        pixels = min(picture.max_pixels, picture.max_side**2)
        if picture.tile:
            pixels = 0  # counted by vLLM itself in tests/vllm/test_profiles.py
        assert pixels / 28**2 + 200 + profile.sampling.max_tokens <= profile.max_model_len


def test_the_whole_input_has_the_prompt_and_the_pictures_mark_in_their_places():
    profile = builtin_profiles()["deepseek-ocr"]
    assert profile.input_for(profile.prompt) == "<image>\n<|grounding|>Convert the document to markdown."
    assert builtin_profiles()["lighton-ocr"].input_for("").endswith("<|image_pad|><|im_end|>\n<|im_start|>assistant\n")
    odd = "braces {0} stay"
    assert profile.input_for(odd) == f"<image>\n{odd}"


def test_a_server_is_sent_what_its_chat_template_does_not_add():
    dots, lighton = builtin_profiles()["dots-ocr"], builtin_profiles()["lighton-ocr"]
    assert dots.server.text_for("Read.") == "<|img|><|imgpad|><|endofimg|>Read."
    assert lighton.server.text_for(lighton.prompt) == ""
    assert builtin_profiles()["hunyuan-ocr"].server.system == ""
    assert not builtin_profiles()["olmocr"].server.picture_first


def test_a_retry_changes_what_it_names():
    profile = builtin_profiles()["deepseek-ocr"]
    assert profile.sampling_for() == Sampling(max_tokens=7168, temperature=0, ngram_size=30, window_size=90)
    second = profile.sampling_for(profile.retries[1])
    assert second == Sampling(max_tokens=7168, temperature=0.2, ngram_size=12, window_size=200)


def test_a_profile_that_ships_is_found_by_its_name():
    assert resolve_profile("dots-ocr", {}) == builtin_profiles()["dots-ocr"]


def test_a_name_that_there_is_not_is_refused_with_those_that_there_are():
    with pytest.raises(PdfocrError, match=r"no profile 'dots'; there are deepseek-ocr, .*, mine\.") as raised:
        resolve_profile("dots", {"mine": {}})
    assert raised.value.code is ErrorCode.CONFIG_INVALID


def test_a_profile_of_ones_own_takes_over_what_it_does_not_name():
    own = {
        "mine": {
            "extends": "deepseek-ocr",
            "prompt": "Free OCR.",
            "parser": "markdown",
            "sampling": {"temperature": 0.1},
            "modes": {"gundam": {"quality": 80}, "large": {"max_side": 2000}},
            "engine_args": {"block_size": 32},
            "retries": [],
        }
    }
    base, mine = builtin_profiles()["deepseek-ocr"], resolve_profile("mine", own)
    assert (mine.name, mine.model, mine.template) == ("mine", base.model, base.template)
    assert (mine.prompt, mine.parser, mine.retries) == ("Free OCR.", Parser.MARKDOWN, ())
    assert mine.sampling == base.sampling.model_copy(update={"temperature": 0.1})
    assert set(mine.modes) == {"gundam", "square", "small", "large"}
    assert mine.modes["gundam"] == base.modes["gundam"].model_copy(update={"quality": 80})
    assert mine.engine_args == {**base.engine_args, "block_size": 32}
    assert mine.seen == "", "what was seen running was another"


def test_a_profile_may_extend_another_of_ones_own_and_a_built_in_one_by_its_own_name():
    own = {
        "deepseek-ocr": {"extends": "deepseek-ocr", "dpi": 100},
        "mine": {"extends": "deepseek-ocr", "max_model_len": 16384},
    }
    assert faults(own) == []
    assert resolve_profile("deepseek-ocr", own).dpi == 100
    assert (resolve_profile("mine", own).dpi, resolve_profile("mine", own).max_model_len) == (100, 16384)
    assert profile_names(own).count("deepseek-ocr") == 1


def test_a_whole_profile_of_ones_own():
    own = {"mine": {"model": "me/mine", "parser": "markdown", "prompt": "", "template": "<image>{prompt}"}}
    assert resolve_profile("mine", own) == Profile(
        name="mine", model="me/mine", parser=Parser.MARKDOWN, prompt="", template="<image>{prompt}"
    )


MODES = "must be one of the profile's modes (gundam, square, small), not 'large'"


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"template": "{prompt}"}, ["template: must have <image> once, where the picture stands; it has it no times"]),
        (
            {"template": "<image><image>{prompt}"},
            ["template: must have <image> once, where the picture stands; it has it 2 times"],
        ),
        (
            {"template": "<image>Free OCR."},
            ["template: must have {prompt} once, where the prompt stands; it has it no times"],
        ),
        ({"mark": "<pic>"}, ["template: must have <pic> once, where the picture stands; it has it no times"]),
        ({"prompt": "<image>\nFree OCR."}, ["prompt: must not have <image>: the template has it"]),
        ({"retries": [{"prompt": "<image>"}]}, ["retries, item 1.prompt: must not have <image>: the template has it"]),
        ({"mode": "large"}, [f"mode: {MODES}"]),
        ({"retries": [{}, {"mode": "large"}]}, [f"retries, item 2.mode: {MODES}"]),
        ({"modes": {"small": {"min_tiles": 9}}}, ["modes.small.min_tiles: must not be more than max_tiles (6)"]),
        ({"max_model_len": 4096}, ["sampling.max_tokens: must not be more than max_model_len (4096)"]),
        (
            {"sampling": {"ngram_size": 100}, "retries": []},
            ["sampling.window_size: must be at least ngram_size (100), or nothing is ever found in it"],
        ),
        ({"ngram_processor": "NoColon"}, ["ngram_processor: must be of the form module:Class, not 'NoColon'"]),
        ({"name": "other"}, ["name: its name is the key that it stands below"]),
        ({"modes": {"small": {"format": "gif"}}}, ["modes.small.format: must be jpeg or png, not 'gif'"]),
        (
            {"parser": "html"},
            ["parser: must be grounding, markdown, front_matter or layout_json, not 'html'"],
        ),
        ({"prompt": 7}, ["prompt: must be text (put quotes around it), not 7"]),
        ({"retries": {"mode": "small"}}, ["retries: must be a list, such as [a, b], not a section with keys"]),
        ({"retries": ["small"]}, ["retries, item 1: must be a section with keys, not 'small'"]),
        ({"modes": 3}, ["modes: must be a section with keys, not 3"]),
        ({"dpi": True, "dip": 3}, ["dpi: must be at least 36, not true", "dip: unknown key"]),
    ],
)
def test_a_mistake_is_named_by_its_key(change, told):
    assert faults({"mine": {"extends": "deepseek-ocr", **change}}) == [f"profiles.mine.{text}" for text in told]


def test_a_mistake_is_told_once_and_where_it_is_written():
    own = {"first": {"extends": "second"}, "second": {"extends": "olmocr", "dpi": 1}, "third": {"extends": "second"}}
    assert faults(own) == ["profiles.second.dpi: must be at least 36, not 1"]
    with pytest.raises(PdfocrError, match=r"profiles\.second\.dpi: must be at least 36, not 1\."):
        resolve_profile("first", own)


def test_profiles_that_extend_each_other_are_refused():
    own = {"a": {"extends": "b"}, "b": {"extends": "c"}, "c": {"extends": "b"}}
    assert "profiles.c.extends: b extends c in turn" in faults(own)
    with pytest.raises(PdfocrError, match="in turn"):
        resolve_profile("a", own)


@pytest.mark.parametrize("base", ["deepseek", "mine", None, 3, ["olmocr"]])
def test_what_is_extended_must_be_there(base):
    (told,) = faults({"mine": {"extends": base}})
    assert told.startswith("profiles.mine.extends: must be the name of a profile (deepseek-ocr, ")


@pytest.mark.parametrize("name", ["", "a b", "../x", "-x", "ü"])
def test_a_name_is_a_plain_word(name):
    assert faults({name: {"extends": "olmocr"}}) == [
        f"profiles.{name}: a profile's name has letters, digits and . _ - only"
    ]


def test_an_unknown_key_comes_with_those_that_there_are():
    own = {"mine": {"extends": "olmocr", "sampling": {"temprature": 0}, "server": {"txt": ""}, "x": 1}}
    choices = {fault.given: fault.choices for fault in profile_faults(own)}
    assert "temperature" in choices["temprature"]
    assert "text" in choices["txt"]
    assert {"prompt", "extends"} <= set(choices["x"])


def test_the_files_of_the_profiles_are_in_the_package():
    folder = resources.files("pdfocr_watcher") / "profiles"
    assert {file.name for file in folder.iterdir()} == {f"{name}.yaml" for name in NAMES}


def test_profiles_need_none_of_the_heavy_libraries():
    heavy = ("numpy", "cv2", "PIL", "torch", "vllm", "transformers")
    assert loaded_by("import pdfocr_watcher.engines.own_profiles", *heavy) == set()
