"""Pages go through: whatever fails costs as little as it can, and what was done is never done again.

The workers are real processes (engine null), the renderer does as the test tells it.
"""

import asyncio
import errno
import os
import shutil
import signal

import pytest
import structlog

from pdfocr_watcher.config.choices import OnDuplicate
from pdfocr_watcher.config.model import Config, Folders, Inbox, Job, Render
from pdfocr_watcher.config.model import Engine as EngineConfig
from pdfocr_watcher.errors import ErrorCode, PdfocrError
from pdfocr_watcher.jobs.index import JobIndex
from pdfocr_watcher.jobs.model import Output, Stage, Status
from pdfocr_watcher.jobs.settings import JobSettings
from pdfocr_watcher.jobs.status_file import read_status
from pdfocr_watcher.pipeline import storage, workers
from pdfocr_watcher.pipeline.active import ActiveJob, utc_now
from pdfocr_watcher.pipeline.journal import StatusJournal
from pdfocr_watcher.pipeline.opening import Earlier, Opener
from pdfocr_watcher.pipeline.process import Pipeline
from pdfocr_watcher.pipeline.rendering import PageSize
from pdfocr_watcher.pipeline.storage import Storage
from pdfocr_watcher.pipeline.workers import WorkerPool
from tests.pipeline.doubles import CARD, NULL_WORKER, PATIENCE, FakeRasterizer, claimed_job, until

OUTPUTS = ("output.mmd", "output_det.mmd", "output_layouts.pdf")


class Rig:
    """A pipeline with all that it needs, running."""

    def __init__(self, root, rasterizers, config, workers=1, renderers=2):
        self.jobs = root / "jobs"
        self.rasterizers = rasterizers
        self.ended = []
        self.earlier = None
        self.pool = WorkerPool(NULL_WORKER, workers, 30.0)
        self.index = JobIndex(root / "index.json", 100)
        self.storage = Storage(self.jobs, "0" * 12)
        self.journal = StatusJournal(self.index, None, utc_now, self.storage)
        opener = Opener(config, rasterizers, lambda _sha256: self.earlier)
        self.pipeline = Pipeline(
            config, rasterizers, self.pool, self.journal, self.storage, opener, self._ended, utc_now, renderers
        )
        self._run = None
        self._journal_run = None

    async def _ended(self, job):
        self.ended.append(job)

    def start(self):
        self.pool.start()
        self._run = asyncio.create_task(self.pipeline.run())
        self._journal_run = asyncio.create_task(self.journal.run(self.pipeline.in_work))

    def claim(self, number=1, **options):
        job = claimed_job(self.jobs, number, **options)
        self.pipeline.add(job)
        return job

    async def end_of(self, job, patience=PATIENCE):
        await until(lambda: job in self.ended or self._run.done(), patience)
        if self._run.done():
            self._run.result()
        assert job in self.ended
        return job.status

    async def stop(self, grace=0.0):
        if self._run is None:
            return
        self._run.cancel()
        await asyncio.gather(self._run, return_exceptions=True)
        try:
            await asyncio.wait_for(self.pipeline.stop(grace), PATIENCE)
        finally:
            for rasterizer in self.rasterizers:
                rasterizer.let_go()
            await self.pool.stop()
        self._journal_run.cancel()
        await asyncio.gather(self._journal_run, return_exceptions=True)
        self.journal.close()
        self._run = None


def configured(*, queue=24, ranges=8, attempts=2, success=0.5, page_timeout=60.0, duplicate=OnDuplicate.PROCESS):
    return Config(
        folders=Folders(),
        inbox=Inbox(on_duplicate=duplicate),
        job=Job(page_attempts=attempts, min_page_success=success),
        render=Render(queue_pages=queue, range_pages=ranges, dpi=100),
        engine=EngineConfig(page_timeout_seconds=page_timeout),
    )


@pytest.fixture
async def rig(tmp_path, monkeypatch):
    """Make running pipelines; they are stopped at the end."""
    for pause in ("_RETRY", "_ALONE", "_LINGER"):
        monkeypatch.setattr(storage, pause, 0.05)
    monkeypatch.setattr(workers, "_GRACE", 0.2)
    made = []

    def make(*rasterizers, root=tmp_path, config=None, **options):
        made.append(Rig(root, rasterizers or (FakeRasterizer(),), config or configured(), **options))
        made[-1].start()
        return made[-1]

    yield make
    for one in made:
        await one.stop()


def outputs(job):
    return {name: (job.folder.path / name).read_bytes() for name in OUTPUTS}


def on_disk(job):
    return read_status(job.folder.path)


def error_on(*pages, code=ErrorCode.RENDER_FAILED):
    """Trouble whenever one of these pages is rendered."""
    return lambda asked: PdfocrError(code, "bad page") if set(asked) & set(pages) else None


class Times:
    """Trouble the first few times."""

    def __init__(self, count, error):
        self.left = count
        self.error = error

    def __call__(self, _what):
        self.left -= 1
        return self.error if self.left >= 0 else None


async def test_a_document_goes_through(rig):
    work = rig(FakeRasterizer((CARD,) * 20), workers=2)
    job = work.claim()
    status = await work.end_of(job)

    assert (status.status, status.stage, status.attempts) == (Status.COMPLETED, Stage.DONE, 1)
    assert (status.total_pages, status.processed_pages, status.failed_pages) == (20, 20, ())
    assert status.outputs is not None
    assert (status.outputs.layouts, status.outputs.document) == ("output_layouts.pdf", "output.json")
    assert set(status.outputs.left_out) == {Output.SEARCHABLE_PDF}  # the engine null tells no lines
    assert status.engine.name == "null"
    assert status.sha256 is not None
    assert on_disk(job).model_dump_json() == status.model_dump_json()
    assert job.folder.markdown.read_text().count("<--- Page Split --->") == 20
    assert work.pipeline.throughput.pages == 20
    assert work.pipeline.jobs == {}
    assert list(job.folder.rasters.glob("*/*.ppm")) == []


async def test_what_a_page_needs_to_be_read_is_said_once_a_job(rig, monkeypatch):
    rig = rig()
    read = rig.pool.call

    async def call(task, timeout, *, urgent=False):  # noqa: ASYNC109 - as the pool's
        return {**await read(task, timeout, urgent=urgent), "remark": "Install Thai."}

    monkeypatch.setattr(rig.pool, "call", call)
    with structlog.testing.capture_logs() as lines:
        await rig.end_of(rig.claim())
    (said,) = [line for line in lines if line["event"] == "page.remark"]
    assert said["remark"] == "Install Thai."
    assert said["log_level"] == "warning"


async def test_every_page_is_rendered_once_in_ranges(rig):
    renderer = FakeRasterizer((CARD,) * 20)
    work = rig(renderer)
    await work.end_of(work.claim())
    assert sorted(renderer.pages) == list(range(20))
    assert max(len(pages) for pages, _ in renderer.turns) == 8


async def test_progress_counts_page_by_page_on_disk(rig):
    renderer = FakeRasterizer((CARD,) * 3, held=frozenset({0, 1, 2}))
    work = rig(renderer)
    job = work.claim()
    await until(lambda: renderer.in_hand(0))
    await until(lambda: on_disk(job).stage is Stage.RECOGNIZING)
    assert (on_disk(job).status, on_disk(job).processed_pages) == (Status.PROCESSING, 0)
    for index in range(2):
        await renderer.release(index)
        await until(lambda done=index + 1: on_disk(job).processed_pages == done)
        assert on_disk(job).eta_seconds is not None
    assert on_disk(job).total_pages == 3
    await renderer.release(2)
    assert (await work.end_of(job)).processed_pages == 3


async def test_pages_of_another_size_are_rendered_at_a_resolution_of_their_own(rig):
    poster = PageSize(10_000, 10_000)
    renderer = FakeRasterizer((CARD, CARD, poster, CARD))
    work = rig(renderer, renderers=1)
    await work.end_of(work.claim())
    assert [pages for pages, _ in renderer.turns] == [range(2), range(2, 3), range(3, 4)]
    assert [dpi == 100 for _, dpi in renderer.turns] == [True, False, True]


async def test_a_job_that_has_ended_is_in_hand_until_it_is_handed_on(rig, monkeypatch):
    """Or `once` would take the work for done while the disk is slow with the last status."""
    one = rig()
    commit, disk = one.journal.commit, asyncio.Event()

    async def slow(job):
        if job.status.status.finished:
            await disk.wait()
        await commit(job)

    monkeypatch.setattr(one.journal, "commit", slow)
    job = one.claim()
    await until(lambda: job.status.status.finished)
    assert one.pipeline.busy
    assert one.ended == []
    disk.set()
    await one.end_of(job)
    await until(lambda: not one.pipeline.busy)


async def test_a_page_that_fails_is_tried_by_the_other_renderer_and_costs_nothing_if_that_can(rig):
    first = FakeRasterizer((CARD,) * 4, trouble=error_on(2))
    second = FakeRasterizer((CARD,) * 4, name="second")
    work = rig(first, second)
    status = await work.end_of(work.claim())
    assert (status.status, status.failed_pages) == (Status.COMPLETED, ())
    # nobody knows which page made the first one fail, so the second is given all that are missing
    assert 2 in second.pages
    assert sorted({*first.pages, *second.pages}) == [0, 1, 2, 3]


async def test_a_page_that_fails_everywhere_is_tried_as_often_as_configured_and_costs_only_itself(rig):
    first = FakeRasterizer((CARD,) * 4, trouble=error_on(2))
    second = FakeRasterizer((CARD,) * 4, name="second", trouble=error_on(2, code=ErrorCode.RENDER_TIMEOUT))
    work = rig(first, second, config=configured(attempts=4))
    job = work.claim()
    status = await work.end_of(job)

    alone = [pages for pages, _ in first.turns if pages == range(2, 3)]
    alone_by_second = [pages for pages, _ in second.turns if pages == range(2, 3)]
    assert (len(alone), len(alone_by_second)) == (2, 2)
    (failed,) = status.failed_pages
    assert (failed.page, failed.code) == (3, ErrorCode.RENDER_TIMEOUT)
    assert "bad page" in failed.message
    assert (status.status, status.processed_pages) == (Status.COMPLETED, 4)
    assert on_disk(job).failed_pages == status.failed_pages
    parts = job.folder.markdown.read_text().split("<--- Page Split --->")
    assert ["could not be read" in part for part in parts] == [False, False, True, False, False]


async def test_a_page_that_the_renderer_left_out_is_tried_alone_and_the_others_are_kept(rig):
    renderer = FakeRasterizer((CARD,) * 4, never=frozenset({1}))
    work = rig(renderer, config=configured(attempts=2))
    status = await work.end_of(work.claim())
    assert [pages for pages, _ in renderer.turns] == [range(4), range(1, 2), range(1, 2)]
    assert [(page.page, page.code) for page in status.failed_pages] == [(2, ErrorCode.RENDER_FAILED)]


async def test_a_defect_of_a_renderer_costs_the_page_and_not_the_job(rig):
    def defect(pages):
        return ZeroDivisionError("a defect") if 1 in pages else None

    work = rig(FakeRasterizer((CARD,) * 4, trouble=defect))
    status = await work.end_of(work.claim())
    assert status.status is Status.COMPLETED
    assert [(page.page, page.code) for page in status.failed_pages] == [(2, ErrorCode.INTERNAL)]


async def test_a_defect_while_a_document_is_opened_costs_that_document_alone(rig):
    renderer = FakeRasterizer(inspecting=Times(1, ZeroDivisionError("a defect")))
    work = rig(renderer, renderers=1)
    first, second = work.claim(1), work.claim(2)
    assert (await work.end_of(first)).error_code is ErrorCode.INTERNAL
    assert on_disk(first).status is Status.FAILED
    assert (await work.end_of(second)).status is Status.COMPLETED


async def test_a_page_that_hangs_in_the_engine_is_given_up_and_the_others_are_read(rig):
    renderer = FakeRasterizer((CARD,) * 3, held=frozenset({1}))
    work = rig(renderer, config=configured(attempts=1, page_timeout=3.0))
    status = await work.end_of(work.claim())
    assert [(page.page, page.code) for page in status.failed_pages] == [(2, ErrorCode.ENGINE_TIMEOUT)]
    assert status.status is Status.COMPLETED


async def test_a_page_on_which_the_engine_dies_is_tried_again(rig):
    first = FakeRasterizer((CARD,) * 2, held=frozenset({0}))
    second = FakeRasterizer((CARD,) * 2, name="second")
    work = rig(first, second)
    job = work.claim()
    await until(lambda: first.in_hand(0))
    os.kill(work.pool.pids[0], signal.SIGKILL)
    status = await work.end_of(job)
    assert (status.status, status.failed_pages) == (Status.COMPLETED, ())


@pytest.mark.parametrize(("bad", "expected"), [((1, 2), Status.COMPLETED), ((0, 1, 2), Status.FAILED)])
async def test_a_job_is_completed_when_enough_of_its_pages_were_read(rig, bad, expected):
    work = rig(FakeRasterizer((CARD,) * 4, trouble=error_on(*bad)), config=configured(attempts=1, success=0.5))
    job = work.claim()
    status = await work.end_of(job)
    assert status.status is expected
    assert len(status.failed_pages) == len(bad)
    if expected is Status.FAILED:
        assert status.error_code is ErrorCode.TOO_FEW_PAGES
        assert "1 of 4" in status.error_message
    assert all(outputs(job).values())


async def test_a_document_of_which_nothing_was_read_may_count_as_completed_where_the_configuration_says_so(rig):
    work = rig(FakeRasterizer(trouble=error_on(0)), config=configured(attempts=1, success=0.0))
    assert (await work.end_of(work.claim())).status is Status.COMPLETED


@pytest.mark.parametrize(
    "error", [OSError(28, "no space"), PdfocrError(ErrorCode.STORAGE_FAILED, "no space")], ids=["raised", "told"]
)
@pytest.mark.parametrize("pages", [1, 4])
async def test_a_disk_that_refuses_a_raster_is_tried_again_and_no_page_pays_for_it(rig, error, pages):
    work = rig(FakeRasterizer((CARD,) * pages, trouble=Times(6, error)), config=configured(attempts=1))
    status = await work.end_of(work.claim())
    assert (status.status, status.failed_pages) == (Status.COMPLETED, ())


async def test_a_disk_that_refuses_is_said_for_as_long_as_it_does(rig):
    work = rig(FakeRasterizer(), config=configured(attempts=1))
    job = claimed_job(work.jobs)
    job.folder.pages.write_bytes(b"in the way")
    work.pipeline.add(job)
    await until(lambda: work.pipeline.trouble is not None)
    assert job.status.status is Status.PROCESSING
    job.folder.pages.unlink()
    status = await work.end_of(job)
    assert (status.status, status.failed_pages, status.attempts) == (Status.COMPLETED, (), 1)
    assert work.pipeline.trouble is None


async def test_results_that_a_disk_refuses_are_put_together_later(rig):
    work = rig()
    job = claimed_job(work.jobs)
    job.folder.markdown.mkdir()
    work.pipeline.add(job)
    await until(lambda: work.pipeline.trouble is not None)
    await asyncio.sleep(0.1)
    assert job.job_id in {active.job_id for active in work.pipeline.in_work()}
    job.folder.markdown.rmdir()
    assert (await work.end_of(job)).status is Status.COMPLETED
    assert work.pipeline.trouble is None


async def test_a_document_that_cannot_be_looked_at_now_is_looked_at_later(rig):
    work = rig(FakeRasterizer(inspecting=Times(2, OSError(5, "input/output error"))))
    status = await work.end_of(work.claim())
    assert (status.status, status.attempts) == (Status.COMPLETED, 1)


async def test_a_document_that_cannot_be_opened_fails_with_the_reason_and_its_checksum_is_not_needed(rig):
    work = rig(FakeRasterizer(inspecting=lambda _pdf: PdfocrError(ErrorCode.PDF_ENCRYPTED)))
    job = work.claim()
    status = await work.end_of(job)
    assert (status.status, status.error_code) == (Status.FAILED, ErrorCode.PDF_ENCRYPTED)
    assert on_disk(job).model_dump_json() == status.model_dump_json()


async def test_results_that_cannot_be_put_together_fail_the_job_and_are_said_once(rig):
    renderer = FakeRasterizer((CARD,) * 2, held=frozenset({1}))
    work = rig(renderer)
    job = work.claim()
    await until(lambda: on_disk(job).processed_pages == 1)
    job.folder.checkpoint(0).unlink()
    await renderer.release(1)
    status = await work.end_of(job)
    assert (status.status, status.error_code) == (Status.FAILED, ErrorCode.ASSEMBLY_FAILED)
    assert "Page 1" in status.error_message
    assert status.error_message.count("could not be put together") == 1


async def test_rasters_that_exist_are_never_more_than_allowed(rig):
    renderer = FakeRasterizer((CARD,) * 40, never=frozenset({7, 21}))
    work = rig(renderer, config=configured(queue=6, ranges=4, attempts=1), workers=2, renderers=3)
    jobs = [work.claim(number) for number in (1, 2)]
    for job in jobs:
        await work.end_of(job, 20)
    assert 0 < renderer.most <= 6
    assert work.pipeline.rasters_peak <= 6
    assert work.pipeline._slots.taken == 0


async def test_a_letter_overtakes_a_book(rig):
    renderer = FakeRasterizer((CARD,) * 300)
    letters = FakeRasterizer((CARD,))
    renderer.inspecting = lambda pdf: PdfocrError(ErrorCode.PDF_DAMAGED) if b"letter" in pdf.read_bytes() else None
    work = rig(renderer, letters, config=configured(queue=12, ranges=4))
    book = work.claim(1, content=b"%PDF book")
    await until(lambda: book.status.processed_pages > 20)
    letter = work.claim(2, content=b"%PDF letter")
    await work.end_of(letter)
    assert book.status.processed_pages < 200
    assert (await work.end_of(book, 30)).status is Status.COMPLETED


async def test_a_cancelled_job_is_let_go_though_a_page_of_it_hangs_and_the_others_go_on(rig):
    renderer = FakeRasterizer((CARD,) * 12, held=frozenset({0}))
    work = rig(renderer, config=configured(queue=8))
    job = work.claim(1)
    await until(lambda: renderer.in_hand(0))

    assert await asyncio.wait_for(work.pipeline.cancel(job.job_id), PATIENCE) is job
    assert job.job_id not in work.pipeline.jobs
    assert job.in_flight == 0
    await renderer.release(0)
    assert job.status.processed_pages <= 1
    renderer.held = frozenset()
    other = work.claim(2)
    await work.end_of(other)
    assert work.ended == [other]
    assert work.pipeline._slots.taken == 0


async def test_a_job_that_waits_is_cancelled_at_once_and_one_that_is_not_there_is_none(rig):
    renderer = FakeRasterizer(held=frozenset({0}))
    work = rig(renderer, config=configured(queue=1, ranges=1))
    first = work.claim(1)
    await until(lambda: renderer.in_hand(0))
    waiting = work.claim(2)
    assert await asyncio.wait_for(work.pipeline.cancel(waiting.job_id), PATIENCE) is waiting
    assert await work.pipeline.cancel(waiting.job_id) is None
    await renderer.release(0)
    await work.end_of(first)


async def test_a_job_that_is_cancelled_while_a_disk_refuses_it_does_not_disturb_the_others(rig):
    renderer = FakeRasterizer(inspecting=Times(1, OSError(5, "input/output error")))
    work = rig(renderer)
    job = work.claim(1)
    await until(lambda: work.pipeline.trouble is not None)
    await asyncio.wait_for(work.pipeline.cancel(job.job_id), PATIENCE)
    assert (await work.end_of(work.claim(2))).status is Status.COMPLETED


async def test_a_cancelled_job_whose_results_a_disk_refuses_is_let_go_only_when_nobody_works_on_it(rig):
    work = rig()
    job = claimed_job(work.jobs)
    job.folder.markdown.mkdir()
    work.pipeline.add(job)
    await until(lambda: work.pipeline.trouble is not None)
    assert await asyncio.wait_for(work.pipeline.cancel(job.job_id), PATIENCE) is job
    assert not work.pipeline._tasks


async def test_a_stop_puts_jobs_back_and_the_next_run_reads_only_what_is_missing(rig, tmp_path):
    sizes = (CARD,) * 12
    whole = rig(FakeRasterizer(sizes), root=tmp_path / "whole")
    reference = whole.claim()
    await whole.end_of(reference)

    renderer = FakeRasterizer(sizes, held=frozenset({5}))
    first = rig(renderer, root=tmp_path / "stopped", renderers=1)
    job = first.claim()
    await until(lambda: on_disk(job).processed_pages == 5)
    await until(lambda: renderer.in_hand(5))
    waiting = first.claim(2)
    await first.stop()
    assert first.ended == []
    for one in (job, waiting):
        status = on_disk(one)
        assert (status.status, status.stage, status.attempts) == (Status.PENDING, Stage.QUEUED, 0)
    done = job.folder.checkpointed()
    assert {0, 1, 2, 3, 4} <= done

    renderer = FakeRasterizer(sizes)
    second = rig(renderer, root=tmp_path / "stopped")
    resumed = ActiveJob(on_disk(job), job.folder)
    second.pipeline.add(resumed)
    status = await second.end_of(resumed)

    assert sorted(renderer.pages) == sorted(set(range(12)) - done)
    assert (status.status, status.processed_pages, status.attempts) == (Status.COMPLETED, 12, 1)
    assert outputs(resumed) == outputs(reference)


async def test_a_stop_waits_for_the_page_in_a_workers_hand_and_drops_those_that_wait(rig):
    renderer = FakeRasterizer((CARD,) * 4, held=frozenset({0}))
    work = rig(renderer)
    job = work.claim()
    await until(lambda: renderer.in_hand(0))
    stopping = asyncio.create_task(work.stop(PATIENCE))
    await asyncio.sleep(0.05)
    assert not stopping.done()
    await renderer.release(0)
    await asyncio.wait_for(stopping, PATIENCE)
    assert job.folder.checkpointed() == {0}
    assert (on_disk(job).status, on_disk(job).processed_pages) == (Status.PENDING, 1)


async def test_a_stop_leaves_the_status_of_jobs_that_were_not_begun_as_it_is(rig):
    renderer = FakeRasterizer(held=frozenset({0}))
    work = rig(renderer, config=configured(queue=1, ranges=1), renderers=1)
    first = work.claim(1)
    await until(lambda: renderer.in_hand(0))
    await asyncio.sleep(0.1)
    late = [work.claim(number) for number in range(2, 6)]
    begun = [job for job in late if job.status.status is not Status.PENDING]
    files = {job.job_id: (job.folder.path / "status.json").stat().st_ino for job in late if job not in begun}
    assert files
    await work.stop()
    for job in late:
        if job.job_id in files:
            assert (job.folder.path / "status.json").stat().st_ino == files[job.job_id]
    assert on_disk(first).status is Status.PENDING


async def test_a_stop_does_not_wait_for_ever_for_a_disk_that_refuses_a_status(rig):
    renderer = FakeRasterizer(held=frozenset({0}))
    work = rig(renderer)
    job = work.claim()
    await until(lambda: renderer.in_hand(0))
    path = job.folder.path / "status.json"
    path.unlink()
    (path / "in the way").mkdir(parents=True)
    await work.stop()


async def test_a_job_whose_folder_somebody_removed_costs_only_itself(rig):
    work = rig(FakeRasterizer(), renderers=1)
    gone = claimed_job(work.jobs, 1)
    gone.folder.path.rename(work.jobs / "taken away")
    work.pipeline.add(gone)
    other = work.claim(2)
    assert (await work.end_of(other, 4)).status is Status.COMPLETED
    await until(lambda: gone.job_id not in work.pipeline.jobs, 4)


@pytest.mark.parametrize("page", [0, 2], ids=["first page", "last page"])
async def test_a_job_whose_folder_somebody_removes_in_the_middle_of_its_work_ends_and_does_not_come_back(
    rig, tmp_path, page
):
    renderer = FakeRasterizer((CARD,) * 3, held=frozenset({page}))
    work = rig(renderer, config=configured(ranges=1, queue=2))
    gone = work.claim(1)
    await until(lambda: renderer.in_hand(page))
    gone.folder.path.rename(tmp_path / "removed")  # at one go: files come and go there
    shutil.rmtree(tmp_path / "removed", ignore_errors=True)
    await renderer.release(page)
    renderer.held = frozenset()

    other = work.claim(2)
    assert (await work.end_of(other)).status is Status.COMPLETED
    await until(lambda: gone.job_id not in work.pipeline.jobs)
    await until(lambda: not gone.in_flight)
    assert gone.status.status is Status.FAILED
    assert work.pipeline.trouble is None
    assert work.pipeline._slots.taken == 0
    assert [path.name for path in work.jobs.iterdir()] == [other.job_id]
    assert (await work.end_of(work.claim(3))).status is Status.COMPLETED
    assert not gone.folder.path.exists()


async def test_a_job_whose_pages_are_all_done_is_only_put_together(rig):
    work = rig(FakeRasterizer((CARD,) * 3))
    job = work.claim()
    await work.end_of(job)
    before = outputs(job)

    again = ActiveJob(job.status.model_copy(update={"status": Status.PENDING, "completed_at": None}), job.folder)
    renderer = FakeRasterizer((CARD,) * 3)
    second = rig(renderer)
    second.pipeline.add(again)
    status = await second.end_of(again)

    assert (status.status, status.processed_pages, renderer.turns) == (Status.COMPLETED, 3, [])
    assert outputs(again) == before


async def finished(rig, tmp_path):
    """A completed job with two pages."""
    work = rig(FakeRasterizer((CARD,) * 2), root=tmp_path / "earlier")
    job = work.claim(9)
    await work.end_of(job)
    return job


async def test_a_duplicate_is_processed_again_by_default_and_names_the_earlier_job(rig, tmp_path):
    earlier = await finished(rig, tmp_path)
    renderer = FakeRasterizer((CARD,) * 2)
    work = rig(renderer)
    work.earlier = Earlier(earlier.status, earlier.folder.path)
    job = work.claim()
    status = await work.end_of(job)
    assert (status.status, status.duplicate_of, sorted(renderer.pages)) == (Status.COMPLETED, earlier.job_id, [0, 1])
    assert outputs(job) == outputs(earlier)


async def test_a_duplicate_takes_over_the_earlier_outputs(rig, tmp_path):
    earlier = await finished(rig, tmp_path)
    renderer = FakeRasterizer((CARD,) * 2)
    work = rig(renderer, config=configured(duplicate=OnDuplicate.REUSE))
    work.earlier = Earlier(earlier.status, earlier.folder.path)
    job = work.claim()
    status = await work.end_of(job)
    assert (status.status, status.duplicate_of, renderer.turns) == (Status.COMPLETED, earlier.job_id, [])
    assert (status.total_pages, status.processed_pages, status.outputs) == (2, 2, earlier.status.outputs)
    assert status.engine == earlier.status.engine
    assert outputs(job) == outputs(earlier)


async def test_a_duplicate_is_skipped_and_says_of_what(rig, tmp_path):
    earlier = await finished(rig, tmp_path)
    renderer = FakeRasterizer((CARD,) * 2)
    work = rig(renderer, config=configured(duplicate=OnDuplicate.SKIP))
    work.earlier = Earlier(earlier.status, earlier.folder.path)
    status = await work.end_of(work.claim())
    assert (status.status, status.error_code) == (Status.FAILED, ErrorCode.DUPLICATE_SKIPPED)
    assert earlier.job_id in status.error_message
    assert renderer.turns == []


async def test_a_page_that_fails_because_of_the_disk_is_read_once_the_disk_is_well(rig):
    """A renderer cannot say why it gave no picture: the disk is asked before the page is blamed."""
    refusing = [True]

    def disk(_folder, _mark):
        if refusing:
            raise OSError(errno.EIO, "Input/output error")

    renderer = FakeRasterizer((CARD,), trouble=lambda _: PdfocrError(ErrorCode.RENDER_FAILED) if refusing else None)
    here = rig(renderer, config=configured(attempts=1))
    here.storage._attempt = disk
    job = here.claim()
    await until(lambda: here.pipeline.trouble)
    await asyncio.sleep(0.3)
    assert job.status.failed_pages == ()
    refusing.clear()
    status = await here.end_of(job)
    assert (status.status, status.failed_pages) == (Status.COMPLETED, ())


async def test_a_jobs_own_resolution_is_rendered_and_no_other_jobs(rig):
    work = rig()
    own = claimed_job(work.jobs, 1)
    own.change(utc_now(), settings=JobSettings(dpi=150))
    for job in (own, other := claimed_job(work.jobs, 2)):
        work.pipeline.add(job)
    for job in (own, other):
        assert (await work.end_of(job)).status is Status.COMPLETED
    assert sorted(dpi for _, dpi in work.rasterizers[0].turns) == [100, 150]
    assert read_status(own.folder.path).settings == JobSettings(dpi=150)
