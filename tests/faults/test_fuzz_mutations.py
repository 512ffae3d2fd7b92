"""Two thousand damaged PDFs through the real daemon: each one ends, with its code, and nothing else is touched.

`PDFOCR_FUZZ_SEED` and `PDFOCR_FUZZ_FILES` ask for others or more; a failure names the seed and the file, which is kept.
"""

import json
import os
import shutil
import threading
import time
from collections import Counter
from pathlib import Path
from typing import Any

import psutil  # type: ignore[import-untyped]
import pytest

from tests.conftest import MakeSite
from tests.end_to_end.harness import Daemon, temporary_files, wait_for
from tests.faults.mutations import mutated
from tests.faults.thinned import thinned
from tests.pdfs import born_digital

_SEED = int(os.environ.get("PDFOCR_FUZZ_SEED", "20261123"))
_FILES = int(os.environ.get("PDFOCR_FUZZ_FILES", "2000"))
_WHOLE_EVERY = 97
_LIMIT = 1500.0
_MEMORY = 400_000_000
_GROWTH = 120_000_000

_SETTINGS: dict[str, dict[str, Any]] = {
    "render": {"dpi": 36, "timeout_seconds": 5.0, "memory_bytes": _MEMORY, "max_pixels": 300_000},
    "job": {"page_attempts": 1, "max_pages": 100, "max_bytes": 50_000_000, "max_render_seconds": 30.0},
}
#: All that may be wrong with a file that begins like a PDF, or no longer does.
_CODES = {
    "pdf_damaged", "pdf_encrypted", "pdf_no_pages", "pdf_timeout", "too_many_pages", "too_few_pages", "not_a_pdf",
    "empty_file",
}  # fmt: skip
_PAGE_CODES = {"render_failed", "render_timeout", "render_budget"}


def _snapshot(folder: Path) -> dict[str, tuple[int, int, int]]:
    found = {}
    for path in [folder, *folder.rglob("*")]:
        status = path.lstat()
        found[str(path)] = (status.st_mode, status.st_size, status.st_mtime_ns)
    return found


class _Watch:
    """The most memory of one renderer, and the daemon's own at the last look, in bytes."""

    def __init__(self, daemon: Daemon) -> None:
        self.renderer = 0
        self.daemon = 0
        self._process = psutil.Process(daemon.process.pid)
        self._over = threading.Event()
        threading.Thread(target=self._look, daemon=True).start()

    def _look(self) -> None:
        while not self._over.wait(0.1):
            try:
                self.daemon = self._process.memory_info().rss
                renderers = [each for each in self._process.children() if each.name() in {"pdftoppm", "pdfinfo"}]
                self.renderer = max([self.renderer, *(each.memory_info().rss for each in renderers)])
            except psutil.Error:
                continue

    def end(self) -> None:
        self._over.set()


def _ended(root: Path) -> list[Path]:
    return [path / "status.json" for path in root.iterdir() if path.is_dir() and not path.name.startswith(".")]


def _wrong(status: dict[str, Any]) -> str | None:
    """What is wrong with a final status; None if nothing is."""
    failed, code = status["failed_pages"], status["error_code"]
    if status["status"] not in {"completed", "failed"}:
        return "it has no end"
    if (code is None) is not (status["status"] == "completed") or (code is not None and code not in _CODES):
        return f"its code is {code}"
    if strange := {page["code"] for page in failed} - _PAGE_CODES:
        return f"pages failed with {strange}"
    if code in {None, "too_few_pages"} and not status["processed_pages"] == status["total_pages"] > 0:
        return "not all of its pages are accounted for"
    if "-whole" in status["filename"] and (code is not None or failed):
        return "it was whole"
    return None


@pytest.mark.long
@pytest.mark.timeout(_LIMIT + 120)
def test_every_damaged_file_ends_with_its_code_and_nothing_else_is_touched(make_site: MakeSite, tmp_path: Path) -> None:
    files = thinned(mutated(_SEED, _FILES, _WHOLE_EVERY))
    print(f"seed {_SEED}, {len(files)} of {_FILES} files")  # noqa: T201 - shown where the test fails
    around = tmp_path / "around"
    around.mkdir()
    (around / "file").write_text("untouched")
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    site = make_site(_SETTINGS)
    daemon = site.start({**os.environ, "TMPDIR": str(temporary), "HOME": str(around)})
    before = _snapshot(around)
    watch = _Watch(daemon)
    wait_for(lambda: watch.daemon, "a first look at the daemon")
    begun = time.monotonic()
    early = 0
    for number, (name, content) in enumerate(files):
        site.drop(name, content)
        if number == len(files) // 5:
            early = watch.daemon
    deadline = begun + _LIMIT
    while (count := len(_ended(site.outbox)) + len(_ended(site.failed))) < len(files) and time.monotonic() < deadline:
        assert daemon.process.poll() is None, f"seed {_SEED}: the daemon ended; {daemon.log}"
        time.sleep(1)
    statuses = [json.loads(path.read_bytes()) for path in (*_ended(site.outbox), *_ended(site.failed))]
    codes = Counter(status["error_code"] or "completed" for status in statuses)
    took = time.monotonic() - begun
    print(f"{count} ended in {took:.0f} s: {dict(codes)}")  # noqa: T201
    print(f"largest renderer {watch.renderer >> 20} MiB, daemon {early >> 20} to {watch.daemon >> 20} MiB")  # noqa: T201
    kept = tmp_path / "kept"
    kept.mkdir()
    failures = {}
    for path in (*_ended(site.outbox), *_ended(site.failed)):
        status = json.loads(path.read_bytes())
        if (reason := _wrong(status)) is not None:
            shutil.copy(path.parent / "input.pdf", kept / status["filename"])
            failures[status["filename"]] = reason
    assert failures == {}, f"seed {_SEED}, files in {kept}"
    names = Counter(status["filename"] for status in statuses)
    missing = {name for name, _ in files} - set(names)
    assert (missing, max(names.values())) == (set(), 1), f"seed {_SEED}"
    assert len(codes) >= 4, "chance was kind; this seed shows nothing"
    site.drop("after all that.pdf", born_digital())
    wait_for(lambda: site.results("after all that.pdf"), "a good one after all that")
    assert watch.renderer < _MEMORY
    assert watch.daemon - early < _GROWTH
    watch.end()
    assert [line for line in daemon.logged() if line["level"] == "error"] == []
    assert daemon.stop() == 0
    assert _snapshot(around) == before
    assert list(temporary.iterdir()) == []
    assert temporary_files(site.inbox, site.jobs, site.outbox, site.failed) == []
    assert [path for path in site.jobs.iterdir() if path.is_dir()] == []
    assert [path for path in site.inbox.rglob("*") if path.is_file()] == []
