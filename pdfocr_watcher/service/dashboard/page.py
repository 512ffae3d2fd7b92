"""The dashboard's page, from the values that it shows.

Its style and its script stand in it and are allowed by their checksums; nothing else is, from nowhere (Content Security
Policy). Without scripts it says when it was written; with them also how long ago that is, and that it is old.
"""

import base64
import hashlib
from collections.abc import Iterable
from importlib.resources import files
from xml.etree.ElementTree import Element

from pdfocr_watcher.errors import FAILURES
from pdfocr_watcher.jobs.model import Stage, short_id
from pdfocr_watcher.service.dashboard.board import Board, Card
from pdfocr_watcher.service.dashboard.elements import duration, element, moment, name_of, written
from pdfocr_watcher.service.health import DaemonState, Health

#: Writes that may be missed, and seconds, before the page calls itself old.
_MISSED, _PATIENCE = 3, 20.0
_LEAST_REFRESH = 2.0

_STYLE, _SCRIPT = (
    files(__package__).joinpath(name).read_text(encoding="utf-8") for name in ("dashboard.css", "dashboard.js")
)


def _allowed(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


_POLICY = (
    f"default-src 'none'; style-src {_allowed(_STYLE)}; script-src {_allowed(_SCRIPT)}; "
    "base-uri 'none'; form-action 'none'"
)

_STATES = {
    DaemonState.STARTING: ("Starting", "wait"),
    DaemonState.RUNNING: ("Running", "good"),
    DaemonState.PAUSED: ("Paused", "warn"),
    DaemonState.UNREACHABLE: ("Inbox out of reach", "bad"),
    DaemonState.STOPPING: ("Stopping", "wait"),
    DaemonState.STOPPED: ("Stopped", "bad"),
}
_STAGES = {
    Stage.QUEUED: "Waiting",
    Stage.RENDERING: "Rendering pages",
    Stage.RECOGNIZING: "Reading",
    Stage.ASSEMBLING: "Putting the result together",
    Stage.DELIVERING: "Delivering",
    Stage.DONE: "Done",
}
#: What outputs are called, in the order in which they are shown; others by what status.json calls them.
_OUTPUTS = {
    "report": "Report",
    "markdown": "Markdown",
    "searchable_pdf": "Searchable PDF",
    "layouts": "Layout",
    "markdown_det": "Markdown with boxes",
    "document": "JSON",
    "images": "Figures",
}
_PRIVATE = "A private document"


def page(board: Board) -> bytes:
    """The content of status/index.html."""
    health = board.health
    refresh = str(round(max(_LEAST_REFRESH, board.interval)))
    head = element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", http_equiv="Content-Security-Policy", content=_POLICY),
        element("meta", http_equiv="refresh", content=refresh),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("meta", name="color-scheme", content="light dark"),
        element("meta", name="referrer", content="no-referrer"),
        element("title", f"{_STATES[health.state][0]} · pdfocr-watcher"),
        element("style", _STYLE),
    )
    main = element(
        "main",
        _notices(board),
        _tiles(health),
        _section("In work", health.jobs_in_work, map(_in_work, board.in_work), "Nothing is being read."),
        _section(
            "Waiting",
            health.jobs_waiting,
            map(_waiting, board.waiting),
            beside=f"{_count(health.files_in_inbox, 'file')} in the inbox" if health.files_in_inbox else "",
        ),
        _section("Failed", health.jobs.failed, map(_failed, board.failed)),
        _section("Finished", health.jobs.completed, map(_finished, board.completed), "Nothing is finished yet."),
    )
    body = element("body", _header(board), main, _footer(health), element("script", _SCRIPT))
    return written(element("html", head, body, lang="en"))


def _header(board: Board) -> Element:
    health = board.health
    words, colour = _STATES[health.state]
    stale_after = max(_MISSED * board.interval, _PATIENCE)
    stopped = health.state is DaemonState.STOPPED
    rhythm = "written when the daemon stopped" if stopped else f"rewritten every {board.interval:g} s"
    return element(
        "header",
        element("h1", "pdfocr-watcher"),
        element("span", words, class_=f"state {colour}"),
        element(
            "p",
            "As of ",
            moment(health.heartbeat, with_day=stopped),
            element("span", id="age"),
            f", {rhythm}.",
            id="written",
            data_at=str(round(health.heartbeat.timestamp() * 1000)),
            data_stale=None if stopped else str(round(stale_after * 1000)),
        ),
    )


def _notices(board: Board) -> Iterable[Element]:
    health = board.health
    yield element(
        "p",
        element("strong", "This page is old. "),
        "The daemon has stopped, hangs or cannot write here; or the clocks of this device and of the daemon's machine "
        "differ.",
        class_="notice bad",
        id="stale",
        hidden="hidden",
        role="alert",
    )
    if health.reason:
        words, colour = _STATES[health.state]
        yield element("p", element("strong", f"{words}. "), health.reason, class_=f"notice {colour}", role="status")
    for note in health.engine_notes:
        yield element("p", note, class_="notice wait")
    for problem in health.folder_problems:
        yield element(
            "p",
            element("strong", "What lies in ", name_of(problem.folder) if problem.folder else "the inbox", " waits. "),
            problem.message,
            class_="notice wait",
        )


def _tiles(health: Health) -> Element:
    rate = health.pages_per_minute
    waits = health.oldest_waiting_seconds
    tiles = (
        ("Pages a minute", _figure(rate.last_minute), f"{_figure(rate.last_15_minutes)} over 15 minutes"),
        ("In work", str(health.jobs_in_work), f"{_count(health.pages_done, 'page')} since the start"),
        (
            "Waiting",
            str(health.jobs_waiting + health.files_in_inbox),
            f"the longest for {duration(waits)}" if waits else f"{_count(health.files_in_inbox, 'file')} in the inbox",
        ),
        ("Finished", f"{health.jobs.completed:,}", f"{health.jobs.failed:,} failed"),
        ("Engine", health.engine_state.capitalize(), " · ".join(filter(None, (health.engine, health.engine_model)))),
        ("Free", _size(health.free_bytes), "where the jobs lie"),
    )
    return element(
        "dl",
        (
            element(
                "div", element("dt", title), element("dd", value), element("dd", note, class_="note"), class_="tile"
            )
            for title, value, note in tiles
        ),
        class_="tiles",
    )


def _section(title: str, total: int, rows: Iterable[Element], empty: str = "", beside: str = "") -> Element | None:
    """A list of jobs; None where there is nothing to say.

    Args:
        title: what it is called.
        total: how many jobs there are.
        rows: those that are shown.
        empty: what is said where there are none.
        beside: what is said besides.
    """
    shown = list(rows)
    more = f"and {total - len(shown):,} more" if shown and total > len(shown) else ""
    after = ", ".join(filter(None, (more, beside)))
    if not (shown or empty or beside):
        return None
    return element(
        "section",
        element("h2", title, element("span", f"{total:,}", class_="count") if total else None),
        element("ul", shown) if shown else None,
        element("p", empty, class_="empty") if empty and not shown else None,
        element("p", after, class_="more") if after else None,
        class_=title.lower().replace(" ", "-"),
    )


def _in_work(card: Card) -> Element:
    done, total = card.processed_pages, card.total_pages
    pages = f"{done:,} of {_count(total, 'page')}" if total else None
    eta = f"about {duration(card.eta_seconds)} left" if card.eta_seconds else None
    bar = element("progress", max=str(total or 1), value=str(done) if total else None, aria_label="pages done")
    return element("li", _title(card), _facts(_STAGES[card.stage], pages, eta, _unread(card)), bar)


def _waiting(card: Card) -> Element:
    return element("li", _title(card), _facts(element("span", "since ", moment(card.since))))


def _finished(card: Card) -> Element:
    pages = _count(card.total_pages, "page") if card.total_pages else None
    return element("li", _title(card), _facts(moment(card.since), pages, _unread(card)), _links(card))


def _failed(card: Card) -> Element:
    failure = FAILURES[card.error_code] if card.error_code is not None else None
    what = card.error_message or (failure.cause if failure else "It failed.")
    advice = failure.advice if failure else ""
    what = what.removesuffix(advice).rstrip() or what
    return element(
        "li",
        _title(card),
        _facts(moment(card.since), card.error_code),
        element("p", name_of(what), class_="what"),
        element("p", element("strong", "What to do: "), _with_code(advice), class_="advice") if advice else None,
        _links(card),
    )


def _title(card: Card) -> Element:
    if card.name is None:
        return element("h3", element("span", _PRIVATE, class_="name private"), _id(card))
    folder, _, name = card.name.rpartition("/")
    shown = name_of(name) if card.folder is None else element("a", name_of(name), href=f"{card.folder}/")
    place = element("span", "in ", name_of(folder), class_="place") if folder else None
    return element("h3", shown, place, _id(card))


def _id(card: Card) -> Element:
    return element("code", short_id(card.job_id), title=card.job_id)


def _facts(*facts: Element | str | None) -> Element:
    return element("p", (element("span", fact) if isinstance(fact, str) else fact for fact in facts), class_="facts")


def _unread(card: Card) -> Element | None:
    if not card.failed_pages:
        return None
    return element("span", f"{_count(card.failed_pages, 'page')} could not be read", class_="unread")


def _links(card: Card) -> Element | None:
    known = [key for key in _OUTPUTS if key in card.outputs]
    others = [key for key in card.outputs if key not in _OUTPUTS]
    links = [
        element("a", _OUTPUTS.get(key, key.replace("_", " ").capitalize()), href=card.outputs[key])
        for key in (*known, *others)
        if key != "images" or card.image_count
    ]
    return element("p", links, class_="links") if links else None


def _with_code(text: str) -> Iterable[Element | str]:
    """Advice whose parts between backticks are to be typed."""
    for number, part in enumerate(text.split("`")):
        yield element("code", part) if number % 2 else part


def _footer(health: Health) -> Element:
    return element(
        "footer",
        f"pdfocr-watcher {health.version} on {health.host}, started ",
        moment(health.started_at),
        ". ",
        element("a", "health.json", href="../health.json"),
    )


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def _figure(number: float) -> str:
    return f"{number:.1f}" if number < 100 else f"{number:,.0f}"  # noqa: PLR2004 - three digits say enough


def _size(number: int) -> str:
    in_terabytes = number >= 1e12  # noqa: PLR2004 - what a terabyte is
    return f"{number / 1e12:.1f} TB" if in_terabytes else f"{number / 1e9:.1f} GB"
