"""What stands in the blocks of the documentation: the tests run what a page says, so that the page cannot drift."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[1]
_BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def blocks(page: str | Path, language: str) -> list[str]:
    """The fenced blocks of a language in a page, in their order.

    Args:
        page: its path in the project.
        language: as the fence has it, such as `sh`.
    """
    return [text for found, text in _BLOCK.findall((ROOT / page).read_text(encoding="utf-8")) if found == language]


def commands(page: str) -> list[list[str]]:
    """The lines of each of a page's shell blocks."""
    return [[line for line in block.splitlines() if line.strip()] for block in blocks(page, "sh")]
