"""The checkpoints of a job become its outputs: the two texts, the layout PDF and the figures.

The pages are gone through once to see the document as a whole (`analysis.document_view`), then to write. Memory holds
two pages at a time, and small facts of the others. The same checkpoints give the same bytes, whoever wrote them and
when.
"""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

from pdfocr_watcher.analysis.document_view import DocumentView, Survey
from pdfocr_watcher.document.grounding import page_grounding
from pdfocr_watcher.document.jpeg_pdf import Picture
from pdfocr_watcher.document.layouts import failed_layout_picture, page_points, write_layouts_pdf
from pdfocr_watcher.document.markdown import failed_page_markdown, page_markdown
from pdfocr_watcher.document.model import FailedPage, Page
from pdfocr_watcher.errors import ErrorCode, PdfocrError
from pdfocr_watcher.jobs.checkpoint import Checkpoint, read_checkpoint
from pdfocr_watcher.jobs.durable import is_temporary, make_folder, rename, sync_file, sync_folder, temporary_name
from pdfocr_watcher.jobs.folder import JobFolder
from pdfocr_watcher.jobs.steps import Step, step

#: A failed page is as large as the page before it; the first one is A4, in points.
_A4 = (595.28, 841.89)
_FAILED_DPI = 100
_FAILED_QUALITY = 85


def assemble(folder: JobFolder, total: int, *, running_titles: bool = False) -> int:
    """Write output.mmd, output_det.mmd, output_layouts.pdf and images/.

    Args:
        folder: a job's folder with a checkpoint for each page.
        total: the document's pages.
        running_titles: whether running titles and page numbers are in output.mmd too.

    Returns:
        How many figures there are.

    Raises:
        PdfocrError: a checkpoint is missing or not valid (ASSEMBLY_FAILED).
        OSError: the file system refused.
    """
    _write_texts(folder, total, survey(folder, total), running_titles=running_titles)
    _write_whole(folder.layouts, lambda target: write_layouts_pdf(_pictures(folder, total), target))
    make_folder(folder.images, exist_ok=True)
    sync_folder(folder.path)
    return sum(not is_temporary(name) for name in os.listdir(folder.images))


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


def _write_texts(folder: JobFolder, total: int, view: DocumentView, *, running_titles: bool) -> None:
    """Write both texts in one pass; each appears whole."""
    plain, marked = temporary_name(folder.markdown), temporary_name(folder.grounding)
    with (
        step(Step.WRITE, plain),
        plain.open("w", encoding="utf-8", newline="\n") as text,
        marked.open("w", encoding="utf-8", newline="\n") as det,
    ):

        def as_read() -> Iterator[Page | FailedPage]:
            for page in read_pages(folder, total):
                det.write(page_grounding(view.page(page)) if isinstance(page, Page) else failed_page_markdown(page))
                yield page

        for page in view.reading(as_read(), running_titles=running_titles):
            text.write(page_markdown(page) if isinstance(page, Page) else failed_page_markdown(page))
    for temporary, final in ((plain, folder.markdown), (marked, folder.grounding)):
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
