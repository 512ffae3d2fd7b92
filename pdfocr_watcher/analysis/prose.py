"""What a line of text reads like: a sentence, or the beginning of a caption."""

import re

#: A line reads as prose with so many words of letters ...
MIN_WORDS = 4
#: ... which make up this share of it, ...
LETTERS = 0.6
#: ... or with so many characters of a script without blanks.
MIN_UNSPACED = 14
_WORD = re.compile(r"[^\W\d_]{2,}")
_UNSPACED = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]")

#: What ends a sentence, with what may close after it.
_SENTENCE_END = re.compile(r"[.!?:\u3002\uff01\uff1f\uff1a]['\"\u201d\u2019\u00bb)\]]*\s*\Z")

_NUMBER = r"(?:\d+(?:[.\-]\d+)*|[IVX]{1,5}|[A-Z]{1,2}[.\-]?\d+(?:[.\-]\d+)*)[a-z]?"
#: "Figure 2 shows ..." is a sentence: the number is followed by a mark, a capital or nothing.
_END = r"(?:\s*[:.,|)(\u2013\u2014-]|\s+[A-Z\u00c4\u00d6\u00dc\u0410-\u042f\d]|$)"
_FIGURE_WORDS = (
    "figure|fig\\.?|abbildung|abb\\.?|chart|diagram|diagramme|photo|plate|scheme|schema|rys\\.?|figura|\u0440\u0438\u0441\\.?"
    "|\u0440\u0438\u0441\u0443\u043d\u043e\u043a"
)
_TABLE_WORDS = (
    "table|tab\\.?|tabelle|tableau|tabla|tabela|tabella|exhibit|\u0442\u0430\u0431\u043b\u0438\u0446\u0430"
    "|\u0442\u0430\u0431\u043b\\.?"
)
_FIGURE = re.compile(rf"(?i:{_FIGURE_WORDS})\s*{_NUMBER}{_END}|[\u56fe\u5716\u56f3]\s*\d|\uadf8\ub9bc\s*\d")
_TABLE = re.compile(rf"(?i:{_TABLE_WORDS})\s*{_NUMBER}{_END}|\u8868\s*\d|\ud45c\s*\d")


#: "Note:", "Source:", a dagger, or the small letter or digit that a cell refers to.
_NOTE = re.compile(
    r"(?i:notes?|sources?|legend|key|quellen?|anm(?:erkung(?:en)?)?|nota|remarques?|fuente)\s*[:.\u2014]"
    r"|[*\u2020\u2021\u00a7]|\(?[a-e1-9]\)\s?[A-Z]|[a-e1-9]\s+[A-Z]"
)


def reads_as_note(text: str) -> bool:
    """Whether a paragraph begins like a note below a table: "Note: ...", "Source: ...", "* ..."."""
    return bool(_NOTE.match(text))


def reads_as_prose(text: str) -> bool:
    """Whether a line is a piece of a sentence, rather than a label or a cell."""
    if len(_UNSPACED.findall(text)) >= MIN_UNSPACED:
        return True
    words = _WORD.findall(text)
    return len(words) >= MIN_WORDS and sum(map(len, words)) >= LETTERS * len(text.replace(" ", ""))


def reads_as_sentence(text: str) -> bool:
    """Whether a line is a sentence, or the end of one."""
    return reads_as_prose(text) and bool(_SENTENCE_END.search(text))


def reads_as_figure_caption(text: str) -> bool:
    """Whether a line begins like a figure's caption: "Fig. 3: ...", in the languages that the engines read."""
    return bool(_FIGURE.match(text))


def reads_as_table_caption(text: str) -> bool:
    """Whether a line begins like a table's caption: "Table 3. ..."."""
    return bool(_TABLE.match(text))


def reads_as_caption(text: str) -> bool:
    """Whether a line begins like a caption of either."""
    return reads_as_figure_caption(text) or reads_as_table_caption(text)
