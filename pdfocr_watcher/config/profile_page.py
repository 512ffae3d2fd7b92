"""The part of docs/models.md that lists the profiles that ship, made from them.

The rest of that page is written by hand; two comments mark where the list begins and ends.
"""

import json
from typing import Any

import yaml

from pdfocr_watcher.engines.profiles import Parser, Profile, builtin_data, builtin_profiles

BEGIN = "<!-- profiles: made by `python -m pdfocr_watcher.config`; edit pdfocr_watcher/profiles/*.yaml, not this. -->"
END = "<!-- end of profiles -->"

_GIVES = {
    Parser.GROUNDING: "Markdown, boxes, figures",
    Parser.MARKDOWN: "Markdown",
    Parser.FRONT_MATTER: "Markdown",
    Parser.LAYOUT_JSON: "Markdown, boxes, figures",
}
#: Longer values are cut in the list.
_SHOWN_CHARACTERS = 300


def with_profiles(page: str) -> str:
    """The page with the list as it should be now.

    Raises:
        ValueError: the page lacks one of the marks.
    """
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end):
        raise ValueError(f"the page lacks {END if begin else BEGIN}")
    return f"{before}{BEGIN}\n\n{profile_list()}\n{END}{after}"


def profile_list() -> str:
    """A table of all profiles, then one of each: every part of its recipe and where that comes from."""
    rows = ["| profile | model | gives | GPU memory, at least |", "|---|---|---|---|"]
    parts = []
    for name, profile in builtin_profiles().items():
        memory = "nobody says" if profile.gpu_memory_gb is None else f"{profile.gpu_memory_gb:g} GB"
        rows.append(f"| [`{name}`](#{name}) | {profile.model} | {_GIVES[profile.parser]} | {memory} |")
        parts.append(_recipe(name, profile))
    return "\n".join(rows) + "\n\n" + "\n".join(parts)


def _recipe(name: str, profile: Profile) -> str:
    seen = f"Seen: {profile.seen}." if profile.seen else "Never seen running with the model's weights."
    said = f"{profile.note} {seen}" if profile.note else seen
    rows = [
        f"| {key} | {_shown(builtin_data(name)[key])} | {_cell(source)} |" for key, source in profile.sources.items()
    ]
    return "\n".join([f"### {name}", "", said, "", "| part | value | from |", "|---|---|---|", *rows]) + "\n"


def _shown(value: Any) -> str:
    """A value in one line, as YAML."""
    if isinstance(value, str):
        text = json.dumps(value, ensure_ascii=False)
    else:
        dumped = yaml.safe_dump(value, default_flow_style=True, allow_unicode=True, sort_keys=False, width=1 << 30)
        text = str(dumped).removesuffix("...\n").strip()
    if len(text) > _SHOWN_CHARACTERS:
        text = f"{text[:_SHOWN_CHARACTERS]}…"
    return f"`{_cell(text)}`"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")
