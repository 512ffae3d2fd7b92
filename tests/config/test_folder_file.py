"""What a folder's .pdfocr.yaml says, and that what is wrong with it is told with its line."""

import pytest

from pdfocr_watcher.config.choices import FolderKey
from pdfocr_watcher.config.folder_file import FolderFileError, parse_folder_file
from pdfocr_watcher.config.folder_rules import FolderRules
from pdfocr_watcher.config.model import Config, Engine, FolderSettings, Retention
from pdfocr_watcher.jobs.model import OUTPUT_NAMES
from pdfocr_watcher.jobs.settings import JobSettings, Priority

RULES = FolderRules(
    engine="vllm",
    profiles=("deepseek-ocr", "brief"),
    marks=("{prompt}", "<image>"),
    languages=True,
)


def parse(text: str, rules: FolderRules = RULES) -> JobSettings:
    return parse_folder_file(text.encode(), rules)


def mistakes(text: str | bytes, rules: FolderRules = RULES) -> list[str]:
    with pytest.raises(FolderFileError) as caught:
        parse_folder_file(text if isinstance(text, bytes) else text.encode(), rules)
    return str(caught.value).split("; line ")


def test_everything_may_be_said_at_once():
    settings = parse(
        "profile: brief\nprompt: Free OCR.\ndpi: 300\noutputs: [layouts]\npriority: high\nlanguages: [rus, eng]\n"
        "retention:\n  completed_days: 30\n  failed_days: 7\n"
    )
    assert settings == JobSettings(
        profile="brief", prompt="Free OCR.", dpi=300, outputs=("layouts",), priority=Priority.HIGH,
        languages=("rus", "eng"), completed_days=30, failed_days=7,
    )  # fmt: skip


@pytest.mark.parametrize("text", ["", "# nothing yet\n", "---\n"])
def test_an_empty_file_says_nothing(text):
    assert parse(text) == JobSettings()


def test_no_further_outputs_is_an_answer():
    assert parse("outputs: []\n").outputs == ()


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("dpi: 9000\n", "line 1: dpi: must be a whole number from 36 to 1200, not 9000"),
        ("dpi: yes\n", "line 1: dpi: must be a whole number from 36 to 1200, not 'yes'"),
        ("dpi: 700\n", "line 1: dpi: must be at most 600 (folder_settings.max_dpi), not 700"),
        ("# my folder\npriorty: low\n", 'line 2: priorty: unknown key; did you mean "priority"?'),
        ("priority: hihg\n", "line 1: priority: must be low, normal or high, not 'hihg'; did you mean \"high\"?"),
        ("dpi: 200\ndpi: 300\n", "line 2: dpi: is written twice"),
        ("retention: 30\n", "line 1: retention: must be a section with completed_days or failed_days below it, not 30"),
        (
            "outputs: [pdf]\n",
            "line 1: outputs: 'pdf' is none that can be chosen; there are " + ", ".join(OUTPUT_NAMES),
        ),
        ("languages: [klingon]\n", "line 1: languages: there is no language 'klingon'; docs/languages.md has them"),
        ("languages: []\n", "line 1: languages: must name at least one"),
        ("languages: rus\n", "line 1: languages: must be a list of at most 20, such as [a, b], not 'rus'"),
        ("prompt: ''\n", "line 1: prompt: must be text of 1 to 2000 characters, not empty"),
        ('prompt: "a\\e[31mred"\n', "line 1: prompt: must be text of 1 to 2000 characters, not 'a\\x1b[31mred'"),
        ("prompt: Look at <image> again\n", "line 1: prompt: must not have <image> in it"),
        ("profile: glm-ocr\n", "line 1: profile: there is no profile 'glm-ocr' by which the engine's model could be "),
        ("- dpi\n", "line 1: must hold keys such as `dpi: 300`, not a list"),
        ("dpi: [1\n", "line 1: is not valid YAML: a list is not closed with ']', or a comma is missing"),
        ("a: &a [1]\nb: *a\n", "line 2: is not valid YAML: text that begins with '*' needs quotes"),
        ("dpi: !!python/object:os.system 1\n", "line 1: the YAML tag "),
        (b"prompt: caf\xe9\n", "line 1: is not UTF-8 text; save it as UTF-8"),
        ("[" * 5000, "is nested too deeply"),
    ],
)
def test_a_mistake_is_told_with_its_line(text, told):
    (said,) = mistakes(text)
    assert said.startswith(told)


def test_all_mistakes_are_told_at_once():
    assert len(mistakes("dpi: 1\npriority: 5\nroot: /etc\nhooks: [sh]\n")) == 4


def test_an_engine_that_is_told_no_languages_is_asked_for_none():
    assert mistakes("languages: [rus]\n", FolderRules(engine="null")) == [
        "line 1: languages: the engine null is not told the languages of pages"
    ]


@pytest.mark.parametrize("engine", ["rapidocr", "tesseract"])
def test_engines_on_the_cpu_are_told_languages(engine):
    rules = FolderRules.of(Config(engine=Engine(name=engine)), engine)
    assert parse("languages: [rus, eng]\n", rules).languages == ("rus", "eng")


@pytest.mark.parametrize("key", ["profile: deepseek-ocr", "prompt: Free OCR."])
def test_an_engine_that_is_no_model_is_asked_nothing(key):
    assert mistakes(key, FolderRules(engine="rapidocr")) == [
        f"line 1: {key.partition(':')[0]}: the engine rapidocr is no model that could be asked"
    ]


def rules(**sections) -> FolderRules:
    return FolderRules.of(Config(**sections), "null")


def test_the_administrator_says_what_may_be_set():
    strict = rules(folder_settings=FolderSettings(allow=(FolderKey.DPI,), max_dpi=150))
    assert parse("dpi: 150\n", strict).dpi == 150
    assert mistakes("dpi: 151\n", strict) == ["line 1: dpi: must be at most 150 (folder_settings.max_dpi), not 151"]
    (said,) = mistakes("priority: high\n", strict)
    assert said == "line 1: priority: may not be set here (folder_settings.allow in the configuration)"


@pytest.mark.parametrize(("days", "allowed"), [(1, True), (30, True), (31, False), (0, False)])
def test_a_result_is_kept_no_longer_than_the_configuration_keeps_it(days, allowed):
    limited = rules(retention=Retention(completed_days=30), folder_settings=FolderSettings(allow=tuple(FolderKey)))
    text = f"retention: {{completed_days: {days}, failed_days: 1000}}\n"
    if allowed:
        assert parse(text, limited).completed_days == days
    else:
        assert mistakes(text, limited) == [
            f"line 1: completed_days: must be from 1 to 30, the days of the configuration, not {days}"
        ]


def test_profiles_of_the_same_model_may_be_chosen():
    own = {"terse": {"extends": "deepseek-ocr", "prompt": "<|grounding|>OCR this image."}}
    found = FolderRules.of(Config(engine=Engine(name="vllm-server"), profiles=own), "vllm-server")
    assert {"deepseek-ocr", "terse"} <= set(found.profiles)
    assert "glm-ocr" not in found.profiles
    assert "<image>" in found.marks


def test_what_was_allowed_at_the_claim_may_be_forbidden_since_but_must_still_be_possible():
    later = rules(folder_settings=FolderSettings(allow=(), max_dpi=300), retention=Retention(completed_days=3))
    assert list(later.obstacles(JobSettings(priority=Priority.HIGH, completed_days=30, dpi=300))) == []
    assert [name for name, _ in later.obstacles(JobSettings(dpi=301))] == ["dpi"]
    assert [name for name, _ in later.obstacles(JobSettings(prompt="Free OCR."))] == ["prompt"]


@pytest.mark.parametrize(
    "text",
    ['prompt: "\\U00110000"\n', "%YAML " + "9" * 5000 + ".1\n---\ndpi: 90\n", "dpi: " + "1:" * 180 + "1.0\n"],
    ids=["no character", "a version of many digits", "a number beyond all"],
)
def test_what_yaml_stumbles_over_is_a_mistake_like_any_other(text):
    with pytest.raises(FolderFileError):
        parse(text)
