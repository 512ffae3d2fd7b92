r"""DeepSeek-OCR's markup as the model really writes it becomes the blocks that a person would make of it.

The texts have the forms that public outputs of the model have; what is expected of each is written by hand.
"""

import pytest

from pdfocr_watcher.document.grounding_reader import read_grounding
from pdfocr_watcher.document.markdown import PAGE_SPLIT, page_markdown
from pdfocr_watcher.document.model import Block, Box, Label, Page
from pdfocr_watcher.document.reading import Reading


def read(text: str) -> list[Block]:
    reading = read_grounding(text)
    assert reading.malformed == 0
    return list(reading.blocks)


def test_each_marker_and_the_content_behind_it_is_a_block():
    assert read(
        "<|ref|>title<|/ref|><|det|>[[100, 50, 900, 90]]<|/det|>\n"
        "# DeepSeek-OCR: Contexts Optical Compression  \n"
        "\n"
        "<|ref|>text<|/ref|><|det|>[[115, 908, 883, 942]]<|/det|>\n"
        "Modern AI applications **increasingly** depend on context.  \n"
        "\n"
        "<|ref|>page_number<|/ref|><|det|>[[490, 960, 510, 975]]<|/det|>\n"
        "7"
    ) == [
        Block(Label.TITLE, (Box(100, 50, 900, 90),), "# DeepSeek-OCR: Contexts Optical Compression"),
        Block(
            Label.TEXT,
            (Box(115, 908, 883, 942),),
            "Modern AI applications **increasingly** depend on context.",
        ),
        Block(Label.PAGE_NUMBER, (Box(490, 960, 510, 975),), "7"),
    ]


# 1. A caption stands between a table's (or image's) marker and its content.


def test_the_html_behind_a_caption_is_the_content_of_the_table_whose_marker_stands_before_it():
    assert read(
        "<|ref|>table<|/ref|><|det|>[[167, 431, 828, 535]]<|/det|>\n"
        "<|ref|>table_caption<|/ref|><|det|>[[115, 386, 881, 420]]<|/det|>\n"
        "Table 1 | Multi resolution support of DeepEncoder.   \n"
        "\n"
        '<table><tr><td rowspan="2">Mode</td><td>Tiny</td></tr><tr><td>64</td></tr></table>  \n'
        "\n"
        "<|ref|>title<|/ref|><|det|>[[117, 560, 396, 576]]<|/det|>\n"
        "#### 3.2.2. Multiple resolution support  "
    ) == [
        Block(Label.TABLE_CAPTION, (Box(115, 386, 881, 420),), "Table 1 | Multi resolution support of DeepEncoder."),
        Block(
            Label.TABLE,
            (Box(167, 431, 828, 535),),
            '<table><tr><td rowspan="2">Mode</td><td>Tiny</td></tr><tr><td>64</td></tr></table>',
        ),
        Block(Label.TITLE, (Box(117, 560, 396, 576),), "# 3.2.2. Multiple resolution support"),
    ]


def test_the_caption_behind_an_image_is_its_own_block_without_the_centring():
    assert read(
        "<|ref|>image<|/ref|><|det|>[[125, 100, 866, 260]]<|/det|>\n"
        "<|ref|>image_caption<|/ref|><|det|>[[115, 269, 881, 318]]<|/det|>\n"
        "<center>Figure 4 | To test model performance under different ratios. </center>  \n"
        "\n"
        "<|ref|>text<|/ref|><|det|>[[115, 342, 881, 376]]<|/det|>\n"
        "the 4096 tokens"
    ) == [
        Block(Label.IMAGE, (Box(125, 100, 866, 260),), ""),
        Block(
            Label.IMAGE_CAPTION,
            (Box(115, 269, 881, 318),),
            "Figure 4 | To test model performance under different ratios.",
        ),
        Block(Label.TEXT, (Box(115, 342, 881, 376),), "the 4096 tokens"),
    ]


def test_a_table_behind_the_caption_of_an_image_is_a_table_without_a_box():
    assert read(
        "<|ref|>image<|/ref|><|det|>[[1, 2, 3, 4]]<|/det|>\n"
        "<|ref|>image_caption<|/ref|><|det|>[[5, 6, 7, 8]]<|/det|>\n"
        "<center>Figure 1</center>\n\n<table><tr><td>2019</td></tr></table>"
    ) == [
        Block(Label.IMAGE, (Box(1, 2, 3, 4),), ""),
        Block(Label.IMAGE_CAPTION, (Box(5, 6, 7, 8),), "Figure 1"),
        Block(Label.TABLE, (), "<table><tr><td>2019</td></tr></table>"),
    ]


def test_a_caption_before_the_tables_own_marker_and_one_after_the_table_are_as_they_stand():
    table = "<|ref|>table<|/ref|><|det|>[[105, 336, 470, 600]]<|/det|>\n\n<table><tr><td>f(t)</td></tr></table>"
    caption = "<|ref|>table_caption<|/ref|><|det|>[[105, 296, 325, 305]]<|/det|>\nTabelle 1: Transformationen "
    a_table = Block(Label.TABLE, (Box(105, 336, 470, 600),), "<table><tr><td>f(t)</td></tr></table>")
    a_caption = Block(Label.TABLE_CAPTION, (Box(105, 296, 325, 305),), "Tabelle 1: Transformationen")
    assert read(f"{caption}\n\n{table}") == [a_caption, a_table]
    assert read(f"{table}\n\n{caption}") == [a_table, a_caption]


def test_an_empty_caption_between_a_table_and_its_content_keeps_its_box():
    assert read(
        "<|ref|>table<|/ref|><|det|>[[115, 792, 880, 925]]<|/det|>\n"
        "<|ref|>table_caption<|/ref|><|det|>[[115, 787, 880, 805]]<|/det|>\n \n\n"
        "<table><tr><td>wahr</td></tr></table>"
    ) == [
        Block(Label.TABLE_CAPTION, (Box(115, 787, 880, 805),), ""),
        Block(Label.TABLE, (Box(115, 792, 880, 925),), "<table><tr><td>wahr</td></tr></table>"),
    ]


def test_a_table_waits_for_its_content_over_a_caption_and_a_footnote():
    assert read(
        "<|ref|>table<|/ref|><|det|>[[1, 1, 9, 9]]<|/det|>\n"
        "<|ref|>table_caption<|/ref|><|det|>[[2, 2, 9, 9]]<|/det|>\nTable 2\n\n"
        "<|ref|>table_footnote<|/ref|><|det|>[[3, 3, 9, 9]]<|/det|>\n* estimated\n"
        "<tr><td>a</td></tr>"
    ) == [
        Block(Label.TABLE_CAPTION, (Box(2, 2, 9, 9),), "Table 2"),
        Block(Label.TABLE_FOOTNOTE, (Box(3, 3, 9, 9),), "* estimated"),
        Block(Label.TABLE, (Box(1, 1, 9, 9),), "<table><tr><td>a</td></tr></table>"),
    ]


def test_a_table_without_content_stays_where_it_is_and_waits_no_longer_than_its_captions():
    assert read(
        "<|ref|>table<|/ref|><|det|>[[1, 1, 9, 9]]<|/det|>\n"
        "<|ref|>table_caption<|/ref|><|det|>[[2, 2, 9, 9]]<|/det|>\nTable 2\n"
        "<|ref|>text<|/ref|><|det|>[[3, 3, 9, 9]]<|/det|>\nSee below.\n"
        "<|ref|>table_caption<|/ref|><|det|>[[4, 4, 9, 9]]<|/det|>\n<table><tr><td>a</td></tr></table>"
    ) == [
        Block(Label.TABLE, (Box(1, 1, 9, 9),), ""),
        Block(Label.TABLE_CAPTION, (Box(2, 2, 9, 9),), "Table 2"),
        Block(Label.TEXT, (Box(3, 3, 9, 9),), "See below."),
        Block(Label.TABLE, (Box(4, 4, 9, 9),), "<table><tr><td>a</td></tr></table>"),
    ]


def test_of_two_tables_with_the_same_box_each_gets_its_own_content():
    marker = "<|ref|>table<|/ref|><|det|>[[1, 1, 9, 9]]<|/det|>\n"
    caption = "<|ref|>table_caption<|/ref|><|det|>[[2, 2, 9, 9]]<|/det|>\n"
    assert read(f"{marker}\n{marker}{caption}T\n<table><tr><td>b</td></tr></table>") == [
        Block(Label.TABLE, (Box(1, 1, 9, 9),), ""),
        Block(Label.TABLE_CAPTION, (Box(2, 2, 9, 9),), "T"),
        Block(Label.TABLE, (Box(1, 1, 9, 9),), "<table><tr><td>b</td></tr></table>"),
    ]


# 2. Labels.


@pytest.mark.parametrize("label", list(Label))
def test_every_label_of_the_model_is_known(label):
    [block] = read(f"<|ref|>{label}<|/ref|><|det|>[[1, 2, 3, 4]]<|/det|>\n# said")
    assert block.label is label


@pytest.mark.parametrize("written", ["Sub_Title", "sub title", " sub-title "])
def test_a_label_is_known_in_another_spelling(written):
    [block] = read(f"<|ref|>{written}<|/ref|><|det|>[[1, 2, 3, 4]]<|/det|>\nHeading")
    assert block == Block(Label.SUB_TITLE, (Box(1, 2, 3, 4),), "## Heading")


def test_an_invented_label_is_text():
    assert read(
        "<|ref|>aside_text<|/ref|><|det|>[[1, 2, 3, 4]]<|/det|>\narXiv:2510.18234\n\n"
        "<|ref|>标题<|/ref|><|det|>[[1, 2, 3, 4]]<|/det|>正文"
    ) == [
        Block(Label.TEXT, (Box(1, 2, 3, 4),), "arXiv:2510.18234"),
        Block(Label.TEXT, (Box(1, 2, 3, 4),), "正文"),
    ]


def test_a_label_that_is_what_was_read_is_the_content():
    assert read(
        "<|ref|>Invoice<|/ref|><|det|>[[50, 20, 300, 60]]<|/det|>\n"
        "<|ref|>Total: 118.00 EUR<|/ref|><|det|>[[50, 80, 300, 99]]<|/det|>\n"
        "<|ref|>payable in thirty days<|/ref|><|det|>[[50, 120, 300, 150]]<|/det|>\nfrom receipt\n"
    ) == [
        Block(Label.TEXT, (Box(50, 20, 300, 60),), "Invoice"),
        Block(Label.TEXT, (Box(50, 80, 300, 99),), "Total: 118.00 EUR"),
        Block(Label.TEXT, (Box(50, 120, 300, 150),), "payable in thirty days\n\nfrom receipt"),
    ]


# 3. Headings come with hashes or with none.


@pytest.mark.parametrize(
    ("label", "written", "content"),
    [
        ("title", "Annual Report", "# Annual Report"),
        ("title", "# Annual Report", "# Annual Report"),
        ("title", "### Annual Report", "# Annual Report"),
        ("title", "##Annual Report", "# Annual Report"),
        ("title", "#1 in sales", "# #1 in sales"),
        ("title", "# Annual\nReport", "# Annual\nReport"),
        ("title", "**Annual Report**", "# **Annual Report**"),
        ("title", "##", ""),
        ("title", "", ""),
        ("sub_title", "1 Introduction", "## 1 Introduction"),
        ("sub_title", "# 1 Introduction", "# 1 Introduction"),
        ("sub_title", "#### 1.1.1 Scope", "#### 1.1.1 Scope"),
        ("sub_title", "####### seven", "## ####### seven"),
        ("text", "## 1 Introduction", "## 1 Introduction"),
        ("text", "1 Introduction", "1 Introduction"),
    ],
)
def test_titles_and_headings_get_the_hashes_that_they_lack(label, written, content):
    [block] = read(f"<|ref|>{label}<|/ref|><|det|>[[1, 2, 3, 4]]<|/det|>\n{written}  \n")
    assert block == Block(Label(label), (Box(1, 2, 3, 4),), content)


# 4. Formulas.


@pytest.mark.parametrize(
    "formula",
    [
        r"\[ E = mc^2 \]",
        "\\[\n\\text{AB: } x(t_0) = x_0\n\\]",
        "\\[\\begin{vmatrix}\na & b \\\\\nc & d\n\\end{vmathmatrix}\\]",
        r"\( f \coloneqq g \) und \( g \eqqcolon h \)",
        r"\[\tau = 6\frac{\beta}{d} \quad (23)\]",
    ],
)
def test_a_formula_is_taken_as_it_is(formula):
    text = f"<|ref|>equation<|/ref|><|det|>[[1, 2, 3, 4]]<|/det|>\n{formula}  \n\n"
    assert read(text) == [Block(Label.EQUATION, (Box(1, 2, 3, 4),), formula)]


def test_a_formula_that_was_cut_off_is_closed_and_its_symbols_are_the_writers_matter():
    cut = "<|ref|>equation<|/ref|><|det|>[[1, 2, 3, 4]]<|/det|>\n\\[ a \\coloneqq \\frac{b"
    [block] = read(cut)
    assert block.content == r"\[ a \coloneqq \frac{b \]"
    assert page_markdown(Page(0, 100, 100, 72.0, (block,))) == r"\[ a := \frac{b \]" + PAGE_SPLIT


# 5. Tables.


@pytest.mark.parametrize(
    ("written", "content"),
    [
        (
            '<table><tr><th colspan="2">TEDs</th></tr><tr><td>0.955</td><td>0.88</td></tr></table>',
            '<table><tr><th colspan="2">TEDs</th></tr><tr><td>0.955</td><td>0.88</td></tr></table>',
        ),
        (
            "<table><tr><td>t &amp;gt; 0</td><td>a &lt; b &amp; c</td><td>&amp;amp;lt;</td></tr></table>",
            "<table><tr><td>t &gt; 0</td><td>a &lt; b &amp; c</td><td>&lt;</td></tr></table>",
        ),
        ("<table><tr><td>a</td><td>b", "<table><tr><td>a</td><td>b</td></tr></table>"),
        ("<table><tr><td>a</td></tr>", "<table><tr><td>a</td></tr></table>"),
        (
            "<table><thead><tr><th>a</th></tr></thead><tbody><tr><td>",
            "<table><thead><tr><th>a</th></tr></thead><tbody><tr><td></td></tr></tbody></table>",
        ),
        ("<table><tr><td>a</td><td rowsp", "<table><tr><td>a</td></tr></table>"),
        ("<table><tr><td>a</t", "<table><tr><td>a</td></tr></table>"),
        ("<table><tr><td>a <", "<table><tr><td>a</td></tr></table>"),
        ("<table><tr><td>a < b", "<table><tr><td>a < b</td></tr></table>"),
        ("<tr><td>a</td></tr>", "<table><tr><td>a</td></tr></table>"),
        ("<table>\n<tr>\n\n<td>a</td>\n \n</tr>\n</table>", "<table>\n<tr>\n<td>a</td>\n</tr>\n</table>"),
        (
            "| a | b |\n|---|---|\n| 1 | 2 |",
            "<table><tr><th>a</th><th>b</th></tr><tr><td>1</td><td>2</td></tr></table>",
        ),
    ],
)
def test_a_table_is_html_that_is_closed(written, content):
    [block] = read(f"<|ref|>table<|/ref|><|det|>[[1, 2, 3, 4]]<|/det|>\n{written}")
    assert block == Block(Label.TABLE, (Box(1, 2, 3, 4),), content)


def test_a_table_in_a_table_that_was_cut_off_is_closed_with_it():
    written = "<table><tr><td><table><tr><td>a</td></tr></table></td><td><table><tr><td>b"
    [block] = read(f"<|ref|>table<|/ref|><|det|>[[1, 2, 3, 4]]<|/det|>\n{written}")
    assert block.content == f"{written}</td></tr></table></td></tr></table>"
    written = "<table><tr><td>a<table></td></tr><tr><td>b"  # the inner table keeps end tags from the outer one
    [block] = read(f"<|ref|>table<|/ref|><|det|>[[1, 2, 3, 4]]<|/det|>\n{written}")
    assert block.content == f"{written}</td></tr></table></td></tr></table>"


def test_a_table_that_was_cut_off_does_not_swallow_the_block_behind_it():
    blocks = read(
        "<|ref|>table<|/ref|><|det|>[[1, 2, 3, 4]]<|/det|>\n<table><tr><td>a\n\n"
        "<|ref|>text<|/ref|><|det|>[[1, 5, 3, 9]]<|/det|>\nbehind"
    )
    assert [block.content for block in blocks] == ["<table><tr><td>a</td></tr></table>", "behind"]


def test_html_that_the_model_calls_text_is_a_table():
    table = "<table><tr><td>a</td></tr></table>"
    assert read(f"<|ref|>text<|/ref|><|det|>[[1, 2, 3, 4]]<|/det|>\n{table}") == [
        Block(Label.TABLE, (Box(1, 2, 3, 4),), table)
    ]
    assert read(f"<|ref|>image<|/ref|><|det|>[[1, 2, 3, 4]]<|/det|>\n{table}") == [
        Block(Label.IMAGE, (Box(1, 2, 3, 4),), ""),
        Block(Label.TABLE, (), table),
    ]


# 6. Blanks at the ends of lines, centring, Markdown in text, one entry or line of code a block.


def test_blanks_around_a_block_go_and_those_within_it_stay():
    assert read(
        "<|ref|>text<|/ref|><|det|>[[1, 2, 3, 4]]<|/det|>  \n\n  first  \nsecond   \n  \n"
        "<|ref|>list<|/ref|><|det|>[[1, 2, 3, 4]]<|/det|>\n  - **one**  \n"
        "<|ref|>list<|/ref|><|det|>[[1, 2, 3, 4]]<|/det|>\n  - two  \n"
        "<|ref|>code<|/ref|><|det|>[[1, 2, 3, 4]]<|/det|>\n    return x  \n"
    ) == [
        Block(Label.TEXT, (Box(1, 2, 3, 4),), "first  \nsecond"),
        Block(Label.LIST, (Box(1, 2, 3, 4),), "  - **one**"),
        Block(Label.LIST, (Box(1, 2, 3, 4),), "  - two"),
        Block(Label.CODE, (Box(1, 2, 3, 4),), "    return x"),
    ]


def test_markdown_and_code_in_text_are_left_as_they_are_and_an_open_fence_is_closed():
    said = "Run `make` and **wait**:\n\n- one\n- two\n\n```sh\nmake <all>"
    marker = "<|ref|>text<|/ref|><|det|>[[1, 2, 3, 4]]<|/det|>"
    blocks = read(f"{marker}\n{said}\n\n{marker}\nb")
    assert [block.content for block in blocks] == [f"{said}\n```", "b"]


@pytest.mark.parametrize("label", ["image_caption", "table_caption", "table_footnote"])
@pytest.mark.parametrize("written", ["<center>Fig. 1 </center>", "<CENTER>\nFig. 1", "Fig. 1</center>"])
def test_centring_is_taken_from_captions_even_where_it_is_not_closed(label, written):
    [block] = read(f"<|ref|>{label}<|/ref|><|det|>[[1, 2, 3, 4]]<|/det|>\n{written}  ")
    assert block.content == "Fig. 1"


def test_windows_line_ends_are_line_ends():
    [block] = read("<|ref|>text<|/ref|><|det|>[[1, 2, 3, 4]]<|/det|>\r\na\r\nb\r\n")
    assert block.content == "a\nb"


def test_what_no_file_can_hold_is_replaced():
    [block] = read("<|ref|>text<|/ref|><|det|>[[1, 2, 3, 4]]<|/det|>\na\ud800b\x00c")
    assert block.content == "a\ufffdb\ufffdc"


# 7. Text without a marker.


def test_text_before_the_first_marker_is_read_as_markdown():
    assert read("# Free words\n\nThat continue.\n\n<|ref|>text<|/ref|><|det|>[[1, 2, 3, 4]]<|/det|>\nb") == [
        Block(Label.TITLE, (), "# Free words"),
        Block(Label.TEXT, (), "That continue."),
        Block(Label.TEXT, (Box(1, 2, 3, 4),), "b"),
    ]


def test_a_page_without_markers_is_read_as_markdown():
    assert read("## Heading\n\n| a | b |\n|---|---|\n| 1 | 2 |\n") == [
        Block(Label.SUB_TITLE, (), "## Heading"),
        Block(Label.TABLE, (), "<table><tr><th>a</th><th>b</th></tr><tr><td>1</td><td>2</td></tr></table>"),
    ]


@pytest.mark.parametrize("text", ["", " ", "\n\n  \n"])
def test_a_page_without_a_word_has_no_blocks(text):
    assert read_grounding(text) == Reading()


# 9. Several boxes.


def test_a_block_over_two_columns_has_two_boxes():
    assert read("<|ref|>text<|/ref|><|det|>[[10, 80, 480, 900], [520, 80, 990, 400]]<|/det|>\nover two columns") == [
        Block(Label.TEXT, (Box(10, 80, 480, 900), Box(520, 80, 990, 400)), "over two columns")
    ]


def test_an_image_with_several_boxes_is_one_block_with_one_link_for_each():
    [block] = read("<|ref|>image<|/ref|><|det|>[[10,80,480,900],[520,80,990,400]]<|/det|>\n")
    assert block == Block(Label.IMAGE, (Box(10, 80, 480, 900), Box(520, 80, 990, 400)), "")
    written = page_markdown(Page(4, 1000, 1000, 72.0, (block,)))
    assert written == "![](images/4_0.jpg)\n![](images/4_1.jpg)" + PAGE_SPLIT


# 11. What is printed on the page is data.


@pytest.mark.parametrize(
    "said",
    [
        "The tokens <|ref|> and <|/ref|> enclose a phrase, <|det|>[[x1, y1, x2, y2]]<|/det|> its box.",
        "Locate <|ref|>xxxx<|/ref|> in the image.",
        "see <|ref|>a red car<|/ref|><|det|>[[1, 2, 3, 4]]<|/det|> here",
        r"escaped <\|ref|>text<\|/ref|> stays",
        "<div onclick=\"alert(1)\"><script>alert('x')</script></div>",
        "a < b > c &lt; d &amp;gt; e",
        "<--- Page Split --->",
        "ends with <|",
    ],
)
def test_what_looks_like_markup_in_the_middle_of_a_line_is_content(said):
    text = f"<|ref|>text<|/ref|><|det|>[[1, 2, 3, 4]]<|/det|>\n{said}\n"
    assert read(text) == [Block(Label.TEXT, (Box(1, 2, 3, 4),), said)]


def test_pictures_that_the_model_invents_leave_no_link():
    text = "<|ref|>text<|/ref|><|det|>[[1, 2, 3, 4]]<|/det|>\nbefore ![a map](images/9_9.jpg) <img src='x.png'> behind"
    assert read(text) == [Block(Label.TEXT, (Box(1, 2, 3, 4),), "before a map  behind")]
