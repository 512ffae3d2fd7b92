r"""What a model wrote for one block becomes the block's content.

Models never escape: their text is taken as it is, a backslash is a backslash, and what looks like our own markup or
like HTML is data (the writers see to it). Changed is only what the document model wants otherwise, or what would
swallow the blocks behind it:

- blanks and blank lines around the content go; in code and lists the indentation of the first line stays
- a title begins with `# `, a heading with the `#` that it has or with `## `
- `<center>` goes from captions
- a table is HTML that is balanced (`document.html_tables`), also where the model wrote pipes
- links to pictures go, since models invent their targets; the alternative text stays unless it is only `image`
- a code fence, a table and a formula that are not closed are closed at the block's end
"""

import re

from pdfocr_watcher.document.html_tables import begins_as_table, close_tables, whole_table
from pdfocr_watcher.document.model import Block, Box, Label
from pdfocr_watcher.document.pipe_tables import is_framed_row, is_rule, pipe_table_html

#: Labels of what describes a figure or a table.
CAPTIONS = frozenset({Label.IMAGE_CAPTION, Label.TABLE_CAPTION, Label.TABLE_FOOTNOTE})

#: Halves of surrogate pairs, which JSON may hold, and NUL.
_NOT_TEXT = re.compile(r"[\x00\ud800-\udfff]")
_BLANK_LINES = re.compile(r"\A(?:[ \t]*\n)+")
_HASHES = re.compile(r"(#{1,6})(?:[ \t]+|\Z)|(#{2,6})(?=[^#\s])")
_CENTER = re.compile(r"</?center\s*>", re.IGNORECASE)
_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})(.*)")

#: A link to a picture, its alternative text at most one pair of brackets deep. Possessive, hence linear.
_IMAGE = re.compile(r'(?<!\\)!\[((?:[^\[\]\n]++|\[[^\[\]\n]*+\])*+)\]\([ \t]*+[^()\s]*+(?:[ \t]++"[^"\n]*+")?[ \t]*+\)')
_IMG = re.compile(r"<img\b([^<>]*)>(?:\s*</img\s*>)?", re.IGNORECASE)
_ALT = re.compile(r"""\balt\s*=\s*(?:"([^"]*)"|'([^']*)')""", re.IGNORECASE)
#: What pictures are wrapped in, and what may stand behind one (`document.markdown_reader`).
_WRAPPER = re.compile(r"</?(?:div|center|figure|p)\b[^<>]*>", re.IGNORECASE)
_COORDINATES = re.compile(r"[0-9]{1,4}(?:,\s*[0-9]{1,4}){3}")
#: An alternative text that says no more than that there is a picture.
_NOTHING_SAID = re.compile(r"(?:image|img|figure|picture|photo)?[\s_.#-]*[0-9]*", re.IGNORECASE)


def cleaned(text: str) -> str:
    """A model's text with line feeds as its only ends of lines, and without what UTF-8 and Markdown cannot hold."""
    return _NOT_TEXT.sub("\ufffd", text.replace("\r\n", "\n"))


def model_blocks(label: Label, boxes: tuple[Box, ...], text: str) -> list[Block]:
    """The blocks that a piece of a model's text is: one; none if it has neither box nor content.

    A picture that was read as a table gives two, for HTML is no alternative text; the table has no box.

    Args:
        label: what the model says the piece is.
        boxes: where it stands.
        text: what the model wrote for it.
    """
    found, content = block_content(label, text)
    if label is Label.IMAGE and found is Label.TABLE:
        table = Block(Label.TABLE, (), content)
        return [Block(Label.IMAGE, boxes, ""), table] if boxes else [table]
    return [Block(found, boxes, content)] if boxes or content else []


def block_content(label: Label, text: str) -> tuple[Label, str]:
    """The content of a block, and its label, which is `TABLE` where the text is one whatever the model called it.

    Args:
        label: what the model says the block is.
        text: what it wrote for it.
    """
    text = _BLANK_LINES.sub("", text).rstrip()
    if label is Label.CODE:
        return label, close_fence(text)
    if label is not Label.LIST:
        text = text.lstrip()
    text = without_image_links(text)
    if label is Label.TABLE or begins_as_table(text):
        return Label.TABLE, _table(text)
    if label in {Label.TITLE, Label.SUB_TITLE}:
        text = _heading(label, text)
    elif label in CAPTIONS:
        text = _CENTER.sub("", text).strip()
    elif label is Label.EQUATION:
        return label, close_math(text)
    return label, close_tables(close_fence(text))


def close_fence(text: str) -> str:
    """Close at the end of the text a code fence that is open there."""
    if "```" not in text and "~~~" not in text:
        return text
    fence = ""
    for line in text.split("\n"):
        mark = _FENCE.fullmatch(line)
        if not mark:
            continue
        if not fence:
            fence = mark[1]
        elif mark[1].startswith(fence) and not mark[2].strip():
            fence = ""
    return f"{text}\n{fence}" if fence else text


def close_math(text: str) -> str:
    r"""Close a formula that begins with `\[`, `\(` or `$$` and has no end."""
    for begin, end in ((r"\[", r"\]"), (r"\(", r"\)")):
        if text.startswith(begin) and end not in text:
            return f"{text} {end}"
    return f"{text} $$" if text.startswith("$$") and text.count("$$") % 2 else text


def without_image_links(text: str) -> str:
    """The text with the alternative texts of the pictures that it links in place of the links."""
    if "![" in text:
        text = _IMAGE.sub(lambda link: said_by_alt(link[1]), text)
    return _IMG.sub(_alt_of_tag, text) if "<img" in text.lower() else text


def holds_pictures_only(line: str) -> bool:
    """Whether a line has links to pictures and nothing else, but for their wrapping and a box behind one."""
    if "![" not in line and "<img" not in line.lower():
        return False
    rest, links = _IMAGE.subn("", line)
    rest, tags = _IMG.subn("", rest)
    rest = _WRAPPER.sub("", rest).strip()
    return links + tags > 0 and (not rest or bool(_COORDINATES.fullmatch(rest)))


def alone_pictures(line: str) -> str:
    """What the alternative texts of a line of pictures say."""
    return _WRAPPER.sub("", without_image_links(line)).strip()


def said_by_alt(alt: str) -> str:
    """An alternative text, empty where it says nothing."""
    alt = alt.strip()
    return "" if _NOTHING_SAID.fullmatch(alt) else alt


def _alt_of_tag(tag: re.Match[str]) -> str:
    alt = _ALT.search(tag[1])
    return said_by_alt(alt[1] or alt[2] or "") if alt else ""


def _heading(label: Label, text: str) -> str:
    """The text as a heading: only its first line, where it has several."""
    first, newline, rest = text.partition("\n")
    hashes = _HASHES.match(first)
    words = first[hashes.end() :] if hashes else first
    if not words.strip():
        return rest.strip()
    level = "#" if label is Label.TITLE else (hashes[1] or hashes[2] if hashes else "##")
    return f"{level} {words}{newline}{rest}"


def _table(text: str) -> str:
    lines = text.split("\n")
    if "<" not in text and (any(is_rule(line) for line in lines[1:2]) or all(is_framed_row(line) for line in lines)):
        return pipe_table_html(lines) if text else ""
    return whole_table(text)
