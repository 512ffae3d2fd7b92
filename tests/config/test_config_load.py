"""A configuration is taken whole or refused with every mistake named by line, in plain words."""

import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pdfocr_watcher.config.choices import EngineName
from pdfocr_watcher.config.load import load_config
from pdfocr_watcher.config.model import Config
from pdfocr_watcher.errors import ErrorCode, PdfocrError
from tests.processes import loaded_by


@pytest.mark.parametrize(
    "text", ["", "\n# only a comment\n", "---\n", "{}", "inbox:\n# all keys commented out\n", "\ufeff"]
)
def test_what_is_not_said_has_its_default(load, text):
    config = load(text)
    defaults = Config()
    assert config.model_copy(update={"folders": defaults.folders}) == defaults


def test_keys_that_are_set_are_taken(load):
    config = load("render:\n  dpi: 300\n  timeout_seconds: 1e1\ninbox: {ignore: [a, '*.b', 2024-01-01, yes]}\n")
    assert config.render.dpi == 300
    assert config.render.timeout_seconds == 10.0
    assert config.inbox.ignore == ("a", "*.b", "2024-01-01", "yes")
    assert config.job == Config().job


@pytest.mark.parametrize("text", ["engine: null", "engine: 'null'", "engine: {name: null}", "engine:\n  name: null\n"])
def test_the_engine_may_be_called_null(load, text):
    assert load(text).engine.name is EngineName.NULL


def test_an_engine_may_be_given_by_its_name_alone(load):
    assert load("engine: rapidocr").engine.name is EngineName.RAPIDOCR


@pytest.mark.parametrize(
    ("text", "message"),
    [
        # unknown names, in their own section, in another one, at the wrong height, as a section
        (
            "inbox:\n  observer: auto\n  settle_secnds: 3\n",
            '3: inbox.settle_secnds: unknown key; did you mean "inbox.settle_seconds"?',
        ),
        ("\nsettle_seconds: 3\n", '2: settle_seconds: unknown key; did you mean "inbox.settle_seconds"?'),
        ("job:\n  dpi: 300\n", '2: job.dpi: unknown key; did you mean "render.dpi"?'),
        (
            "engine:\n  timeout_seconds: 3\n",
            '2: engine.timeout_seconds: unknown key; did you mean "engine.page_timeout_seconds"?',
        ),
        ("num_workers: 4", '1: num_workers: unknown key; did you mean "render.workers"?'),
        ("Rendering:\n  dpi: 300\n", '1: Rendering: unknown key; did you mean "render"?'),
        ("render-dpi: 3", '1: render-dpi: unknown key; did you mean "render.dpi"?'),
        (
            "inbox.observer: auto",
            "1: inbox.observer: unknown key; write `observer` on a line of its own below `inbox:`",
        ),
        ("zzz: 3", "1: zzz: unknown key"),
        ("<<: {a: 1}", "1: <<: unknown key"),
        # choices
        (
            "render:\n  renderer: popler\n",
            '2: render.renderer: must be "auto", "poppler" or "pdfium", not \'popler\'; did you mean "poppler"?',
        ),
        (
            "engine: nul",
            (
                '1: engine.name: must be "auto", "rapidocr", "tesseract", "vllm", "vllm-server" or "null", not '
                "'nul'; did you mean \"null\"?"
            ),
        ),
        (
            "engine: 5",
            '1: engine.name: must be "auto", "rapidocr", "tesseract", "vllm", "vllm-server" or "null", not 5',
        ),
        ("inbox:\n  observer:\n", '2: inbox.observer: must be "auto", "native" or "polling", not empty'),
        # kinds
        ("render:\n  dpi: abc\n", "2: render.dpi: must be a whole number, not 'abc'"),
        ("render:\n  dpi: 99.5\n", "2: render.dpi: must be a whole number, not 99.5"),
        ("render:\n  dpi:\n", "2: render.dpi: must be a whole number, not empty"),
        ("render:\n  dpi: null\n", "2: render.dpi: must be a whole number, not null"),
        ("render:\n  dpi: [1]\n", "2: render.dpi: must be a whole number, not a list"),
        (
            "render:\n  dpi:\n    high: 3\n",
            "2: render.dpi: must be a whole number, not a section with keys",
        ),
        ("render:\n  dpi: .inf\n", "2: render.dpi: must be a whole number, not .inf"),
        ("render:\n  dpi: 0b_\n", "2: render.dpi: must be a whole number, not '0b_'"),
        (f"render:\n  dpi: {'1' * 5000}\n", f"2: render.dpi: must be a whole number, not '{'1' * 60}...'"),
        ("render:\n  workers: yes\n", "2: render.workers: must be a whole number, not 'yes'"),
        ("inbox:\n  poll_interval: true\n", "2: inbox.poll_interval: must be a number, not 'true'"),
        ("inbox:\n  ignore: '*.x'\n", "2: inbox.ignore: must be a list, such as [a, b], not '*.x'"),
        ("inbox:\n  ignore: {a: b}\n", "2: inbox.ignore: must be a list, such as [a, b], not a section with keys"),
        ("inbox:\n  ignore:\n  - a\n  - [b]\n", "4: inbox.ignore, item 2: must be text, not a list"),
        ("inbox:\n  ignore:\n  -\n", "3: inbox.ignore, item 1: must be text, not empty"),
        ("folders:\n  jobs: null\n", "2: folders.jobs: must be a path, not null"),
        ("folders:\n  jobs: ''\n", "2: folders.jobs: must be a path, not empty"),
        ("job: 4", "1: job: must be a section with keys below it, not 4"),
        ("engine: [a]", "1: engine: must be a section with keys below it, not a list"),
        ("- a", "1: must hold sections such as `folders:` and `inbox:`, not a list"),
        # limits
        ("render:\n  dpi: 5\n", "2: render.dpi (5) must be 0 or at least 36"),
        ("render:\n  dpi: 5000\n", "2: render.dpi: must be at most 1200, not 5000"),
        ("inbox:\n  settle_seconds: 0\n", "2: inbox.settle_seconds: must be more than 0, not 0"),
        # twice
        (
            "render:\n  dpi: 100\njob: {}\nrender:\n  dpi: 200\n",
            "4: render: is written twice, first on line 1",
        ),
        ("render:\n  dpi: 100\n  dpi: 200\n", "3: render.dpi: is written twice, first on line 2"),
    ],
)
def test_a_mistake_is_named_with_its_line_and_what_was_meant(mistakes, text, message):
    assert mistakes(text) == [f"config.yaml:{message}"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("render:\n\tdpi: 3\n", "2: is not valid YAML: a tab stands where only spaces may"),
        ("a:\n  - b\n c: d\n", "3: is not valid YAML: the indentation does not fit the lines above"),
        ("folders:\n  inbox: 'abc\n\n", "2: is not valid YAML: a quote is not closed"),
        ("\nx: [1\n\n", "2: is not valid YAML: a list is not closed with ']', or a comma is missing"),
        ("x: {a: 1\n", "1: is not valid YAML: braces are not closed, or a comma is missing"),
        ("x: [1, , 2]\n", "1: is not valid YAML: a value is missing"),
        ("x: 1\ny\nz: 2\n", "2: is not valid YAML: a ':' is missing after the key"),
        ("inbox:\n  ignore: [*.tmp]\n", "2: is not valid YAML: text that begins with '*' or '&' needs quotes"),
        ("inbox:\n  ignore:\n  - *tmp\n", "3: is not valid YAML: text that begins with '*' needs quotes"),
        ("x: &a [*a]\n", "1: is not valid YAML: text that begins with '*' needs quotes"),
        ("x: @here\n", "1: is not valid YAML: text that begins with a special character needs quotes"),
        ("a: 1\n---\nb: 2\n", "2: is not valid YAML: a second document begins (a line '---'); there may be only one"),
        ("x: 1\nfolders: !!python/name:os.system\n", "2: the YAML tag !!python/name:os.system is not used here"),
        ("x: 1\ny: !!set {a}\n", "2: the YAML tag !!set is not used here"),
        ("? [a]\n: 3\n", "1: a key must be a single word, not a list or a section"),
        (b"x: 1\ny: \xff\n", "2: is not UTF-8 text; save it as UTF-8"),
        ("x: 1\ny: \x07\n", "2: holds the control character U+0007"),
        ('folders:\n  root: "a\\0b"\n', "2: holds the character U+0000, which no name can hold"),
        ('folders:\n  root: "\\ud800"\n', "2: holds the character U+D800, which no name can hold"),
    ],
)
def test_what_is_no_yaml_is_named_with_its_line(mistakes, text, message):
    assert mistakes(text) == [f"config.yaml:{message}"]


def test_a_colon_too_many_is_named_with_its_line(mistakes):
    (line,) = mistakes("x: 1\ny: b: c\n")
    assert line.startswith("config.yaml:2: is not valid YAML: a ':' too many")


def test_a_broken_file_is_not_judged_by_what_could_not_be_read(mistakes):
    told = mistakes("render:\n  queue_pages: 30\n  x: [", {"PDFOCR_WATCHER__RENDER__RANGE_PAGES": "25"})
    assert told == ["config.yaml:3: is not valid YAML: a value is missing"]


def test_a_nest_without_end_is_refused(mistakes):
    assert mistakes("[" * 20_000) == ["config.yaml: is nested too deeply"]


def test_all_mistakes_are_told_at_once_in_the_order_of_their_lines(mistakes):
    text = "job:\n  max_pages: none\nrender:\n  range_pages: 99\n  dpo: 3\nfolders:\n  jobs: inbox\nsettle_seconds: 2\n"
    told = mistakes(text, {"PDFOCR_WATCHER__RENDER__WORKERS": "many", "PDFOCR_WATCHER__ENGIN": "null"})
    assert [line.partition(": ")[0] for line in told] == [
        "config.yaml:2",
        "config.yaml:4",
        "config.yaml:5",
        "config.yaml:7",
        "config.yaml:8",
        "PDFOCR_WATCHER__ENGIN",
        "PDFOCR_WATCHER__RENDER__WORKERS",
    ]


def test_a_key_that_is_wrong_by_itself_is_not_blamed_again_beside_others(mistakes):
    assert mistakes("render:\n  queue_pages: 4\n  range_pages: x\n") == [
        "config.yaml:3: render.range_pages: must be a whole number, not 'x'"
    ]


def test_a_file_that_cannot_be_read_is_an_error_of_the_configuration(tmp_path):
    with pytest.raises(PdfocrError, match="cannot be read: Is a directory") as caught:
        load_config(tmp_path, {})
    assert caught.value.code is ErrorCode.CONFIG_INVALID
    assert caught.value.failure.exit_status == 78


SECTIONS = st.sampled_from(["inbox", "render", "engine", "folders", "dpi", "root", "ignore", "name"])
VALUES = st.sampled_from(["null", "&a", "!!int", "-.inf", "0x", "yes", "..", "---", "2024-13-45", "1:99", "<<"])
MARKS = st.sampled_from([*"[]{},:*!'\"\\#\n\t 1~/?|>%\0ü-", ": ", "\n  ", "\n- "])


@settings(deadline=None)
@given(st.lists(SECTIONS | VALUES | MARKS, max_size=30).map("".join) | st.text(max_size=40))
def test_any_text_gives_a_configuration_or_an_error_in_words(text):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "config.yaml"
        path.write_text(text, encoding="utf-8", errors="surrogatepass")
        environ = {"PDFOCR_WATCHER__INBOX": text, f"PDFOCR_WATCHER__{text[:9]}": text}
        try:
            load_config(path, environ)
            refused = None
        except PdfocrError as error:
            refused = error
    assert refused is None or (refused.code is ErrorCode.CONFIG_INVALID and "Input" not in refused.detail)


def test_loading_a_configuration_needs_none_of_the_heavy_libraries():
    heavy = ("numpy", "PIL", "rapidocr", "onnxruntime", "rich", "watchdog", "tinydb")
    assert loaded_by("import pdfocr_watcher.config.load", *heavy) == set()
