"""What the path of a step is, whichever job and page it belongs to: by this a crash point is known."""

import re
from pathlib import Path

_TEMPORARY = re.compile(r"^\.pdfocr-(.+?)(\.[0-9]+-[0-9]+)?\.tmp$")
_NAMES = (
    (re.compile(r"[0-9]{8}T[0-9]{6}Z-[0-9a-f]{8}"), "JOB"),
    (re.compile(r"[0-9a-z-]*-[0-9a-f]{32}"), "TARGET"),
    (re.compile(r"\.[0-9a-f]{8}(?=$|\.)"), ".ID"),
    (re.compile(r"\b[0-9]{4}\b"), "PAGE"),
    (re.compile(r"\b[0-9]+_[0-9]+\b"), "FIGURE"),
)


def role(path: Path) -> str:
    """What a path is, whichever job and page it belongs to: the names of its folder and its own."""
    parts = []
    if path.is_relative_to("/proc/self/fd"):  # a folder of the inbox that is held open
        path = path.resolve()
    for name in path.parts[-2:]:
        temporary = _TEMPORARY.match(name)
        shown = f"temporary {temporary[1]}" if temporary else name
        for pattern, word in _NAMES:
            shown = pattern.sub(word, shown)
        parts.append(shown)
    return "/".join(parts)
