r"""The grounding reader: a text with DeepSeek-OCR's markup becomes blocks with boxes.

What the model writes and `document.grounding` writes alike: a marker, then the content of its block up to the next
marker. Models do not escape, so the text is taken as it is; to read our own output, undo `markdown.escape` first.

What counts as a marker, also as a broken one, is said in `document.grounding_markers`; which boxes are taken, in
`document.boxes`; what becomes of the content, in `document.model_text`. Here:

- Text before the first marker, and a text without markers, is read as Markdown, without boxes.
- A label that nobody knows is a word for text. If no content follows it is itself what was read, as with the prompt
  `OCR this image`, and so it is if it is several words; one word with content behind it is only a label.
- Between the marker of a table (or an image) and its content may stand markers of its caption or footnote. The
  caption's content ends where the table begins; the table has the box of its own marker, and stands behind the
  caption, as in the text. Behind the caption of an image, a table has no box.
- A broken marker with a label gives a block without a box; a block without box and content is left out.
"""

from dataclasses import dataclass

from pdfocr_watcher.document.grounding_markers import Section, known_label, split_at_markers
from pdfocr_watcher.document.html_tables import start_of_table
from pdfocr_watcher.document.markdown_reader import read_markdown
from pdfocr_watcher.document.model import Box, Label
from pdfocr_watcher.document.model_text import CAPTIONS, cleaned, model_blocks
from pdfocr_watcher.document.pipe_tables import start_of_pipe_table
from pdfocr_watcher.document.reading import Reading

_HOLDS_CAPTIONS = frozenset({Label.TABLE, Label.IMAGE})


@dataclass(frozen=True, slots=True)
class _Waiting:
    """A table or an image whose content may stand behind the captions that follow.

    Attributes:
        label: which of the two.
        boxes: its own.
        position: where its block is among the blocks.
        blocks: how many there are of it, one or none.
    """

    label: Label
    boxes: tuple[Box, ...]
    position: int
    blocks: int


def read_grounding(text: str) -> Reading:
    """The blocks of a page that was read with the grounding prompt.

    Args:
        text: all that the model wrote for the page, special tokens included.

    Returns:
        The blocks, and how many markers and boxes were broken, dropped or mended. Never raises.
    """
    before, sections, malformed = split_at_markers(cleaned(text))
    blocks = list(read_markdown(before).blocks)
    waiting: _Waiting | None = None
    for section in sections:
        label, content = _labelled(section)
        start = _start_of_table(content) if waiting and label in CAPTIONS else len(content)
        added = model_blocks(label, section.boxes, content[:start])
        if waiting and start < len(content):
            of_table = waiting.label is Label.TABLE
            if of_table:
                del blocks[waiting.position : waiting.position + waiting.blocks]
            added += model_blocks(Label.TABLE, waiting.boxes if of_table else (), content[start:])
            waiting = None
        elif label not in CAPTIONS:
            empty = label in _HOLDS_CAPTIONS and not any(block.content for block in added)
            waiting = _Waiting(label, section.boxes, len(blocks), len(added)) if empty else None
        blocks += added
    return Reading(tuple(blocks), malformed)


def _start_of_table(text: str) -> int:
    return min(start_of_table(text), start_of_pipe_table(text))


def _labelled(section: Section) -> tuple[Label, str]:
    """The label of a section and its content, which an invented label may be part of."""
    label = known_label(section.label)
    if label:
        return label, section.content
    words = section.label
    if words and not section.content.strip():
        return Label.TEXT, words
    if len(words.split()) > 1:
        return Label.TEXT, f"{words}\n\n{section.content.lstrip()}"
    return Label.TEXT, section.content
