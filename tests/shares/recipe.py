"""The recipe of docs/smb.md as text: the tests run what the page says, so that the page cannot drift.

What belongs to one machine (paths, port, users) is put into it by `tests.shares.samba`.
"""

import re

from tests import pages

_SETTING = re.compile(r"^(\s*)([\w :]+?)\s*=\s*(.*)$")


def blocks(language: str) -> list[str]:
    """The fenced blocks of a language in the page, in their order."""
    return pages.blocks("docs/smb.md", language)


def share_name() -> str:
    """What the recipe calls its share."""
    (name,) = re.findall(r"^\[(?!global\])(.+)\]$", blocks("ini")[0], re.MULTILINE)
    return str(name)


def adapted(sections: str, replacements: dict[str, str], additions: dict[str, list[str]]) -> str:
    """A block of smb.conf for another machine.

    Args:
        sections: the block.
        replacements: new values of settings that must stand in it.
        additions: lines that are added to a section, by its name.
    """
    lines, missing = [], set(replacements)
    for line in sections.splitlines():
        setting = _SETTING.match(line)
        if setting is not None and setting[2] in replacements:
            missing.discard(setting[2])
            lines.append(f"{setting[1]}{setting[2]} = {replacements[setting[2]]}")
            continue
        lines.append(line)
        if line.startswith("["):
            lines += additions.get(line.strip("[]"), [])
    assert not missing, f"docs/smb.md no longer sets {', '.join(sorted(missing))}"
    return "\n".join(lines) + "\n"
