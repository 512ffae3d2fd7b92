"""Equations that stand by themselves: what a layout model takes for one, unless it reads as text."""

import re
from collections.abc import Sequence

from pdfocr_watcher.analysis.joining import join
from pdfocr_watcher.analysis.lines import Line
from pdfocr_watcher.analysis.objects import Object
from pdfocr_watcher.analysis.prose import reads_as_prose
from pdfocr_watcher.analysis.regions import Detection, Kind, Region
from pdfocr_watcher.analysis.rows import rows_from_lines
from pdfocr_watcher.document.model import Label

#: A model must be so sure of an equation.
MIN_CONFIDENCE = 0.5
#: An equation has at most so many lines, and is at most so high, in heights of a line.
MAX_LINES = 12
MAX_HEIGHT = 12.0
#: Its number stands beside it, no further away than so many heights of it.
MAX_DISTANCE = 16.0
_NUMBER = re.compile(r"\([A-Z]?\.?\d+(?:\.\d+)*[a-z\u2032']*\)")
#: What an equation has and a heading in italics has not.
_SIGN = re.compile(
    r"[=<>+±\u00d7÷∑∏∫√∂∇∞≤≥≈≡→∈⊂\u222a∩^_|{}\u0370-\u03ff²³]|\b(?:lim|max|min|sup|inf|log|sin|cos|exp)\b"
)


def equations_of(detections: Sequence[Detection], lines: Sequence[Line], taken: Sequence[Region]) -> list[Object]:
    """The equations of a page: each is shown as a picture, with what was read of it for a text.

    Args:
        detections: what a layout model saw on the page.
        lines: those that are in no table and in no figure.
        taken: where tables and figures stand.
    """
    equations: list[Object] = []
    regions = list(taken)
    for detection in sorted(detections, key=lambda one: -one.confidence):
        if detection.kind is not Kind.EQUATION or detection.confidence < MIN_CONFIDENCE:
            continue
        inside = [line for line in lines if detection.region.holds(line)]
        region = detection.region
        for line in inside:
            region = region.joined(line)
        number = _number(region, lines)
        if number is not None:
            inside.append(number)
            region = region.joined(number)
        if not _is_equation(region, inside) or any(region.shared(other) > 0 for other in regions):
            continue
        text = join(row.text for row in rows_from_lines(inside))
        equations.append(Object(Label.IMAGE, region, text, detection.confidence, tuple(inside)))
        regions.append(region)
    return equations


def _number(region: Region, lines: Sequence[Line]) -> Line | None:
    """The number of an equation, in brackets beside it."""
    return next(
        (
            line
            for line in lines
            if _NUMBER.fullmatch(line.text)
            and region.top < line.middle < region.bottom
            and 0 < max(line.left - region.right, region.left - line.right) <= MAX_DISTANCE * line.height
        ),
        None,
    )


def _is_equation(region: Region, lines: Sequence[Line]) -> bool:
    """Whether what stands in a rectangle may be an equation: something, and no sentence."""
    if not lines or len(lines) > MAX_LINES or any(reads_as_prose(line.text) for line in lines):
        return False
    if not any(_SIGN.search(line.text) for line in lines):
        return False
    return region.height <= MAX_HEIGHT * min(line.height for line in lines)
