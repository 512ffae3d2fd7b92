r"""Markdown without boxes becomes blocks with labels, and nothing that was read is lost.

The texts have the forms that the models write which are asked for Markdown; the blocks are what a person would expect.
"""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pdfocr_watcher.document.markdown import block_text
from pdfocr_watcher.document.markdown_reader import read_markdown
from pdfocr_watcher.document.model import Block, Box, Label
from pdfocr_watcher.document.reading import Reading


def read(text: str) -> list[tuple[Label, str]]:
    reading = read_markdown(text)
    assert reading.malformed == 0
    assert all(not block.boxes for block in reading.blocks)
    return [(block.label, block.content) for block in reading.blocks]


def test_a_page_of_a_paper():
    assert read(
        "# PAV ontology: provenance, authoring and versioning\n"
        "\n"
        "Paolo Ciccarese $^{1,2*}$, Stian Soiland-Reyes $^{3}$  \n"
        "Carole Goble\n"
        "\n"
        "---\n"
        "## Abstract\n"
        "**Background:** Provenance is a critical ingredient\n"
        "for establishing trust. It has three parts:\n"
        "- authoring,\n"
        "- versioning;\n"
        "\n"
        "- and curating,\n"
        "  that is, selecting.\n"
        "\n"
        "$$\n"
        "a^2 + b^2 = c^2 \\tag{1}\n"
        "$$\n"
        "\n"
        "> A quotation\n"
    ) == [
        (Label.TITLE, "# PAV ontology: provenance, authoring and versioning"),
        (Label.TEXT, "Paolo Ciccarese $^{1,2*}$, Stian Soiland-Reyes $^{3}$  \nCarole Goble"),
        (Label.TEXT, "---"),
        (Label.SUB_TITLE, "## Abstract"),
        (
            Label.TEXT,
            "**Background:** Provenance is a critical ingredient\nfor establishing trust. It has three parts:",
        ),
        (Label.LIST, "- authoring,\n- versioning;\n\n- and curating,\n  that is, selecting."),
        (Label.EQUATION, "$$\na^2 + b^2 = c^2 \\tag{1}\n$$"),
        (Label.TEXT, "> A quotation"),
    ]


@pytest.mark.parametrize(
    ("text", "blocks"),
    [
        ("# A", [(Label.TITLE, "# A")]),
        ("### 1.1 B", [(Label.SUB_TITLE, "### 1.1 B")]),
        ("#hashtag", [(Label.TEXT, "#hashtag")]),
        ("A\n===", [(Label.TITLE, "# A")]),
        ("A\n---", [(Label.SUB_TITLE, "## A")]),
        ("one\ntwo\n---", [(Label.TEXT, "one\ntwo"), (Label.TEXT, "---")]),
        ("A\n-", [(Label.TEXT, "A\n-")]),
        ("text\n# A\ntext", [(Label.TEXT, "text"), (Label.TITLE, "# A"), (Label.TEXT, "text")]),
    ],
)
def test_headings(text, blocks):
    assert read(text) == blocks


@pytest.mark.parametrize(
    ("text", "blocks"),
    [
        ("1. one\n2. two\n   more of two", [(Label.LIST, "1. one\n2. two\n   more of two")]),
        ("- one\n\n\n- two", [(Label.LIST, "- one\n\n\n- two")]),
        ("- one\n\ntext", [(Label.LIST, "- one"), (Label.TEXT, "text")]),
        ("- one\ngoes on", [(Label.LIST, "- one\ngoes on")]),
        ("- one\n# A", [(Label.LIST, "- one"), (Label.TITLE, "# A")]),
        ("• one\n• two", [(Label.LIST, "• one\n• two")]),
        ("  * deep", [(Label.LIST, "  * deep")]),
        ("in\n12. September", [(Label.TEXT, "in\n12. September")]),
        ("1984. A year", [(Label.TEXT, "1984. A year")]),
        ("-5 degrees", [(Label.TEXT, "-5 degrees")]),
        ("* * *", [(Label.TEXT, "* * *")]),
    ],
)
def test_lists(text, blocks):
    assert read(text) == blocks


@pytest.mark.parametrize(
    ("text", "blocks"),
    [
        (
            "```python\n# no title\n\n| a |\n```\nb",
            [(Label.CODE, "```python\n# no title\n\n| a |\n```"), (Label.TEXT, "b")],
        ),
        ("~~~\n```\n~~~", [(Label.CODE, "~~~\n```\n~~~")]),
        ("````\n```\n````", [(Label.CODE, "````\n```\n````")]),
        ("```\ncut off", [(Label.CODE, "```\ncut off\n```")]),
        ("```markdown\n# A\n\nb\n```", [(Label.TITLE, "# A"), (Label.TEXT, "b")]),
        ("```markdown\n# A\n\ncut", [(Label.TITLE, "# A"), (Label.TEXT, "cut")]),
        ("```html\n<table><tr><td>a</td></tr></table>\n```", [(Label.TABLE, "<table><tr><td>a</td></tr></table>")]),
        ("```html\n<p>a</p>\n```", [(Label.CODE, "```html\n<p>a</p>\n```")]),
    ],
)
def test_code(text, blocks):
    assert read(text) == blocks


@pytest.mark.parametrize(
    ("text", "table"),
    [
        (
            "| a | b |\n|:--|--:|\n| 1 | 2 |\n| 3 |  |",
            "<tr><th>a</th><th>b</th></tr><tr><td>1</td><td>2</td></tr><tr><td>3</td><td></td></tr>",
        ),
        ("a | b\n--- | ---\n1 | 2", "<tr><th>a</th><th>b</th></tr><tr><td>1</td><td>2</td></tr>"),
        ("|  |  |\n|---|---|\n| 1 | 2 |", "<tr><td>1</td><td>2</td></tr>"),
        ("|---|---|\n| 1 | 2 |", "<tr><td>1</td><td>2</td></tr>"),
        ("| 1 | 2 |\n| 3 | 4 |", "<tr><td>1</td><td>2</td></tr><tr><td>3</td><td>4</td></tr>"),
        ("| a |\n|---|\n| 1 | 2 | 3 |", "<tr><th>a</th></tr><tr><td>1</td><td>2</td><td>3</td></tr>"),
        (
            "| a\\|b | **c** | 1 < 2 & 3 |\n|---|---|---|\n| x<br>y | &lt; | $a_1$ |",
            (
                "<tr><th>a|b</th><th><b>c</b></th><th>1 &lt; 2 &amp; 3</th></tr>"
                "<tr><td>x<br>y</td><td>&lt;</td><td>$a_1$</td></tr>"
            ),
        ),
        ("| <script> |\n|---|\n| &nbsp; |", "<tr><th>&lt;script></th></tr><tr><td>&nbsp;</td></tr>"),
    ],
)
def test_tables_of_pipes_become_html_with_all_of_their_cells(text, table):
    assert read(f"Before\n{text}\n\nBehind") == [
        (Label.TEXT, "Before"),
        (Label.TABLE, f"<table>{table}</table>"),
        (Label.TEXT, "Behind"),
    ]


@pytest.mark.parametrize("text", ["|x| = 3", "| a | b |", "a | b", "|---|", "a\n---|---"])
def test_pipes_without_a_table_are_text(text):
    assert [content for _, content in read(text)] == [text]


@pytest.mark.parametrize(
    ("text", "blocks"),
    [
        (
            'Table 1\n<table border="1">\n<tr><td>a</td></tr>\n\n<tr><td>b</td></tr>\n</table>\nText',
            [
                (Label.TEXT, "Table 1"),
                (Label.TABLE, '<table border="1">\n<tr><td>a</td></tr>\n<tr><td>b</td></tr>\n</table>'),
                (Label.TEXT, "Text"),
            ],
        ),
        (
            "<table><tr><td>a</td></tr></table> Note: b",
            [(Label.TABLE, "<table><tr><td>a</td></tr></table>"), (Label.TEXT, "Note: b")],
        ),
        (
            "<table><tr><td><table><tr><td>a</td></tr></table></td></tr>\n</table>\n\nb",
            [(Label.TABLE, "<table><tr><td><table><tr><td>a</td></tr></table></td></tr>\n</table>"), (Label.TEXT, "b")],
        ),
        (
            "<table><tr><td>a &amp;lt; b</td><td>c\n\n<tr><td>d\n\n# Behind",
            [
                (Label.TABLE, "<table><tr><td>a &lt; b</td><td>c\n<tr><td>d</td></tr></table>"),
                (Label.TITLE, "# Behind"),
            ],
        ),
        (
            "<table><tr><td>a\n\n<table><tr><td>b</td></tr></table>",
            [(Label.TABLE, "<table><tr><td>a\n<table><tr><td>b</td></tr></table></td></tr></table>")],
        ),
    ],
)
def test_html_tables_end_where_they_end_and_are_closed_where_they_do_not(text, blocks):
    assert read(text) == blocks


@pytest.mark.parametrize(
    "formula",
    [
        "$$x$$",
        "$$\nx\n$$",
        "$$ x = \n y $$ (3)",
        r"\[ x \]",
        "\\[\nx\n\\]",
        "\\[\n\nx\n\n\\]",
        r"\[ x \] \tag{4}.",
        "\\begin{align*}\na &= b \\\\\n&= c\n\\end{align*}",
        "\\begin{equation}\n\\begin{aligned} a \\end{aligned}\n\\end{equation}",
    ],
)
def test_a_displayed_formula_is_an_equation_with_its_delimiters(formula):
    assert read(f"Thus\n{formula}\nholds.") == [(Label.TEXT, "Thus"), (Label.EQUATION, formula), (Label.TEXT, "holds.")]
    assert block_text(Block(Label.EQUATION, (), formula)) == formula


@pytest.mark.parametrize(
    ("text", "blocks"),
    [
        ("$$\nx\n\nText", [(Label.EQUATION, "$$\nx $$"), (Label.TEXT, "Text")]),
        ("\\[\nx", [(Label.EQUATION, "\\[\nx \\]")]),
        ("\\begin{align}\na\n\nText", [(Label.EQUATION, "\\begin{align}\na"), (Label.TEXT, "Text")]),
        ("$$ and $ are money", [(Label.TEXT, "$$ and $ are money")]),
        (r"\[1\] Smith, J. (2019)", [(Label.TEXT, r"\[1\] Smith, J. (2019)")]),
        (r"\[1] Smith", [(Label.TEXT, r"\[1] Smith")]),
        ("$$a$$ and then $$b$$", [(Label.TEXT, "$$a$$ and then $$b$$")]),
        ("inline $x$ and \\(y\\)", [(Label.TEXT, "inline $x$ and \\(y\\)")]),
    ],
)
def test_formulas_without_an_end_and_what_only_looks_like_one(text, blocks):
    assert read(text) == blocks


@pytest.mark.parametrize(
    ("text", "blocks"),
    [
        ("![A bar chart of sales](page_10_20_300_400.png)", [(Label.IMAGE, "A bar chart of sales")]),
        ('![Plot [a] of x](https://example.org/x.png "Title")', [(Label.IMAGE, "Plot [a] of x")]),
        ("![image](image_1.png)", []),
        ("![](x.png)", []),
        ("![Figure 3](x.png)", []),
        (
            '<div style="text-align: center;"><img src="imgs/img_in_image_box_1.jpg" alt="A map" width="43%" /></div>',
            [(Label.IMAGE, "A map")],
        ),
        ("<img src='a.png'>", []),
        ("See ![the map](a.png) below.", [(Label.TEXT, "See the map below.")]),
        ("- one ![x-ray](a.png)", [(Label.LIST, "- one x-ray")]),
        ("a\n![map](a.png)\nb", [(Label.TEXT, "a"), (Label.IMAGE, "map"), (Label.TEXT, "b")]),
        (r"\![no](picture)", [(Label.TEXT, r"\![no](picture)")]),
        ("a [link](https://example.org) stays", [(Label.TEXT, "a [link](https://example.org) stays")]),
        ("wait! [1](2)", [(Label.TEXT, "wait! [1](2)")]),
        ("```\n![a](b)\n```", [(Label.CODE, "```\n![a](b)\n```")]),
    ],
)
def test_of_a_picture_that_is_linked_only_its_description_is_kept(text, blocks):
    assert read(text) == blocks


def test_a_box_behind_a_picture_is_taken():
    assert read_markdown("a\n\n![image](image_1.png)100,200,900,1000\n\nb").blocks == (
        Block(Label.TEXT, (), "a"),
        Block(Label.IMAGE, (Box(100, 200, 899, 999),), ""),
        Block(Label.TEXT, (), "b"),
    )
    assert read_markdown("![A map](image_1.png) 100,200,5000,1000") == Reading((Block(Label.IMAGE, (), "A map"),), 1)


def test_html_and_markers_in_a_text_are_data():
    said = "<script>alert(1)</script> <b>x</b> <|ref|>text<|/ref|>"
    assert read(said) == [(Label.TEXT, said)]


# Whatever a model writes.

PIECES = [
    "\n", "\n\n", " ", "  ", "\t", "# ", "## ", "#", "- ", "1. ", "> ", "---", "===", "* * *", "```", "```html\n",
    "~~~", "|", "| a | b |\n", "|---|---|\n", "$$", "$", "\\[", "\\]", "\\begin{align}", "\\end{align}", "(1)", "**",
    "word", "Wort", "字", "\\", "\r\n", "\u2028",
]  # fmt: skip
HTML = [
    "<table>",
    "</table>",
    "<tr>",
    "<td>",
    "</td>",
    "</tr>",
    "<td",
    "<center>",
    "![a](b)",
    "<img alt='x'>",
    "&amp;gt;",
]


@given(st.lists(st.sampled_from(PIECES + HTML) | st.text(max_size=4), max_size=30).map("".join))
def test_any_text_is_read(text):
    reading = read_markdown(text)
    assert all(block.content or block.boxes for block in reading.blocks)


@given(st.lists(st.sampled_from(PIECES) | st.text(st.characters(exclude_characters="<>&!")), max_size=20).map("".join))
def test_no_letter_or_digit_is_lost(text):
    said = "".join(block.content for block in read_markdown(text).blocks)
    written = re.sub(r"^\s*```(?:markdown|md)", "", text, flags=re.IGNORECASE)
    written = written.replace("\x00", "\ufffd")

    def told(of: str) -> str:
        return "".join(filter(str.isalnum, re.sub(r"</?(?:table|t[rhd]|b)>", "", of)))

    assert told(said) == told(written)


@given(
    st.lists(
        st.sampled_from(["a", "b\nc", "# t", "- i\n- j", "$$x$$", "```\nc\n```", "<table><tr><td>1</td></tr></table>"])
    )
)
def test_blocks_with_blank_lines_between_them_are_read_one_by_one(parts):
    shown = [block_text(block) for block in read_markdown("\n\n".join(parts)).blocks]
    assert "\n\n".join(shown) == "\n\n".join(parts)


@pytest.mark.parametrize(
    "piece",
    ["<table>\n", "<table>\n\n", "- a\n\n", "-\n\n", "$$ a\n", "\\[ a\n", "\\[\n", "```\n", "```", "| a |\n", "|---|\n",
     "![", "![a](", "![[", "<img ", "a\n---\n", "> ", "\\begin{align}\n", "- \n", "* ", "\t", " \n", "&", "**a"],
)  # fmt: skip
def test_a_megabyte_of_anything_is_read(piece):
    read_markdown(piece * (1_000_000 // len(piece)))
    read_markdown(f"{piece * (100_000 // len(piece))}x")
