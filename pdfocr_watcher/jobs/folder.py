"""Where a job lives: the names inside a job folder, and the name of its result."""

import os
import re
import shutil
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from pdfocr_watcher.document.figures import IMAGES_FOLDER
from pdfocr_watcher.jobs.durable import is_temporary
from pdfocr_watcher.jobs.model import JOB_ID, JobStatus, short_id

MARKDOWN_NAME = "output.mmd"
GROUNDING_NAME = "output_det.mmd"
LAYOUTS_NAME = "output_layouts.pdf"

PAGES_NAME = "pages"
RASTERS_NAME = "rasters"
CLAIM_NAME = "claim.json"

#: A file name may have 255 bytes; what is left is for the short id and a temporary prefix.
_STEM_BYTES = 200
_CHECKPOINT = re.compile(r"([0-9]{4,})\.json")


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

    @property
    def grounding(self) -> Path:
        """The text with the grounding markup."""
        return self.path / GROUNDING_NAME

    @property
    def layouts(self) -> Path:
        """The page pictures with the boxes drawn."""
        return self.path / LAYOUTS_NAME

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
    def claim_note(self) -> Path:
        """Where a copy's source is noted until it is removed."""
        return self.path / CLAIM_NAME

    def input(self, filename: str) -> Path:
        """The claimed file: input.pdf, or input with another suffix where it was never a PDF by name."""
        suffix = PurePosixPath(filename).suffix.lower()
        return self.path / f"input{suffix if re.fullmatch(r'[.][a-z0-9]{1,16}', suffix) else ''}"

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
        shutil.rmtree(self.rasters, ignore_errors=True)
        for folder in (self.path, self.pages, self.images):
            if folder.is_dir():
                for entry in list(os.scandir(folder)):
                    if is_temporary(entry.name):
                        Path(entry.path).unlink(missing_ok=True)

    def remove_work(self) -> None:
        """Remove what only the work needed, checkpoints included: the results are complete."""
        shutil.rmtree(self.pages, ignore_errors=True)
        shutil.rmtree(self.rasters, ignore_errors=True)


def is_job_id(name: str) -> bool:
    """Whether a folder of this name in jobs/ is one of ours."""
    return JOB_ID.fullmatch(name) is not None


def result_name(status: JobStatus) -> str:
    """The name of a result's folder: the PDF's stem and the short id."""
    stem = PurePosixPath(status.filename).stem.encode()[:_STEM_BYTES].decode(errors="ignore")
    return f"{stem}.{short_id(status.job_id)}"


def result_folder(root: Path, status: JobStatus) -> Path:
    """Where a job's result goes below the outbox or the failed folder: the PDF's sub-folder is kept."""
    return root.joinpath(*PurePosixPath(status.source).parent.parts, result_name(status))


def displayable(name: str) -> str:
    """A file name as text that JSON can hold: bytes that are no UTF-8 are written as backslash escapes."""
    return os.fsencode(name).decode(errors="backslashreplace")
