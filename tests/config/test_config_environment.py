"""The environment goes over the file, key by key, and its mistakes name the variable."""

import pytest

from pdfocr_watcher.config.choices import EngineName


def test_a_variable_goes_over_the_file(load):
    config = load("render: {dpi: 100, workers: 3}", {"PDFOCR_WATCHER__RENDER__DPI": "300", "HOME": "/h", "DPI": "1"})
    assert (config.render.dpi, config.render.workers) == (300, 3)


def test_a_variable_goes_over_a_mistake_in_the_file(load):
    assert load("render: {dpi: abc}", {"PDFOCR_WATCHER__RENDER__DPI": "300"}).render.dpi == 300


def test_case_does_not_matter_after_the_prefix(load):
    assert load("", {"PDFOCR_WATCHER__render__Dpi": "300"}).render.dpi == 300


@pytest.mark.parametrize("name", ["PDFOCR_WATCHER__ENGINE", "PDFOCR_WATCHER__ENGINE__NAME"])
def test_the_engine_called_null_can_be_asked_for(load, name):
    assert load("engine: rapidocr", {name: "null"}).engine.name is EngineName.NULL


def test_a_value_is_read_like_one_in_the_file(load):
    environ = {
        "PDFOCR_WATCHER__INBOX__IGNORE": "['*.a', b]",
        "PDFOCR_WATCHER__INBOX__SETTLE_SECONDS": "0.5",
        "PDFOCR_WATCHER__ENGINE": "{name: rapidocr, threads: 2}",
    }
    config = load("", environ)
    assert config.inbox.ignore == ("*.a", "b")
    assert config.inbox.settle_seconds == 0.5
    assert (config.engine.name, config.engine.threads) == (EngineName.RAPIDOCR, 2)


def test_the_variable_of_a_key_goes_over_that_of_its_section_and_both_keep_the_rest(load):
    environ = {"PDFOCR_WATCHER__RENDER__DPI": "150", "PDFOCR_WATCHER__RENDER": "{dpi: 100, workers: 2}"}
    config = load("render: {workers: 9, queue_pages: 30}", environ)
    assert (config.render.dpi, config.render.workers, config.render.queue_pages) == (150, 2, 30)


def test_the_variable_that_names_the_file_is_no_key(load):
    load("", {"PDFOCR_WATCHER_CONFIG": "elsewhere.yaml"})


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("RENDER__DPPI", "3", 'unknown variable; did you mean "PDFOCR_WATCHER__RENDER__DPI"?'),
        ("RENDR__DPI", "3", 'unknown variable; did you mean "PDFOCR_WATCHER__RENDER__DPI"?'),
        ("RENDER_DPI", "3", 'unknown variable; did you mean "PDFOCR_WATCHER__RENDER__DPI"?'),
        ("SETTLE_SECONDS", "3", 'unknown variable; did you mean "PDFOCR_WATCHER__INBOX__SETTLE_SECONDS"?'),
        ("INBOX__SETTLE__SECONDS", "3", 'unknown variable; did you mean "PDFOCR_WATCHER__INBOX__SETTLE_SECONDS"?'),
        ("RENDERER__", "3", "unknown variable"),
        ("", "3", "unknown variable"),
        ("RENDER__DPI", "high", "render.dpi: must be a whole number, not 'high'"),
        ("RENDER__DPI", "", "render.dpi: must be a whole number, not empty"),
        ("RENDER", "{dppi: 3}", 'render.dppi: unknown key; did you mean "PDFOCR_WATCHER__RENDER__DPI"?'),
        ("RENDER", "{dpi: 300, dpi: 301}", "render.dpi: is written twice, in the same variable"),
        ("RENDER", "7", "render: must be a section with keys below it, not 7"),
        ("INBOX__IGNORE", "*.x", "is not valid YAML: text that begins with '*' or '&' needs quotes"),
        ("FOLDERS__JOBS", "a: b: c", None),
        ("FOLDERS__JOBS", "\x07", "holds the control character U+0007"),
    ],
)
def test_a_mistake_names_the_variable(mistakes, name, value, message):
    (line,) = mistakes("render: {workers: 1}", {f"PDFOCR_WATCHER__{name}": value})
    place, _, text = line.partition(": ")
    assert place == f"PDFOCR_WATCHER__{name}"
    assert text == message or (message is None and text.startswith("is not valid YAML"))


def test_two_variables_for_one_key_are_a_mistake(mistakes):
    environ = {"PDFOCR_WATCHER__RENDER__DPI": "100", "PDFOCR_WATCHER__render__dpi": "200"}
    assert mistakes("", environ) == ["PDFOCR_WATCHER__render__dpi: sets the same key as PDFOCR_WATCHER__RENDER__DPI"]


def test_a_clash_between_file_and_environment_names_the_variable(mistakes):
    (line,) = mistakes("render: {queue_pages: 10}", {"PDFOCR_WATCHER__RENDER__RANGE_PAGES": "11"})
    assert line.startswith("PDFOCR_WATCHER__RENDER__RANGE_PAGES: render.range_pages (11) must not be more than")
