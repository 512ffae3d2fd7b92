"""The daemon is killed at every step of a job's life: what comes after is as if nobody had.

The points are those of an undisturbed run, so a step that is added to the program is met here by itself.
"""

import itertools
import os
import signal
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.end_to_end.harness import Site
from tests.faults.aftermath import outputs_of, pages_done, pages_read, what_is_wrong
from tests.faults.armed import CrashPoint, Run, run_once
from tests.faults.thinned import thinned
from tests.pdfs import born_digital

_DOCUMENT = born_digital(2)
_SOURCE = "letters/two.pdf"
_SETTINGS = {
    "inbox": {"settle_seconds": 0.05},
    "render": {"dpi": 40, "workers": 1, "range_pages": 1},
    "engine": {"name": "null", "max_concurrency": 1},
    # At the begin and at the end: how often between them is a matter of time, and no point of a job's life.
    "service": {"health_interval": 60.0},
}
#: These are written again and again alike, for who looks; nothing follows from them.
_DERIVED = ("health.json", "metrics.prom", "index.html", "index.json")
_AT_A_TIME = 2
_serial = itertools.count()
#: A point may come a little less often in one run than in another: progress is written when there is time for it. So a
#: case that did not come to its point is begun again, so often at most, and so many must have come to it in the end.
_TRIES = 3
_REACHED = 0.9
_MOST_IMPORTANT = {
    "before rename JOB/input.pdf",
    "after rename JOB/input.pdf",
    "after rename pages/PAGE.json",
    "after remove_tree JOB/pages",
    "after rename letters/two.ID",
}
#: Where the next start has something to mend: on one file system, and what is otherwise between two.
_HALF_WAY = {
    "after rename JOB/input.pdf",
    "after rename JOB/output.mmd",
    "after remove_tree JOB/pages",
    "after rename letters/two.ID",
}
_HALF_WAY_BETWEEN = {"after rename JOB/input.pdf", "after make_folder letters/temporary TARGET"}


@dataclass(frozen=True, slots=True)
class _Layout:
    """Where the folders lie: all on one file system, or inbox and outbox on another than the jobs."""

    base: Path
    other: Path | None

    def site(self, name: str) -> Site:
        folders = {}
        # All of them are called alike: a point of one run is known by the names of folders in another.
        if self.other is not None:
            folders = {key: str(self.other / name / "site" / key) for key in ("inbox", "outbox", "failed")}
        return Site(self.base / name / "site", {**_SETTINGS, "folders": folders})


@pytest.fixture(params=["one file system", pytest.param("inbox and outbox on another", marks=pytest.mark.long)])
def layout(request: pytest.FixtureRequest, tmp_path: Path) -> _Layout:
    other = None if request.param == "one file system" else request.getfixturevalue("elsewhere")
    return _Layout(tmp_path, other)


def _trace(site: Site, number: int) -> Path:
    return site.base / f"trace-{number}"


def _drop(site: Site) -> None:
    folder, name = os.path.split(_SOURCE)
    site.drop(name, _DOCUMENT, into=folder)


def _undisturbed(layout: _Layout) -> tuple[Run, dict[str, bytes]]:
    site = layout.site("undisturbed")
    _drop(site)
    run = run_once(site.config, _trace(site, 0))
    assert run.returncode == 0, run.log
    (job,) = site.results()
    return run, outputs_of(job.folder, 2)


def _different(points: Sequence[CrashPoint]) -> list[CrashPoint]:
    """The points without those that are directly followed by the begin of the next step: the disk is the same there."""
    return [
        point
        for point, following in itertools.zip_longest(points, points[1:])
        if following is None or point.name.startswith("before") or following.name.startswith("after")
    ]


def _crash_at(layout: _Layout, points: Sequence[CrashPoint], outputs: dict[str, bytes]) -> tuple[bool, list[str]]:
    """Crash at one point after the other, then start again; whether all were reached, and what is wrong then."""
    site = layout.site(f"case-{next(_serial)}")
    _drop(site)
    runs = [run_once(site.config, _trace(site, number), point) for number, point in enumerate(points)]
    done = pages_done(site)
    last = run_once(site.config, _trace(site, len(points)))
    wrong = [f"{points} ({site.base}): {wrong}" for wrong in what_is_wrong(site, _SOURCE, outputs, done, last)]
    wrong += [run.log for run in runs if run.returncode not in {0, -signal.SIGKILL}]
    return all(run.returncode != 0 for run in runs), wrong


def _crash_at_all(layout: _Layout, cases: Sequence[Sequence[CrashPoint]], outputs: dict[str, bytes]) -> None:
    left = list(cases)
    for _ in range(_TRIES):
        with ThreadPoolExecutor(_AT_A_TIME) as threads:
            ends = list(threads.map(lambda points: _crash_at(layout, points, outputs), left))
        assert [wrong for _, found in ends for wrong in found] == []
        left = [points for points, (reached, _) in zip(left, ends, strict=True) if not reached]
    assert len(left) <= (1 - _REACHED) * len(cases), left


@pytest.mark.long
@pytest.mark.timeout(1200)
def test_a_crash_at_any_step_loses_nothing_and_doubles_nothing(layout: _Layout) -> None:
    run, outputs = _undisturbed(layout)
    assert pages_read(run) == [0, 1]
    points = [one for one in _different(run.points()) if one.number == 1 or not one.name.endswith(_DERIVED)]
    if layout.other is not None:
        # What happens within the job's folder is the same there.
        same, _ = _undisturbed(_Layout(layout.base / "one", None))
        known = {point.name for point in same.points()} - _MOST_IMPORTANT
        points = [point for point in points if point.name not in known]
        assert any("temporary TARGET" in point.name for point in points)
    _crash_at_all(layout, [[point] for point in thinned(points)], outputs)


@pytest.mark.long
@pytest.mark.timeout(900)
def test_a_crash_while_an_earlier_one_is_mended_is_mended_too(layout: _Layout) -> None:
    run, outputs = _undisturbed(layout)
    wanted = _HALF_WAY if layout.other is None else _HALF_WAY_BETWEEN
    firsts = [point for point in run.points() if point.name in wanted and point.number == 1]
    assert {point.name for point in firsts} == wanted
    cases = []
    for first in firsts:
        site = layout.site(f"mending-{next(_serial)}")
        _drop(site)
        assert run_once(site.config, _trace(site, 1), first).returncode == -signal.SIGKILL
        mending = run_once(site.config, _trace(site, 2)).points()
        # What comes after the mending is the life of any job, whose every step is tried above.
        seconds = itertools.takewhile(lambda point: not point.name.startswith("before inspect"), mending)
        cases += [(first, second) for second in _different(list(seconds))[::2]]
    _crash_at_all(layout, thinned(cases), outputs)


def test_a_crash_at_the_steps_that_matter_most(layout: _Layout) -> None:
    """What the long test does at every step, at those where the file, a page or the result comes to its place."""
    run, outputs = _undisturbed(layout)
    cases = [[point] for point in run.points() if point.name in _MOST_IMPORTANT and point.number == 1]
    assert len(cases) == len(_MOST_IMPORTANT)
    _crash_at_all(layout, cases, outputs)
