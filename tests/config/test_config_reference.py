"""The sample file and the reference page say what the model says."""

import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from pdfocr_watcher.config.__main__ import write_reference
from pdfocr_watcher.config.choices import EngineName, Observer
from pdfocr_watcher.config.load import load_config
from pdfocr_watcher.config.model import Config, Folders, Inbox
from pdfocr_watcher.config.reference import reference_markdown, sample_yaml
from pdfocr_watcher.config.words import fields, sections

TOP = Path(__file__).parents[2]


def test_the_sample_file_is_the_generated_one():
    assert (TOP / "config.yaml").read_text(encoding="utf-8") == sample_yaml(), "run python -m pdfocr_watcher.config"


def test_the_reference_page_is_the_generated_one():
    page = (TOP / "docs/configuration.md").read_text(encoding="utf-8")
    assert page == reference_markdown(), "run python -m pdfocr_watcher.config"


def test_the_module_writes_both_files(tmp_path):
    write_reference(tmp_path)
    write_reference(tmp_path)
    assert (tmp_path / "config.yaml").read_text(encoding="utf-8") == sample_yaml()
    assert (tmp_path / "docs/configuration.md").read_text(encoding="utf-8") == reference_markdown()


def test_the_module_runs_in_the_current_folder(tmp_path):
    subprocess.run([sys.executable, "-m", "pdfocr_watcher.config"], cwd=tmp_path, check=True)
    assert (tmp_path / "docs/configuration.md").is_file()


def test_the_sample_loads_to_the_defaults(load, tmp_path):
    assert Config.model_validate(yaml.safe_load(sample_yaml())) == Config()
    config = load(sample_yaml())
    assert config.folders == Folders(
        root=tmp_path, **{name: tmp_path / name for name in ("inbox", "jobs", "outbox", "failed")}
    )
    assert config.model_copy(update={"folders": Folders()}) == Config()


def test_the_sample_has_every_key_below_its_explanation():
    lines = sample_yaml().splitlines()
    for _, key, field in fields():
        at = next(
            n
            for n, line in enumerate(lines)
            if line.startswith(f"  {key}: ") and lines[n - 1] == f"  # {field.description}"
        )
        assert at > 0


def test_the_page_has_a_row_for_every_key():
    page = reference_markdown()
    for name in sections():
        assert f"\n## `{name}`\n" in page
    for _, key, field in fields():
        assert f"| `{key}` | " in page
        assert f" {field.description} |" in page
    assert "| `dpi` | whole number, 0 to 1200 | `0` |" in page
    assert "| `observer` | `auto`, `native` or `polling` | `auto` |" in page
    assert "`4000000000`" in page


def test_every_row_of_the_tables_has_four_cells():
    rows = [line for line in reference_markdown().splitlines() if line.startswith("|")]
    assert all(line.replace("\\|", "").count("|") == 5 for line in rows)


NAMES = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="/\0"), min_size=1, max_size=12)
WORDS = st.text(st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="\ufeff"), max_size=12)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | WORDS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=3),
    max_leaves=8,
)
CONFIGS = st.builds(
    lambda ignore, observer, engine, dpi, settle, extra, prompt: Config.model_validate(
        {
            "inbox": Inbox(ignore=ignore, observer=observer, settle_seconds=settle, unmarked_settle_seconds=settle),
            "engine": {"name": engine},
            "render": {"dpi": dpi},
            "servers": {"urls": ("http://gpu1:8000/v1", "https://[::1]/v1")},
            "vllm": {"extra_args": extra},
            "profiles": {"mine": {"extends": "olmocr", "prompt": prompt, "engine_args": extra}},
        }
    ),
    st.lists(NAMES, max_size=40).map(tuple),
    st.sampled_from(Observer),
    st.sampled_from(EngineName),
    st.integers(36, 1200),
    st.floats(0, 604_800, exclude_min=True),
    st.dictionaries(WORDS, VALUES, max_size=3),
    WORDS,
)


@settings(deadline=None)
@given(CONFIGS)
def test_any_configuration_that_is_written_loads_to_itself(tmp_path_factory, config):
    path = tmp_path_factory.getbasetemp() / "written.yaml"
    path.write_text(sample_yaml(config), encoding="utf-8", newline="\n")
    loaded = load_config(path, {})
    assert loaded.model_copy(update={"folders": config.folders}) == config


@settings(deadline=None)
@given(NAMES)
def test_any_folder_name_that_is_written_loads_to_itself(tmp_path_factory, name):
    path = tmp_path_factory.getbasetemp() / "named.yaml"
    config = Config.model_validate({"folders": {"jobs": f"/srv/{name}/jobs"}})
    path.write_text(sample_yaml(config), encoding="utf-8", newline="\n")
    if name not in {".", ".."}:
        assert load_config(path, {}).folders.jobs == Path("/srv") / name / "jobs"


@pytest.mark.parametrize("name", ["null", "2024-01-01", "yes", "a #b", "a: b", "- a", "*a", "{", " a ", "'a'", "a\nb"])
def test_a_name_that_yaml_takes_for_something_else_is_written_so_that_any_reader_gets_it(name):
    written = sample_yaml(Config.model_validate({"folders": {"jobs": name}}))
    assert yaml.safe_load(written)["folders"]["jobs"] == name
