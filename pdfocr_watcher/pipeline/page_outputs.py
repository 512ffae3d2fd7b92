"""What is written page by page beside the texts: output.json, the report and the searchable PDF.

One pass over the pages writes all of them; memory holds one page.
"""

from collections.abc import Callable, Collection, Iterable, Mapping
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any, Protocol, TextIO

from pdfocr_watcher.document.json_output import JsonOutput
from pdfocr_watcher.document.model import FailedPage, Page
from pdfocr_watcher.document.report import PART_PAGES, ReportPart, part_starts
from pdfocr_watcher.jobs.durable import (
    make_folder,
    remove_tree,
    rename,
    sync_file,
    sync_folder,
    temporary_name,
    write_file,
)
from pdfocr_watcher.jobs.folder import REPORT_FOLDER, JobFolder
from pdfocr_watcher.jobs.model import OUTPUT_NAMES, Output
from pdfocr_watcher.jobs.status_file import read_status
from pdfocr_watcher.jobs.steps import Step, step
from pdfocr_watcher.pipeline.searchable import LayerFile, SearchLimits, make_searchable

#: A page and how it was read, as its checkpoint has it.
ReadPage = tuple[Page | FailedPage, Mapping[str, Any]]

_NO_LINES = "no lines of text are known: the engine tells none, or there is no text"


class _Writer(Protocol):
    def add(self, page: Page | FailedPage, reading: Mapping[str, Any], /) -> None:
        """Write the next page."""


def write_page_outputs(
    folder: JobFolder, total: int, pages: Iterable[ReadPage], wanted: Collection[Output], limits: SearchLimits
) -> dict[Output, str]:
    """Write those of the outputs that are wanted.

    Args:
        folder: the job's folder, with the checkpoints and the original.
        total: the document's pages.
        pages: all of them in order; taken one at a time.
        wanted: the outputs; others than these three are left to others.
        limits: of the process that makes the searchable PDF.

    Returns:
        Why one of the wanted is not there.

    Raises:
        OSError: the file system refused.
        PdfocrError: what `pages` raises.
    """
    # Where rasters are: of no worth after a crash, and removed by whoever tidies up.
    scratch = folder.rasters / Output.SEARCHABLE_PDF.value
    layers = scratch / "layers"
    with ExitStack() as files:
        writers: list[_Writer] = []
        ends: list[Callable[[], None]] = []
        if Output.DOCUMENT in wanted:
            document = JsonOutput(_opened(files, folder.output(Output.DOCUMENT)), total)
            writers.append(document)
            ends.append(document.end)
        if Output.REPORT in wanted:
            report = _Report(files, folder, total)
            writers.append(report)
            ends.append(report.end)
        layer_file = None
        if Output.SEARCHABLE_PDF in wanted:
            make_folder(folder.rasters, exist_ok=True)
            remove_tree(scratch, worthless=True)
            make_folder(scratch)
            layer_file = LayerFile(files.enter_context(layers.open("w", encoding="utf-8", newline="\n")))
            writers.append(layer_file)
        for page, reading in pages if writers else ():
            for writer in writers:
                writer.add(page, reading)
        for end in ends:
            end()
    if Output.REPORT in wanted:
        sync_folder(folder.report_pages)
    else:
        remove_tree(folder.report_pages, worthless=True)  # from an earlier time, with another configuration
    if layer_file is None:
        return {}
    reason = _searchable(folder, scratch, layers, limits) if layer_file.has_lines else _NO_LINES
    remove_tree(scratch, worthless=True)
    return {Output.SEARCHABLE_PDF: reason} if reason else {}


def _opened(files: ExitStack, final: Path) -> TextIO:
    """A new file, which has its name when all of them are closed without an error, durably but for its name."""
    temporary = temporary_name(final)
    files.push(partial(_take_name, temporary, final))
    files.enter_context(step(Step.WRITE, temporary))
    return files.enter_context(temporary.open("w", encoding="utf-8", newline="\n"))


def _take_name(temporary: Path, final: Path, kind: type[BaseException] | None, *_: object) -> None:
    if kind is None:
        sync_file(temporary)
        rename(temporary, final)


class _Report:
    """The parts of the report, one after the other, and the pictures of the pages."""

    def __init__(self, files: ExitStack, folder: JobFolder, total: int) -> None:
        self._files = files
        self._folder = folder
        self._total = total
        status = read_status(folder.path)
        self._name = status.filename if status is not None else ""
        self._part: ReportPart | None = None
        make_folder(folder.report_pages, exist_ok=True)

    def add(self, page: Page | FailedPage, reading: Mapping[str, Any]) -> None:
        """Write the next page, its picture first."""
        if page.index % PART_PAGES == 0:
            self.end()
            self._part = self._begun(page.index)
        if isinstance(page, Page):
            picture = self._folder.layout_picture(page.index)
            write_file(self._folder.report_pages / picture.name, picture.read_bytes())
        assert self._part is not None  # noqa: S101 - pages come in order, from the first
        self._part.add(page, reading)

    def _begun(self, start: int) -> ReportPart:
        first = start == 0
        first_name = OUTPUT_NAMES[Output.REPORT]
        below = f"{REPORT_FOLDER}/" if first else ""
        names = {at: f"{below}{at:04d}.html" for at in part_starts(self._total)}
        names[0] = first_name if first else f"../{first_name}"
        target = self._folder.path / first_name if first else self._folder.report_pages / names[start]
        stream = _opened(self._files, target)
        return ReportPart(stream, self._name, start, self._total, below, "" if first else "../", names)

    def end(self) -> None:
        """Write the end of the part in hand."""
        if self._part is not None:
            self._part.end()
            self._part = None


def _searchable(folder: JobFolder, scratch: Path, layers: Path, limits: SearchLimits) -> str:
    """Make the searchable PDF; why it could not be made."""
    original = folder.found_input()
    if original is None:
        return "the PDF is not there"
    made = scratch / "made.pdf"
    with step(Step.WRITE, made):
        reason = make_searchable(original, layers, made, limits)
    if not reason:
        sync_file(made)
        rename(made, folder.output(Output.SEARCHABLE_PDF))
    return reason
