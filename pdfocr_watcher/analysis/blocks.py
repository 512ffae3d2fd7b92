"""Lines become blocks: the one entry of this room.

What each step decides stands beside this module: `furniture` (page numbers, running titles), `reading_order` and
`gutters` (columns), `rows`, `paragraphs`, `lists`, `headings` and `sections`, `pieces`, `joining` (hyphens and blanks),
`markup` (escaping), `objects` (the places of figures and tables, and captions). Where figures and tables are, and what
a table says, is told by `figures`, `drawings`, `table_claims` and `tables`.
"""

from collections.abc import Sequence
from dataclasses import replace

from pdfocr_watcher.analysis.furniture import Furniture, find_furniture
from pdfocr_watcher.analysis.headings import body_height
from pdfocr_watcher.analysis.line_numbers import line_numbers
from pdfocr_watcher.analysis.lines import Line
from pdfocr_watcher.analysis.marks import is_whole
from pdfocr_watcher.analysis.objects import (
    Item,
    Object,
    across_columns,
    inserted,
    reads_as_caption_of,
    with_captions,
    with_notes,
    without_stray_captions,
)
from pdfocr_watcher.analysis.paragraphs import paragraphs_from_rows
from pdfocr_watcher.analysis.pieces import Piece, block_of, pieces_of_column
from pdfocr_watcher.analysis.reading_order import regions_in_order
from pdfocr_watcher.analysis.regions import Detection, Region
from pdfocr_watcher.analysis.rows import Row, rows_from_lines
from pdfocr_watcher.analysis.sections import with_sections
from pdfocr_watcher.document.model import Block, Box, Label


def blocks_from_lines(
    lines: Sequence[Line],
    width: int,
    height: int,
    figures: Sequence[Region] = (),
    objects: Sequence[Object] = (),
    detections: Sequence[Detection] = (),
) -> tuple[Block, ...]:
    """Group the lines of a page into blocks in reading order.

    Args:
        lines: in any order, boxes in pixels of the raster.
        width: of the raster, in pixels.
        height: of the raster, in pixels.
        figures: the figures of the page, in pixels of the raster, none overlapping another.
        objects: its tables and equations; what their lines say is in their contents.
        detections: what a layout model saw on the page; hints, without which the rules decide.

    Returns:
        Titles, headings, text, lists, figures and tables with their captions, page numbers and running titles. The
        words of every line are in exactly one block, those of lines inside a figure in blocks that follow it;
        contents are Markdown, that of a figure is empty.
    """
    said = {id(line) for one in objects for line in one.lines}
    unsaid = [line for line in lines if id(line) not in said]
    shown = [*objects, *(Object(Label.IMAGE, figure) for figure in figures)]
    return _blocks(unsaid, width, height, shown, detections)


def _blocks(
    lines: Sequence[Line], width: int, height: int, objects: Sequence[Object], detections: Sequence[Detection]
) -> tuple[Block, ...]:
    """The blocks of a page: what its lines say, which no object does, and the objects among it."""
    frame = find_furniture(lines, height, detections)
    framed = {id(line) for furniture in frame for line in furniture.lines}
    numbers = line_numbers([line for line in lines if id(line) not in framed])
    framed |= {id(line) for line in numbers}
    inside: dict[int, list[Line]] = {}
    free: list[Line] = []
    for line in lines:
        figure = next((one for one in objects if one.label is Label.IMAGE and one.region.holds(line)), None)
        if id(line) not in framed:
            (free if figure is None else inside.setdefault(id(figure), [])).append(line)
    items = _in_order(free, objects, detections)
    blocks: list[Block] = []
    blocks.extend(block_of(piece, width, height) for piece in _frame_pieces(frame, at_top=True))
    for item in items:
        if isinstance(item, Piece):
            blocks.append(block_of(item, width, height))
            continue
        box = item.region
        place = Box.from_pixels(box.left, box.top, box.right, box.bottom, width, height)
        blocks.append(Block(item.label, (place,), item.content, item.confidence))
        blocks.extend(block_of(piece, width, height) for piece in _inner_pieces(inside.get(id(item), ())))
    blocks.extend(block_of(piece, width, height) for piece in _frame_pieces(frame, at_top=False))
    if numbers:
        rows = tuple(Row.of([line]) for line in numbers)
        blocks.append(block_of(Piece(Label.PAGE_NUMBER, (rows,)), width, height))
    return tuple(blocks)


def _in_order(lines: Sequence[Line], objects: Sequence[Object], detections: Sequence[Detection]) -> list[Item]:
    """The pieces of the text and the objects among them, in reading order, with captions."""
    lines = [replace(line, words=()) if is_whole(line, detections) else line for line in lines]
    anchors = [(one.anchor, one) for one in objects]
    held = {id(anchor): one for anchor, one in anchors}
    columns = [
        (
            rows_from_lines([line for line in region if id(line) not in held]),
            [held[id(a)] for a in region if id(a) in held],
        )
        for region in regions_in_order([*lines, *(anchor for anchor, _ in anchors)])
    ]
    body = body_height([row for rows, _ in columns for row in rows])
    items = across_columns([inserted(pieces_of_column(rows, body, detections), own) for rows, own in columns])
    return with_notes(without_stray_captions(with_captions(with_sections(items, body))))


def _inner_pieces(lines: Sequence[Line]) -> list[Piece]:
    """The writing in a figure: text, whatever its size; a caption inside the frame is one all the same."""
    pieces = [
        Piece(Label.TEXT, (tuple(rows),))
        for region in regions_in_order(lines)
        for rows in paragraphs_from_rows(rows_from_lines(region))
    ]
    return [
        replace(piece, label=Label.IMAGE_CAPTION) if reads_as_caption_of(Label.IMAGE, piece) else piece
        for piece in pieces
    ]


def _frame_pieces(frame: Sequence[Furniture], *, at_top: bool) -> list[Piece]:
    """The page number and the running titles at the head or at the foot of a page."""
    pieces: list[Piece] = []
    for furniture in frame:
        if furniture.at_top is at_top:
            beside = Label.HEADER if at_top else Label.FOOTER
            pieces += [Piece(beside, ((Row.of([line]),),)) for line in furniture.titles]
            if furniture.number is not None:
                pieces.append(Piece(Label.PAGE_NUMBER, ((Row.of([furniture.number]),),)))
    return pieces
