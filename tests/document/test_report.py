"""report.html: what is on it, and that nothing a page or a file name says becomes markup."""

import io
import re
import shutil
import subprocess
from html.parser import HTMLParser

import pytest
from PIL import Image

from pdfocr_watcher.document.model import Block, Box, FailedPage, Label, Page
from pdfocr_watcher.document.report import ReportPart, part_starts
from pdfocr_watcher.document.report_content import block_html, table_html
from tests.needs import needs_programs

HOSTILE = (
    "<script>document.title='gone'</script><img src=x onerror=\"document.title='gone'\"> [a](javascript:alert(1)) "
    "\"double\" 'single' &lt;b&gt; </p></section><style>*{display:none}</style> <!-- --> \x00 ]]>"
)


class _Read(HTMLParser):
    """The elements, their attributes and the text."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.said = [], ""
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data):
        self.said += data


def page(*blocks, index=0):
    return Page(index, 1240, 1754, 150.0, blocks)


def part(*pages, name="minutes.pdf", total=None, start=0, names=None, reading=None):
    stream = io.StringIO()
    whole = names or {0: "report.html"}
    report = ReportPart(stream, name, start, total or len(pages), "report/", "", whole)
    for one in pages:
        report.add(one, reading or {})
    report.end()
    return stream.getvalue()


def block(label=Label.TEXT, content="text", **values):
    return Block(label, (Box(10, 10, 500, 500),), content, **values)


@pytest.mark.parametrize("label", list(Label))
def test_what_a_page_says_is_never_markup(label):
    read = _Read(part(page(block(label, HOSTILE)), name=HOSTILE))
    assert {tag for tag, _ in read.tags} <= {
        "html", "head", "meta", "title", "style", "body", "h1", "h2", "h3", "bdi", "p", "a", "section", "header", "div",
        "img", "small", "b", "pre", "figure", "figcaption", "table", "tr", "td",
    }  # fmt: skip
    attributes = {name for _, attrs in read.tags for name in attrs}
    assert not attrs_that_run(attributes)
    links = [attrs.get("href") or attrs.get("src") for _, attrs in read.tags if "href" in attrs or "src" in attrs]
    assert set(links) <= {"#page-1", "report/0000.jpg", "images/0_0.jpg"}
    assert "javascript:alert(1)" in read.said


def attrs_that_run(names):
    return [name for name in names if name.startswith("on") or name == "style"]


def test_a_policy_forbids_scripts_and_all_from_elsewhere():
    policy = next(attrs for tag, attrs in _Read(part(page())).tags if attrs.get("http-equiv"))["content"]
    assert "default-src 'none'" in policy
    assert "script" not in policy
    assert "http" not in policy


def test_nothing_is_fetched():
    assert "//" not in re.sub(r"<style>.*</style>", "", part(page(block())), flags=re.DOTALL)


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        (
            '<table><tr><td colspan="2" onclick="x">a</td></tr></table>',
            '<table><tr><td colspan="2">a</td></tr></table>',
        ),
        ("<table><tr><td rowspan=9999 colspan=-1>a", "<table><tr><td>a</td></tr></table>"),
        ("<table><tr><td><script>x</script><iframe src=y>z", "<table><tr><td>xz</td></tr></table>"),
        ("<table><tr><td>1 &lt; 2 & 3", "<table><tr><td>1 &lt; 2 &amp; 3</td></tr></table>"),
        ("<TABLE><TR><TH>H<sup>2</sup>O<br>", "<table><tr><th>H<sup>2</sup>O<br></th></tr></table>"),
    ],
)
def test_a_table_is_made_anew_of_what_tables_have(given, wanted):
    assert table_html(given) == wanted


def test_bold_and_italics_are_shown_and_other_stars_stay():
    assert block_html(block(content="**bold** *slanted* 2*3*4 a * b"), ()) == (
        "<p><b>bold</b> <i>slanted</i> 2*3*4 a * b</p>"
    )


def test_headings_formulas_and_figures():
    assert block_html(block(Label.TITLE, "# Minutes"), ()) == "<h2>Minutes</h2>"
    assert block_html(block(Label.SUB_TITLE, "## Votes"), ()) == "<h3>Votes</h3>"
    assert block_html(block(Label.SUB_TITLE, "##### Votes", level=7), ()) == "<h6>Votes</h6>"
    assert block_html(block(Label.EQUATION, r"a < \frac{b}{c}"), ()) == r"<pre>a &lt; \frac{b}{c}</pre>"
    figure = block_html(block(Label.IMAGE, "bars"), ["images/0_0.jpg"])
    assert figure == '<figure><img src="images/0_0.jpg" loading="lazy" alt=""><figcaption>bars</figcaption></figure>'


def test_what_is_doubtful_is_marked():
    text = part(page(block(confidence=0.62), block(confidence=0.99, uncertain=Label.TABLE)))
    assert "<b>62%</b>" in text
    assert "99%" in text
    assert "<b>99%</b>" not in text
    assert "perhaps a table" in text


def test_a_page_that_failed_says_so_and_has_no_picture():
    text = part(FailedPage(0, "engine_failed", "<i>why</i>"))
    assert "could not be read" in text
    assert "&lt;i&gt;why&lt;/i&gt;" in text
    assert "<img" not in text


def test_how_a_page_was_made_upright_is_told():
    assert "turned by 90°, levelled by -1.2°" in part(page(), reading={"turn": 90, "skew": -1.2})


def test_a_long_document_has_parts_that_are_linked():
    assert list(part_starts(250)) == [0, 100, 200]
    names = {0: "../report.html", 100: "0100.html", 200: "0200.html"}
    text = part(page(index=100), total=250, start=100, names=names)
    assert '<a href="../report.html">1 to 100</a>' in text
    assert "<b>101 to 200</b>" in text
    assert '<a href="0200.html">201 to 250</a>' in text
    assert '<a href="#page-101">101</a>' in text


@pytest.mark.long
def test_a_browser_shows_it_from_a_file_and_runs_nothing(tmp_path):
    needs_programs(chromium="chromium")
    (tmp_path / "report").mkdir()
    Image.new("RGB", (1240, 1754), (0, 128, 0)).save(tmp_path / "report" / "0000.jpg")
    blocks = [block(label, HOSTILE) for label in Label]
    (tmp_path / "report.html").write_text(part(page(*blocks), name=HOSTILE), encoding="utf-8")
    profile = tmp_path / "profile"
    command = [
        shutil.which("chromium"), "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
        "--disable-background-networking", "--disable-component-update", "--disable-sync", f"--user-data-dir={profile}",
        "--window-size=1200,1500",
    ]  # fmt: skip
    address = (tmp_path / "report.html").as_uri()
    shot = tmp_path / "shot.png"
    subprocess.run([*command, f"--screenshot={shot}", address], check=True, capture_output=True, timeout=120)
    with Image.open(shot) as picture:
        green = picture.convert("RGB").getpixel((picture.width // 4, picture.height // 2))
    assert green == pytest.approx((0, 128, 0), abs=3), "the picture of the page is shown, and the style is in force"
    dumped = subprocess.run([*command, "--dump-dom", address], check=True, capture_output=True, timeout=120)
    assert b"<title>gone</title>" not in dumped.stdout
