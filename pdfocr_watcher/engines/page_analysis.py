"""Lines and a raster become blocks: what the engines of lines share.

The layout model and the table model are used where their weights are; everything is told by rules where they are not.
What is decided stands in `analysis`; here is what needs the pixels.
"""

import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import TypeVar

from PIL import Image

from pdfocr_watcher.analysis.blocks import blocks_from_lines
from pdfocr_watcher.analysis.drawings import labelled_figure, seen_figures
from pdfocr_watcher.analysis.equations import equations_of
from pdfocr_watcher.analysis.figures import find_figures
from pdfocr_watcher.analysis.lines import Line
from pdfocr_watcher.analysis.objects import Object
from pdfocr_watcher.analysis.regions import Detection, Region
from pdfocr_watcher.analysis.table_claims import TableClaim, table_claims, tabular_claims
from pdfocr_watcher.analysis.table_structure import moved
from pdfocr_watcher.analysis.tables import Table, read_table, text_height
from pdfocr_watcher.document.model import Block, Label
from pdfocr_watcher.engines.bullets import with_bullets
from pdfocr_watcher.engines.cell_ink import unread_ink
from pdfocr_watcher.engines.drop_caps import with_initials
from pdfocr_watcher.engines.ink import ink_mask
from pdfocr_watcher.engines.layout_model import LayoutModel
from pdfocr_watcher.engines.ruled_lines import find_rules
from pdfocr_watcher.engines.table_model import TableModel
from pdfocr_watcher.weights.catalogue import LAYOUT, TABLE, Weights
from pdfocr_watcher.weights.folder import is_there

#: What shares this part of its area with a table is a part of it.
SAME = 0.5
#: At most so many cells of a table are read once more.
MAX_READINGS = 400
#: White around a table, in pixels, that is looked at with it.
MARGIN = 6

#: Reads the one line that stands in a part of a page, if there is one.
Reader = Callable[[Image.Image, Region], Line | None]

_Model = TypeVar("_Model")


class PageAnalysis:
    """Makes blocks of the lines of a page.

    Args:
        weights: the folder with the weights of the models, each loaded when it is first needed; None for rules alone.
        threads: that a model may use, at least 1.
    """

    def __init__(self, weights: Path | None, threads: int = 1) -> None:
        self._weights = weights
        self._threads = threads

    def blocks(self, image: Image.Image, lines: Sequence[Line], read: Reader | None = None) -> tuple[Block, ...]:
        """The blocks of a page in reading order.

        Args:
            image: the page's raster, upright, any mode.
            lines: those that were read on it, in any order.
            read: reads what stands in a part of the page, for initials and what was overlooked in tables; None for not
                at all.
        """
        lines = with_bullets(image, with_initials(image, lines, read) if read is not None else lines)
        layout = self._layout
        detections = layout.find(image) if layout is not None else []
        mask = ink_mask(image)
        claims = table_claims(detections, lines)
        tables = self._tables(image, claims, read)
        refused = [claim for claim in claims if claim.sure and not any(_said_by(table, claim) for table in tables)]
        rest = _without(lines, tables)
        figures = _apart(find_figures(mask, lines, image.width, image.height), tables)
        figures = seen_figures(_outside(detections, tables), figures, mask, rest, image.width, image.height)
        rest = [line for line in rest if not any(figure.holds(line) for figure in figures)]
        tables += self._tables(image, tabular_claims(rest), read)
        objects = [Object(Label.TABLE, table.region, table.html, table.confidence, table.lines) for table in tables]
        objects += equations_of(detections, _without(rest, tables), [*figures, *(table.region for table in tables)])
        if layout is not None:
            objects += [labelled_figure(figure, lines) for figure in figures]
            figures = []
        blocks = blocks_from_lines(lines, image.width, image.height, figures, objects, detections)
        return _marked(blocks, [claim.region for claim in refused], image.width, image.height)

    def _tables(self, image: Image.Image, claims: Sequence[TableClaim], read: Reader | None) -> list[Table]:
        """Those of the claims that are tables."""
        tables: list[Table] = []
        for claim in claims:
            box = claim.region
            around = Region(
                max(0.0, box.left - MARGIN),
                max(0.0, box.top - MARGIN),
                min(float(image.width), box.right + MARGIN),
                min(float(image.height), box.bottom + MARGIN),
            )
            rules = find_rules(image, around, text_height(claim.lines))
            model = self._table
            structure = model.read(image.crop(_pixels(around))) if model is not None else None
            if structure is not None:
                structure = moved(structure, *_pixels(around)[:2])
            table = read_table(claim, rules, structure)
            if table is not None:
                tables.append(table if read is None else _read_again(image, table, read))
        return tables

    @cached_property
    def _layout(self) -> LayoutModel | None:
        return self._model(LAYOUT, LayoutModel)

    @cached_property
    def _table(self) -> TableModel | None:
        return self._model(TABLE, TableModel)

    def _model(self, weights: Weights, load: Callable[[Path, int], _Model]) -> _Model | None:
        """A model; None where its weights are not there, or do not load."""
        if self._weights is None or not is_there(self._weights, weights):
            return None
        try:
            return load(self._weights / weights.file, self._threads)
        except Exception as error:  # noqa: BLE001 - whatever the library raises, rules do without
            print(f"{weights.file} does not load: {error}", file=sys.stderr)  # noqa: T201 - the worker's log
            return None


def _read_again(image: Image.Image, table: Table, read: Reader) -> Table:
    """A table with what stands in its empty cells: lone digits and dashes are often overlooked on a page."""
    em = text_height(table.lines)
    readings: dict[int, Line] = {}
    for number, cell in enumerate(table.cells):
        if cell.lines or len(readings) >= MAX_READINGS:
            continue
        ink = unread_ink(image, cell.cell.region, em)
        line = read(image, ink.around) if ink is not None else None
        if ink is not None and line is not None and ink.bears_out(line):
            readings[number] = replace(line, text="-", words=()) if ink.is_dash else line
    return table.with_readings(readings)


def _pixels(region: Region) -> tuple[int, int, int, int]:
    """Left, top, right and bottom of a rectangle in whole pixels."""
    return int(region.left), int(region.top), int(region.right), int(region.bottom)


def _without(lines: Sequence[Line], tables: Sequence[Table]) -> list[Line]:
    """The lines that are in none of the tables."""
    said = {id(line) for table in tables for line in table.lines}
    return [line for line in lines if id(line) not in said]


def _apart(figures: Sequence[Region], tables: Sequence[Table]) -> list[Region]:
    """The figures that are no part of a table."""
    return [one for one in figures if not any(one.shared(table.region) > SAME * one.area for table in tables)]


def _said_by(table: Table, claim: TableClaim) -> bool:
    """Whether a table came of a claim."""
    return table.region.shared(claim.region) > SAME * min(table.region.area, claim.region.area)


def _marked(blocks: Sequence[Block], refused: Sequence[Region], width: int, height: int) -> tuple[Block, ...]:
    """The blocks, those marked that are the text of what a model took for a table and could not be read as one."""

    def marked(block: Block) -> Block:
        if block.label not in {Label.TEXT, Label.LIST} or not refused:
            return block
        places = [Region(*box.to_pixels(width, height)) for box in block.boxes]
        inside = any(place.shared(region) > SAME * place.area for place in places for region in refused)
        return replace(block, uncertain=Label.TABLE) if inside else block

    return tuple(map(marked, blocks))


def _outside(detections: Sequence[Detection], tables: Sequence[Table]) -> list[Detection]:
    """What a model saw that was not read as a table, and holds none."""
    return [
        one
        for one in detections
        if not any(one.region.shared(table.region) > SAME * min(one.region.area, table.region.area) for table in tables)
    ]
