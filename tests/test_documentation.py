"""What the documentation points to is there: files, and the tests that are said to show a promise."""

import re
from pathlib import Path

import pytest

_ROOT = Path(__file__).parents[1]
_PAGES = sorted([*_ROOT.glob("*.md"), *_ROOT.glob("docs/*.md"), *_ROOT.glob("benchmarks/*.md")])
_LINK = re.compile(r"\]\((?!https?:)([^)#]+)(?:#[^)]*)?\)")
_TEST = re.compile(r"`(?P<file>(?:tests|benchmarks)/[\w/]+\.py)?(?:::(?P<name>test_\w+))?`")


@pytest.mark.parametrize("page", _PAGES, ids=lambda page: page.name)
def test_every_link_leads_to_a_file(page):
    missing = [link for link in _LINK.findall(page.read_text(encoding="utf-8")) if not (page.parent / link).exists()]
    assert missing == []


def test_every_test_that_shows_a_promise_is_there():
    missing, file, seen = [], "", 0
    for match in _TEST.finditer((_ROOT / "docs" / "reliability.md").read_text(encoding="utf-8")):
        file, name = match["file"] or file, match["name"]
        if not file:
            continue
        seen += 1
        path = _ROOT / file
        if not path.is_file() or (name and f"def {name}(" not in path.read_text(encoding="utf-8")):
            missing.append(match[0])
    assert missing == []
    assert seen > 30
