"""docs/servers.md says what the program takes and what it tells."""

from pathlib import Path

from pdfocr_watcher.pipeline.reader import EngineState

_PAGE = (Path(__file__).parents[3] / "docs" / "servers.md").read_text(encoding="utf-8")


def test_it_has_every_state_of_the_engine():
    assert all(f"| `{state}` |" in _PAGE for state in EngineState)


def test_its_rule_is_the_one_of_the_profile(profile):
    assert f"--logits-processors {profile.ngram_processor} \\" in _PAGE
