"""The checkpoints of a job become its outputs: texts, layout PDF, figures, and what `page_outputs` adds.

The pages are gone through once to see the document as a whole (`analysis.document_view`), then to write. Memory holds
two pages at a time, and small facts of the others. The same checkpoints give the same bytes, whoever wrote them and
when.
"""

import os
from collections.abc import Callable, Collection, Iterator
from contextlib import ExitStack
from pathlib import Path

from pdfocr_watcher.analysis.document_view import DocumentView, Survey
from pdfocr_watcher.document.grounding import page_grounding
from pdfocr_watcher.document.jpeg_pdf import Picture
from pdfocr_watcher.document.layouts import failed_layout_picture, page_points, write_layouts_pdf
from pdfocr_watcher.document.markdown import failed_page_markdown, page_markdown
from pdfocr_watcher.document.model import FailedPage, Page
from pdfocr_watcher.errors import ErrorCode, PdfocrError
from pdfocr_watcher.jobs.checkpoint import Checkpoint, read_checkpoint
from pdfocr_watcher.jobs.durable import (
    is_temporary,
    make_folder,
    remove_file,
    rename,
    sync_file,
    sync_folder,
    temporary_name,
)
from pdfocr_watcher.jobs.folder import JobFolder
from pdfocr_watcher.jobs.model import Output
from pdfocr_watcher.jobs.steps import Step, step
from pdfocr_watcher.pipeline.page_outputs import ReadPage, write_page_outputs
from pdfocr_watcher.pipeline.searchable import SearchLimits
from pdfocr_watcher.pipeline.tasks import Assembled

#: A failed page is as large as the page before it; the first one is A4, in points.
_A4 = (595.28, 841.89)
_FAILED_DPI = 100
_FAILED_QUALITY = 85
_LIMITS = SearchLimits()


def assemble(
    folder: JobFolder,
    total: int,
    wanted: Collection[Output] = tuple(Output),
    limits: SearchLimits = _LIMITS,
    *,
    running_titles: bool = False,
) -> Assembled:
    """Write output.mmd, images/ and what else is wanted.

    Args:
        folder: a job's folder with a checkpoint for each page.
        total: the document's pages.
        wanted: what else.
        limits: of the process that makes the searchable PDF.
        running_titles: whether running titles and page numbers are in output.mmd too.

    Raises:
        PdfocrError: a checkpoint is missing or not valid (ASSEMBLY_FAILED).
        OSError: the file system refused.
    """
    view = survey(folder, total)
    _write_texts(folder, total, view, running_titles=running_titles, marked=Output.MARKDOWN_DET in wanted)
    if Output.LAYOUTS in wanted:
        _write_whole(folder.layouts, lambda target: write_layouts_pdf(_pictures(folder, total), target))
    left_out = write_page_outputs(folder, total, _seen_pages(folder, total, view), wanted, limits)
    written = tuple(output for output in Output if output in wanted and output not in left_out)
    for output in Output:
        if output not in written:  # from an earlier time, with another configuration
            remove_file(folder.output(output), missing_ok=True)
    make_folder(folder.images, exist_ok=True)
    sync_folder(folder.path)
    return Assembled(sum(not is_temporary(name) for name in os.listdir(folder.images)), written, left_out)


def _checkpoints(folder: JobFolder, total: int) -> Iterator[Checkpoint]:
    for index in range(total):
        try:
            checkpoint = read_checkpoint(folder.checkpoint(index))
        except FileNotFoundError:
            checkpoint = None
        if checkpoint is None:
            raise PdfocrError(ErrorCode.ASSEMBLY_FAILED, f"Page {index + 1} has no valid checkpoint.")
        yield checkpoint


def read_pages(folder: JobFolder, total: int) -> Iterator[Page | FailedPage]:
    """The pages of a document as they were read, one after the other.

    Raises:
        PdfocrError: a checkpoint is missing or not valid (ASSEMBLY_FAILED).
        OSError: the file system refused.
    """
    for checkpoint in _checkpoints(folder, total):
        page = checkpoint.page or checkpoint.failed
        if page is not None:
            yield page


def survey(folder: JobFolder, total: int) -> DocumentView:
    """The document as a whole: goes over all pages once. See `read_pages` for what is raised."""
    looking = Survey()
    for page in read_pages(folder, total):
        if isinstance(page, Page):
            looking.add(page)
    return looking.view()


def _seen_pages(folder: JobFolder, total: int, view: DocumentView) -> Iterator[ReadPage]:
    """The pages as the document sees them, and how each was read."""
    for checkpoint in _checkpoints(folder, total):
        if checkpoint.page is not None:
            yield view.page(checkpoint.page), checkpoint.reading
        elif checkpoint.failed is not None:
            yield checkpoint.failed, checkpoint.reading


def _write_texts(folder: JobFolder, total: int, view: DocumentView, *, running_titles: bool, marked: bool) -> None:
    """Write the text, and the marked one if it is wanted, in one pass; each appears whole."""
    targets = [folder.markdown, *([folder.grounding] if marked else [])]
    written = [temporary_name(target) for target in targets]
    with step(Step.WRITE, written[0]), ExitStack() as files:
        text, *others = [files.enter_context(path.open("w", encoding="utf-8", newline="\n")) for path in written]

        def as_read() -> Iterator[Page | FailedPage]:
            for page in read_pages(folder, total):
                for det in others:
                    det.write(page_grounding(view.page(page)) if isinstance(page, Page) else failed_page_markdown(page))
                yield page

        for page in view.reading(as_read(), running_titles=running_titles):
            text.write(page_markdown(page) if isinstance(page, Page) else failed_page_markdown(page))
    for temporary, final in zip(written, targets, strict=True):
        sync_file(temporary)
        rename(temporary, final)


def _write_whole(target: Path, write: Callable[[Path], None]) -> None:
    temporary = temporary_name(target)
    with step(Step.WRITE, temporary):
        write(temporary)
    sync_file(temporary)
    rename(temporary, target)


def _pictures(folder: JobFolder, total: int) -> Iterator[Picture]:
    points = _A4
    for index, checkpoint in enumerate(_checkpoints(folder, total)):
        if checkpoint.page is not None:
            points = page_points(checkpoint.page)
            yield (folder.layout_picture(index), *points)
        elif checkpoint.failed is not None:
            yield (failed_layout_picture(checkpoint.failed, *points, _FAILED_DPI, _FAILED_QUALITY), *points)
