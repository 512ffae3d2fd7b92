"""Where a job lives: the names inside a job folder, and the name of its result."""

import os
import re
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from pdfocr_watcher.document.figures import IMAGES_FOLDER
from pdfocr_watcher.jobs.durable import is_regular_file, is_temporary, remove_file, remove_tree
from pdfocr_watcher.jobs.model import JOB_ID, OUTPUT_NAMES, JobStatus, Output, short_id
from pdfocr_watcher.jobs.naming import safe_name
from pdfocr_watcher.jobs.status_file import STATUS_NAME

MARKDOWN_NAME = "output.mmd"
#: The pictures of the report, and its parts but for the first one.
REPORT_FOLDER = "report"

#: The folder below the root in which people see the dashboard, and the jobs' status where the jobs lie elsewhere.
SHOWN_NAME = "status"
DASHBOARD_NAME = "index.html"

PAGES_NAME = "pages"
RASTERS_NAME = "rasters"
UNLOCKED_NAME = "unlocked.pdf"
CLAIM_NAME = "claim.json"

#: A file name may have 255 bytes, and 143 on the encrypted shares of some file servers; what is left is for the
#: short id, a temporary prefix, and what leads past a name that is taken.
_STEM_BYTES = 120
_NAME_BYTES = 240
#: A path may have 4,095 bytes; what is left is for the root and the names in the result.
_SUBFOLDER_BYTES = 3000
#: The stem of a result whose PDF is called by dots alone, and a sub-folder that is.
_NAMELESS = "document"
_NAMELESS_FOLDER = "folder"
_CHECKPOINT = re.compile(r"([0-9]{4,})\.json")
_INPUT = re.compile(r"input([.][a-z0-9]{1,16})?")
_NAMED = (STATUS_NAME, MARKDOWN_NAME, CLAIM_NAME, *OUTPUT_NAMES.values())
#: The files that we write, by sub-folder of a job's folder ("" for that itself), but for temporary ones.
FILES = {
    "": re.compile("|".join([_INPUT.pattern, *map(re.escape, _NAMED)])),
    IMAGES_FOLDER: re.compile(r"[0-9]+_[0-9]+\.jpg"),
    REPORT_FOLDER: re.compile(r"[0-9]{4,}\.(html|jpg)"),
    PAGES_NAME: re.compile(r"[0-9]{4,}\.(json|jpg)"),
}


@dataclass(frozen=True, slots=True)
class JobFolder:
    """A folder in jobs/, outbox/ or failed/ that holds one job.

    Attributes:
        path: the folder.
    """

    path: Path

    @property
    def markdown(self) -> Path:
        """The text."""
        return self.path / MARKDOWN_NAME

    def output(self, kind: Output) -> Path:
        """What else is written, by what it is."""
        return self.path / OUTPUT_NAMES[kind]

    @property
    def grounding(self) -> Path:
        """The text with the grounding markup."""
        return self.output(Output.MARKDOWN_DET)

    @property
    def layouts(self) -> Path:
        """The page pictures with the boxes drawn."""
        return self.output(Output.LAYOUTS)

    @property
    def report_pages(self) -> Path:
        """The pictures of the report, and its parts but for the first one."""
        return self.path / REPORT_FOLDER

    @property
    def images(self) -> Path:
        """The figures."""
        return self.path / IMAGES_FOLDER

    @property
    def pages(self) -> Path:
        """The checkpoints."""
        return self.path / PAGES_NAME

    @property
    def rasters(self) -> Path:
        """Page rasters on their way from the renderer to the engine; of no worth after a crash."""
        return self.path / RASTERS_NAME

    @property
    def unlocked(self) -> Path:
        """A copy of an encrypted PDF that opens without a password; it goes with the rasters."""
        return self.rasters / UNLOCKED_NAME

    @property
    def claim_note(self) -> Path:
        """Where a copy's source is noted until it is removed."""
        return self.path / CLAIM_NAME

    def input(self, filename: str) -> Path:
        """The claimed file: input.pdf, or input with another suffix where it was never a PDF by name."""
        suffix = PurePosixPath(filename).suffix.lower()
        name = f"input{suffix}"
        return self.path / (name if _INPUT.fullmatch(name) else "input")

    def found_input(self) -> Path | None:
        """The claimed file, whatever its suffix; None if there is none.

        Raises:
            OSError: the folder cannot be read.
        """
        names = sorted(filter(_INPUT.fullmatch, os.listdir(self.path)))
        return next((self.path / name for name in names if is_regular_file(self.path / name)), None)

    def checkpoint(self, index: int) -> Path:
        """The checkpoint of a page, counted from 0."""
        return self.pages / f"{index:04d}.json"

    def layout_picture(self, index: int) -> Path:
        """The drawn picture of a page, counted from 0."""
        return self.pages / f"{index:04d}.jpg"

    def checkpointed(self) -> set[int]:
        """The pages, counted from 0, that have a checkpoint."""
        try:
            names = os.listdir(self.pages)
        except FileNotFoundError:
            return set()
        return {int(match[1]) for name in names if (match := _CHECKPOINT.fullmatch(name))}

    def remove_leftovers(self) -> None:
        """Remove rasters and temporary files of a daemon that ended in the middle of its work."""
        remove_tree(self.rasters, worthless=True)
        for folder in (self.path, self.pages, self.images, self.report_pages):
            if folder.is_dir():
                for name in filter(is_temporary, os.listdir(folder)):
                    remove_file(folder / name, missing_ok=True)

    def remove_work(self) -> None:
        """Remove what only the work needed, checkpoints included: the results are complete."""
        remove_tree(self.pages, worthless=True)
        remove_tree(self.rasters, worthless=True)


def is_job_id(name: str) -> bool:
    """Whether a folder of this name in jobs/ is one of ours."""
    return JOB_ID.fullmatch(name) is not None


def result_name(status: JobStatus) -> str:
    """The name of a result's folder: the PDF's stem, so written that every system shows it, and the short id."""
    stem = safe_name(PurePosixPath(status.filename).stem, _STEM_BYTES, _NAMELESS)
    return f"{stem}.{short_id(status.job_id)}"


def mirror_names(status: JobStatus) -> tuple[str, str]:
    """What a job's status file is called among those of other jobs: with the PDF's name, and without."""
    return f"{result_name(status)}.json", f"{_NAMELESS}.{short_id(status.job_id)}.json"


def subfolders(status: JobStatus) -> tuple[str, ...]:
    """The folders below the outbox or the failed folder that lead to a job's result: those of the PDF in the inbox.

    Whatever the status file says, each is one name, and they are never too long for a file system.
    """
    names: list[str] = []
    left = _SUBFOLDER_BYTES
    for part in PurePosixPath(status.source).parent.parts:
        if part in {"/", "//", ".", ".."}:
            continue
        name = safe_name(part, _NAME_BYTES, _NAMELESS_FOLDER)
        left -= len(os.fsencode(name)) + 1
        if left < 0:
            break
        names.append(name)
    return tuple(names)


def result_folder(root: Path, status: JobStatus) -> Path:
    """Where a job's result goes below the outbox or the failed folder, if nothing of that name is there."""
    return root.joinpath(*subfolders(status), result_name(status))


def displayable(name: str) -> str:
    """A file name as text that JSON can hold: bytes that are no UTF-8 are written as backslash escapes."""
    return os.fsencode(name).decode(errors="backslashreplace")
