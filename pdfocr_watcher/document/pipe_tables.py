"""Tables of pipes, as Markdown has them, become HTML, which is what a table's block holds.

Which lines are such a table is said here too; that they are looked for is `document.markdown_reader`'s.
"""

import re
from collections.abc import Sequence

_RULE_CHARACTERS = frozenset("|-: \t")
_RULE_CELL = re.compile(r":?-+:?")
#: A pipe that is not escaped.
_PIPE = re.compile(r"(?<!\\)\|")
#: What may stand in a cell as it is: entities, and the tags that models put there.
_AMPERSAND = re.compile(r"&(?!(?:#[0-9]{1,7}|#[xX][0-9A-Fa-f]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});)")
_LESS = re.compile(r"<(?!/?(?:br|b|i|u|s|sub|sup|em|strong)\s?/?>)", re.IGNORECASE)
_BOLD = re.compile(r"\*\*([^*\s](?:[^*]*[^*\s])?)\*\*")


def is_rule(line: str) -> bool:
    """Whether a line is the one between a table's head and its rows."""
    line = line.strip()
    if "|" not in line or "-" not in line or not _RULE_CHARACTERS.issuperset(line):
        return False
    return all(_RULE_CELL.fullmatch(cell) for cell in _cells(line))


def is_row(line: str) -> bool:
    """Whether a line can be a row of a table that has begun."""
    return "|" in line and bool(line.strip())


def is_framed_row(line: str) -> bool:
    """Whether a line has pipes at both of its ends, so that it is a row even where no rule follows."""
    line = line.strip()
    return len(line) > 2 and line.startswith("|") and line.endswith("|") and line.count("|") > 2  # noqa: PLR2004 - at least two cells


def start_of_pipe_table(text: str) -> int:
    """Where the first table with a head and a rule begins; the text's length if there is none."""
    start, above = 0, ""
    for line in text.split("\n"):
        if is_rule(line) and is_row(above):
            return start - len(above) - 1
        start, above = start + len(line) + 1, line
    return len(text)


def pipe_table_html(lines: Sequence[str]) -> str:
    """The table that the lines are.

    Args:
        lines: the head, the rule and the rows; or rows alone. A head without a word is left out, alignment is not
            kept; a row keeps all of its cells, also where the head has fewer.
    """
    rows = []
    for position, line in enumerate(lines):
        if is_rule(line):
            continue
        cells = _cells(line.strip())
        head = position == 0 and len(lines) > 1 and is_rule(lines[1])
        if head and not any(cells):
            continue
        tag = "th" if head else "td"
        rows.append("<tr>" + "".join(f"<{tag}>{_cell_html(cell)}</{tag}>" for cell in cells) + "</tr>")
    return f"<table>{''.join(rows)}</table>"


def _cells(line: str) -> list[str]:
    """The cells of a stripped line, each stripped, escaped pipes undone."""
    parts = _PIPE.split(line)
    if len(parts) > 1 and not parts[0].strip():
        parts = parts[1:]
    if len(parts) > 1 and not parts[-1].strip():
        parts = parts[:-1]
    return [part.strip().replace("\\|", "|") for part in parts]


def _cell_html(cell: str) -> str:
    """What a cell says, as HTML; bold is kept, other Markdown is shown as it is."""
    return _BOLD.sub(r"<b>\1</b>", _LESS.sub("&lt;", _AMPERSAND.sub("&amp;", cell)))
