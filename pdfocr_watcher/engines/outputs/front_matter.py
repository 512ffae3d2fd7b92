"""olmOCR: Markdown after a front matter that says how the page lies and what is on it.

    ---
    primary_language: en
    is_rotation_valid: True
    rotation_correction: 0
    is_table: False
    is_diagram: False
    ---
    The text ...

Sources: the prompt and the output's regular expression in allenai/olmocr, `olmocr/prompts` and `olmocr/pipeline.py`
(0.3 and later). `rotation_correction` is asked for as clockwise, but the pipeline turns the page with Pillow's
`transpose(ROTATE_90)` for 90, and the training data were turned and labelled in the same way
(`olmocr/train/dataloader.py`): what the model says is degrees counter-clockwise.
"""

from dataclasses import replace
from typing import Any

import yaml

from pdfocr_watcher.document.markdown_reader import read_markdown
from pdfocr_watcher.document.model_text import cleaned
from pdfocr_watcher.document.reading import Reading

#: A front matter has some 120 characters; what is longer is none.
MAX_CHARACTERS = 2_000

_FENCE = "---"
_FIELDS = frozenset({"primary_language", "is_rotation_valid", "rotation_correction", "is_table", "is_diagram"})
_TURNS = frozenset({90, 180, 270})


def read_front_matter(text: str) -> Reading:
    """The blocks of the Markdown, and the turn that the front matter asks for.

    A text without a front matter is all Markdown. What stands between the fences but is none of olmOCR's fields is
    text of the page, and one malformed piece if it cannot be read at all.
    """
    text = cleaned(text).lstrip()
    header, body = _split(text)
    if header is None:
        return read_markdown(text)
    fields, sound = _fields(header)
    if fields is None:
        reading = read_markdown(text)
        return replace(reading, malformed=reading.malformed + (not sound))
    return replace(read_markdown("" if body.strip() == "null" else body), rotation=_turn(fields))


def _split(text: str) -> tuple[str | None, str]:
    """What stands between the fences, None if nothing does, and what stands behind them."""
    if not text.startswith(f"{_FENCE}\n"):
        return None, text
    lines = text[: MAX_CHARACTERS + len(_FENCE)].split("\n")
    for number, line in enumerate(lines[1:], 1):
        if line.rstrip() == _FENCE:
            return "\n".join(lines[1:number]), text[sum(len(each) + 1 for each in lines[: number + 1]) :]
    return None, text


def _fields(header: str) -> tuple[dict[str, Any] | None, bool]:
    """The fields, None if they are not olmOCR's; and whether the header is YAML."""
    try:
        fields = yaml.safe_load(header)
    except (yaml.YAMLError, ValueError, OverflowError, RecursionError):
        return None, False
    if not isinstance(fields, dict) or not fields or not _FIELDS.issuperset(map(str, fields)):
        return None, True
    return fields, True


def _turn(fields: dict[str, Any]) -> int:
    """Degrees clockwise by which the page has to be turned."""
    correction = fields.get("rotation_correction")
    if fields.get("is_rotation_valid") is False and isinstance(correction, int) and correction in _TURNS:
        return 360 - correction
    return 0
