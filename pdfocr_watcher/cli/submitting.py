"""Putting a file into the inbox so that it is complete the moment it can be seen."""

import os
import shutil
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

from pdfocr_watcher.errors import ErrorCode, PdfocrError
from pdfocr_watcher.inbox.ignore import IgnoreRules
from pdfocr_watcher.jobs.durable import make_folders, sync_file, sync_folder, temporary_name

_NAME_TRIES = 10_000


def submit_file(file: Path, inbox: Path, into: str, ignore: Sequence[str]) -> str:
    """Copy a PDF into the inbox under its own name, or a numbered one where that is taken.

    Args:
        file: the PDF.
        inbox: the inbox, which must exist.
        into: a sub-folder of the inbox; made if it is missing.
        ignore: names that the daemon never looks at.

    Returns:
        The path in the inbox, relative to it.

    Raises:
        PdfocrError: the file cannot be taken (SUBMIT_REFUSED), or there is no inbox (FOLDER_UNUSABLE).
        OSError: the inbox refused.
    """
    if not inbox.is_dir():
        raise PdfocrError(ErrorCode.FOLDER_UNUSABLE, f"{inbox} is not there.")
    if PurePosixPath(into).is_absolute() or ".." in PurePosixPath(into).parts:
        raise PdfocrError(ErrorCode.SUBMIT_REFUSED, f"--into {into} leads out of the inbox.")
    if not file.is_file():
        raise PdfocrError(ErrorCode.SUBMIT_REFUSED, f"{file} is {'a folder' if file.is_dir() else 'not there'}.")
    if file.suffix.lower() != ".pdf":
        raise PdfocrError(ErrorCode.SUBMIT_REFUSED, f"{file} has no name that ends in .pdf.")
    if any(map(IgnoreRules.of(ignore).match, (*PurePosixPath(into).parts, file.name))):
        raise PdfocrError(ErrorCode.SUBMIT_REFUSED, f"inbox.ignore leaves out {PurePosixPath(into) / file.name}.")
    folder = inbox / into
    make_folders(folder)
    temporary = temporary_name(folder / file.name)
    try:
        shutil.copyfile(file, temporary)
        sync_file(temporary)
        target = _place(temporary, folder, file)
    except PermissionError as error:
        raise PdfocrError(ErrorCode.SUBMIT_REFUSED, f"{error.filename}: {error.strerror}.") from error
    finally:
        temporary.unlink(missing_ok=True)
    sync_folder(folder)
    return target.relative_to(inbox).as_posix()


def _place(temporary: Path, folder: Path, file: Path) -> Path:
    """Give the copy a free name: never over a file that is there."""
    for number in range(_NAME_TRIES):
        target = folder / (file.name if number == 0 else f"{file.stem} ({number}){file.suffix}")
        try:
            os.link(temporary, target)
        except FileExistsError:
            continue
        except OSError:  # no hard links on this file system
            if target.exists():
                continue
            temporary.rename(target)
        return target
    raise PdfocrError(ErrorCode.SUBMIT_REFUSED, f"{file.name} lies in the inbox {_NAME_TRIES} times.")
