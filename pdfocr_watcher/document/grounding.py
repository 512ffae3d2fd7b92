"""The grounding writer: a page's blocks become its part of `output_det.mmd`.

The markup is DeepSeek-OCR's: `<|ref|>label<|/ref|><|det|>[[x1, y1, x2, y2], ...]<|/det|>`, then the content on the
next line. Without the markup the output says what `document.markdown` writes, figures excepted: there the
markers stand in place of the links.
"""

from pdfocr_watcher.document.markdown import block_text, end_page
from pdfocr_watcher.document.model import Block, Label, Page


def page_grounding(page: Page) -> str:
    """A page's part of `output_det.mmd`: its marked blocks with a blank line between them, then the page split.

    Markers inside of the content are escaped, so every marker in the output is one of ours. A page that could not
    be read is written by `markdown.failed_page_markdown` here too.
    """
    return end_page(_marked(block) for block in page.blocks)


def _marked(block: Block) -> str:
    """A block with its marker; bare text where the engine gave no box."""
    if not block.boxes:
        return block_text(block)
    marker = f"<|ref|>{block.label}<|/ref|><|det|>{[box.as_list() for box in block.boxes]}<|/det|>"
    content = "" if block.label is Label.IMAGE else block_text(block)
    return f"{marker}\n{content}" if content else marker
