"""How the tests read the outputs, independently of the code that wrote them."""

import re
from pathlib import Path

PAGE_SPLIT = "\n\n<--- Page Split --->\n"

_MARKER = re.compile(r"<\|ref\|>([a-z_]+)<\|/ref\|><\|det\|>(\[\[.*?\]\])<\|/det\|>\n?")
_RUNNING_TITLE = re.compile(
    r"<\|ref\|>(?:header|footer|page_number)<\|/ref\|>.*?(?=<\|ref\|>|\n\n<--- Page Split --->)(?:\n\n(?=<\|ref))?",
    re.DOTALL,
)
_BOX = re.compile(r"\[(\d{1,3}), (\d{1,3}), (\d{1,3}), (\d{1,3})\]")
_LINK = re.compile(r"!\[[^\]]*\]\(([^)]*)\)")


def pages_of(text: str) -> list[str]:
    """The parts of a text output, one a page; what follows the last split must be nothing."""
    *pages, rest = text.split(PAGE_SPLIT)
    assert rest == ""
    return pages


def without_markers(text: str) -> str:
    """The text of output_det.mmd with the grounding markup taken out."""
    return _MARKER.sub("", text)


def without_running_titles(text: str) -> str:
    """The text of output_det.mmd without what output.mmd leaves out: headers, footers and page numbers."""
    return _RUNNING_TITLE.sub("", text)


def marked_boxes(text: str) -> list[tuple[str, list[tuple[int, ...]]]]:
    """Each block of output_det.mmd: its label and its boxes."""
    return [(label, [tuple(map(int, box)) for box in _BOX.findall(boxes)]) for label, boxes in _MARKER.findall(text)]


def linked_images(text: str) -> list[str]:
    """What the figures' links point to."""
    return _LINK.findall(text)


def words(text: str) -> list[str]:
    """The words of a text, without its punctuation and in lower case."""
    return re.findall(r"[a-z0-9]+", text.lower())


def in_order(wanted: list[str], found: list[str]) -> float:
    """The share of the wanted words that the found ones hold, each after the one before it."""
    lengths = [0] * (len(found) + 1)
    for word in wanted:
        before = 0
        for position, other in enumerate(found, start=1):
            longest = before + 1 if word == other else max(lengths[position], lengths[position - 1])
            before, lengths[position] = lengths[position], longest
    return lengths[-1] / len(wanted)


def files_below(folder: Path) -> set[str]:
    """The files in a folder and its sub-folders, relative to it."""
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
