"""A page that is done with: what the outputs need of it, on disk, so that it is never read again.

Figures and picture first, the JSON last: a page is done with when its JSON is there.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from pdfocr_watcher.document.model import FailedPage, Page
from pdfocr_watcher.jobs.durable import sync_folder, write_file
from pdfocr_watcher.jobs.folder import JobFolder

_SCHEMA = 1


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """What is known of a page: it was read, or it could not be.

    Attributes:
        page: the page, None if it could not be read.
        failed: why not, None if it was read.
    """

    page: Page | None
    failed: FailedPage | None


def write_page(folder: JobFolder, page: Page, picture: bytes, figures: Mapping[str, bytes]) -> None:
    """Checkpoint a page that was read.

    Args:
        folder: the job's folder; pages/ and, where there are figures, images/ are made.
        page: what was read.
        picture: the drawn layout picture, JPEG.
        figures: the figure crops, JPEG, by file name in images/.

    Raises:
        OSError: the file system refused; the page counts as not done.
    """
    if figures:
        folder.images.mkdir(exist_ok=True)
        for name, data in figures.items():
            write_file(folder.images / name, data)
        sync_folder(folder.images)
    folder.pages.mkdir(exist_ok=True)
    write_file(folder.layout_picture(page.index), picture)
    _write(folder, page.index, {"page": page.to_dict()})


def write_failed_page(folder: JobFolder, failed: FailedPage) -> None:
    """Checkpoint a page that could not be read.

    Raises:
        OSError: the file system refused.
    """
    folder.pages.mkdir(exist_ok=True)
    _write(folder, failed.index, {"failed": asdict(failed)})


def _write(folder: JobFolder, index: int, content: dict[str, Any]) -> None:
    data = json.dumps({"schema_version": _SCHEMA, **content}, ensure_ascii=False, separators=(",", ":"))
    write_file(folder.checkpoint(index), data.encode())
    sync_folder(folder.pages)


def read_checkpoint(path: Path) -> Checkpoint | None:
    """The checkpoint in a file; None if it is not a valid one, so that the page is read again.

    Raises:
        OSError: the file cannot be read.
    """
    try:
        data = json.loads(path.read_bytes())
        if data["schema_version"] != _SCHEMA:
            return None
        if "failed" in data:
            return Checkpoint(None, FailedPage(**data["failed"]))
        return Checkpoint(Page.from_dict(data["page"]), None)
    except (ValueError, KeyError, TypeError):
        return None
