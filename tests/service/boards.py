"""Dashboards full of names that attack them, and what a parser finds in a page."""

from datetime import UTC, datetime
from html.parser import HTMLParser

from pdfocr_watcher.errors import ErrorCode
from pdfocr_watcher.jobs.model import Stage
from pdfocr_watcher.service.dashboard.board import Board, Card

MOMENT = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)

#: The elements of a page.
TAGS = {
    "html", "head", "meta", "title", "style", "body", "header", "main", "footer", "section", "h1", "h2", "h3", "p",
    "dl", "div", "dt", "dd", "ul", "li", "span", "bdi", "code", "strong", "time", "progress", "a", "script",
}  # fmt: skip
#: What a script of theirs would do: visible to whoever looks at the page afterwards.
_DEED = "document.title='PWNED'"
ATTACKS = (
    f"<script>{_DEED}</script>.pdf",
    f"</style></title><script>{_DEED}</script>.pdf",
    f"--></script><svg onload={_DEED}>.pdf",
    f'"><img src=x onerror="{_DEED}">.pdf',
    f"' onmouseover='{_DEED}' autofocus onfocus='{_DEED}' x='.pdf",
    f"javascript:{_DEED}",
    f"<iframe srcdoc='<script>parent.{_DEED}</script>'>.pdf",
    f'<meta http-equiv=refresh content="0;url=javascript:{_DEED}">.pdf',
    "<base href=http://{host}/><link rel=stylesheet href=http://{host}/a><img src=http://{host}/b>.pdf",
    "&lt;b&gt; &amp; &#60;i&#62;.pdf",
    "100% #1 ?x=1&y=2;z +.pdf",
    "a\nb\tc\rd.pdf",
    "invoice\u202efdp.exe",
    "\u2066isolated\u2069 \u200fright.pdf",
    "שלום עולם.pdf",
    "👩‍👩‍👧 family 🇪🇺.pdf",
    "z" + "\u0301" * 60 + ".pdf",
    "caf\udce9.pdf",
    "nul\x00 bell\x07 esc\x1b[31m.pdf",
    "{{7*7}} ${7*7} <%= 7*7 %>.pdf",
    "//evil.example/x.pdf",
    "C:\\Users\\ann\\x.pdf",
    "x" * 240 + ".pdf",
)


def attacked(make_health, names, link=lambda _name: None, interval=600.0, **health):
    """A dashboard all of whose names are attacks."""
    cards = [
        Card(
            f"20261123T120000Z-{number:08x}",
            f"{name}/{name}" if "/" not in name else name,
            Stage.RECOGNIZING,
            MOMENT,
            10,
            3,
            1,
            12.0,
            ErrorCode.PDF_DAMAGED,
            f"It is damaged: {name}.",
            link(name),
            {"markdown": link(f"{name}/output.mmd"), name: link(f"{name}/{name}")} if link(name) else {},
        )
        for number, name in enumerate(names)
    ]
    values = {"reason": " ".join(names), "engine_model": names[0], "engine_notes": tuple(names), "host": names[0]}
    jobs = tuple(cards)
    return Board(make_health(**{**values, **health}), interval, jobs, jobs, jobs, jobs)


class Page(HTMLParser):
    """What stands in a page: its elements with their attributes, its links, its text."""

    def __init__(self, text):
        super().__init__()
        self.elements = []
        self.links = []
        self.texts = []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        if tag == "a":
            self.links.append(dict(attrs)["href"])

    def handle_data(self, data):
        self.texts.append(data)
