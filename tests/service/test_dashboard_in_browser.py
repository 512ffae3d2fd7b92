"""The dashboard in a real browser, headless Chromium: nothing of a name is run or fetched, and every link leads."""

import contextlib
import http.server
import os
import subprocess
import threading
from datetime import UTC, datetime, timedelta
from urllib.parse import unquote_to_bytes, urljoin

import pytest

from pdfocr_watcher.jobs.naming import printable
from pdfocr_watcher.service.dashboard.board import Board
from pdfocr_watcher.service.dashboard.links import link_to
from pdfocr_watcher.service.dashboard.page import page
from tests.needs import needs_programs
from tests.service.boards import ATTACKS, TAGS, Page, attacked

_QUIET = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
)  # fmt: skip


@pytest.fixture
def browse(tmp_path):
    """Have Chromium open a file and run its scripts for some seconds; the document as it is then."""
    needs_programs(chromium="chromium")

    def open_file(path, *options):
        profile = f"--user-data-dir={tmp_path / 'profile'}"
        command = ["chromium", *_QUIET, *options, profile, "--virtual-time-budget=3000", "--dump-dom", path.as_uri()]
        ran = subprocess.run(command, capture_output=True, check=True, timeout=120)
        return ran.stdout.decode()

    return open_file


@pytest.fixture
def listener():
    """A web server that notes what is asked of it: its address, and the list of that."""
    asked = []

    class Noting(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append(self.path)
            self.send_error(404)

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Noting)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"127.0.0.1:{server.server_port}", asked
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def dashboard(tmp_path):
    """Where the page of a share lies."""
    folder = tmp_path / "share" / "status"
    folder.mkdir(parents=True)
    return folder / "index.html"


def test_names_that_attack_do_nothing(make_health, dashboard, browse, listener):
    host, asked = listener
    root = dashboard.parents[1]
    (root / "health.json").touch()
    names = [name.replace("{host}", host) for name in ATTACKS]

    def link(path):
        """A link to a folder or file that is made to be there."""
        target = root / "outbox" / path.replace("\0", "").lstrip("/")
        with contextlib.suppress(OSError):  # a name too long, or one inside what was made a folder before
            target.mkdir(parents=True, exist_ok=True)
            return link_to(target, dashboard.parent, root)
        return None

    dashboard.write_bytes(page(attacked(make_health, names, link)))
    document = browse(dashboard)
    assert "<title>Running" in document
    shown = Page(document)
    tags = [tag for tag, _ in shown.elements]
    assert set(tags) <= TAGS
    assert (tags.count("script"), tags.count("style"), tags.count("meta")) == (1, 1, 6)
    for name in names:
        assert printable(name.rpartition("/")[2]) in "".join(shown.texts)
    assert asked == []
    assert len(shown.links) > 2 * len(names)
    for href in shown.links:
        led = urljoin(dashboard.as_uri(), href)
        assert led.startswith(root.as_uri()), href
        assert os.path.lexists(unquote_to_bytes(led.removeprefix("file://"))), href


def test_even_markup_that_got_in_would_not_run(make_health, dashboard, browse, listener):
    """The content security policy is a second wall: here the first one is torn down on purpose."""
    host, asked = listener
    text = page(Board(make_health(host="HERE"), 600.0)).decode()
    deeds = (
        "<script>document.title='PWNED'</script><img src=x onerror=\"document.title='PWNED'\">"
        f"<img src=http://{host}/image><script src=http://{host}/script></script>"
        f"<link rel=stylesheet href=http://{host}/style><iframe src=http://{host}/frame></iframe>"
        f"<style>body {{ background: url(http://{host}/background) }}</style>"
    )
    dashboard.write_text(text.replace("HERE", deeds), encoding="utf-8")
    shown = browse(dashboard)
    assert "<script>document.title" in shown, "it got in"
    assert "<title>Running" in shown
    assert asked == []
    unguarded = text.replace("HERE", deeds).replace("Content-Security-Policy", "X-Nothing")
    dashboard.write_text(unguarded, encoding="utf-8")
    assert "<title>PWNED" in browse(dashboard), "this test would see it"
    assert set(asked) >= {"/image", "/script", "/style", "/frame", "/background"}


@pytest.mark.parametrize(("age", "old"), [(timedelta(seconds=2), False), (timedelta(minutes=5), True)])
def test_a_page_that_is_old_says_so(make_health, dashboard, browse, age, old):
    dashboard.write_bytes(page(Board(make_health(heartbeat=datetime.now(UTC) - age), 5.0)))
    shown = Page(browse(dashboard))
    (notice,) = (attributes for _, attributes in shown.elements if attributes.get("id") == "stale")
    assert ("hidden" in notice) is not old
    assert (" ago" in "".join(shown.texts)) or not old
    assert ("5 min ago" in "".join(shown.texts)) is old


@pytest.mark.parametrize("width", [390, 1280])
def test_nothing_is_wider_than_the_screen(make_health, dashboard, browse, width):
    """Chromium's own windows are not as narrow as a phone; a frame is."""
    dashboard.write_bytes(page(attacked(make_health, ATTACKS, lambda _name: "../outbox/x")))
    outer = dashboard.with_name("outer.html")
    outer.write_text(
        f"<iframe id=f src=index.html style='width:{width}px;height:900px;border:0'></iframe><script>"
        "onload = () => { const d = document.getElementById('f').contentDocument.documentElement;"
        "document.title = `${d.scrollWidth} of ${d.clientWidth}`; }</script>"
    )
    shown = browse(outer, "--allow-file-access-from-files")
    title = shown.partition("<title>")[2].partition("</title>")[0]
    wide, screen = map(int, title.split(" of "))
    assert screen >= width - 20
    assert wide <= screen
