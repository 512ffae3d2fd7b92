"""Figures, tables and equations among the text: where each comes in the reading order, and which caption is whose."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from pdfocr_watcher.analysis.joining import continues
from pdfocr_watcher.analysis.lines import Line
from pdfocr_watcher.analysis.pieces import HEADING_MARKS, Piece
from pdfocr_watcher.analysis.prose import reads_as_figure_caption, reads_as_note, reads_as_table_caption
from pdfocr_watcher.analysis.regions import Region
from pdfocr_watcher.document.model import Label

#: A column and a figure stand above each other where they share this part of the narrower one's width.
SHARED_WIDTH = 0.3
#: White space, in heights of the caption's rows, between a caption and its figure.
CAPTION_GAP = 2.5
#: A caption has at most so many characters; a longer text that begins like one is a paragraph.
MAX_CAPTION = 600
#: What a layout model takes for a caption may be longer.
MAX_MARKED = 900
#: White space, in heights of its rows, between a table and a note below it.
NOTE_GAP = 1.5

_CAPTIONS = {Label.IMAGE: Label.IMAGE_CAPTION, Label.TABLE: Label.TABLE_CAPTION}


@dataclass(frozen=True, slots=True)
class Object:
    """A figure, a table or an equation.

    Attributes:
        label: `IMAGE` (equations too, which are shown as one) or `TABLE`.
        region: where it stands, in pixels of the page's raster.
        content: HTML of a table, what stands in an equation; empty for a figure.
        confidence: how sure it is, 0..1; None where that is not known.
        lines: of the page, that `content` says.
    """

    label: Label
    region: Region
    content: str = ""
    confidence: float | None = None
    lines: tuple[Line, ...] = ()

    @property
    def anchor(self) -> Line:
        """What holds its place among the lines: nobody reads it."""
        box = self.region
        return Line(box.left, box.top, box.right, box.bottom, "", 1.0)


#: What a page consists of, in reading order.
Item = Piece | Object


def inserted(pieces: Sequence[Piece], objects: Sequence[Object]) -> list[Item]:
    """The pieces of one column with the objects that stand in it: each after what ends above its middle."""
    items: list[Item] = list(pieces)
    for one in sorted(objects, key=lambda one: one.region.top):
        middle = one.region.middle
        place = 0
        for index, item in enumerate(items):
            last = item.region if isinstance(item, Object) else item.rows[-1]
            if (last.top + last.bottom) / 2 <= middle:
                place = index + 1
        items.insert(place, one)
    return items


def across_columns(columns: Iterable[Sequence[Item]]) -> list[Item]:
    """All items in order; a paragraph that breaks off within a word is put together with its rest in the next column.

    Figures and tables at the end of the one column or at the head of the next do not part it.
    """
    items: list[Item] = []
    for column in columns:
        rest = list(column)
        before = next((index for index in reversed(range(len(items))) if isinstance(items[index], Piece)), None)
        after = next((index for index in range(len(rest)) if isinstance(rest[index], Piece)), None)
        if before is not None and after is not None:
            piece, following = items[before], rest[after]
            if isinstance(piece, Piece) and isinstance(following, Piece) and _goes_on(piece, following):
                items[before] = replace(piece, parts=piece.parts + following.parts)
                del rest[after]
        items.extend(rest)
    return items


def _goes_on(piece: Piece, following: Piece) -> bool:
    """Whether a paragraph breaks off within a word that another one goes on with."""
    last, first = piece.rows[-1], following.rows[0]
    text = piece.label is following.label is Label.TEXT
    return text and continues(last.text, first.text) and not (last.tabular or first.tabular)


def with_captions(items: Sequence[Item]) -> list[Item]:
    """The same with captions labelled, each beside its figure or table: before or after it, as it stands."""
    ordered = list(items)
    for one in items:
        if not isinstance(one, Object) or one.label not in _CAPTIONS:
            continue
        caption = _caption(one, ordered)
        if caption is None:
            continue
        piece = ordered[caption]
        assert isinstance(piece, Piece)  # noqa: S101 - what _caption looks among
        del ordered[caption]
        place = next(index for index, other in enumerate(ordered) if other is one)
        below = piece.rows[0].middle > one.region.bottom
        ordered.insert(place + 1 if below else place, replace(piece, label=_CAPTIONS[one.label]))
    return ordered


def _caption(one: Object, items: Sequence[Item]) -> int | None:
    """Which of the items is an object's caption: below a figure, above a table, if there is one on either side."""
    near: list[tuple[bool, float, int]] = []
    for index, item in enumerate(items):
        if isinstance(item, Object) or len(item.parts) != 1 or not _in_column(one.region, item.region):
            continue
        if not reads_as_caption_of(one.label, item):
            continue
        below = item.rows[0].middle > one.region.bottom
        gap = item.rows[0].top - one.region.bottom if below else one.region.top - item.rows[-1].bottom
        if abs(gap) <= CAPTION_GAP * item.rows[0].height:
            near.append((below is (one.label is Label.TABLE), abs(gap), index))
    return min(near)[2] if near else None


def reads_as_caption_of(label: Label, piece: Piece) -> bool:
    """Whether a piece begins as captions do, and is as short, or a model says that it is one."""
    if piece.label is _CAPTIONS[label]:
        return len(piece.text) <= MAX_MARKED
    if piece.label not in {Label.TEXT, *HEADING_MARKS, *_CAPTIONS.values()} or len(piece.text) > MAX_CAPTION:
        return False
    # "Table 1" below a picture of a table is its caption.
    return reads_as_figure_caption(piece.text) or reads_as_table_caption(piece.text)


def without_stray_captions(items: Sequence[Item]) -> list[Item]:
    """The same where what a model takes for a caption, and is nobody's, is text unless it begins like one."""
    owned: list[Item] = []
    for index, item in enumerate(items):
        if isinstance(item, Piece) and item.label in _CAPTIONS.values():
            wanted = next(label for label, caption in _CAPTIONS.items() if caption is item.label)
            beside = [*items[max(0, index - 1) : index], *items[index + 1 : index + 2]]
            owner = any(isinstance(other, Object) and other.label is wanted for other in beside)
            reads = (reads_as_figure_caption if wanted is Label.IMAGE else reads_as_table_caption)(item.text)
            owned.append(item if owner or reads else replace(item, label=Label.TEXT))
        else:
            owned.append(item)
    return owned


def with_notes(items: Sequence[Item]) -> list[Item]:
    """The same with the notes right below a table labelled as such."""
    noted: list[Item] = []
    above: Region | None = None
    for item in items:
        kept = item
        if isinstance(item, Object):
            above = item.region if item.label is Label.TABLE else None
        elif item.label is Label.TABLE_CAPTION:
            pass
        elif above is not None and _is_note(item, above):
            kept = replace(item, label=Label.TABLE_FOOTNOTE)
            above = above.joined(item.region)
        else:
            above = None
        noted.append(kept)
    return noted


def _is_note(piece: Piece, table: Region) -> bool:
    """Whether a piece is a note right below a table."""
    gap = piece.region.top - table.bottom
    near = -0.5 * piece.rows[0].height <= gap <= NOTE_GAP * piece.rows[0].height
    return (
        near
        and piece.label in {Label.TEXT, Label.LIST}
        and reads_as_note(piece.text)
        and _in_column(piece.region, table)
    )


def _in_column(one: Region, other: Region) -> bool:
    """Whether two rectangles stand above, beside or below each other within their widths."""
    shared = min(one.right, other.right) - max(one.left, other.left)
    return shared > SHARED_WIDTH * min(one.width, other.width)
