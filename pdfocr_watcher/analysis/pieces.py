"""Blocks to be: the paragraphs, lists and headings of a column, and how each is written as Markdown."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from statistics import median

from pdfocr_watcher.analysis.headings import heading_label, marked_label
from pdfocr_watcher.analysis.joining import healed_words, join
from pdfocr_watcher.analysis.lists import list_runs, marker_of
from pdfocr_watcher.analysis.marks import marks_of
from pdfocr_watcher.analysis.markup import escape_inline, escape_line
from pdfocr_watcher.analysis.paragraphs import paragraphs_from_rows
from pdfocr_watcher.analysis.regions import Detection, Region
from pdfocr_watcher.analysis.rows import Row
from pdfocr_watcher.document.model import Block, Box, Label

HEADING_MARKS = {Label.TITLE: "#", Label.SUB_TITLE: "##"}


@dataclass(frozen=True, slots=True)
class Piece:
    """A block to be.

    Attributes:
        label: what it is.
        parts: its rows, column by column; a paragraph that goes on in the next column has two parts.
        starts: for a list, the rows at which its entries begin.
    """

    label: Label
    parts: tuple[tuple[Row, ...], ...]
    starts: tuple[Row, ...] = ()

    @property
    def rows(self) -> tuple[Row, ...]:
        """All rows, in reading order."""
        return tuple(chain.from_iterable(self.parts))

    @property
    def text(self) -> str:
        """What it says, the rows with a blank between them."""
        return " ".join(row.text for row in self.rows)

    @property
    def region(self) -> Region:
        """The rectangle around it."""
        return _around(self.rows)


def pieces_of_column(rows: Sequence[Row], body: float | None, detections: Sequence[Detection] = ()) -> list[Piece]:
    """The paragraphs of one column with their labels, the entries of a list together.

    Args:
        rows: from top to bottom.
        body: the height of most of the page's text, in pixels; None where there is too little of it.
        detections: what a layout model saw on the page.
    """
    marks = marks_of(rows, detections)
    mark_of = {id(row): mark for row, mark in zip(rows, marks, strict=True)}
    paragraphs = paragraphs_from_rows(rows, marks)
    pieces: list[Piece] = []
    done = 0
    labels = [marked_label([mark_of[id(row)] for row in rows], rows, body) for rows in paragraphs]
    # What a model takes for a heading is no entry: "2. Methods".
    firsts = ["" if label in HEADING_MARKS else rows[0].text for rows, label in zip(paragraphs, labels, strict=True)]
    for start, end in [*list_runs(firsts), (len(paragraphs), len(paragraphs))]:
        for paragraph, label in zip(paragraphs[done:start], labels[done:start], strict=True):
            pieces.append(Piece(label or heading_label(paragraph, body) or Label.TEXT, (tuple(paragraph),)))
        heading = (
            heading_label(paragraphs[start], body) if end == start + 1 and _is_numbered(paragraphs[start]) else None
        )
        if heading is not None:
            # Nor is one with a number that is set larger, and has no entry beside it.
            pieces.append(Piece(heading, (tuple(paragraphs[start]),)))
        elif start < end:
            entries = paragraphs[start:end]
            starts = tuple(rows[0] for rows in entries)
            pieces.append(Piece(Label.LIST, (tuple(chain.from_iterable(entries)),), starts))
        done = end
    return pieces


def _is_numbered(paragraph: Sequence[Row]) -> bool:
    """Whether a paragraph begins with a number, as entries and headings do."""
    marker = marker_of(paragraph[0].text)
    return marker is not None and marker.number is not None


def block_of(piece: Piece, width: int, height: int) -> Block:
    """The block of a piece, its boxes on the grid."""
    lines = [line for row in piece.rows for line in row.lines]
    weight = sum(len(line.text) for line in lines)
    around = [_around(part) for part in piece.parts]
    boxes = tuple(Box.from_pixels(box.left, box.top, box.right, box.bottom, width, height) for box in around)
    confidence = sum(line.confidence * len(line.text) for line in lines) / weight if weight else None
    size = round(median(row.height for row in piece.rows) / height, 5)
    healed = healed_words([row.text for row in piece.rows])
    return Block(piece.label, boxes, _content(piece), confidence, size, healed)


def _around(rows: Sequence[Row]) -> Region:
    return Region(
        min(row.left for row in rows),
        min(row.top for row in rows),
        max(row.right for row in rows),
        max(row.bottom for row in rows),
    )


def _content(piece: Piece) -> str:
    """The Markdown of a piece."""
    rows = piece.rows
    if piece.label in HEADING_MARKS:
        return f"{HEADING_MARKS[piece.label]} {escape_inline(join(row.text for row in rows))}"
    if piece.label is Label.LIST:
        return "\n".join(_entries(rows, piece.starts))
    if any(row.tabular for row in rows):
        return "\n".join(escape_line(row.text) for row in rows)
    return escape_line(join(row.text for row in rows))


def _entries(rows: Sequence[Row], starts: Sequence[Row]) -> list[str]:
    """The entries of a list, each a line of Markdown."""
    entries: list[list[Row]] = []
    for row in rows:
        if any(row is start for start in starts[len(entries) : len(entries) + 1]):
            entries.append([])
        entries[-1].append(row)
    written: list[str] = []
    for entry in entries:
        text = join(row.text for row in entry)
        marker = marker_of(text)
        # The entries are where list_runs found a marker; a text without one is written as it is.
        written.append(f"{marker.markdown} {escape_line(text[marker.length :])}" if marker else escape_line(text))
    return written
