"""Small files that want more time, memory, pixels or pages than anybody has: each meets a limit of the configuration.

With poppler alone, so that every one has one answer; with PDFium behind it some of these pages are even read.
"""

import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass

import pikepdf
import psutil  # type: ignore[import-untyped]
import pytest

from tests.conftest import MakeSite
from tests.end_to_end.harness import Daemon, Job, Site
from tests.faults.hostile import assembled, content_bomb, image_page, many_pages, nested_forms, page, stream
from tests.needs import needs_programs
from tests.pdfs import born_digital

pytestmark = pytest.mark.long

_MEMORY = 400_000_000
_MAX_PIXELS = 1_000_000
_LIMITS = {
    "render": {"renderer": "poppler", "memory_bytes": _MEMORY, "max_pixels": _MAX_PIXELS, "timeout_seconds": 60.0},
    "job": {"max_pages": 200, "max_bytes": 5_000_000, "page_attempts": 1},
}
#: The same, for what never ends.
_HURRIED = {**_LIMITS, "render": {**_LIMITS["render"], "timeout_seconds": 3.0}}


@dataclass(frozen=True)
class _Bomb:
    """A file, and what becomes of it: the job's code and that of its page; completed where there is none."""

    content: bytes
    code: str | None = None
    page_code: str | None = None


def _endless_form() -> bytes:
    form = stream(b"/F Do /F Do", b"/Subtype /Form /BBox [0 0 9 9] /Resources << /XObject << /F 10 0 R >> >>")
    return page(stream(b"/F Do"), b"/Resources << /XObject << /F 10 0 R >> >>", more={10: form})


def _self_kids() -> bytes:
    tree = b"<< /Type /Pages /Kids [2 0 R 2 0 R] /Count 2 /Parent 2 0 R >>"
    return assembled({1: b"<< /Type /Catalog /Pages 2 0 R >>", 2: tree})


def _deep_tree(depth: int) -> bytes:
    objects = {
        10 + level: b"<< /Type /Pages /Kids [%d 0 R] /Count 1 /Parent %d 0 R >>" % (11 + level, 9 + level)
        for level in range(depth)
    }
    objects[1] = b"<< /Type /Catalog /Pages 10 0 R >>"
    objects[10 + depth] = b"<< /Type /Page /MediaBox [0 0 30 40] /Parent %d 0 R >>" % (9 + depth)
    return assembled(objects)


_BOMBS = {
    "a page of 350 km": _Bomb(page(stream(b""), box=b"0 0 1000000000 1000000000")),
    "a page as thin as a point": _Bomb(page(stream(b""), box=b"0 0 1 10000000")),
    "a page of endless size": _Bomb(
        page(stream(b""), box=b"0 0 %s %s" % (b"9" * 400, b"9" * 400)), "too_few_pages", "render_failed"
    ),
    "a unit of 26 km": _Bomb(page(stream(b""), b"/UserUnit 75000000")),
    "more pages than allowed": _Bomb(many_pages(201), "too_many_pages"),
    "as many pages as allowed": _Bomb(many_pages(200)),
    "two billion pages, it says": _Bomb(many_pages(3, 2_000_000_000), "pdf_damaged"),
    "more bytes than allowed": _Bomb(many_pages(1) + bytes(5_000_000) + b"%%EOF\n", "file_too_large"),
    "300 million states": _Bomb(page(content_bomb(b"q ", 300)), "too_few_pages", "render_failed"),
    "a form that shows itself": _Bomb(_endless_form()),
    "a page tree that is its own child": _Bomb(_self_kids(), "too_few_pages", "render_failed"),
    "a page tree of 20,000 levels": _Bomb(_deep_tree(20_000)),
    "200,000 arrays in each other": _Bomb(page(stream(b""), b"/X " + b"[" * 200_000 + b"]" * 200_000)),
    "a length that is its own": _Bomb(page(b"<< /Length 4 0 R >>\nstream\n0 0 m\nendstream")),
}
_ENDLESS = {
    "a picture of 100,000 x 100,000 pixels": image_page(100_000, 1, b"/DeviceGray"),
    "a picture of 30,000 x 30,000 pixels in colour": image_page(30_000, 8, b"/DeviceRGB"),
    "two gigabytes of lines in eight kilobytes": page(content_bomb(b"0 0 m 9 9 l S ", 2000)),
    "a trillion forms": nested_forms(40, 2),
}


class _Watch:
    """The most memory that one renderer of a daemon had, in bytes."""

    def __init__(self, daemon: Daemon) -> None:
        self.largest = 0
        self._daemon = daemon
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._look)
        self._thread.start()

    def _look(self) -> None:
        while not self._over.wait(0.05):
            for process in self._daemon.descendants():
                try:
                    if process.name() in {"pdftoppm", "pdfinfo"}:
                        self.largest = max(self.largest, process.memory_info().rss)
                except psutil.Error:
                    continue

    def end(self) -> int:
        self._over.set()
        self._thread.join()
        return self.largest


def _run(site: Site, files: dict[str, bytes]) -> Iterator[Site]:
    """The site after all of these were dropped at once; in the end its daemon must still do its work."""
    daemon = site.start()
    watch = _Watch(daemon)
    for name, content in files.items():
        site.drop(f"{name}.pdf", content)
    yield site
    site.drop("after all that.pdf", born_digital())
    assert site.result("after all that.pdf").status["status"] == "completed"
    assert 0 < watch.end() < _MEMORY
    assert daemon.process.poll() is None
    assert [line for line in daemon.logged() if line["level"] == "error"] == []
    site.close()


@pytest.fixture(scope="module")
def bombed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    needs_programs(pdftoppm="poppler-utils")
    site = Site(tmp_path_factory.mktemp("bombs") / "site", _LIMITS)
    yield from _run(site, {name: bomb.content for name, bomb in _BOMBS.items()})


@pytest.fixture(scope="module")
def kept_busy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    needs_programs(pdftoppm="poppler-utils")
    yield from _run(Site(tmp_path_factory.mktemp("endless") / "site", _HURRIED), _ENDLESS)


def _codes(job: Job) -> tuple[str | None, set[str]]:
    return job.status["error_code"], {failed["code"] for failed in job.status["failed_pages"]}


@pytest.mark.parametrize("name", _BOMBS)
def test_a_bomb_has_its_code(bombed: Site, name: str) -> None:
    bomb = _BOMBS[name]
    job = bombed.result(f"{name}.pdf")
    assert job.status["status"] == ("completed" if bomb.code is None else "failed")
    assert _codes(job) == (bomb.code, {bomb.page_code} if bomb.page_code else set())


@pytest.mark.parametrize("name", _ENDLESS)
def test_what_never_ends_is_timed_out(kept_busy: Site, name: str) -> None:
    assert _codes(kept_busy.result(f"{name}.pdf")) == ("too_few_pages", {"render_timeout"})


def test_no_raster_is_larger_than_configured(bombed: Site) -> None:
    job = bombed.result("a page of 350 km.pdf")
    with pikepdf.open(job.folder / "output_layouts.pdf") as drawn:
        (picture,) = drawn.pages[0].Resources.XObject.values()
        assert int(picture.Width) * int(picture.Height) <= _MAX_PIXELS


def test_a_document_whose_every_page_hangs_is_given_up_when_its_time_is_used_up(make_site: MakeSite) -> None:
    """Else twenty thousand such pages would keep a renderer busy for weeks."""
    needs_programs(pdftoppm="poppler-utils")
    settings = {
        "render": {"renderer": "poppler", "timeout_seconds": 4.0, "range_pages": 4},
        "job": {"max_render_seconds": 24.0},
    }
    site = make_site(settings)
    daemon = site.start()
    endless = many_pages(60, entries=b"/Contents 4 0 R", more={4: content_bomb(b"0 0 m 9 9 l S ", 2000)})
    begun = time.monotonic()
    site.drop("endless.pdf", endless)
    site.drop("letter.pdf", born_digital(2))
    job = site.result("endless.pdf")
    assert time.monotonic() - begun < 180, "60 pages would take 600 s"
    codes = [failed["code"] for failed in job.status["failed_pages"]]
    assert (job.status["error_code"], job.status["processed_pages"], len(codes)) == ("too_few_pages", 60, 60)
    assert set(codes) <= {"render_timeout", "render_budget"}
    assert codes.count("render_budget") > 40
    assert site.result("letter.pdf").status["status"] == "completed"
    assert daemon.process.poll() is None
