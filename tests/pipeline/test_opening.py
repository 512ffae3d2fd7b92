"""A claimed PDF is opened: what is done of it already, and whether it was done before."""

import hashlib
import shutil

import pytest

from pdfocr_watcher.config.choices import OnDuplicate
from pdfocr_watcher.config.model import Config, Inbox, Job
from pdfocr_watcher.document.model import FailedPage
from pdfocr_watcher.engines.null import NullEngine
from pdfocr_watcher.errors import ErrorCode, PdfocrError
from pdfocr_watcher.jobs.checkpoint import write_failed_page
from pdfocr_watcher.jobs.folder import JobFolder
from pdfocr_watcher.jobs.model import FailedPageStatus, Output, Outputs, Stage, Status
from pdfocr_watcher.jobs.settings import JobSettings, Priority
from pdfocr_watcher.pipeline.opening import Earlier, Opener
from pdfocr_watcher.pipeline.tasks import PageTask, task_line
from pdfocr_watcher.pipeline.worker import Hand
from tests.pipeline.doubles import CARD, NULL_WORKER, FakeRasterizer, claimed_job, pending_status, ppm

CONTENT = b"%PDF-1.7 the same card"


@pytest.fixture
def job(tmp_path):
    return claimed_job(tmp_path / "jobs", content=CONTENT)


WRITTEN = (Output.MARKDOWN_DET, Output.LAYOUTS)


def opener(*rasterizers, on_duplicate=OnDuplicate.PROCESS, earlier=None, max_pages=100):
    config = Config(inbox=Inbox(on_duplicate=on_duplicate), job=Job(max_pages=max_pages))
    return Opener(config, rasterizers or (FakeRasterizer((CARD,) * 3),), lambda _sha256: earlier)


def read(folder, index):
    folder.rasters.mkdir(exist_ok=True)
    raster = folder.rasters / f"{index}.ppm"
    raster.write_bytes(ppm(index))
    reply = Hand(NULL_WORKER, NullEngine()).answer(task_line(PageTask(str(folder.path), index, str(raster), 72.0), 1))
    assert reply["ok"]


@pytest.fixture
def earlier(tmp_path):
    """A completed job with the same content, in the outbox."""
    folder = JobFolder(tmp_path / "outbox" / "card.00000009")
    folder.images.mkdir(parents=True)
    for path in (folder.markdown, folder.grounding, folder.layouts, folder.images / "0_0.jpg"):
        path.write_bytes(f"{path.name} of the earlier job".encode())
    status = pending_status(9).model_copy(
        update={
            "status": Status.COMPLETED,
            "stage": Stage.DONE,
            "total_pages": 3,
            "outputs": Outputs.of(WRITTEN, 1, {}),
        }
    )
    return Earlier(status, folder.path)


def failing(code):
    return FakeRasterizer(inspecting=lambda _pdf: PdfocrError(code))


def open_code(opener, job):
    with pytest.raises(PdfocrError) as caught:
        opener.open(job.folder, job.status)
    return caught.value.code


def test_a_new_pdf_has_its_checksum_its_sizes_and_nothing_done(job):
    opened = opener().open(job.folder, job.status)
    assert opened.sha256 == hashlib.sha256(CONTENT).hexdigest()
    assert opened.sizes == (CARD,) * 3
    assert (opened.done, opened.failed, opened.duplicate_of, opened.reused) == (frozenset(), (), None, None)


def test_pages_with_a_valid_checkpoint_are_done_and_the_others_are_not(job):
    read(job.folder, 0)
    read(job.folder, 2)
    write_failed_page(job.folder, FailedPage(1, "engine_crashed", "It died."))
    job.folder.checkpoint(2).write_text("{")

    opened = opener().open(job.folder, job.status)

    assert opened.done == {0, 1}
    assert opened.failed == (FailedPageStatus(page=2, code=ErrorCode.ENGINE_CRASHED, message="It died."),)


def test_a_checkpoint_that_another_version_wrote_is_no_obstacle(job):
    read(job.folder, 0)
    write_failed_page(job.folder, FailedPage(1, "a code of tomorrow", "It died."))
    opened = opener().open(job.folder, job.status)
    assert 0 in opened.done
    assert 1 not in opened.done


def test_a_pdf_that_is_gone_is_said(job):
    job.folder.input(job.status.filename).unlink()
    assert open_code(opener(), job) is ErrorCode.INPUT_MISSING


@pytest.mark.parametrize("target", ["somebody else's.pdf", "nowhere.pdf"])
def test_a_link_in_the_place_of_the_pdf_is_never_followed(job, tmp_path, target):
    (tmp_path / "somebody else's.pdf").write_bytes(CONTENT)
    pdf = job.folder.input(job.status.filename)
    pdf.unlink()
    pdf.symlink_to(tmp_path / target)
    looked_into = []
    rasterizer = FakeRasterizer((CARD,), inspecting=looked_into.append)
    assert open_code(opener(rasterizer), job) is ErrorCode.INPUT_MISSING
    assert looked_into == []


@pytest.mark.parametrize("code", [ErrorCode.PDF_DAMAGED, ErrorCode.PDF_ENCRYPTED, ErrorCode.PDF_NO_PAGES])
def test_a_pdf_that_cannot_be_opened_is_refused_with_the_reason(job, code):
    assert open_code(opener(failing(code)), job) is code


def test_the_second_renderer_is_asked_where_the_first_finds_it_damaged(job):
    opened = opener(failing(ErrorCode.PDF_DAMAGED), FakeRasterizer((CARD,) * 5)).open(job.folder, job.status)
    assert len(opened.sizes) == 5


def test_a_pdf_with_too_many_pages_is_refused(job):
    assert open_code(opener(max_pages=2), job) is ErrorCode.TOO_MANY_PAGES
    assert len(opener(max_pages=3).open(job.folder, job.status).sizes) == 3


def test_a_duplicate_is_read_again_and_the_earlier_job_is_named(job, earlier):
    opened = opener(earlier=earlier).open(job.folder, job.status)
    assert (opened.duplicate_of, opened.reused, len(opened.sizes)) == (earlier.status.job_id, None, 3)


def test_a_duplicate_is_skipped_where_the_configuration_says_so(job, earlier):
    with pytest.raises(PdfocrError, match=earlier.status.job_id) as caught:
        opener(on_duplicate=OnDuplicate.SKIP, earlier=earlier).open(job.folder, job.status)
    assert caught.value.code is ErrorCode.DUPLICATE_SKIPPED


def test_a_job_is_no_duplicate_of_itself(job, earlier):
    itself = Earlier(job.status, earlier.folder)
    opened = opener(on_duplicate=OnDuplicate.SKIP, earlier=itself).open(job.folder, job.status)
    assert len(opened.sizes) == 3


def test_a_duplicate_takes_over_the_earlier_outputs_where_the_configuration_says_so(job, earlier):
    opened = opener(on_duplicate=OnDuplicate.REUSE, earlier=earlier).open(job.folder, job.status)
    assert (opened.duplicate_of, opened.reused) == (earlier.status.job_id, earlier.status)
    for name in ("output.mmd", "output_det.mmd", "output_layouts.pdf", "images/0_0.jpg"):
        assert (job.folder.path / name).read_bytes() == (earlier.folder / name).read_bytes()


@pytest.mark.parametrize("name", ["output.mmd", "output_layouts.pdf", "images"])
def test_a_duplicate_is_read_where_the_earlier_result_is_no_longer_whole(job, earlier, name):
    path = earlier.folder / name
    shutil.rmtree(path) if path.is_dir() else path.unlink()
    opened = opener(on_duplicate=OnDuplicate.REUSE, earlier=earlier).open(job.folder, job.status)
    assert (opened.reused, len(opened.sizes)) == (None, 3)


def test_figures_that_were_cut_already_stay_where_the_earlier_result_is_no_longer_whole(job, earlier):
    job.folder.images.mkdir()
    (job.folder.images / "1_0.jpg").write_bytes(b"cut before the crash")
    shutil.rmtree(earlier.folder / "images")
    opener(on_duplicate=OnDuplicate.REUSE, earlier=earlier).open(job.folder, job.status)
    assert (job.folder.images / "1_0.jpg").is_file()


@pytest.mark.parametrize("name", ["output.mmd", "images", "images/0_0.jpg"])
def test_what_somebody_linked_into_the_earlier_result_is_not_taken_over(job, earlier, tmp_path, name):
    """The outbox is people's: a link there must not copy what only the daemon may read."""
    secret = tmp_path / "secret"
    secret.mkdir()
    (secret / "0_0.jpg").write_bytes(b"secret")
    path = earlier.folder / name
    shutil.rmtree(path) if path.is_dir() else path.unlink()
    path.symlink_to(secret if name == "images" else secret / "0_0.jpg")
    opener(on_duplicate=OnDuplicate.REUSE, earlier=earlier).open(job.folder, job.status)
    found = [path for path in job.folder.path.rglob("*") if path.is_file() and path.read_bytes() == b"secret"]
    assert found == []


@pytest.mark.parametrize("policy", [OnDuplicate.SKIP, OnDuplicate.REUSE])
def test_what_was_read_in_another_way_than_the_folder_wants_is_read_again(job, earlier, policy):
    job.change(job.status.updated_at, settings=JobSettings(dpi=300, priority=Priority.HIGH))
    opened = opener(on_duplicate=policy, earlier=earlier).open(job.folder, job.status)
    assert (opened.duplicate_of, opened.reused, len(opened.sizes)) == (earlier.status.job_id, None, 3)
    job.change(job.status.updated_at, settings=JobSettings(priority=Priority.HIGH))
    if policy is OnDuplicate.REUSE:
        assert opener(on_duplicate=policy, earlier=earlier).open(job.folder, job.status).reused == earlier.status


def test_settings_that_can_no_longer_be_had_fail_the_job(job):
    job.change(job.status.updated_at, settings=JobSettings(prompt="Free OCR."))
    with pytest.raises(PdfocrError, match=r"prompt: the engine null is no model") as caught:
        opener().open(job.folder, job.status)
    assert caught.value.code is ErrorCode.SETTINGS_UNAVAILABLE
