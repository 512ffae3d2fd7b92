"""Which of the figures that a layout model sees are figures, and where exactly they stand. Geometry on the ink mask.

A model draws its boxes about right, takes text for a figure at times, and a paragraph below a chart for a part of it.
The ink says better where a figure ends, the lines what is text. This module loads NumPy and OpenCV.
"""

from collections.abc import Iterable, Sequence

import numpy as np

from pdfocr_watcher.analysis.figures import InkMask, is_solid
from pdfocr_watcher.analysis.lines import Line
from pdfocr_watcher.analysis.objects import Object
from pdfocr_watcher.analysis.prose import reads_as_caption, reads_as_prose
from pdfocr_watcher.analysis.regions import Detection, Kind, Region
from pdfocr_watcher.analysis.rows import rows_from_lines
from pdfocr_watcher.document.model import Label

#: A model must be so sure of a figure.
MIN_CONFIDENCE = 0.5
#: Below this the ink has to bear it out: a table without vertical lines looks like a figure.
SURE = 0.9
#: A line as wide as this share of a figure that reads as prose is a paragraph's, whoever drew the box around it.
WIDE = 0.5
#: A figure has at least this share of ink beside its lines of text, and both sides this share of the page's shorter.
MIN_INK = 0.01
MIN_SIDE = 0.035
#: More of it than this under lines of text, and it is text.
MAX_TEXT = 0.35
#: More lines in it than this that read as prose, and it is text with pictures in it.
MAX_PROSE = 4
#: More characters of labels than this are no alternative text.
MAX_LABELS = 400
#: Labels are part of a figure up to so many of their heights from its ink.
NEAR = 1.2
#: A box that fills so much of the page both ways is the page itself.
WHOLE_PAGE = 0.9
#: Two figures that share this part of the smaller one are one.
SAME = 0.3
#: A line's box is grown by this share of its height before its ink is taken for text.
GROWN = 0.25


def seen_figures(
    detections: Sequence[Detection],
    found: Sequence[Region],
    mask: InkMask,
    lines: Sequence[Line],
    width: int,
    height: int,
) -> list[Region]:
    """The figures of a page, those that rules found and those that a model saw.

    Args:
        detections: what the model saw.
        found: the figures that `find_figures` told by rules.
        mask: the page's ink, as `find_figures` takes it.
        lines: the page's lines of text.
        width: of the raster, in pixels.
        height: of the raster, in pixels.

    Returns:
        The figures from top to bottom, none overlapping another.
    """
    page = _Page(mask, lines, width, height)
    found = [figure for figure in found if not _is_text(figure, detections)]
    seen = [
        figure
        for detection in detections
        if detection.kind is Kind.FIGURE and detection.confidence >= MIN_CONFIDENCE
        if (figure := page.drawn(detection.region, found)) is not None
        if detection.confidence >= SURE or page.is_more_than_rules(figure)
    ]
    figures: list[Region] = []
    for figure in (*seen, *found):
        joined = figure
        while same := [other for other in figures if _overlap(other, joined)]:
            figures = [other for other in figures if other not in same]
            for other in same:
                joined = joined.joined(other)
        figures.append(joined)
    figures = [figure for figure in figures if figure in found or page.is_drawn(figure)]
    return sorted(figures, key=lambda figure: (figure.top, figure.left))


def labelled_figure(region: Region, lines: Sequence[Line]) -> Object:
    """A figure with the words that stand in it for its alternative text, if they are labels; sentences stay text."""
    inside = [line for line in lines if region.holds(line)]
    labels = [line for line in inside if not reads_as_prose(line.text) and not reads_as_caption(line.text)]
    text = " ".join(row.text for row in rows_from_lines(labels))
    if len(text) > MAX_LABELS:
        return Object(Label.IMAGE, region)
    return Object(Label.IMAGE, region, text, lines=tuple(labels))


def _is_text(figure: Region, detections: Sequence[Detection]) -> bool:
    """Whether a model takes much of what rules found for text, and none of it for a figure: a tinted field."""
    text = any(
        one.kind in _TEXTS and one.confidence >= MIN_CONFIDENCE and one.region.shared(figure) > SAME * figure.area
        for one in detections
    )
    return text and not any(one.kind is Kind.FIGURE and _overlap(one.region, figure) for one in detections)


def _overlap(one: Region, other: Region) -> bool:
    return one.shared(other) > SAME * min(one.area, other.area)


_TEXTS = frozenset({Kind.TEXT, Kind.REFERENCE})


class _Page:
    """A page's ink and lines, asked about one box after the other."""

    def __init__(self, mask: InkMask, lines: Sequence[Line], width: int, height: int) -> None:
        self._lines = lines
        self._width, self._height = width, height
        self._across, self._down = width / mask.shape[1], height / mask.shape[0]
        self._ink = mask.copy()
        for line in lines:
            grown = GROWN * min(line.height, line.width)
            around = Region(line.left - grown, line.top - grown, line.right + grown, line.bottom + grown)
            self._ink[self._slices(around)] = 0

    def drawn(self, box: Region, found: Iterable[Region]) -> Region | None:
        """The figure in a model's box; None where it holds none."""
        if box.width >= WHOLE_PAGE * self._width and box.height >= WHOLE_PAGE * self._height:
            return None
        box = self._without_paragraphs(box)
        figure = self._around_ink(box)
        if figure is None or min(figure.width, figure.height) < MIN_SIDE * min(self._width, self._height):
            return None
        inside = [line for line in self._lines if box.holds(line) and not reads_as_caption(line.text)]
        labels = [line for line in inside if not self._is_paragraph(line, box)]
        grown = True
        while grown:
            near = [line for line in labels if _gap(figure, line) <= NEAR * line.height]
            labels = [line for line in labels if line not in near]
            for line in near:
                figure = figure.joined(line)
            grown = bool(near)
        for other in found:
            if _overlap(other, figure):
                figure = figure.joined(other)
        return figure if self.is_drawn(figure) else None

    def is_more_than_rules(self, figure: Region) -> bool:
        """Whether there is more in a rectangle than text and ruled lines."""
        return is_solid(self._ink[self._slices(figure)], min(self._ink.shape))

    def is_drawn(self, figure: Region) -> bool:
        """Whether there is more in a rectangle than text: few lines, and next to no sentences."""
        covered = sum(figure.shared(line) for line in self._lines)
        sentences = sum(figure.holds(line) and reads_as_prose(line.text) for line in self._lines)
        return covered <= MAX_TEXT * figure.area and sentences <= MAX_PROSE

    def _is_paragraph(self, line: Line, box: Region) -> bool:
        return line.width >= WIDE * box.width and reads_as_prose(line.text)

    def _without_paragraphs(self, box: Region) -> Region:
        """The part of a box between the text at its upper and at its lower end, the larger part if text parts it."""
        prose = sorted(
            (line for line in self._lines if box.holds(line) and self._is_paragraph(line, box)),
            key=lambda line: line.top,
        )
        edges = [box.top, *(line.bottom for line in prose)]
        ends = [*(line.top for line in prose), box.bottom]
        top, bottom = max(zip(edges, ends, strict=True), key=lambda part: part[1] - part[0])
        return Region(box.left, top, box.right, max(top, bottom))

    def _around_ink(self, box: Region) -> Region | None:
        """The rectangle around what is drawn in a box and is no text."""
        rows, columns = self._slices(box)
        ink = self._ink[rows, columns]
        if ink.size == 0 or float(ink.mean()) < MIN_INK:
            return None
        down, across = np.flatnonzero(ink.any(axis=1)), np.flatnonzero(ink.any(axis=0))
        return Region(
            (columns.start + int(across[0])) * self._across,
            (rows.start + int(down[0])) * self._down,
            min(self._width, (columns.start + int(across[-1]) + 1) * self._across),
            min(self._height, (rows.start + int(down[-1]) + 1) * self._down),
        )

    def _slices(self, region: Region) -> tuple[slice, slice]:
        """The cells of the mask under a rectangle."""
        return (
            slice(max(0, int(region.top / self._down)), max(0, int(region.bottom / self._down) + 1)),
            slice(max(0, int(region.left / self._across)), max(0, int(region.right / self._across) + 1)),
        )


def _gap(region: Region, line: Line) -> float:
    """The white space between a rectangle and a line, in pixels."""
    across = max(0.0, line.left - region.right, region.left - line.right)
    down = max(0.0, line.top - region.bottom, region.top - line.bottom)
    return max(across, down)
