"""docs/servers.md says what the program takes and what it tells."""

import re
from pathlib import Path

import pytest
import yaml

from pdfocr_watcher.config.model import Config
from pdfocr_watcher.pipeline.reader import EngineState

_PAGE = (Path(__file__).parents[3] / "docs" / "servers.md").read_text(encoding="utf-8")
_SAMPLES = re.findall(r"```yaml\n(.*?)```", _PAGE, re.DOTALL)


@pytest.mark.parametrize("sample", _SAMPLES)
def test_its_configurations_are_accepted(sample):
    assert Config.model_validate(yaml.safe_load(sample)).servers.urls


def test_it_has_every_state_of_the_engine():
    assert len(_SAMPLES) == 2
    assert all(f"| `{state}` |" in _PAGE for state in EngineState)


def test_its_rule_is_the_one_of_the_profile(profile):
    assert f"--logits-processors {profile.ngram_processor} \\" in _PAGE
