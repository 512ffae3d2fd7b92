"""What must be so once a daemon has come to its end after a crash: one result, the right one, and nothing beside it."""

import json
import os
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path

from tests.end_to_end.harness import Site, temporary_files
from tests.faults.armed import Run

#: What lies in jobs/ beside the jobs, as long as there are daemons.
OF_THE_DAEMON = {".lock", ".requests", ".inbox-mount"}
#: What a result holds whatever its pages are, but for its status.
_OUTPUTS = (
    "output.mmd",
    "output_det.mmd",
    "output_layouts.pdf",
    "output.json",
    "report.html",
    "input.pdf",
    "output_searchable.pdf",
)


def pages_done(site: Site) -> set[int]:
    """The pages, counted from 0, whose checkpoint is on disk."""
    return {int(path.stem) for path in site.jobs.glob("*/pages/[0-9]*.json")}


def pages_read(run: Run) -> list[int]:
    """The pages that a run had read by the engine."""
    return [int(Path(where).stem) for name, where in run.passed if name.startswith("before recognize")]


def outputs_of(folder: Path, pages: int) -> dict[str, bytes]:
    """The files of a result, but for its status, of a document with a figure and a line on each of its pages."""
    numbered = [name for page in range(pages) for name in (f"images/{page}_0.jpg", f"report/{page:04d}.jpg")]
    return {name: (folder / name).read_bytes() for name in (*_OUTPUTS, *numbered)}


def what_is_wrong(
    site: Site, source: str, expected: Mapping[str, bytes], done: Collection[int], again: Run
) -> Iterator[str]:
    """Everything in which the state after the last run differs from what must be.

    Args:
        site: with one file dropped.
        source: its path relative to the inbox.
        expected: the files of an undisturbed result, but for its status.
        done: the pages that had a checkpoint before the last run.
        again: the last run.
    """
    if again.returncode != 0:
        yield f"exit status {again.returncode}: {again.log}"
    try:
        results = site.results()
    except ValueError as error:
        yield f"a status that is none: {error}"
        return
    if len(results) != 1:
        yield f"{len(results)} results: {again.log}"
    for job in results:
        if (job.status["status"], job.status["source"]) != ("completed", source):
            yield f"{job.status['source']} is {job.status['status']}: {job.status['error_message']}"
        differing = [name for name in expected if not _equal(job.folder / name, expected[name])]
        names = {"status.json", *(name.split("/")[0] for name in expected)}
        if differing or set(os.listdir(job.folder)) != names:
            yield f"{differing} differ in {sorted(os.listdir(job.folder))}"
    if read_twice := set(done).intersection(pages_read(again)):
        yield f"pages {read_twice} were checkpointed and read again"
    yield from what_is_left(site)
    tables = json.loads((site.root / "index.json").read_bytes())
    if (indexed := [len(table) for table in tables.values()]) != [1]:
        yield f"the index has {indexed} jobs"


def what_is_left(site: Site) -> Iterator[str]:
    """Everything that lies beside the results and that no undisturbed run leaves."""
    if left := [path for path in site.jobs.iterdir() if path.name not in OF_THE_DAEMON]:
        yield f"left in jobs: {left}"
    if left := [path for path in site.inbox.rglob("*") if not path.is_dir() or path.name.startswith(".")]:
        yield f"left in the inbox: {left}"
    if left := temporary_files(site.root, site.inbox, site.outbox, site.failed):
        yield f"temporary files: {left}"


def _equal(path: Path, content: bytes) -> bool:
    return path.is_file() and path.read_bytes() == content
