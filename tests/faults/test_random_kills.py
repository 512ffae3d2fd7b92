"""Files keep arriving while the daemon is killed again and again, whenever it may be: the ledger proves that each
file that was dropped has one result, the right one, and that nothing else is left.

`PDFOCR_KILLS_SEED` and `PDFOCR_KILLS` say with which random numbers and how often; the seed is printed.
"""

import html
import json
import os
import random
import re
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.end_to_end.harness import Daemon, Job, Site, temporary_files, wait_for
from tests.faults.aftermath import OF_THE_DAEMON
from tests.faults.armed import armed
from tests.faults.dropping import DOCUMENTS, Drop, Dropper, labelled, number_of
from tests.faults.thinned import EVERY

_KILLS = int(os.environ.get("PDFOCR_KILLS", 200 // EVERY))
_SETTINGS: dict[str, dict[str, Any]] = {
    "inbox": {"settle_seconds": 0.05, "unmarked_settle_seconds": 0.3},
    # One renderer, or a page whose own was killed comes out in another's pixels.
    "render": {"dpi": 40, "renderer": "poppler", "workers": 2, "range_pages": 2},
    "engine": {"name": "null", "max_concurrency": 1},
    # What is killed from outside is not the page's or the document's fault.
    "job": {"max_attempts": 100_000, "page_attempts": 1000},
}
#: Files that are neither delivered nor in the hands of the dropper: so many may wait.
_BACKLOG = 8
#: Of all kills, so many come before the daemon works, and so many are only a worker's or a renderer's.
_EARLY, _PARTIAL = 0.15, 0.1
_LONGEST_LIFE = 4.0
_QUIET_LIMIT = 180.0
_OUTPUTS = ("output.mmd", "output_det.mmd", "output_layouts.pdf", "output.json", "report.html")
_ROOT_NAMES = {
    ".lock", "config.yaml", "health.json", "metrics.prom", "status", "index.json", "inbox", "inbox-staging",
    "inbox-dropper", "jobs", "outbox", "failed",
}  # fmt: skip


@dataclass(slots=True)
class _Killed:
    """A site whose daemon is killed all the time.

    Attributes:
        site: its folders.
        seed: of its random numbers.
        stages: what was going on at the kills, for a person.
    """

    site: Site
    seed: str
    stages: Counter[str] = field(default_factory=Counter)

    @property
    def environment(self) -> dict[str, str]:
        """With the figure on every page, and a temporary folder of its own."""
        scratch = self.site.base / "tmp"
        scratch.mkdir(exist_ok=True)
        return {**armed({"trace": os.devnull}), "TMPDIR": str(scratch)}

    def run(self, kills: int) -> list[Drop]:
        """Kill so often, then let the last daemon work everything off; what was dropped."""
        draw = random.Random(self.seed)  # noqa: S311 - to be repeated, not to be secret
        dropper = Dropper(self.site.inbox, random.Random(f"{self.seed} drops"), self._has_room)  # noqa: S311
        dropper.start()
        try:
            for _ in range(kills):
                daemon = self.site.start(self.environment, ready=False)
                self._live(daemon, draw)
                self.stages.update(set(self._going_on()) or {"nothing"})
                daemon.kill()
        finally:
            dropper.stop()
        # What was killed left the launchers of its renderers: who renders next removes those that are old enough.
        for folder in (self.site.base / "tmp").iterdir():
            os.utime(folder, (0, 0))
        dropper.drop()
        self.site.start(self.environment)
        wait_for(
            lambda: self._is_quiet(len(dropper.ledger)), f"the end of the work below {self.site.base}", _QUIET_LIMIT
        )
        self.site.stop()
        return dropper.ledger

    def _live(self, daemon: Daemon, draw: random.Random) -> None:
        """Let a daemon work for a while; its workers and renderers have a harder life."""
        if draw.random() < _EARLY:
            time.sleep(draw.uniform(0.0, 1.0))
            return
        wait_for(lambda: daemon.log.stat().st_size > 0 or daemon.process.poll() is not None, f"a start; {daemon.log}")
        end = time.monotonic() + draw.choice((0.3, 1.0, _LONGEST_LIFE)) * draw.random()
        while (left := end - time.monotonic()) > 0:
            time.sleep(min(left, draw.uniform(0.1, 0.5)))
            if draw.random() < _PARTIAL:
                _kill_a_part(daemon, draw)
        assert daemon.process.poll() is None, daemon.log.read_text()

    def _going_on(self) -> Iterator[str]:
        """The stages of the jobs in work."""
        for folder in self.site.jobs.iterdir() if self.site.jobs.is_dir() else ():
            with suppress(OSError):
                status = json.loads((folder / "status.json").read_bytes())
                yield f"{status['status']}, {status['stage']}"

    def _has_room(self) -> bool:
        waiting = sum(len(files) for _, _, files in os.walk(self.site.inbox))
        return waiting + len(os.listdir(self.site.jobs)) < _BACKLOG if self.site.jobs.is_dir() else not waiting

    def _is_quiet(self, expected: int) -> bool:
        health = self.site.health()
        idle = not (health["files_in_inbox"] or health["jobs_waiting"] or health["jobs_in_work"])
        return idle and not self.site.in_work() and len(self.site.results()) >= expected


def _kill_a_part(daemon: Daemon, draw: random.Random) -> None:
    """Kill a worker or a renderer, but not who opens a document: that may rightly count as damaged then."""
    for process in draw.sample(parts := daemon.descendants(), len(parts)):
        with suppress(psutil.Error):
            # By what it surely is: a child that was just forked still looks like its daemon.
            if {"pdfocr_watcher.pipeline.worker", "pdftoppm"}.intersection(map(os.path.basename, process.cmdline())):
                process.kill()
                return


def _outputs(job: Job) -> dict[str, bytes]:
    """All that does not depend on what the file is called."""
    figures = sorted(path.relative_to(job.folder).as_posix() for path in (job.folder / "images").iterdir())
    outputs = {name: (job.folder / name).read_bytes() for name in (*_OUTPUTS, *figures)}
    called = html.escape(job.status["filename"]).encode()
    assert called in outputs["report.html"]
    outputs["report.html"] = outputs["report.html"].replace(called, b"")
    return outputs


def _undisturbed(site: Site, environment: Mapping[str, str]) -> dict[int, dict[str, bytes]]:
    """The outputs of each document when nobody interferes."""
    site.start(environment)
    for document in range(len(DOCUMENTS)):
        site.drop(f"{document}.pdf", labelled(document, 0))
    outputs = {document: _outputs(site.result(f"{document}.pdf")) for document in range(len(DOCUMENTS))}
    site.stop()
    return outputs


def _account(site: Site, ledger: list[Drop], expected: Mapping[int, dict[str, bytes]]) -> Iterator[str]:
    """Everything in which the results are not those of the ledger."""
    found: Counter[int | None] = Counter()
    for job in site.results():
        content = (job.folder / "input.pdf").read_bytes()
        number = number_of(content)
        found[number] += 1
        if number is None or number >= len(ledger):
            yield f"{job.folder}: nobody dropped that"
            continue
        drop = ledger[number]
        status = job.status
        if (status["status"], status["failed_pages"]) != ("completed", []):
            yield f"{drop}: {status['status']}, {status['error_message']}, {status['failed_pages']}, {job.folder}"
        elif content != drop.content or status["source"] != drop.source:
            yield f"{drop}: {status['source']} has {len(content)} bytes, {job.folder}"
        elif _outputs(job) != expected[drop.document]:
            yield f"{drop}: the outputs differ, {job.folder}"
    yield from (f"{drop}: {found[drop.number]} results" for drop in ledger if found[drop.number] != 1)


def _left(site: Site) -> Iterator[str]:
    """Everything that lies there beside the results."""
    if left := [path for path in site.jobs.iterdir() if path.name not in OF_THE_DAEMON]:
        yield f"in jobs: {left}"
    if left := [path for path in site.inbox.rglob("*") if not path.is_dir()]:
        yield f"in the inbox: {left}"
    if left := temporary_files(site.root, site.inbox, site.outbox, site.failed):
        yield f"temporary files: {left}"
    if left := {path.name for path in site.root.iterdir()} - _ROOT_NAMES:
        yield f"in the root: {left}"
    if left := [path for path in (site.base / "tmp").iterdir() if not _is_trial(path)]:
        yield f"in the temporary folder: {left}"
    hidden = [path for root in (site.outbox, site.failed) for path in root.rglob(".*")]
    if hidden or any(site.failed.iterdir()):
        yield f"hidden: {hidden}, failed: {list(site.failed.iterdir())}"


def _is_trial(path: Path) -> bool:
    """Whether it is a file by which Python's tempfile tries a folder, left by who was killed at that moment."""
    return (
        re.fullmatch(r"[a-z0-9_]{8}", path.name) is not None and path.is_file() and path.stat().st_size <= len("blat")
    )


def _processes_of(site: Site) -> list[psutil.Process]:
    """Who has the site's folder among its arguments or in its environment, or works in it."""
    found = []
    for process in psutil.process_iter():
        with suppress(psutil.Error, OSError):
            if str(site.base) in f"{process.cmdline()}{process.environ()}{process.cwd()}":
                found.append(process)
    return found


@pytest.mark.long
@pytest.mark.timeout(1200)
def test_kills_at_random_moments_lose_nothing_and_double_nothing(tmp_path: Path, elsewhere: Path) -> None:
    """Half of the kills with everything on one file system, half with the inbox and the results on another."""
    seed = os.environ.get("PDFOCR_KILLS_SEED") or str(random.SystemRandom().randrange(10**6))
    print(f"PDFOCR_KILLS_SEED={seed}")  # noqa: T201 - shown where the test fails
    away = {name: str(elsewhere / name) for name in ("inbox", "outbox", "failed")}
    killed = [
        _Killed(Site(tmp_path / "same", _SETTINGS), f"{seed} same"),
        _Killed(Site(tmp_path / "other", {**_SETTINGS, "folders": away}), f"{seed} other"),
    ]
    calm = Site(tmp_path / "calm", _SETTINGS)
    try:
        expected = _undisturbed(calm, killed[0].environment)
        with ThreadPoolExecutor(len(killed)) as threads:
            ledgers = list(threads.map(lambda one: one.run(-(-_KILLS // len(killed))), killed))
    finally:
        for site in (calm, *(one.site for one in killed)):
            site.close()
    for one, ledger in zip(killed, ledgers, strict=True):
        print(one.site.base.name, len(ledger), "files,", dict(one.stages))  # noqa: T201
        assert len(ledger) > _KILLS / 40
        assert list(_account(one.site, ledger, expected)) == []
        assert list(_left(one.site)) == []
        wait_for(lambda one=one: not _processes_of(one.site), f"no process of {one.site.base}", 20.0)
