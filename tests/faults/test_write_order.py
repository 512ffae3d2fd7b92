"""In which order a job's steps get to the disk: what is durable before what, so that any part of them will do.

These orders are held without a disk that loses its power; what they are worth on one shows `test_power_cut.py`.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from pathlib import Path

import pytest

from pdfocr_watcher.config.model import Config
from pdfocr_watcher.document.model import Block, Box, FailedPage, Label, Page
from pdfocr_watcher.errors import ErrorCode
from pdfocr_watcher.inbox.claim import Claimer
from pdfocr_watcher.inbox.sweep import Signature
from pdfocr_watcher.jobs import steps
from pdfocr_watcher.jobs.checkpoint import write_failed_page, write_page
from pdfocr_watcher.jobs.delivery import deliver, take_back
from pdfocr_watcher.jobs.folder import JobFolder
from pdfocr_watcher.jobs.model import JobStatus, Stage, Status
from pdfocr_watcher.jobs.status_file import write_status
from pdfocr_watcher.jobs.steps import Point, Step
from pdfocr_watcher.pipeline.assembly import assemble
from pdfocr_watcher.pipeline.opening import Opener
from tests.faults.arming.roles import role
from tests.pipeline.doubles import FakeRasterizer

_NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
_JOB = "20260102T030405Z-abcdef01"
_FIGURE = Page(0, 800, 1000, 100.0, (Block(Label.IMAGE, (Box(0, 0, 500, 500),), ""),))
Trace = list[str]


@pytest.fixture
def trace(monkeypatch: pytest.MonkeyPatch) -> Trace:
    """The steps that were taken, each when it was over, as `rename JOB/input.pdf`."""
    taken: Trace = []

    def watch(step: Step, point: Point, path: Path) -> None:
        if point is Point.AFTER:
            taken.append(f"{step} {role(path)}")

    monkeypatch.setattr(steps, "watcher", watch)
    return taken


@pytest.fixture(params=["one file system", "two file systems"])
def away(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """Where the inbox or the results lie; the jobs are in `tmp_path`."""
    return tmp_path if request.param == "one file system" else request.getfixturevalue("elsewhere")


def _assert_in_order(trace: Trace, wanted: Sequence[str]) -> None:
    """Each wanted step, a shell pattern, was taken after the one before it; others may have come between."""
    rest = iter(trace)
    for step in wanted:
        assert any(fnmatchcase(taken, step) for taken in rest), f"{step}, in its place in {trace}"


def _status(**values: object) -> JobStatus:
    given = {
        "job_id": _JOB, "status": Status.PENDING, "stage": Stage.QUEUED, "filename": "a.pdf", "source": "in/a.pdf",
        "bytes": 5, "created_at": _NOW, "updated_at": _NOW,
    }  # fmt: skip
    return JobStatus.model_validate({**given, **values})


def _job(jobs: Path, status: JobStatus) -> JobFolder:
    folder = JobFolder(jobs / _JOB)
    folder.path.mkdir(parents=True)
    write_status(folder.path, status)
    (folder.path / "input.pdf").write_bytes(b"%PDF-")
    return folder


def test_a_claim_is_durable_before_its_file_is_anywhere_else(tmp_path: Path, away: Path, trace: Trace) -> None:
    jobs, source = tmp_path / "jobs", away / "inbox" / "in" / "a.pdf"
    jobs.mkdir()
    source.parent.mkdir(parents=True)
    source.write_bytes(b"%PDF-")
    claimer = Claimer(away / "inbox", jobs, tmp_path / "outbox", tmp_path / "failed", set())
    assert claimer.claim("in/a.pdf", Signature.of(source.stat()), _NOW) is not None
    written = ["make_folder jobs/JOB", *_written("JOB/{}status.json", "jobs/JOB"), f"sync_folder {role(jobs)}"]
    if away == tmp_path:
        moved = ["rename JOB/input.pdf", "sync_folder jobs/JOB", "sync_folder inbox/in"]
    else:
        moved = [
            *_written("JOB/{}claim.json", "jobs/JOB"),
            *_written("JOB/{}input.pdf", "jobs/JOB"),
            "remove_file in/*",
            "sync_folder inbox/in",
            "remove_file JOB/claim.json",
        ]
    _assert_in_order(trace, [*written, *moved])


def _written(name: str, folder: str) -> list[str]:
    """How a file gets its name, for good."""
    temporary, final = name.format("temporary "), name.format("")
    return [f"write {temporary}", f"sync_file {temporary}", f"rename {final}", f"sync_folder {folder}"]


def test_a_file_is_durable_before_its_pages_are_read(tmp_path: Path, trace: Trace) -> None:
    """Who dropped it need not have synced it; a result whose PDF is empty after a power cut would have eaten it."""
    folder = _job(tmp_path / "jobs", _status())
    rasterizer = FakeRasterizer()
    Opener(Config(), (rasterizer,), lambda _: None).open(folder, _status())
    _assert_in_order(trace, ["sync_file JOB/input.pdf", "inspect JOB/input.pdf"])


def test_a_file_that_is_refused_is_durable_before_it_is_delivered(tmp_path: Path, trace: Trace) -> None:
    status = _status(status=Status.FAILED, stage=Stage.DONE)
    deliver(_job(tmp_path / "jobs", status), status, tmp_path / "outbox", tmp_path / "failed")
    _assert_in_order(trace, ["sync_file JOB/input.pdf", "rename in/a.ID"])


def test_a_page_is_done_with_only_when_all_that_is_of_it_is_durable(tmp_path: Path, trace: Trace) -> None:
    folder = JobFolder(tmp_path / "jobs" / _JOB)
    folder.path.mkdir(parents=True)
    write_page(folder, _FIGURE, b"picture", {"0_0.jpg": b"figure"})
    _assert_in_order(
        trace,
        [
            "make_folder JOB/images",
            "sync_folder jobs/JOB",
            *_written("images/{}FIGURE.jpg", "JOB/images"),
            "make_folder JOB/pages",
            "sync_folder jobs/JOB",
            *_written("pages/{}PAGE.jpg", "")[:-1],
            *_written("pages/{}PAGE.json", "JOB/pages"),
        ],
    )


def test_what_an_earlier_reading_left_is_gone_before_the_page_is_done_with(tmp_path: Path, trace: Trace) -> None:
    folder = JobFolder(tmp_path / "jobs" / _JOB)
    folder.images.mkdir(parents=True)
    (folder.images / "0_0.jpg").touch()
    write_failed_page(folder, FailedPage(0, ErrorCode.ENGINE_FAILED, "why"))
    _assert_in_order(
        trace,
        ["remove_file images/FIGURE.jpg", "sync_folder JOB/images", *_written("pages/{}PAGE.json", "JOB/pages")],
    )


def test_the_outputs_are_durable_when_they_are_put_together(tmp_path: Path, trace: Trace) -> None:
    folder = JobFolder(tmp_path / "jobs" / _JOB)
    folder.path.mkdir(parents=True)
    write_failed_page(folder, FailedPage(0, ErrorCode.ENGINE_FAILED, "why"))
    trace.clear()
    assemble(folder, 1)
    for name in ("output.mmd", "output_det.mmd", "output_layouts.pdf"):
        steps_of_it = _written(f"JOB/{{}}{name}", "jobs/JOB")
        _assert_in_order(trace, steps_of_it[1:])


def test_a_status_is_durable_before_the_next_step(tmp_path: Path, trace: Trace) -> None:
    (tmp_path / "jobs" / _JOB).mkdir(parents=True)
    write_status(tmp_path / "jobs" / _JOB, _status())
    assert trace == _written("JOB/{}status.json", "jobs/JOB")


def _moved(target: str, parent: str, files: Sequence[str], source_parent: str, *, far: bool) -> list[str]:
    """How a folder comes to its place, for good, and only then leaves the other."""
    if not far:
        return [f"rename {target}", f"sync_folder {parent}", f"sync_folder {source_parent}"]
    copied = [step for name in files for step in (f"write {name}", f"sync_file {name}")]
    temporary = files[0].split("/")[0]
    return [
        *copied,
        f"sync_folder {parent.rsplit('/', maxsplit=1)[-1]}/{temporary}",
        f"rename {target}",
        f"sync_folder {parent}",
    ]


def test_a_result_is_durable_in_its_place_before_its_job_is_gone(tmp_path: Path, away: Path, trace: Trace) -> None:
    status = _status(status=Status.COMPLETED, stage=Stage.DONE)
    folder = _job(tmp_path / "jobs", status)
    trace.clear()
    deliver(folder, status, away / "outbox", away / "failed")
    made = ["make_folder outbox/in", f"sync_folder {role(away / 'outbox')}"]
    files = ["temporary TARGET/status.json"]
    moved = _moved("in/a.ID", "outbox/in", files, role(tmp_path / "jobs"), far=away != tmp_path)
    gone = ["rename jobs/temporary JOB", f"sync_folder {role(tmp_path / 'jobs')}", "remove_tree jobs/temporary JOB"]
    _assert_in_order(trace, [*made, *moved, *(gone if away != tmp_path else [])])


def test_a_job_that_is_taken_back_is_durable_before_its_result_is_gone(
    tmp_path: Path, away: Path, trace: Trace
) -> None:
    status = _status(status=Status.FAILED, stage=Stage.DONE)
    result = deliver(_job(tmp_path / "jobs", status), status, away / "outbox", away / "failed")
    trace.clear()
    take_back(result, away / "failed", tmp_path / "jobs", status, _NOW)
    jobs = role(tmp_path / "jobs")
    moved = _moved("jobs/JOB", jobs, ["temporary TARGET/status.json"], "failed/in", far=away != tmp_path)
    gone = ["rename in/temporary a.ID", "sync_folder failed/in", "remove_tree in/temporary a.ID"]
    _assert_in_order(
        trace,
        [*moved, *(gone if away != tmp_path else []), *_written("JOB/{}status.json", "jobs/JOB")],
    )
