"""A page that is done with: what the outputs need of it, on disk, so that it is never read again.

Figures and picture first, the JSON last: a page is done with when its JSON is there and what it names is too.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

from pdfocr_watcher.document.figures import FigureCrop, figure_crops
from pdfocr_watcher.document.model import FailedPage, Page
from pdfocr_watcher.errors import ErrorCode
from pdfocr_watcher.jobs.durable import is_regular_file, make_folder, remove_file, sync_folder, write_file
from pdfocr_watcher.jobs.folder import JobFolder
from pdfocr_watcher.jobs.model import well_formed

_SCHEMA = 1
NOTHING: Mapping[str, Any] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """What is known of a page: it was read, or it could not be.

    Attributes:
        page: the page, None if it could not be read.
        failed: why not, None if it was read.
        reading: how it was read, as JSON types: `turn` and `skew` (how it was made upright), `reader` (`text layer`,
            with what that was checked by) or `text_layer` (why it was not used), `tries` (what a model
            was asked and how that ended, one after the other), `malformed` (marks of the model that were none).
    """

    page: Page | None
    failed: FailedPage | None
    reading: Mapping[str, Any] = field(default_factory=dict)


def write_page(
    folder: JobFolder,
    page: Page,
    picture: bytes,
    figures: Mapping[str, bytes],
    reading: Mapping[str, Any] = NOTHING,
) -> None:
    """Checkpoint a page that was read.

    Args:
        folder: the job's folder; pages/ and, where there are figures, images/ are made.
        page: what was read.
        picture: the drawn layout picture, JPEG.
        figures: the figure crops, JPEG, by file name in images/.
        reading: how it was read, see `Checkpoint`.

    Raises:
        OSError: the file system refused; the page counts as not done.
    """
    if figures:
        _make_folder(folder.images)
        for name, data in figures.items():
            write_file(folder.images / name, data)
    if _remove_stale(folder, page.index, figures) or figures:
        sync_folder(folder.images)
    _make_folder(folder.pages)
    write_file(folder.layout_picture(page.index), picture)
    _write(folder, page.index, {"page": page.to_dict()}, reading)


def write_failed_page(folder: JobFolder, failed: FailedPage, reading: Mapping[str, Any] = NOTHING) -> None:
    """Checkpoint a page that could not be read.

    Args:
        folder: the job's folder.
        failed: the page.
        reading: what was tried, see `Checkpoint`.

    Raises:
        OSError: the file system refused.
    """
    if _remove_stale(folder, failed.index, {}):
        sync_folder(folder.images)
    _make_folder(folder.pages)
    _write(folder, failed.index, {"failed": asdict(failed)}, reading)


def _make_folder(folder: Path) -> None:
    """Make a folder of a job, its name durable; never the job's folder itself, which may just have been deleted."""
    try:
        make_folder(folder)
    except FileExistsError:
        return
    sync_folder(folder.parent)


def _remove_stale(folder: JobFolder, index: int, figures: Mapping[str, bytes]) -> bool:
    """Remove the figures of an earlier reading of the page that was not checkpointed; whether there were some."""
    number = len(figures)
    while is_regular_file(stale := folder.images / FigureCrop(index, number, 0, (0, 0, 1, 1)).filename):
        remove_file(stale, missing_ok=True)
        number += 1
    return number > len(figures)


def _write(folder: JobFolder, index: int, content: dict[str, Any], reading: Mapping[str, Any]) -> None:
    whole = {"schema_version": _SCHEMA, **content, **({"reading": dict(reading)} if reading else {})}
    data = json.dumps(whole, ensure_ascii=False, separators=(",", ":"))
    write_file(folder.checkpoint(index), well_formed(data).encode())
    sync_folder(folder.pages)


def read_checkpoint(path: Path) -> Checkpoint | None:
    """The checkpoint in a file; None if it is not a valid one, so that the page is read again.

    It is not valid either where it is not that of the page which the file's name says, or where the picture or a
    figure of the page is missing.

    Raises:
        OSError: the file cannot be read.
    """
    content = path.read_bytes()
    try:
        data = json.loads(content)
        if data["schema_version"] != _SCHEMA:
            return None
        reading = dict(data.get("reading", NOTHING))
        if "failed" in data:
            checkpoint = Checkpoint(None, _failed(data["failed"]), reading)
        else:
            checkpoint = Checkpoint(Page.from_dict(data["page"]), None, reading)
    except (ValueError, KeyError, TypeError, OverflowError, RecursionError):
        return None
    return checkpoint if _belongs(JobFolder(path.parent.parent), path, checkpoint) else None


def _failed(data: Mapping[str, Any]) -> FailedPage:
    return FailedPage(int(data["index"]), ErrorCode(data["code"]).value, str(data["message"]))


def _belongs(folder: JobFolder, path: Path, checkpoint: Checkpoint) -> bool:
    page = checkpoint.page
    if page is None:
        return checkpoint.failed is not None and path == folder.checkpoint(checkpoint.failed.index)
    if path != folder.checkpoint(page.index) or not is_regular_file(folder.layout_picture(page.index)):
        return False
    return all(is_regular_file(folder.images / crop.filename) for crop in figure_crops(page))
