"""Putting the results of a job together, though workers are lost over it."""

from types import SimpleNamespace

import pytest

from pdfocr_watcher.errors import ErrorCode, PdfocrError
from pdfocr_watcher.jobs.folder import JobFolder
from pdfocr_watcher.jobs.model import Output
from pdfocr_watcher.jobs.settings import JobSettings
from pdfocr_watcher.pipeline.finishing import Finisher

WANTED = (Output.DOCUMENT, Output.SEARCHABLE_PDF)


class LosesWorkers:
    """Loses its workers so many times, and then does what it is told."""

    def __init__(self, times):
        self.left = times
        self.asked = []

    async def call(self, task, _timeout, *, urgent):
        assert urgent
        self.asked.append(tuple(task.outputs))
        if self.left:
            self.left -= 1
            raise PdfocrError(ErrorCode.ENGINE_OUT_OF_MEMORY)
        return {"images": 0, "written": list(task.outputs), "left_out": {}}


class SoundStorage:
    async def suspect(self, error, *_files):
        return error


@pytest.fixture
def job(tmp_path):
    said = {}
    return SimpleNamespace(
        job_id="1", folder=JobFolder(tmp_path), input=tmp_path / "input.pdf", sizes=(1,), cancelled=False, said=said,
        settings=JobSettings(), status=SimpleNamespace(failed_pages=()),
        change=lambda _now, **values: said.update(values),
    )  # fmt: skip


def finisher(reader):
    return Finisher(reader, SoundStorage(), None, WANTED, 1.0, lambda: None)


async def test_a_worker_that_is_lost_once_costs_nothing(job):
    assert await finisher(LosesWorkers(1)).finish(job) is None
    assert (job.said["outputs"].searchable_pdf, job.said["outputs"].left_out) == ("output_searchable.pdf", {})


async def test_when_it_is_lost_again_what_opens_the_strangers_file_is_left_out(job):
    reader = LosesWorkers(2)
    assert await finisher(reader).finish(job) is None
    assert reader.asked == [WANTED, WANTED, (Output.DOCUMENT,)]
    assert (job.said["outputs"].document, job.said["outputs"].searchable_pdf) == ("output.json", None)
    assert set(job.said["outputs"].left_out) == {Output.SEARCHABLE_PDF}


async def test_a_job_over_which_workers_are_lost_for_ever_fails(job):
    error = await finisher(LosesWorkers(99)).finish(job)
    assert error.code is ErrorCode.ASSEMBLY_FAILED
