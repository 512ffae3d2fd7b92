"""docs/servers.md says what the program takes and what it tells."""

from pathlib import Path

import yaml

from pdfocr_watcher.config.model import Config
from pdfocr_watcher.pipeline.reader import EngineState
from tests.pages import blocks

_PAGE = (Path(__file__).parents[3] / "docs" / "servers.md").read_text(encoding="utf-8")


def test_its_configurations_name_servers():
    samples = [Config.model_validate(yaml.safe_load(sample)) for sample in blocks("docs/servers.md", "yaml")]
    assert len(samples) == 2
    assert all(sample.servers.urls for sample in samples)


def test_it_has_every_state_of_the_engine():
    assert all(f"| `{state}` |" in _PAGE for state in EngineState)


def test_its_rule_is_the_one_of_the_profile(profile):
    assert f"--logits-processors {profile.ngram_processor} \\" in _PAGE
