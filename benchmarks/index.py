"""What the index costs a job, with 100, 1,000 and 10,000 jobs kept: it should not depend on how many there are.

Run as `python -m benchmarks.index`. Jobs come at a steady rate, each with the changes of status that a short
document has; the index is flushed as the daemon does it, every `index.flush_seconds` of a clock that the benchmark
moves on. What is timed is real: the notes, the flushes and their writes to disk. The sizes take turns, so that a
disturbance of the machine meets them all.
"""

import argparse
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import perf_counter

from pdfocr_watcher.config.model import Config
from pdfocr_watcher.jobs.index import INDEX_NAME, JobIndex, entry_of
from pdfocr_watcher.jobs.model import JobStatus, Stage, Status, new_job_id

SIZES = (100, 1_000, 10_000)
_BEGAN = datetime(2026, 1, 1, tzinfo=UTC)
#: The changes of status of a short document, from the claim to the result.
_LIFE = (
    (Status.PENDING, Stage.QUEUED),
    (Status.PROCESSING, Stage.RENDERING),
    (Status.PROCESSING, Stage.RECOGNIZING),
    (Status.PROCESSING, Stage.ASSEMBLING),
    (Status.COMPLETED, Stage.DONE),
)


@dataclass(slots=True)
class Lane:
    """One index with so many jobs kept, and what was spent on it.

    Attributes:
        kept: finished jobs in it.
        folder: where it lies.
        now: seconds on its clock.
        spent: real seconds.
        jobs: that were put through.
        longest: real seconds of the longest flush.
    """

    kept: int
    folder: Path
    now: float = 0.0
    spent: float = 0.0
    jobs: int = 0
    longest: float = 0.0
    index: JobIndex = field(init=False)

    def __post_init__(self) -> None:
        self.folder.mkdir()
        self.index = JobIndex(self.folder / INDEX_NAME, self.kept, lambda: self.now)
        self.index.rebuild(lambda: (entry_of(status, self.folder) for status in self._finished()))

    def _finished(self) -> Iterator[JobStatus]:
        for number in range(self.kept):
            yield _status(_BEGAN - timedelta(seconds=self.kept - number), *_LIFE[-1])

    def run(self, seconds: float, rate: float, flush_seconds: float) -> None:
        """Let jobs come for so many seconds of the clock."""
        for _ in range(round(seconds / flush_seconds)):
            due = round((self.now + flush_seconds) * rate)
            for number in range(self.jobs, due):
                self._put_job(_BEGAN + timedelta(seconds=number))
            self.now += flush_seconds
            began = perf_counter()
            self.index.flush()
            took = perf_counter() - began
            self.spent += took
            self.longest = max(self.longest, took)

    def _put_job(self, created: datetime) -> None:
        first = _status(created, *_LIFE[0])
        states = [first.model_copy(update={"status": status, "stage": stage}) for status, stage in _LIFE]
        began = perf_counter()
        for state in states:
            self.index.put(state, self.folder)
        self.spent += perf_counter() - began
        self.jobs += 1


def _status(created: datetime, status: Status, stage: Stage) -> JobStatus:
    return JobStatus(
        job_id=new_job_id(created),
        status=status,
        stage=stage,
        filename="letter of an ordinary length.pdf",
        source="some/sub-folder/letter of an ordinary length.pdf",
        sha256="0f" * 32,
        bytes=1_234_567,
        total_pages=3,
        created_at=created,
        updated_at=created,
    )


def measure(folder: Path, seconds: float, rate: float, rounds: int) -> list[Lane]:
    """Time the sizes in turns.

    Args:
        folder: where the indexes are made; the disk counts.
        seconds: of the clock, in all.
        rate: jobs a second.
        rounds: turns that each size gets.
    """
    flush_seconds = Config().index.flush_seconds
    lanes = [Lane(kept, folder / str(kept)) for kept in SIZES]
    for turn in range(rounds):
        for lane in lanes if turn % 2 == 0 else reversed(lanes):
            lane.run(seconds / rounds, rate, flush_seconds)
    return lanes


def report(lanes: list[Lane]) -> str:
    """The figures as a table."""
    base = lanes[0].spent / lanes[0].jobs
    lines = ["  kept     jobs   ms a job   ratio   share of the time   longest flush"]
    for lane in lanes:
        cost = lane.spent / lane.jobs
        lines.append(
            f"{lane.kept:6d}   {lane.jobs:6d}   {cost * 1e3:8.3f}   {cost / base:5.2f}"
            f"   {lane.spent / lane.now:16.2%}   {lane.longest * 1e3:10.1f} ms"
        )
    return "\n".join(lines)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=1200, help="of the clock that is moved on (default 1200)")
    parser.add_argument("--rate", type=float, default=5, help="jobs a second (default 5)")
    parser.add_argument("--rounds", type=int, default=10, help="turns that each size gets (default 10)")
    parser.add_argument("--folder", type=Path, help="where the indexes are made (default: the system's for temporary)")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=given.folder) as folder:
        print(report(measure(Path(folder), given.seconds, given.rate, given.rounds)))


if __name__ == "__main__":
    main()
