"""A table's lines become a table: the one entry for tables.

Whose structure is taken stands here: the ruled lines' where they draw all cells, else the model's where the lines bear
it out, else that of the white space; a table of which none can be told stays text. How each is found, and how cells
are filled, stands beside this module.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import median

from pdfocr_watcher.analysis.lines import Line
from pdfocr_watcher.analysis.regions import Region
from pdfocr_watcher.analysis.ruling import Rules, ruled_structure
from pdfocr_watcher.analysis.table_alignment import aligned_structure, is_sure
from pdfocr_watcher.analysis.table_claims import TableClaim
from pdfocr_watcher.analysis.table_evidence import has_rules, is_stacked, is_table
from pdfocr_watcher.analysis.table_filling import FilledCell, filled, spanned_by_rules, table_html
from pdfocr_watcher.analysis.table_structure import TableStructure
from pdfocr_watcher.analysis.table_whitespace import whitespace_structure

_ONE = "\u4e00"
_HAN = re.compile(r"[\u3040-\u30ff\u3400-\u9fff]")
#: Of the cells of a table made by white space this share is filled.
MIN_FILLED = 0.35


@dataclass(frozen=True, slots=True)
class Table:
    """A table that was read.

    Attributes:
        region: where it stands, in pixels of the page's raster.
        cells: with the lines that stand in them, row by row.
        lines: of the page, that are in it.
        confidence: how sure its structure is, 0..1.
    """

    region: Region
    cells: tuple[FilledCell, ...]
    lines: tuple[Line, ...]
    confidence: float

    @property
    def html(self) -> str:
        """What it says."""
        return table_html(self.cells)

    def with_readings(self, readings: Mapping[int, Line]) -> "Table":
        """The table with lines in cells that were empty, by their numbers."""
        cells = [
            replace(one, lines=(*one.lines, readings[n])) if n in readings else one for n, one in enumerate(self.cells)
        ]
        return replace(self, cells=tuple(cells))


def read_table(claim: TableClaim, rules: Rules, model: TableStructure | None) -> Table | None:
    """Read a table.

    Args:
        claim: where it may stand, with its lines.
        rules: the ruled lines there.
        model: its structure as a model has it, its cells about where they stand on the page; None for no model.

    Returns:
        The table; None where there is none, or it has no structure that can be told.
    """
    em = text_height(claim.lines)
    ruled = ruled_structure(rules, claim.region, em)
    if ruled is not None and not is_stacked(content := filled(ruled, claim.lines)):
        return Table(claim.region, _with_dashes(content), claim.lines, ruled.confidence)
    if model is not None and is_sure(model) and model.columns == 1:
        return None
    structure = aligned_structure(model, claim.region, claim.lines, rules, em) if model is not None else None
    if structure is not None:
        content = filled(structure, claim.lines)
    elif claim.sure or has_rules(rules, claim.region, em):
        structure = whitespace_structure(claim.lines, rules, claim.region, em)
        if structure is None:
            return None
        content = spanned_by_rules(filled(structure, claim.lines), rules.horizontal, em)
        if sum(cell.cell.columns for cell in content if cell.lines) < MIN_FILLED * structure.rows * structure.columns:
            return None
    if structure is None or not is_table(claim, structure, content, rules, em):
        return None
    return Table(claim.region, _with_dashes(content), claim.lines, structure.confidence)


def _with_dashes(content: Sequence[FilledCell]) -> tuple[FilledCell, ...]:
    """The cells, the Han sign for one taken for the dash that it looks like where no other Han is in the table."""
    if any(_HAN.search(line.text) for cell in content for line in cell.lines if line.text != _ONE):
        return tuple(content)
    return tuple(
        replace(cell, lines=tuple(replace(line, text="-") if line.text == _ONE else line for line in cell.lines))
        for cell in content
    )


def text_height(lines: Sequence[Line]) -> float:
    """The usual height of lines, at least one, in pixels."""
    return median(line.height for line in lines)
