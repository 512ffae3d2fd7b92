"""`report.html`: the picture of each page, with its boxes, beside what was read there, so that a person can check it.

A static page for a browser, also from a file: no script, nothing from elsewhere, a policy that forbids both, and all
that a page says is escaped. A long document is several such pages, one linked to the next.
"""

import base64
import hashlib
from collections.abc import Mapping
from html import escape
from typing import Any, TextIO

from pdfocr_watcher.document.figures import figure_crops
from pdfocr_watcher.document.json_output import uprighting_of
from pdfocr_watcher.document.layouts import COLOURS
from pdfocr_watcher.document.model import Block, FailedPage, Label, Page
from pdfocr_watcher.document.report_content import block_html

#: Pages of the document on one page of the report: what a browser shows at once without becoming slow.
PART_PAGES = 100
#: A block that is less sure is marked.
_DOUBTFUL = 0.85

_LABEL_STYLES = "".join(
    f".{label.value}{{border-color:rgb({red},{green},{blue})}}" for label, (red, green, blue) in COLOURS.items()
)
_STYLE = f"""
body{{margin:0 auto;max-width:110rem;padding:1rem;font:1rem/1.45 system-ui,sans-serif;color:#1b1b1b;background:#f3f3f1}}
h1{{font-size:1.3rem;margin:.3rem 0;overflow-wrap:anywhere}}
nav a,.pages a{{margin-right:.7rem}}
a{{color:#174ea6}}
section{{margin-top:1.2rem;background:#fff;border:1px solid #ccc;border-radius:4px}}
section>header{{padding:.4rem .8rem;border-bottom:1px solid #ddd;font-weight:600}}
section>header small{{font-weight:400;color:#666;margin-left:.6rem}}
.sheet{{display:grid;grid-template-columns:minmax(0,1fr) minmax(0,1fr);align-items:start}}
.picture{{position:sticky;top:0;padding:.8rem}}
.picture img{{width:100%;height:auto;max-height:96vh;object-fit:contain;object-position:top;border:1px solid #bbb}}
.read{{padding:.8rem;min-width:0;overflow-x:auto}}
.block{{border-left:4px solid;padding:.1rem 0 .1rem .7rem;margin-bottom:.8rem;overflow-wrap:anywhere}}
.block>small{{display:block;color:#666;font-size:.75rem}}
.block>small b{{color:#a03c00}}
p{{margin:.2rem 0;white-space:pre-wrap}}
h2,h3,h4,h5,h6{{margin:.2rem 0}}h2{{font-size:1.35rem}}h3{{font-size:1.1rem}}
table{{border-collapse:collapse;font-size:.9rem}}
td,th{{border:1px solid #999;padding:.15rem .4rem;text-align:left;vertical-align:top;overflow-wrap:normal}}
figure{{margin:.2rem 0}}figure img{{max-width:100%;max-height:24rem;border:1px solid #ddd}}
figcaption{{color:#555;font-size:.9rem;white-space:pre-wrap}}
pre{{margin:.2rem 0;padding:.4rem;background:#f3f3f1;white-space:pre-wrap}}
.failed{{padding:.8rem;color:#a01414}}
@media(max-width:60rem){{.sheet{{grid-template-columns:1fr}}.picture{{position:static}}}}
@media print{{.sheet{{break-inside:avoid-page}}.picture{{position:static}}}}
{_LABEL_STYLES}
"""
_STYLE_HASH = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
_POLICY = (
    f"default-src 'none'; img-src 'self' file:; style-src 'sha256-{_STYLE_HASH}'; base-uri 'none'; form-action 'none'"
)


def part_starts(total: int) -> range:
    """The pages, from 0, with which the parts of a document's report begin."""
    return range(0, total, PART_PAGES)


class ReportPart:
    """Writes one part of a report, page by page.

    Args:
        stream: where to; UTF-8 text.
        name: the document's, in any characters.
        start: the part's first page, from 0.
        total: pages of the document.
        pictures, figures: where the part finds the pictures of the pages and those that the Markdown links.
        names: how the part calls each part, by its first page.
    """

    def __init__(
        self, stream: TextIO, name: str, start: int, total: int, pictures: str, figures: str, names: Mapping[int, str]
    ) -> None:
        self._stream = stream
        self._pictures, self._figures = pictures, figures
        self._names, self._start = names, start
        end = min(start + PART_PAGES, total)
        pages = "".join(f'<a href="#page-{number}">{number}</a>' for number in range(start + 1, end + 1))
        stream.write(
            f'<!DOCTYPE html>\n<html lang="und">\n<head>\n<meta charset="utf-8">\n'
            f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">\n'
            f'<meta name="viewport" content="width=device-width, initial-scale=1">\n'
            f"<title>{escape(name)}</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n"
            f"<h1><bdi>{escape(name)}</bdi></h1>\n{self._parts(total)}"
            f'<p class="pages">Page: {pages}</p>\n'
        )

    def _parts(self, total: int) -> str:
        """Links to the other parts; nothing where there is one part."""
        if len(self._names) == 1:
            return ""
        links = []
        for start, name in self._names.items():
            pages = f"{start + 1} to {min(start + PART_PAGES, total)}"
            links.append(f"<b>{pages}</b> " if start == self._start else f'<a href="{escape(name)}">{pages}</a>')
        return f"<nav>Pages: {''.join(links)}</nav>\n"

    def add(self, page: Page | FailedPage, reading: Mapping[str, Any]) -> None:
        """Write the next page; see `json_output.JsonOutput.add`."""
        number = page.index + 1
        if isinstance(page, FailedPage):
            said = f"{escape(page.message)} (<code>{escape(page.code)}</code>)"
            body = f'<p class="failed"><b>This page could not be read.</b> {said}</p>'
        else:
            body = self._sheet(page)
        self._stream.write(
            f'<section id="page-{number}">\n<header>Page {number}{_notes(page, reading)}</header>\n{body}\n</section>\n'
        )

    def _sheet(self, page: Page) -> str:
        links: dict[int, list[str]] = {}
        for crop in figure_crops(page):
            links.setdefault(crop.block, []).append(f"{self._figures}{crop.link}")
        blocks = "\n".join(_block(block, links.get(position, [])) for position, block in enumerate(page.blocks))
        picture = f"{self._pictures}{page.index:04d}.jpg"
        return (
            f'<div class="sheet">\n<div class="picture"><a href="{picture}"><img src="{picture}" loading="lazy"'
            f' width="{page.width}" height="{page.height}" alt="Page {page.index + 1} with its blocks"></a></div>\n'
            f'<div class="read">\n{blocks or "<p>Nothing was read on this page.</p>"}\n</div>\n</div>'
        )

    def end(self) -> None:
        """Write what stands after the last page."""
        self._stream.write("</body>\n</html>\n")


def _notes(page: Page | FailedPage, reading: Mapping[str, Any]) -> str:
    """What else is to be known of a page."""
    turn, skew = uprighting_of(reading)
    notes = [f"turned by {turn}°"] if turn else []
    notes += [f"levelled by {skew:.1f}°"] if skew else []
    sure = [block.confidence for block in getattr(page, "blocks", ()) if block.confidence is not None]
    notes += [f"confidence {sum(sure) / len(sure):.0%}"] if sure else []
    return f"<small>{', '.join(notes)}</small>" if notes else ""


def _block(block: Block, figures: list[str]) -> str:
    notes = [block.label.value.replace("_", " ")]
    if block.confidence is not None:
        share = f"{block.confidence:.0%}"
        notes.append(f"<b>{share}</b>" if block.confidence < _DOUBTFUL else share)
    if block.uncertain is not None:
        notes.append(f"<b>perhaps a {block.uncertain.value}</b>")
    label = Label(block.label).value
    return f'<div class="block {label}"><small>{" · ".join(notes)}</small>{block_html(block, figures)}</div>'
