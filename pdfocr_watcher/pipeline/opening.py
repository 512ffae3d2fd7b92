"""A claimed PDF is opened: its pages' sizes, its checksum, what is done of it already, whether it was done before."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from pdfocr_watcher.config.choices import OnDuplicate
from pdfocr_watcher.config.folder_rules import FolderRules
from pdfocr_watcher.config.model import Config
from pdfocr_watcher.errors import ErrorCode, PdfocrError
from pdfocr_watcher.jobs.checkpoint import read_checkpoint
from pdfocr_watcher.jobs.descent import Descent
from pdfocr_watcher.jobs.durable import (
    is_regular_file,
    make_folder,
    remove_tree,
    sha256_of,
    sync_file,
    sync_folder,
)
from pdfocr_watcher.jobs.folder import MARKDOWN_NAME, JobFolder
from pdfocr_watcher.jobs.model import OUTPUT_NAMES, FailedPageStatus, JobStatus, Output, Outputs
from pdfocr_watcher.jobs.moving import copy_verified
from pdfocr_watcher.jobs.settings import JobSettings
from pdfocr_watcher.jobs.steps import Step, step
from pdfocr_watcher.pipeline.rendering import PageSize, Rasterizer, Unlocker, inspect_document


@dataclass(frozen=True, slots=True)
class Earlier:
    """A completed job with the same content.

    Attributes:
        status: its status.
        folder: where its result lies.
    """

    status: JobStatus
    folder: Path


@dataclass(frozen=True, slots=True)
class Opened:
    """What is known of a PDF once it was opened.

    Attributes:
        sha256: of the file.
        sizes: of the pages; empty if an earlier result is used.
        done: pages, counted from 0, that have a valid checkpoint.
        failed: those of them that could not be read.
        duplicate_of: the earlier job with the same content, None if there is none.
        reused: the status of the job whose outputs were taken over; None if the PDF is to be read.
        unlocked: whether the pages are to be read from a copy without the PDF's encryption (`JobFolder.unlocked`).
    """

    sha256: str
    sizes: tuple[PageSize, ...] = ()
    done: frozenset[int] = frozenset()
    failed: tuple[FailedPageStatus, ...] = ()
    duplicate_of: str | None = None
    reused: JobStatus | None = None
    unlocked: bool = False


class Opener:
    """Opens claimed PDFs; blocking, called in threads.

    Args:
        config: limits, and what becomes of duplicates.
        rasterizers: the second is asked where the first finds the PDF damaged.
        earlier: finds a completed job by its content's SHA-256, None if there is none.
        unlocker: opens encrypted PDFs with passwords; None where there are none.
        rules: what a job's settings may say.
    """

    def __init__(
        self,
        config: Config,
        rasterizers: tuple[Rasterizer, ...],
        earlier: Callable[[str], Earlier | None],
        unlocker: Unlocker | None = None,
        rules: FolderRules | None = None,
    ) -> None:
        self._config = config
        self._rasterizers = rasterizers
        self._earlier = earlier
        self._unlocker = unlocker
        self._rules = rules or FolderRules()

    def configure(self, config: Config) -> None:
        """Go by these limits from now on."""
        self._config = config

    def open(self, folder: JobFolder, status: JobStatus) -> Opened:
        """Open a job's PDF.

        Raises:
            PdfocrError: it cannot be worked on, with the reason's code.
            OSError: the file system refused.
        """
        pdf = folder.input(status.filename)
        if not is_regular_file(pdf):  # a link that was put in the file's place would lead anywhere
            raise PdfocrError(ErrorCode.INPUT_MISSING, str(pdf))
        for name, words in self._rules.obstacles(status.settings or JobSettings()):
            raise PdfocrError(ErrorCode.SETTINGS_UNAVAILABLE, f"{name}: {words}.")
        sync_file(pdf)  # who dropped it need not have done so, and from now on nobody else has it
        sha256 = status.sha256 or sha256_of(pdf)
        earlier = self._earlier(sha256)
        if earlier is not None and earlier.status.job_id != status.job_id:
            policy = self._config.inbox.on_duplicate
            if _reading(earlier.status) != _reading(status):
                policy = OnDuplicate.PROCESS  # it was read in another way than is wanted now
            if policy is OnDuplicate.SKIP:
                raise PdfocrError(ErrorCode.DUPLICATE_SKIPPED, f"The earlier job is {earlier.status.job_id}.")
            if policy is OnDuplicate.REUSE and _take_over(earlier, folder):
                return Opened(sha256, duplicate_of=earlier.status.job_id, reused=earlier.status)
        done, failed = _checkpoints(folder)
        duplicate_of = earlier.status.job_id if earlier is not None else None
        with step(Step.INSPECT, pdf):
            sizes, unlocked = self._look_into(folder, pdf)
        return Opened(sha256, sizes, done, failed, duplicate_of, unlocked=unlocked)

    def _look_into(self, folder: JobFolder, pdf: Path) -> tuple[tuple[PageSize, ...], bool]:
        """The sizes of the pages, and whether they are those of a copy without encryption."""
        limits = (self._config.job.max_pages, self._config.render.timeout_seconds)
        try:
            return inspect_document(self._rasterizers, pdf, *limits), False
        except PdfocrError as error:
            if error.code is not ErrorCode.PDF_ENCRYPTED or self._unlocker is None:
                raise
        make_folder(folder.rasters, exist_ok=True)
        self._unlocker.unlock(pdf, folder.unlocked, self._config.render.timeout_seconds)
        return inspect_document(self._rasterizers, folder.unlocked, *limits), True


def _reading(status: JobStatus) -> JobSettings:
    return (status.settings or JobSettings()).reading


def _checkpoints(folder: JobFolder) -> tuple[frozenset[int], tuple[FailedPageStatus, ...]]:
    """The pages that are done with, and those of them that failed."""
    done: set[int] = set()
    failed: list[FailedPageStatus] = []
    for index in sorted(folder.checkpointed()):
        checkpoint = read_checkpoint(folder.checkpoint(index))
        if checkpoint is None:
            continue
        done.add(index)
        if checkpoint.failed is not None:
            page = checkpoint.failed
            failed.append(FailedPageStatus(page=index + 1, code=ErrorCode(page.code), message=page.message))
    return frozenset(done), tuple(failed)


def _take_over(earlier: Earlier, folder: JobFolder) -> bool:
    """Copy an earlier result's outputs, those that it says it has; False if it is no longer whole.

    People may change what lies in the outbox: no link in it is followed.
    """
    outputs = earlier.status.outputs or Outputs()
    written = [output for output in Output if getattr(outputs, output.value) is not None]
    names = (MARKDOWN_NAME, *(OUTPUT_NAMES[output] for output in written))
    try:
        with Descent(earlier.folder) as result:
            if not all(is_regular_file(result.here / name) for name in names):
                return False
            for name in names:
                copy_verified(result.here / name, folder.path / name)
        _take_over_folder(earlier.folder, folder.images)
        if Output.REPORT in written:
            _take_over_folder(earlier.folder, folder.report_pages)
    except (FileNotFoundError, NotADirectoryError):
        return False
    sync_folder(folder.path)
    return True


def _take_over_folder(earlier: Path, target: Path) -> None:
    """Copy the files of a folder in an earlier result.

    Raises:
        OSError: it is not there, or is a link.
    """
    with Descent(earlier) as result:
        result.enter(target.name)
        remove_tree(target, worthless=True)
        make_folder(target)
        for name in os.listdir(result.here):
            if is_regular_file(result.here / name):
                copy_verified(result.here / name, target / name)
