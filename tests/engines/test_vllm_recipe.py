"""vLLM is set up as the profile, the configuration and the installed release ask for."""

import pytest

from pdfocr_watcher.config.model import Vllm
from pdfocr_watcher.engines.generation import Sampling
from pdfocr_watcher.engines.profiles import Profile
from pdfocr_watcher.engines.vllm.recipe import (
    STANDARD_PROCESSOR,
    Guard,
    HostSettings,
    engine_arguments,
    host_settings,
    sampling_arguments,
)
from pdfocr_watcher.engines.vllm.releases import Ability, Release

BOTH = (Guard.NGRAM, Guard.DETECTION)
RULED = Profile(
    name="ruled",
    model="people/ruled",
    parser="grounding",
    prompt="read",
    template="<image>\n{prompt}",
    ngram_processor="module:Rule",
    whitelist=("<td>", "</td>"),
    max_model_len=8192,
    engine_args={"hf_overrides": {"a": 1}, "seed": 7},
)
FREE = RULED.model_copy(update={"ngram_processor": None})
SAMPLING = Sampling(max_tokens=4000, ngram_size=30, window_size=90)


def settings(profile=RULED, version="0.32.0", **options):
    return host_settings(profile, Vllm(**options), model="/models/ruled", concurrency=100, version=version)


def test_the_recipe_of_the_models_authors_is_what_stands_by_itself():
    arguments = engine_arguments(settings(), BOTH)
    assert arguments == {
        "model": "/models/ruled",
        "logits_processors": ["module:Rule"],
        "max_model_len": 8192,
        "max_num_seqs": 100,
        "gpu_memory_utilization": 0.9,
        "tensor_parallel_size": 1,
        "dtype": "auto",
        "enforce_eager": False,
        "trust_remote_code": False,
        "enable_prefix_caching": False,
        "mm_processor_cache_gb": 0,
        "limit_mm_per_prompt": {"image": 1},
        "disable_log_stats": True,
        "hf_overrides": {"a": 1},
        "seed": 7,
    }
    assert settings().environment["HF_HUB_OFFLINE"] == "1"
    assert settings().environment["VLLM_NO_USAGE_STATS"] == "1"


def test_the_configuration_wins_over_the_profile_and_its_further_arguments_over_all():
    made = settings(max_model_len=4096, max_num_seqs=8, dtype="float16", extra_args={"seed": 9, "dtype": "float32"})
    arguments = engine_arguments(made, ())
    assert (arguments["max_model_len"], arguments["max_num_seqs"]) == (4096, 8)
    assert (arguments["seed"], arguments["dtype"]) == (9, "float32")
    assert "logits_processors" not in arguments


def test_without_a_folder_the_model_is_named_as_on_the_hub():
    assert host_settings(RULED, Vllm(), model="", concurrency=1, version="").model == "people/ruled"


@pytest.mark.parametrize(
    ("version", "guards", "first_runner"),
    [
        ("0.11.1", (Guard.NGRAM,), False),
        ("0.11.2", (Guard.NGRAM,), False),
        ("0.12.0", (Guard.NGRAM,), True),
        ("0.16.0", (Guard.NGRAM,), True),
        ("0.17.0", BOTH, True),
        ("0.30.0", BOTH, True),
        ("0.31.0", BOTH, True),
        ("0.32.0+cpu", BOTH, True),
        ("0.33.0", BOTH, True),
        ("0.34.0rc1.dev12+g0123abc", BOTH, True),
        ("1.0", BOTH, True),
        ("dev", BOTH, True),
        ("", BOTH, True),
    ],
)
def test_each_release_gets_what_it_has_and_the_runner_that_takes_the_rule(version, guards, first_runner):
    made = settings(version=version)
    assert made.guards == guards
    assert made.environment.get("VLLM_USE_V2_MODEL_RUNNER") == ("0" if first_runner else None)


def test_a_model_without_a_rule_is_watched_by_vllm_alone_and_runs_on_the_newer_runner():
    assert settings(FREE).guards == (Guard.DETECTION,)
    assert "VLLM_USE_V2_MODEL_RUNNER" not in settings(FREE).environment
    assert settings(FREE, version="0.16.0").guards == ()


@pytest.mark.parametrize(
    ("wanted", "guards"), [("ngram", (Guard.NGRAM,)), ("detection", (Guard.DETECTION,)), ("none", ())]
)
def test_what_the_configuration_asks_for_is_had_or_nothing(wanted, guards):
    made = settings(FREE, version="0.11.1", repetition=wanted)
    assert (made.guards, made.strict) == (guards, True)
    assert made.processor == STANDARD_PROCESSOR
    assert not settings(FREE).strict


def test_a_page_is_asked_for_with_the_rule_and_with_special_tokens_kept():
    assert sampling_arguments(SAMPLING, (Guard.NGRAM,), [5, 6]) == {
        "max_tokens": 4000,
        "temperature": 0.0,
        "top_p": 1.0,
        "repetition_penalty": 1.0,
        "seed": 0,
        "skip_special_tokens": False,
        "extra_args": {"ngram_size": 30, "window_size": 90, "whitelist_token_ids": [5, 6]},
    }


def test_a_page_may_be_asked_for_without_the_rule():
    arguments = sampling_arguments(Sampling(max_tokens=10), (Guard.NGRAM,), [5])
    assert "extra_args" not in arguments
    assert "extra_args" not in sampling_arguments(SAMPLING, (Guard.DETECTION,), [5])


def test_repetition_is_looked_for_in_longer_runs_where_there_is_no_rule():
    alone = sampling_arguments(SAMPLING, (Guard.DETECTION,), [])["repetition_detection"]
    beside = sampling_arguments(SAMPLING, BOTH, [])["repetition_detection"]
    assert alone["max_pattern_size"] > beside["max_pattern_size"]
    for figures in (alone, beside):
        assert 1 <= figures["min_pattern_size"] <= figures["max_pattern_size"]
        assert figures["min_count"] >= 2


def test_settings_go_through_a_command_line_unchanged():
    made = settings(extra_args={"mm_processor_kwargs": {"größe": [1, 2]}})
    assert HostSettings.from_json(made.to_json()) == made


def test_releases_that_this_program_does_not_work_with_are_known():
    assert Release("0.11.0").too_old
    assert not Release("0.11.1").too_old
    assert not Release("").too_old
    assert Release("0.9.2").can(Ability.NGRAM_PROCESSOR) is False
