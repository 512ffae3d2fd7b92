"""Lines become blocks: the one entry of this room.

What each step decides stands beside this module: `furniture` (page numbers), `reading_order` and `gutters` (columns),
`rows`, `paragraphs`, `lists`, `headings`, `joining` (hyphens and blanks), `markup` (escaping). Where figures are is
told by `figures`; here they get their places among the text, and their captions.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from typing import TYPE_CHECKING

from pdfocr_watcher.analysis.furniture import Furniture, find_furniture
from pdfocr_watcher.analysis.headings import body_height, heading_label
from pdfocr_watcher.analysis.joining import continues, join
from pdfocr_watcher.analysis.lines import Line
from pdfocr_watcher.analysis.lists import list_runs, marker_of
from pdfocr_watcher.analysis.markup import escape_inline, escape_line
from pdfocr_watcher.analysis.paragraphs import paragraphs_from_rows
from pdfocr_watcher.analysis.reading_order import regions_in_order
from pdfocr_watcher.analysis.rows import Row, rows_from_lines
from pdfocr_watcher.document.model import Block, Box, Label

if TYPE_CHECKING:  # finding figures takes OpenCV, placing them does not
    from pdfocr_watcher.analysis.figures import Region

#: A column and a figure stand above each other where they share this part of the narrower one's width.
SHARED_WIDTH = 0.3
#: White space, in heights of the caption's rows, between a caption and its figure.
CAPTION_GAP = 2.5
#: A caption has at most so many characters; a longer text that begins like one is a paragraph.
MAX_CAPTION = 300
#: "Figure 2 shows ..." is a sentence: the number is followed by a mark, a capital or nothing.
_CAPTION = re.compile(
    r"(?i:figure|fig\.?|abbildung|abb\.?|chart|diagram|table)\s*\d+(?:[.\-]\d+)*[a-z]?(?:\s*[:.,|)(\u2013\u2014-]|\s+[A-Z\u00c4\u00d6\u00dc\d]|$)"
)
_HEADING_MARKS = {Label.TITLE: "#", Label.SUB_TITLE: "##"}


@dataclass(frozen=True, slots=True)
class _Piece:
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


def blocks_from_lines(
    lines: Sequence[Line], width: int, height: int, figures: Sequence["Region"] = ()
) -> tuple[Block, ...]:
    """Group the lines of a page into blocks in reading order.

    Args:
        lines: in any order, boxes in pixels of the raster.
        width: of the raster, in pixels.
        height: of the raster, in pixels.
        figures: the figures of the page, in pixels of the raster, none overlapping another.

    Returns:
        Titles, headings, text, lists, figures with their captions, page numbers and the running titles beside them.
        The words of every line are in exactly one block, those of lines inside a figure in blocks that follow it;
        contents are Markdown, that of a figure is empty.
    """
    frame = find_furniture(lines, height)
    framed = {id(line) for furniture in frame for line in furniture.lines}
    free = [line for line in lines if id(line) not in framed]
    inside = [[line for line in free if _holds(figure, line)] for figure in figures]
    drawn = {id(line) for group in inside for line in group}
    columns = [rows_from_lines(region) for region in regions_in_order([line for line in free if id(line) not in drawn])]
    body = body_height([row for rows in columns for row in rows])
    pieces = [
        *chain.from_iterable(_frame_pieces(furniture) for furniture in frame if furniture.at_top),
        *_across_columns([_pieces(paragraphs_from_rows(rows), body) for rows in columns]),
        *chain.from_iterable(_frame_pieces(furniture) for furniture in frame if not furniture.at_top),
    ]
    places = [_place(figure, pieces) for figure in figures]
    captions = {_caption(figure, pieces) for figure in figures}
    blocks: list[Block] = []
    for index in range(len(pieces) + 1):
        for figure, group, place in zip(figures, inside, places, strict=True):
            if place == index:
                box = Box.from_pixels(figure.left, figure.top, figure.right, figure.bottom, width, height)
                blocks.append(Block(Label.IMAGE, (box,), ""))
                blocks.extend(_block(piece, width, height) for piece in _inner_pieces(group))
        if index < len(pieces):
            piece = replace(pieces[index], label=Label.IMAGE_CAPTION) if index in captions else pieces[index]
            blocks.append(_block(piece, width, height))
    return tuple(blocks)


def _holds(figure: "Region", line: Line) -> bool:
    """Whether the middle of a line is inside a figure."""
    centre = (line.left + line.right) / 2
    return figure.left <= centre < figure.right and figure.top <= line.middle < figure.bottom


def _inner_pieces(lines: Sequence[Line]) -> list[_Piece]:
    """The writing in a figure: text, whatever its size; a caption inside the frame is one all the same."""
    pieces = [
        _Piece(Label.TEXT, (tuple(rows),))
        for region in regions_in_order(lines)
        for rows in paragraphs_from_rows(rows_from_lines(region))
    ]
    return [replace(piece, label=Label.IMAGE_CAPTION) if _reads_as_caption(piece) else piece for piece in pieces]


def _place(figure: "Region", pieces: Sequence[_Piece]) -> int:
    """Before which of the pieces a figure comes: after all that stands above it in its columns."""
    middle = (figure.top + figure.bottom) / 2
    above: list[int] = []
    below: list[int] = []
    for index, piece in enumerate(pieces):
        for part in piece.parts:
            if _in_column(figure, part):
                (above if part[-1].middle <= middle else below).append(index)
    if above:
        return above[-1] + 1
    if below:
        return below[0]
    # Nothing shares its columns: it comes where the text has come down to it.
    return next((index for index, piece in enumerate(pieces) if piece.rows[0].middle > middle), len(pieces))


def _caption(figure: "Region", pieces: Sequence[_Piece]) -> int | None:
    """Which of the pieces is a figure's caption: the one below it, else the one above it."""
    near: list[tuple[bool, float, int]] = []
    for index, piece in enumerate(pieces):
        rows = piece.rows
        if len(piece.parts) == 1 and _in_column(figure, rows) and _reads_as_caption(piece):
            below = rows[0].middle > figure.bottom
            gap = rows[0].top - figure.bottom if below else figure.top - rows[-1].bottom
            if abs(gap) <= CAPTION_GAP * rows[0].height:
                near.append((not below, gap, index))
    return min(near)[2] if near else None


def _reads_as_caption(piece: _Piece) -> bool:
    """Whether a piece begins as captions do, and is as short."""
    text = " ".join(row.text for row in piece.rows)
    return piece.label in {Label.TEXT, *_HEADING_MARKS} and len(text) <= MAX_CAPTION and bool(_CAPTION.match(text))


def _in_column(figure: "Region", rows: Sequence[Row]) -> bool:
    """Whether rows stand above, beside or below a figure within its width."""
    left, right = min(row.left for row in rows), max(row.right for row in rows)
    shared = min(right, figure.right) - max(left, figure.left)
    return shared > SHARED_WIDTH * min(right - left, figure.right - figure.left)


def _frame_pieces(furniture: Furniture) -> list[_Piece]:
    """A page number and the running titles beside it."""
    beside = Label.HEADER if furniture.at_top else Label.FOOTER
    pieces = [_Piece(beside, ((Row.of([line]),),)) for line in furniture.titles]
    if furniture.number is not None:
        pieces.append(_Piece(Label.PAGE_NUMBER, ((Row.of([furniture.number]),),)))
    return pieces


def _pieces(paragraphs: Sequence[Sequence[Row]], body: float | None) -> list[_Piece]:
    """The paragraphs of one column with their labels, the entries of a list together."""
    pieces: list[_Piece] = []
    done = 0
    for start, end in [*list_runs([rows[0].text for rows in paragraphs]), (len(paragraphs), len(paragraphs))]:
        pieces.extend(
            _Piece(heading_label(rows, body) or Label.TEXT, (tuple(rows),)) for rows in paragraphs[done:start]
        )
        if start < end:
            entries = paragraphs[start:end]
            starts = tuple(rows[0] for rows in entries)
            pieces.append(_Piece(Label.LIST, (tuple(chain.from_iterable(entries)),), starts))
        done = end
    return pieces


def _across_columns(columns: Iterable[Sequence[_Piece]]) -> list[_Piece]:
    """All pieces in order; a paragraph that breaks off within a word is put together with its rest."""
    pieces: list[_Piece] = []
    for column in columns:
        rest = list(column)
        if pieces and rest and pieces[-1].label is rest[0].label is Label.TEXT:
            last, first = pieces[-1].rows[-1], rest[0].rows[0]
            if continues(last.text, first.text) and not (last.tabular or first.tabular):
                pieces[-1] = replace(pieces[-1], parts=pieces[-1].parts + rest[0].parts)
                rest = rest[1:]
        pieces.extend(rest)
    return pieces


def _block(piece: _Piece, width: int, height: int) -> Block:
    """The block of a piece, its boxes on the grid."""
    lines = [line for row in piece.rows for line in row.lines]
    weight = sum(len(line.text) for line in lines)
    boxes = tuple(
        Box.from_pixels(
            min(row.left for row in part),
            min(row.top for row in part),
            max(row.right for row in part),
            max(row.bottom for row in part),
            width,
            height,
        )
        for part in piece.parts
    )
    confidence = sum(line.confidence * len(line.text) for line in lines) / weight if weight else None
    return Block(piece.label, boxes, _content(piece), confidence)


def _content(piece: _Piece) -> str:
    """The Markdown of a piece."""
    rows = piece.rows
    if piece.label in _HEADING_MARKS:
        return f"{_HEADING_MARKS[piece.label]} {escape_inline(join(row.text for row in rows))}"
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
