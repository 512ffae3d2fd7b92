"""The power fails at every step of a job's life: what is on the disks then is enough to go on from.

The disks' states are those of an undisturbed run, at each of its points: the instant before and after every step. A
state is mounted as after a real power cut, the journal is played back, and a daemon is started on it. What the
states are worth show the controls, from which one fsync is taken out, and the shutdown of a file system in use.
"""

import itertools
import shutil
import signal
import subprocess
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.end_to_end.harness import Site
from tests.faults.aftermath import outputs_of, pages_done, what_is_wrong
from tests.faults.armed import CrashPoint, Run, run_once
from tests.faults.disks import Disk, needs_disks
from tests.faults.thinned import thinned
from tests.pdfs import born_digital

_DOCUMENT = born_digital(1)
_SOURCE = "letters/one.pdf"
_SETTINGS: dict[str, dict[str, Any]] = {
    "inbox": {"settle_seconds": 0.05, "unmarked_settle_seconds": 0.1},
    "render": {"dpi": 40, "workers": 1},
    "engine": {"name": "null", "max_concurrency": 1},
    "service": {"health_interval": 60.0},
}
_AT_A_TIME = 2
#: So often an fsync may be left out without anybody noticing.
_TRIES = 3


@dataclass(frozen=True, slots=True)
class _Layout:
    """Which folders lie on which disk, and what gets to the disks that nobody asked for.

    Attributes:
        by_itself: of each disk, see `DiskStates`.
        away: the folders on the second disk.
        options: mount options.
    """

    by_itself: tuple[str, ...]
    away: tuple[str, ...] = ()
    options: str = ""

    @property
    def window(self) -> dict[str, str]:
        """The points in which two disks take part; of one disk, all of a job's."""
        if "inbox" in self.away:
            return {"since": "before make_folder jobs/JOB", "until": "before inspect JOB/input.pdf"}
        return {"since": "before remove_tree JOB/pages" if self.away else "before make_folder jobs/JOB", "until": ""}

    def __str__(self) -> str:
        parts = [" and ".join(self.away) or "one disk", *self.by_itself, self.options]
        return ", ".join(filter(None, parts))


#: What a file system may be told to be when speed is all: contents wait longer than names do.
_RECKLESS = "data=writeback,noauto_da_alloc"
_ONE_DISK = (_Layout(("nothing",)), _Layout(("names",), options=_RECKLESS))
#: Of two disks one may lose its power alone, as a file server does.
_TWO_DISKS = (("nothing", "all"), ("names", "all"), ("all", "nothing"), ("all", "names"))
_INBOX_AWAY = tuple(_Layout(by_itself, ("inbox",), options=_RECKLESS) for by_itself in _TWO_DISKS)
_RESULTS_AWAY = tuple(_Layout(by_itself, ("outbox", "failed"), options=_RECKLESS) for by_itself in _TWO_DISKS)
#: In which layout which fsync is taken out. On one disk no fsync of a folder can be shown to be needed: ext4's one
#: journal keeps all names in their order.
_CONTROLS = (
    (_ONE_DISK[1], "sync_file JOB/temporary status.json"),
    (_ONE_DISK[1], "sync_file JOB/temporary output.mmd"),
    (_ONE_DISK[1], "sync_file pages/temporary PAGE.jpg"),
    (_INBOX_AWAY[0], "sync_folder jobs/JOB"),
    (_INBOX_AWAY[1], "sync_file JOB/temporary input.pdf"),
    (_INBOX_AWAY[2], "sync_folder inbox/letters"),
    (_RESULTS_AWAY[2], "sync_folder outbox/letters"),
    (_RESULTS_AWAY[3], "sync_file temporary TARGET/output.mmd"),
)


@dataclass(slots=True)
class _Machine:
    """A site on disks of its own, and what is kept of them.

    Attributes:
        base: a folder of its own, on no such disk.
        layout: how its disks are.
    """

    base: Path
    layout: _Layout
    disks: tuple[Disk, ...] = ()
    site: Site = field(init=False)
    _numbers: Iterator[int] = field(default_factory=itertools.count)

    def __post_init__(self) -> None:
        self.disks = tuple(
            Disk(self.base / f"{number}.img", self.base / f"disk-{number}", self.layout.options)
            for number in range(len(self.layout.by_itself))
        )
        for disk in self.disks:
            disk.make()
        with self.on():
            away = {name: str(self.disks[-1].mounted / name) for name in self.layout.away}
            self.site = Site(self.disks[0].mounted / "site", {**_SETTINGS, "folders": away})

    def on(self, state: Path | None = None) -> ExitStack:
        """The disks in use, as they are or in a state that was kept."""
        with ExitStack() as stack:
            for number, disk in enumerate(self.disks):
                stack.enter_context(disk.in_use(state / f"{number}.img" if state else None))
            return stack.pop_all()

    def once(self, **order: Any) -> Run:
        """Run the daemon."""
        return run_once(self.site.config, self.base / f"trace-{next(self._numbers)}", **order)

    def drop(self) -> None:
        """Have a file dropped that is on its disk for good."""
        with self.on():
            self.site.drop("one.pdf", _DOCUMENT, into="letters")

    def states(self, without: Iterable[str] = ()) -> dict[Path, list[str]]:
        """Have a file dropped and worked off; the states in which the disks were, each with its points."""
        kept = self.base / "states"
        kept.mkdir()
        disks = [
            {"image": str(disk.image), "mounted": str(disk.mounted), "by_itself": by_itself}
            for disk, by_itself in zip(self.disks, self.layout.by_itself, strict=True)
        ]
        self.drop()
        with self.on():
            run = self.once(disks={"disks": disks, "into": str(kept), **self.layout.window}, without=[*without])
            assert (run.returncode, len(self.site.results())) == (0, 1), run.log
        found: dict[Path, list[str]] = {}
        for line in (kept / "points").read_text().splitlines():
            number, _, point = line.partition("\t")
            found.setdefault(kept / f"{int(number):03d}", []).append(point)
        return found

    def after(self, expected: dict[str, bytes], state: Path | None = None) -> list[str]:
        """Start on the disks, or on a state of them; what is wrong when the daemon has come to its end."""
        with self.on(state):
            done = pages_done(self.site)
            return list(what_is_wrong(self.site, _SOURCE, expected, done, self.once()))


def _wrong_after(machine: _Machine, expected: dict[str, bytes], without: Sequence[str] = ()) -> Iterator[str]:
    """What is wrong after power cuts in the states of a run, with the points at which they came."""
    states = machine.states(without)
    # Where something is taken out, one state alone may show it.
    tried = list(states) if without else thinned(states)
    print(machine.layout, len(tried), "of", len(states), "states")  # noqa: T201 - shown by `pytest -s`
    for state in reversed(tried):
        points = states[state]
        for wrong in machine.after(expected, state):
            yield f"{machine.layout}; {points[0]} ... {points[-1]} ({state}): {wrong}"
        shutil.rmtree(state)


@pytest.fixture
def expected(tmp_path: Path) -> dict[str, bytes]:
    """The files of an undisturbed result."""
    needs_disks(tmp_path)
    site = Site(tmp_path / "undisturbed", _SETTINGS)
    site.drop("one.pdf", _DOCUMENT, into="letters")
    run = run_once(site.config, tmp_path / "undisturbed" / "trace")
    assert run.returncode == 0, run.log
    (job,) = site.results()
    return outputs_of(job.folder, 1)


@pytest.mark.parametrize(
    "point",
    [
        "after rename JOB/input.pdf",
        "after rename pages/PAGE.json",
        "before rename JOB/status.json",
        "after rename letters/one.ID",
    ],
)
def test_a_disk_that_is_cut_off_under_the_daemon_has_enough_to_go_on_from(
    point: str, tmp_path: Path, expected: dict[str, bytes]
) -> None:
    """The same at a few points with the power cut itself: the file system is shut down, then the daemon is killed."""
    machine = _Machine(tmp_path / "machine", _Layout(("nothing",)))
    machine.drop()
    with machine.on():
        run = machine.once(at=CrashPoint(point, 1), cut=machine.disks[0].power_cut())
        assert run.returncode == -signal.SIGKILL, run.log
    assert machine.after(expected) == []


def test_a_result_is_whole_though_its_sender_never_synced_the_file(tmp_path: Path, expected: dict[str, bytes]) -> None:
    """The names are on the disk, and of the contents only those of which the daemon made sure."""
    machine = _Machine(tmp_path / "machine", _Layout(("nothing",)))
    with machine.on():
        machine.site.drop("one.pdf", _DOCUMENT, into="letters")
        run = machine.once()
        assert run.returncode == 0, run.log
        subprocess.run(machine.disks[0].power_cut(names=True), check=True)
    assert machine.after(expected) == []


@pytest.mark.long
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("layouts", [_ONE_DISK, _INBOX_AWAY, _RESULTS_AWAY], ids=["one disk", "inbox", "results"])
def test_a_power_cut_at_any_step_loses_nothing_and_doubles_nothing(
    layouts: tuple[_Layout, ...], tmp_path: Path, expected: dict[str, bytes]
) -> None:
    machines = [_Machine(tmp_path / str(number), layout) for number, layout in enumerate(layouts)]
    with ThreadPoolExecutor(_AT_A_TIME) as threads:
        wrong = list(threads.map(lambda machine: list(_wrong_after(machine, expected)), machines))
    assert [each for found in wrong for each in found] == []


@pytest.mark.long
@pytest.mark.timeout(600)
@pytest.mark.parametrize(("layout", "left_out"), _CONTROLS, ids=[left_out for _, left_out in _CONTROLS])
def test_one_fsync_less_is_found(layout: _Layout, left_out: str, tmp_path: Path, expected: dict[str, bytes]) -> None:
    """The test above is worth something: with the fsync of one file or folder taken out it finds what is lost."""
    tries = (_Machine(tmp_path / f"machine-{number}", layout) for number in range(_TRIES))
    # What is not synced gets to the disk when the system has time for it, and on some runs that is at once.
    assert any(next(_wrong_after(machine, expected, [f"before {left_out}"]), None) for machine in tries)
