"""The checkpoints of a job become its outputs: the two texts, the layout PDF and the figures.

Memory holds one page at a time. The same checkpoints give the same bytes, whoever wrote them and when.
"""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

from pdfocr_watcher.document.grounding import page_grounding
from pdfocr_watcher.document.jpeg_pdf import Picture
from pdfocr_watcher.document.layouts import failed_layout_picture, page_points, write_layouts_pdf
from pdfocr_watcher.document.markdown import failed_page_markdown, page_markdown
from pdfocr_watcher.errors import ErrorCode, PdfocrError
from pdfocr_watcher.jobs.checkpoint import Checkpoint, read_checkpoint
from pdfocr_watcher.jobs.durable import is_temporary, make_folder, rename, sync_file, sync_folder, temporary_name
from pdfocr_watcher.jobs.folder import JobFolder
from pdfocr_watcher.jobs.steps import Step, step

#: A failed page is as large as the page before it; the first one is A4, in points.
_A4 = (595.28, 841.89)
_FAILED_DPI = 100
_FAILED_QUALITY = 85


def assemble(folder: JobFolder, total: int) -> int:
    """Write output.mmd, output_det.mmd, output_layouts.pdf and images/.

    Args:
        folder: a job's folder with a checkpoint for each page.
        total: the document's pages.

    Returns:
        How many figures there are.

    Raises:
        PdfocrError: a checkpoint is missing or not valid (ASSEMBLY_FAILED).
        OSError: the file system refused.
    """
    _write_texts(folder, total)
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


def _write_texts(folder: JobFolder, total: int) -> None:
    """Write both texts in one pass; each appears whole."""
    plain, marked = temporary_name(folder.markdown), temporary_name(folder.grounding)
    with (
        step(Step.WRITE, plain),
        plain.open("w", encoding="utf-8", newline="\n") as text,
        marked.open("w", encoding="utf-8", newline="\n") as det,
    ):
        for checkpoint in _checkpoints(folder, total):
            if checkpoint.page is not None:
                text.write(page_markdown(checkpoint.page))
                det.write(page_grounding(checkpoint.page))
            elif checkpoint.failed is not None:
                comment = failed_page_markdown(checkpoint.failed)
                text.write(comment)
                det.write(comment)
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
