"""The daemon is killed at every step of a job's life: what comes after is as if nobody had.

The points are those of an undisturbed run, so a step that is added to the program is met here by itself.
"""

import itertools
import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.end_to_end.harness import Site
from tests.faults.aftermath import outputs_of, pages_done, pages_read, what_is_wrong
from tests.faults.armed import CrashPoint, Run, run_once
from tests.pdfs import born_digital

_DOCUMENT = born_digital(2)
_SOURCE = "letters/two.pdf"
_OUTPUTS = ("output.mmd", "output_det.mmd", "output_layouts.pdf", "input.pdf", "images/0_0.jpg", "images/1_0.jpg")
_SETTINGS = {
    "inbox": {"settle_seconds": 0.05},
    "render": {"dpi": 40, "workers": 1, "range_pages": 1},
    "engine": {"name": "null", "max_concurrency": 1},
}
_AT_A_TIME = 2
#: A point may come a little less often in one run than in another: progress is written when there is time for it.
_REACHED = 0.9
_MOST_IMPORTANT = {
    "before rename JOB/input.pdf",
    "after rename JOB/input.pdf",
    "after rename pages/PAGE.json",
    "after remove_tree JOB/pages",
    "after rename letters/two.ID",
}


@dataclass(frozen=True, slots=True)
class _Layout:
    """Where the folders lie: all on one file system, or inbox and outbox on another than the jobs."""

    base: Path
    other: Path | None

    def site(self, name: str) -> Site:
        folders = {}
        if self.other is not None:
            folders = {key: str(self.other / name / key) for key in ("inbox", "outbox", "failed")}
        return Site(self.base / name, {**_SETTINGS, "folders": folders})


@pytest.fixture(params=["one file system", "inbox and outbox on another"])
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
    return run, outputs_of(job.folder, _OUTPUTS)


def _crash_at(layout: _Layout, name: str, point: CrashPoint, outputs: dict[str, bytes]) -> tuple[bool, list[str]]:
    """Crash at a point, start again; whether the point was reached, and what is wrong then."""
    site = layout.site(name)
    _drop(site)
    first = run_once(site.config, _trace(site, 1), point)
    if first.returncode == 0:
        return False, [f"{point}: {wrong}" for wrong in what_is_wrong(site, _SOURCE, outputs, set(), first)]
    done = pages_done(site)
    again = run_once(site.config, _trace(site, 2))
    wrong = [f"{point} ({site.base}): {wrong}" for wrong in what_is_wrong(site, _SOURCE, outputs, done, again)]
    return True, wrong


def _crash_at_all(layout: _Layout, points: list[CrashPoint], outputs: dict[str, bytes]) -> None:
    numbers = itertools.count()
    with ThreadPoolExecutor(_AT_A_TIME) as threads:
        cases = list(threads.map(lambda point: _crash_at(layout, str(next(numbers)), point, outputs), points))
    assert [wrong for _, found in cases for wrong in found] == []
    assert sum(reached for reached, _ in cases) >= _REACHED * len(points)


@pytest.mark.long
@pytest.mark.timeout(1200)
def test_a_crash_at_any_step_loses_nothing_and_doubles_nothing(layout: _Layout) -> None:
    run, outputs = _undisturbed(layout)
    assert pages_read(run) == [0, 1]
    points = run.points()
    print(len(points), "points")  # noqa: T201 - shown by `pytest -s`
    _crash_at_all(layout, points, outputs)


def test_a_crash_at_the_steps_that_matter_most(layout: _Layout) -> None:
    """What the long test does at every step, at those where the file, a page or the result comes to its place."""
    run, outputs = _undisturbed(layout)
    points = [point for point in run.points() if point.name in _MOST_IMPORTANT and point.number == 1]
    assert len(points) == len(_MOST_IMPORTANT)
    _crash_at_all(layout, points, outputs)
