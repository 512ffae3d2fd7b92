"""HTML as a tree of elements: what is put into one is text, whatever stands in it, and is escaped when it is written.

No markup is ever put together from texts, so no name can be taken for markup; and what is not seen in a text or turns
its direction is shown as an escape. Names come here as somebody wrote them.
"""

from collections.abc import Iterable
from datetime import datetime
from xml.etree.ElementTree import Element, tostring

from pdfocr_watcher.jobs.naming import printable

Content = Element | str | None
#: Elements whose content is a program's.
_RAW = frozenset({"style", "script"})


def element(tag: str, *content: Content | Iterable[Content], **attributes: str | None) -> Element:
    """An element.

    Args:
        tag: its name.
        content: texts and elements, or several of them at once; None is nothing.
        attributes: by their names, with `_` for `-` and at the end where Python has the word itself; None is nothing.
    """
    shown = {
        name.strip("_").replace("_", "-"): printable(text) for name, text in attributes.items() if text is not None
    }
    made = Element(tag, shown)
    for each in content:
        for one in (each,) if each is None or isinstance(each, (Element, str)) else each:
            _put(made, one)
    return made


def _put(into: Element, content: Content) -> None:
    if isinstance(content, Element):
        into.append(content)
    elif content:
        text = content if into.tag in _RAW else printable(content)
        if len(into):
            into[-1].tail = (into[-1].tail or "") + text
        else:
            into.text = (into.text or "") + text


def name_of(text: str) -> Element:
    """A name of other people's: in a writing direction of its own."""
    return element("span", element("bdi", text), class_="name")


def moment(when: datetime, *, with_day: bool = True) -> Element:
    """A time by the clock of the daemon's machine."""
    local = when.astimezone()
    text = f"{local:%Y-%m-%d %H:%M}" if with_day else f"{local:%H:%M:%S}"
    return element("time", text, datetime=when.isoformat(timespec="seconds"), title=f"{local:%Y-%m-%d %H:%M:%S %Z}")


def duration(seconds: float) -> str:
    """About how long that is."""
    minutes = seconds / 60
    if minutes < 1:
        return f"{max(1, round(seconds))} s"
    if minutes < 60:  # noqa: PLR2004 - minutes of an hour
        return f"{round(minutes)} min"
    hours = minutes / 60
    if hours < 48:  # noqa: PLR2004 - two days
        exact = hours < 10  # noqa: PLR2004 - beyond that nobody counts the minutes
        return f"{int(hours)} h {round(minutes % 60):02d} min" if exact else f"{round(hours)} h"
    return f"{round(hours / 24)} days"


def written(root: Element) -> bytes:
    """A whole document as the bytes of its file."""
    return b"<!doctype html>\n" + tostring(root, encoding="unicode", method="html").encode("utf-8", "replace") + b"\n"
