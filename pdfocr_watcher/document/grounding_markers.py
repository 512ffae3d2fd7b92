"""Where the markers of the grounding markup stand in a text, and what each of them says.

    <|ref|>label<|/ref|><|det|>[[x1, y1, x2, y2], ...]<|/det|>

A marker that is complete begins a block if it stands at the beginning of a line or right behind another marker, or if
label and boxes are what they have to be. A marker that is broken off begins one at the beginning of a line, without
boxes, if it got as far as its box, or if its label is one that we know. Any other tag is part of what the page says.
Nothing is evaluated, and the time taken grows with the length of the text alone.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from pdfocr_watcher.document.boxes import placed_box
from pdfocr_watcher.document.model import GRID, Box, Label

#: More boxes than this in one reference are not taken: a loop, not a region in many parts.
MAX_BOXES = 100

_TAG = re.compile(r"<\|(/?(?:ref|det))\|>")
_WHOLE = ["ref", "/ref", "det", "/det"]
_TAGS = tuple(f"<|{name}|>" for name in _WHOLE)
_BOX = re.compile(r"\s*\[([^\[\]]*)\]\s*")
_COORDINATES = re.compile(r"\s*(-?[0-9]{1,9})\s*,\s*(-?[0-9]{1,9})\s*,\s*(-?[0-9]{1,9})\s*,\s*(-?[0-9]{1,9})\s*")
_COORDINATE_CHARACTERS = re.compile(r"[\[\]0-9,.\-+ \t]*")

_LABELS = {label.value: label for label in Label}
_LABEL_LENGTH = max(map(len, _LABELS))
_JOINTS = re.compile(r"[\s-]+")


@dataclass(frozen=True, slots=True)
class Section:
    """A marker and the text behind it.

    Attributes:
        label: as the model wrote it, without blanks around it; empty if it wrote none.
        boxes: those that could be taken.
        content: the text up to the next marker, as it is.
    """

    label: str
    boxes: tuple[Box, ...]
    content: str


@dataclass(frozen=True, slots=True)
class _Marker:
    """A marker in the text: where it stands and what it says."""

    start: int
    end: int
    label: str
    boxes: tuple[Box, ...] = ()
    malformed: int = 1


def known_label(written: str) -> Label | None:
    """The label that the model's word stands for, None for an invented one."""
    written = written.strip()
    if len(written) > _LABEL_LENGTH:
        return None
    return _LABELS.get(_JOINTS.sub("_", written.lower()))


def split_at_markers(text: str) -> tuple[str, list[Section], int]:
    """Cut a text at its markers.

    Returns:
        The text before the first marker, the sections, and how often the markup was malformed.
    """
    markers, malformed, end = _find_markers(text)
    starts = [*(marker.start for marker in markers), end]
    sections = [
        Section(marker.label, marker.boxes, text[marker.end : next_start])
        for marker, next_start in zip(markers, starts[1:], strict=True)
    ]
    return text[: starts[0]], sections, malformed + sum(marker.malformed for marker in markers)


def read_boxes(written: str) -> tuple[tuple[Box, ...], int]:
    """The boxes of a reference, `[[x1, y1, x2, y2], ...]`, whole numbers on the 0..999 grid.

    Each box is judged by itself, by `boxes.placed_box`; one that has other than four whole numbers is dropped. One box
    without the outer brackets is taken. If the list itself is broken, all of it is dropped.

    Returns:
        The boxes, and how many were dropped or mended, a broken list being one.
    """
    written = written.strip()
    if len(written) < 2 or written[0] != "[" or written[-1] != "]":  # noqa: PLR2004 - the two brackets
        return (), 1
    if _COORDINATES.fullmatch(written, 1, len(written) - 1):
        return read_boxes(f"[{written}]")[0], 1
    texts = _texts_of_boxes(written[1:-1])
    if not texts:
        return (), 1
    malformed = int(len(texts) > MAX_BOXES)
    boxes = []
    for text in texts[:MAX_BOXES]:
        numbers = _COORDINATES.fullmatch(text)
        box, sound = placed_box([int(number) for number in numbers.groups()], GRID, GRID) if numbers else (None, False)
        boxes += [box] if box else []
        malformed += not sound
    return tuple(boxes), malformed


def _texts_of_boxes(written: str) -> list[str]:
    """What stands between the brackets of each box of a list; nothing if the list is broken."""
    texts, position = [], 0
    while box := _BOX.match(written, position):
        texts.append(box[1])
        position = box.end()
        if position == len(written):
            return texts
        if written[position] != ",":
            break
        position += 1
    return []


def _find_markers(text: str) -> tuple[list[_Marker], int, int]:
    """The markers, how many malformed pieces there are beside them, and where a tag that is cut off begins."""
    tags = list(_TAG.finditer(text))
    markers: list[_Marker] = []
    malformed = 0
    edge, fresh = 0, True  # up to where all has been looked at, and whether a line may begin there
    number = 0
    while number < len(tags):
        tag = tags[number]
        before = text[edge : tag.start()].rstrip(" \t")
        starts_line = before.endswith("\n") or (fresh and not before)
        whole = [each[1] for each in tags[number : number + 4]] == _WHOLE
        marker = (_whole_marker if whole else _broken_marker)(text, tags[number : number + 4], starts_line=starts_line)
        if marker:
            markers.append(marker)
            while number < len(tags) and tags[number].start() < marker.end:
                number += 1
            edge, fresh = marker.end, True
        else:
            malformed += starts_line and tag[1] == "ref"
            edge, fresh = tag.end(), False
            number += 1
    end = _cut_tag(text, edge, fresh=fresh)
    return markers, malformed + (end < len(text)), end


def _whole_marker(text: str, tags: Sequence[re.Match[str]], *, starts_line: bool) -> _Marker | None:
    """The marker that four tags are; None if they are something that the page says."""
    ref, ref_end, det, det_end = tags
    if text[ref_end.end() : det.start()].strip():
        return _broken_marker(text, tags, starts_line=starts_line)
    label = text[ref.end() : ref_end.start()].strip()
    boxes, malformed = read_boxes(text[det.end() : det_end.start()])
    if not starts_line and (malformed or not known_label(label)):
        return None
    return _Marker(ref.start(), det_end.end(), label, boxes, malformed)


def _broken_marker(text: str, tags: Sequence[re.Match[str]], *, starts_line: bool) -> _Marker | None:
    """The marker of which only a part is there, without boxes; None if this is something that the page says."""
    if not starts_line:
        return None
    first = tags[0]
    if first[1] == "det":
        end = _end_of_reference(text, tags)
        return _Marker(first.start(), end, "") if text.endswith(_TAGS[-1], 0, end) else None
    if first[1] != "ref":
        return None
    label_end = tags[1].start() if len(tags) > 1 else len(text)
    line_end = text.find("\n", first.end(), label_end)
    closed = line_end < 0 and len(tags) > 1 and tags[1][1] == "/ref"
    if closed:
        label, end, rest = text[first.end() : label_end].strip(), tags[1].end(), tags[2:]
    else:
        end, rest = (label_end, tags[1:]) if line_end < 0 else (line_end, [])
        label = _label_without_end(text, first.end(), end).strip()
    if rest and rest[0][1] == "det" and not text[end : rest[0].start()].strip():
        return _Marker(first.start(), _end_of_reference(text, rest), label)
    if known_label(label):
        return _Marker(first.start(), _end_of_piece(text, end, _TAGS), label)
    cut = not closed and end == len(text) and any(name.startswith(label) for name in _LABELS)
    return _Marker(first.start(), end, "") if cut else None


def _label_without_end(text: str, start: int, end: int) -> str:
    """The label from `start` to `end`, without the piece of a tag that may stand at the text's end."""
    label = text[start:end]
    return label[: _start_of_cut_tag(label)].removesuffix("<") if end == len(text) else label


def _end_of_reference(text: str, tags: Sequence[re.Match[str]]) -> int:
    """Where the boxes that the first tag opens end, as far as they are there, the closing tag included."""
    end = _end_of_coordinates(text, tags[0])
    return tags[1].end() if len(tags) > 1 and tags[1][1] == "/det" and tags[1].start() == end else end


def _end_of_coordinates(text: str, det: re.Match[str]) -> int:
    """Where the coordinates behind an opening tag end; a closing tag that is cut off is part of them."""
    found = _COORDINATE_CHARACTERS.match(text, det.end())
    return _end_of_piece(text, found.end() if found else det.end(), _TAGS[-1:])


def _end_of_piece(text: str, position: int, tags: Sequence[str]) -> int:
    """The text's end, if from the position on there is only a piece of one of the tags; the position if not."""
    short = len(text) - position < len(_TAGS[-1])
    return len(text) if short and any(tag.startswith(text[position:].rstrip()) for tag in tags) else position


def _start_of_cut_tag(text: str) -> int:
    """Where a tag that is cut off at the text's end begins; the text's length if none is."""
    start = text.rfind("<|", max(0, len(text) - len(_TAGS[-1])))
    return start if start >= 0 and any(tag.startswith(text[start:].rstrip()) for tag in _TAGS) else len(text)


def _cut_tag(text: str, edge: int, *, fresh: bool) -> int:
    """Where a marker begins of which there is no more than a piece of its first tag; the text's length if none does."""
    start = _start_of_cut_tag(text)
    if start < edge or len(text[start:].rstrip()) <= len("<|"):
        return len(text)
    before = text[edge:start].rstrip(" \t")
    return start if before.endswith("\n") or (fresh and not before) else len(text)
