"""Models of one's own are taken with the configuration or refused with it, each mistake with its line."""

import pytest

NAMES = "deepseek-ocr, deepseek-ocr-2, dots-ocr, glm-ocr, hunyuan-ocr, lighton-ocr, olmocr, paddleocr-vl"
MINE = """\
engine: {profile: mine}
profiles:
  mine:
    extends: deepseek-ocr
    sampling:
      temperature: 0.1
"""


def test_a_profile_of_ones_own_is_taken_as_it_is_written(load):
    text = 'whitelist: ["<td>", 2024-01-01]\n    engine_args: {block_size: 16, enforce_eager: true, seed: null}\n'
    config = load(f"{MINE}    {text}")
    assert config.engine.profile == "mine"
    assert config.profiles["mine"] == {
        "extends": "deepseek-ocr",
        "sampling": {"temperature": 0.1},
        "whitelist": ["<td>", "2024-01-01"],
        "engine_args": {"block_size": 16, "enforce_eager": True, "seed": None},
    }


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "engine:\n  profile: deepsek-ocr\n",
            (
                f"2: engine.profile: there is no profile 'deepsek-ocr'; there are {NAMES}; "
                'did you mean "deepseek-ocr"?'
            ),
        ),
        (
            MINE.replace("temperature", "temprature"),
            '6: profiles.mine.sampling.temprature: unknown key; did you mean "temperature"?',
        ),
        (MINE.replace("0.1", "3"), "6: profiles.mine.sampling.temperature: must be at most 2, not 3"),
        (MINE.replace("0.1", "warm"), "6: profiles.mine.sampling.temperature: must be a number, not 'warm'"),
        (
            MINE + "      temperature: 0.2\n",
            "7: profiles.mine.sampling.temperature: is written twice, first on line 6",
        ),
        (
            MINE + "    retries:\n    - mode: square\n    - temperature: 1\n      mode: smal\n",
            (
                "10: profiles.mine.retries, item 2.mode: must be one of the profile's modes (gundam, square, small), "
                "not 'smal'; did you mean \"small\"?"
            ),
        ),
        (
            MINE + "    template: hello {prompt}\n",
            "7: profiles.mine.template: must have <image> once, where the picture stands; it has it no times",
        ),
        (
            MINE.replace("deepseek-ocr", "deepseek"),
            (
                f"4: profiles.mine.extends: must be the name of a profile ({NAMES}), not 'deepseek'; "
                'did you mean "deepseek-ocr"?'
            ),
        ),
        ("profiles:\n  mine:\n", "2: profiles.mine: must be a section with keys, not empty"),
        (
            "profiles: {mine: {extends: olmocr, whitelist: [yes]}}",
            "1: profiles.mine.whitelist, item 1: must be text (put quotes around it), not true",
        ),
        ("profiles: [a]\n", "1: profiles: must be a section with keys below it, not a list"),
        ("profils:\n  mine: {}\n", '1: profils: unknown key; did you mean "profiles"?'),
        ("vllm:\n  extra_args:\n    a: {b: 1, b: 2}\n", "3: vllm.extra_args.a.b: is written twice, first on line 3"),
        ("vllm:\n  extra_args: 5\n", "2: vllm.extra_args: must be a section with keys, not 5"),
        (
            "vllm: {dtype: int}\n",
            '1: vllm.dtype: must be "auto", "bfloat16", "float16" or "float32", not \'int\'',
        ),
    ],
)
def test_a_mistake_in_a_profile_is_named_with_its_line_and_what_was_meant(mistakes, text, message):
    assert mistakes(text) == [f"config.yaml:{message}"]


def test_a_profile_that_is_not_whole_says_all_that_is_missing(mistakes):
    told = mistakes("profiles:\n  mine:\n    parser: markdown\n    mode: page\n")
    hint = "is missing, or `extends: NAME` that says which profile it changes"
    assert told == [f"config.yaml:2: profiles.mine.{key}: {hint}" for key in ("model", "prompt", "template")]


def test_a_whole_model_of_ones_own_needs_few_words(load):
    load('profiles: {mine: {model: me/mine, parser: markdown, prompt: Read., template: "<image>{prompt}"}}')


def test_mistakes_in_profiles_are_told_beside_all_others(mistakes):
    told = mistakes(MINE.replace("0.1", "-1") + "render: {dpi: 5}\nengines: 3\n")
    assert [line.partition(": ")[0] for line in told] == ["config.yaml:6", "config.yaml:7", "config.yaml:8"]


def test_a_profile_may_come_from_the_environment(load, mistakes):
    variable = "PDFOCR_WATCHER__PROFILES__MINE"
    config = load("engine: {profile: mine}", {variable: "{extends: olmocr, dpi: 100}"})
    assert config.profiles["mine"] == {"extends": "olmocr", "dpi": 100}
    assert mistakes("", {variable: "{extends: olmocr, dpi: 1}"}) == [
        f"{variable}: profiles.mine.dpi: must be at least 36, not 1"
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("engine: vllm-server\n", "1: engine.name is vllm-server, and servers.urls names no server"),
        (
            "engine: vllm-server\nservers:\n  urls: []\n",
            "3: engine.name is vllm-server, and servers.urls names no server",
        ),
        *(
            (f"servers: {{urls: ['{url}']}}\n", f"1: servers.urls: '{shown}': {fault}")
            for url, shown, fault in (
                ("gpu1:8000", "gpu1:8000", "it does not begin with http:// or https://"),
                ("ftp://gpu1/v1", "ftp://gpu1/v1", "it does not begin with http:// or https://"),
                ("http:///v1", "http:///v1", "it names no host"),
                ("http://gpu 1/v1", "http://gpu 1/v1", "it names no host"),
                ("http://[::1/v1", "http://[::1/v1", "its host cannot be read"),
                ("http://gpu1:80000", "http://gpu1:80000", "its port is no number from 1 to 65535"),
                ("http://gpu1:0", "http://gpu1:0", "its port is no number from 1 to 65535"),
                ("http://gpu1/v1?key=1", "http://gpu1/v1?key=1", "it has a query or a fragment"),
                ("http://me:secret@gpu1:0", "http://gpu1:0", "its port is no number from 1 to 65535"),
                ("http://me:sec/ret@gpu1", "http://gpu1", "its port is no number from 1 to 65535"),
                ("me:secret@gpu1", "gpu1", "it does not begin with http:// or https://"),
                ("http://me:se\u2100cret@gpu1", "http://gpu1", "its host cannot be read"),
            )
        ),
        (
            "servers: {urls: ['http://a/v1', 'http://b', 'http://a/']}\n",
            "1: servers.urls: 'http://a/': it is named twice",
        ),
    ],
)
def test_servers_that_cannot_be_are_refused(mistakes, text, message):
    assert mistakes(text) == [f"config.yaml:{message}"]


def test_servers_that_can_be_are_taken(load):
    urls = (
        "http://gpu1:8000/v1",
        "https://ocr.example/models/v1",
        "http://[fd00::1]:8000/v1",
        "http://me:secret@b:9/v1",
    )
    assert load(f"engine: vllm-server\nservers: {{urls: {list(urls)}}}").servers.urls == urls
